"""The chain of one log, checked row by row as it was stored: which row is missing, or is not what was written.

Pure. A row holds a run of events, or one, and the digest after the last of them. It is checked against the *stored* digest before it, so that one bad row is
told once, and what stands behind it is still proved: the digest of a row vouches for its events if the digest of the row before does not lie. Which of
both lies shows at the next row.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from hubbub.broker.store.findings import Fault
from hubbub.common.digest import EMPTY, extend

_EITHER: Final = "the event or its digest is not what was written"
_EITHERS: Final = "the events or their digest are not what was written"
_EVENT: Final = "the event is not what was written"
_EVENTS: Final = "the events are not what was written"
_DIGEST: Final = "the digest is not what was written"


class Row(NamedTuple):
    """One row of a log: its events from the seq `first` to `last`."""

    first: int
    last: int
    digest: bytes
    events: Sequence[bytes] | None
    """None: they are gone, or cannot be read."""


class Chain:
    """Takes the rows of one log in the order of their seqs. `where` is how people call the log."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.first = 0
        self.seq = 0
        self.count = 0
        self.digest = EMPTY
        """Of the last row, as stored."""
        self.holes = 0
        """How many events are missing among those taken."""
        self.end = 0
        """The last seq that there ever was, as far as is known."""
        self.faults: list[Fault] = []
        self._before: bytes | None = EMPTY
        self._computed: bytes | None = None
        """What the digest of the row before should have been, if it is in doubt: its fault is the last."""

    def take(self, row: Row, seen: Fault | None = None) -> None:
        """Take the next row. `seen`: what one sees is wrong with it without any digest."""
        if row.first <= self.seq:
            self._tell(row.first, row.last, "there is a second row")
            return
        if row.first > self.seq + 1:
            self._missing(self.seq + 1, row.first - 1)
            self.holes += row.first - self.seq - 1
        if row.events is None:
            self._computed = None
        else:
            self._compare(row, row.events, seen)
        if seen is not None:
            self.faults.append(seen)
        self.first = self.first or row.first
        self.seq = self.end = row.last
        self.count += row.last - row.first + 1
        self.digest = row.digest
        # Events in others' place prove nothing of the next.
        self._before = row.digest if seen is None or row.events is None else None

    def _compare(self, row: Row, events: Sequence[bytes], seen: Fault | None) -> None:
        """Prove the row by the digest before it, and so perhaps what that one leaves in doubt."""
        computed = None if self._before is None else extend(self._before, *events)
        doubted, self._computed = self._computed, None
        if computed in (None, row.digest):
            if doubted is not None:
                self._settle(_EVENT, _EVENTS)
        elif doubted is not None and extend(doubted, *events) == row.digest:
            self._settle(_DIGEST, _DIGEST)
        elif seen is None:
            self._computed = computed
            several = row.first != row.last
            self._tell(row.first, row.last, _EITHERS if several else _EITHER)

    def _settle(self, one: str, several: str) -> None:
        """Let the last fault say which of a row is not what was written."""
        fault = self.faults[-1]
        self.faults[-1] = replace(fault, what=one if fault.last == fault.seq else several)

    def _missing(self, first: int, last: int) -> None:
        self._tell(first, last, "is missing" if first == last else "are missing")
        self._before = self._computed = None  # what follows cannot be proved by what is gone

    def ends_at(self, seq: int) -> None:
        """Say that the log went up to `seq` at least: there is word of it elsewhere."""
        if seq > self.end:
            self._missing(self.end + 1, seq)
            self.end = seq

    def _tell(self, first: int, last: int, what: str) -> None:
        self.faults.append(Fault(self.where, first, what, last))
