"""How a batch's events of a room become runs: in order, bounded, each with the digest after its last."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.core.memory_store import LOBBY, LOBBY_NUMBER, MemoryStore

from hubbub.broker.core.apply import apply
from hubbub.broker.core.event_runs import RUN_BYTES, RUN_EVENTS, cut, taken_apart
from hubbub.broker.core.limits import LIMITS
from hubbub.broker.core.records import Record, Register, Submission, Writes
from hubbub.broker.core.state import State
from hubbub.common.codec import decode_events
from hubbub.common.commands import Create, Post
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import KIB


def lengths(events: list[bytes]) -> list[int]:
    """How many events each run has."""
    return [run.last - run.first + 1 for run in cut(7, 0, EMPTY, events)]


@given(sizes=st.lists(st.sampled_from([0, 1, 100, 20 * KIB, RUN_BYTES]), max_size=700))
def test_runs_put_together_are_the_events(sizes: list[int]) -> None:
    events = [bytes([place % 256]) * size for place, size in enumerate(sizes)]
    digest, together = extend(EMPTY, b"before"), list[bytes]()
    for run in cut(7, 1, digest, events):
        found = taken_apart(run.first, run.last, run.events)
        assert (run.room, run.first, run.last) == (
            7,
            len(together) + 2,
            len(together) + len(found) + 1,
        )
        assert len(found) <= RUN_EVENTS
        assert len(found) == 1 or len(run.events) <= RUN_BYTES
        digest = extend(digest, *found)
        assert run.digest == digest
        together += found
    assert together == events


def test_a_run_has_as_many_events_as_its_bounds_allow() -> None:
    assert lengths([b"x"] * 600) == [256, 256, 88]
    assert lengths([bytes(10 * KIB)] * 13) == [6, 6, 1]
    assert lengths([b"x", bytes(80 * KIB), b"y", b"z"]) == [1, 1, 2]


def test_a_run_is_stored_as_it_is_published_and_one_event_as_it_is() -> None:
    [several], [one] = cut(7, 0, EMPTY, [b"one", b"two"]), cut(7, 2, EMPTY, [b"three"])
    assert decode_events(several.events) == [b"one", b"two"]
    assert one.events == b"three"


@pytest.mark.parametrize("stored", [b"", b"\xc1", b"\x90", b"\x91\xc4\x01x", b"\x92\xa1x\xa1y"])
def test_bytes_that_are_not_so_many_events_are_refused(stored: bytes) -> None:
    with pytest.raises(ValueError, match="events 3 to 4 of a log cannot be read"):
        taken_apart(3, 4, stored)


def test_what_many_write_in_one_batch_is_one_run_of_the_room() -> None:
    store = MemoryStore()
    state = State(store.load())

    def commits(*records: Record) -> list[tuple[int, int, int]]:
        batch = apply(state, [Submission(record, b"", 1, 100) for record in records], LIMITS)
        store.commit(batch.changes)
        return [(run.room, run.first, run.last) for run in batch.changes.events]

    names = ["Alice", "Bob", "Carol"]
    commits(*(Register(name, name.encode().hex().ljust(64, "0"), 1000) for name in names))
    written = (
        Writes(
            number,
            bytes([number] * 16),
            1000,
            [Post(1, LOBBY, "hi"), Create(2, f"den-{number}"), Post(3, LOBBY, "ho")],
        )
        for number in (1, 2, 3)
    )
    assert commits(*written) == [(LOBBY_NUMBER, 1, 6), (2, 1, 1), (3, 1, 1), (4, 1, 1)]
