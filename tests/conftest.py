"""Fixtures that start real brokers and clients; see `tests/processes.py`."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.processes import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """A place for one broker and its people, all of them ended after the test."""
    with ExitStack() as stack:
        yield Town(tmp_path, stack)
