"""The bench's readers: the library and a bare loop read all that the fountain publishes."""

from pathlib import Path

from bench.scenarios.library import bare_events, fountain, library_events


def test_both_readers_read_all_that_is_published(tmp_path: Path) -> None:
    with fountain(500, 50, encrypted=True) as source:
        assert bare_events(source) > 0
        assert library_events(source, tmp_path) > 0
