"""Runs: a room's log is stored as rows of several events, each what one batch appended, since a row costs the store far more than an event in it.

A run is what is proved, too: of its events only the digest after the last is stored. It is bounded, so that little is read, and hashed again, for a page
that begins inside it. One event alone, as most are where people speak in turn, is stored as it is: nothing is to be decoded for a page of such. Several are an
array of bin, as the second frame of a publication is. Nobody here looks into an event.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from hubbub.common.codec import decode_events, encode, split
from hubbub.common.digest import extend
from hubbub.common.errors import WireError
from hubbub.common.limits import KIB

RUN_EVENTS: Final = 256
"""Hashing them all again takes 0.2 ms."""
RUN_BYTES: Final = 64 * KIB
"""Of its events together, with 5 bytes for each; one that is larger is a run of its own."""


class EventRun(NamedTuple):
    """A row: events `first` to `last` of a room (its number), and the digest of the log up to and with the last."""

    room: int
    first: int
    last: int
    digest: bytes
    events: bytes
    """One event's bytes, or an array of several."""


def cut(room: int, seq: int, digest: bytes, events: Sequence[bytes]) -> Iterator[EventRun]:
    """Yield the runs of the events that follow `seq`, after which the log's digest was `digest`."""
    for run in split(events, RUN_BYTES, RUN_EVENTS):
        digest = extend(digest, *run)
        stored = run[0] if len(run) == 1 else encode(run)
        yield EventRun(room, seq + 1, seq + len(run), digest, stored)
        seq += len(run)


def taken_apart(first: int, last: int, events: bytes) -> list[bytes]:
    """Return the events of a stored run. Raises ValueError if these are not the bytes of so many."""
    if first == last:
        return [events]
    try:
        found = decode_events(events)
    except (WireError, TypeError):
        found = []
    if len(found) != last - first + 1:
        raise ValueError(f"events {first} to {last} of a log cannot be read")
    return found
