"""The chain of one log, checked row by row as it was stored: which row is missing, or is not what was written.

Pure. A row is checked against the *stored* digest before it, so that one bad row is told once, and what stands behind it is still proved: the digest of
row k vouches for the bytes of row k if the digest of row k - 1 does not lie. Which of both lies shows at row k + 1.
"""

from hubbub.broker.store.findings import Fault
from hubbub.common.digest import EMPTY, extend

_EITHER = "the event or its digest is not what was written"
_EVENT = "the event is not what was written"
_DIGEST = "the digest is not what was written"


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
        """How many rows are missing among those taken."""
        self.end = 0
        """The last seq that there ever was, as far as is known."""
        self.faults: list[Fault] = []
        self._before: bytes | None = EMPTY
        self._computed: bytes | None = None
        """What the digest of the row before should have been, if it is in doubt: its fault is the last."""

    def take(self, seq: int, event: bytes | None, digest: bytes, holds: str = "") -> None:
        """Take the next row. `event` None: it is gone, and that is told already; `holds`: what one sees is wrong with it without any digest."""
        if seq <= self.seq:
            self._fault(seq, "there is a second row")
            return
        if seq > self.seq + 1:
            self._missing(self.seq + 1, seq - 1)
            self.holes += seq - self.seq - 1
        computed = None if self._before is None or event is None else extend(self._before, event)
        if event is None:
            self._computed = None
        else:
            self._compare(seq, event, digest, computed, holds)
        self.first = self.first or seq
        self.seq = self.end = seq
        self.count += 1
        self.digest = digest
        # A row in another's place proves nothing of the next.
        self._before = None if holds else digest

    def _compare(
        self, seq: int, event: bytes, digest: bytes, computed: bytes | None, holds: str
    ) -> None:
        doubted, self._computed = self._computed, None
        if computed in (None, digest):
            self._settle(doubted, _EVENT)
        elif doubted is not None and extend(doubted, event) == digest:
            self._settle(doubted, _DIGEST)
        else:
            self._computed = None if holds else computed
            self._fault(seq, holds or _EITHER)
            return
        if holds:
            self._fault(seq, holds)

    def _settle(self, doubted: bytes | None, what: str) -> None:
        if doubted is not None:
            self.faults[-1] = Fault(self.where, self.faults[-1].seq, what)

    def _missing(self, first: int, last: int) -> None:
        self._fault(first, "is missing" if first == last else f"to {last} are missing")
        self._before = self._computed = None  # what follows cannot be proved by what is gone

    def ends_at(self, seq: int) -> None:
        """Say that the log went up to `seq` at least: there is word of it elsewhere."""
        if seq > self.end:
            self._missing(self.end + 1, seq)
            self.end = seq

    def _fault(self, seq: int, what: str) -> None:
        self.faults.append(Fault(self.where, seq, what))
