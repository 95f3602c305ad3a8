"""Producers: the memory that makes a write happen exactly once.

A producer numbers its writes 1, 2, 3 …; the broker takes only the next one and remembers the outcomes of the last 512, so that it can repeat them word
for word when a write is sent again. What it remembers is stored with every batch: so it is kept small, the writes of many who post in turn too, and only
the newest outcome is encoded again for it.
"""

from dataclasses import dataclass, field
from typing import Final, NamedTuple

import msgspec

from hubbub.broker.core.changes import ProducerRow
from hubbub.broker.errors import StorageError
from hubbub.common.codec import encode
from hubbub.common.limits import WINDOW_COMMANDS

STEPS: Final = 128
"""Writes whose events do not follow each other that one outcome gathers: 160 bytes, or less. 512 of them fit into a row that needs no second page of SQLite's."""


class Outcome(msgspec.Struct, array_like=True, gc=False):
    """What became of writes n … n+count-1: events of `room`, the first of them `seq`; or, with a code, refused for good.

    `steps`: how much greater than the one before the seq is of each but the first (a marker's may be the same); -k stands for k of them, each by 1. None: all by 1.
    """

    n: int
    count: int
    room: bytes
    seq: int
    code: str = ""
    text: str = ""
    steps: list[int] | None = None

    def seq_of(self, n: int) -> int:
        """Return the seq of the event of one of these writes."""
        seq, left = self.seq, n - self.n
        for step in self.steps or ():
            events = max(-step, 1)
            if left < events:
                break
            seq += abs(step)
            left -= events
        return seq + left

    @property
    def last(self) -> int:
        """The last of these writes."""
        return self.n + self.count - 1

    @property
    def last_seq(self) -> int:
        """The seq of its event."""
        return self.seq_of(self.last)


_one: Final = msgspec.msgpack.Decoder(Outcome)
_all: Final = msgspec.msgpack.Decoder(list[Outcome])


def unpacked(outcomes: bytes) -> list[Outcome]:
    """Read the outcomes of a producer's row. Raises ValueError."""
    try:
        return _all.decode(outcomes)
    except (msgspec.DecodeError, TypeError) as error:
        raise ValueError(f"outcomes of writes: {error}") from error


class Runs:
    """Outcomes in the order in which they are told, adjoining successes gathered into runs."""

    __slots__ = ("outcomes",)

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []

    def succeeded(self, n: int, count: int, room: bytes, seq: int) -> None:
        """Append the success of writes from n on: events from seq on."""
        if self.outcomes:
            last = self.outcomes[-1]
            ends = last.n + last.count, last.seq + last.count
            if ends == (n, seq) and last.room == room and not last.code:
                last.count += count
                return
        self.outcomes.append(Outcome(n, count, room, seq))

    def append(self, outcome: Outcome) -> None:
        """Append an outcome that is no continuation."""
        self.outcomes.append(outcome)


class _Packed(NamedTuple):
    """An outcome to which nothing is added any more: its last write, and it as it is stored."""

    last: int
    outcome: msgspec.Raw


@dataclass(slots=True)
class Producer:
    """One producer of one account. `n` is the highest number used."""

    n: int = 0
    used: int = 0
    _older: list[_Packed] = field(default_factory=list)
    """Of the last 512 numbers, and some before them."""
    _newest: Outcome | None = None
    _last_seq: int = 0
    """Of the newest outcome."""
    _row: bytes = b""
    """All of them as they were loaded, until they are first needed."""

    @classmethod
    def from_row(cls, row: ProducerRow) -> "Producer":
        """Make it from its stored row. Raises StorageError if the outcomes are damaged."""
        try:
            unpacked(row.outcomes)
        except ValueError as error:
            raise StorageError(
                f"the database is damaged: restore it from a backup ({error})"
            ) from error
        return cls(row.n, row.used, _row=row.outcomes)

    def unpack(self) -> None:
        """Read the outcomes that were loaded. Call before anything else."""
        if self._row:
            for outcome in unpacked(self._row):
                self._begin(outcome)
                self._last_seq = outcome.last_seq
            self._row = b""

    def _begin(self, outcome: Outcome) -> None:
        """Let this be the newest outcome."""
        if self._newest is not None:
            self._older.append(_Packed(self._newest.last, msgspec.Raw(encode(self._newest))))
        self._newest = outcome

    def succeeded(self, count: int, room: bytes, seq: int) -> None:
        """Remember the success of the next writes: events from seq on."""
        n, self.n = self.n + 1, self.n + count
        step, self._last_seq = seq - self._last_seq, seq + count - 1
        newest = self._newest
        if newest is None or newest.room != room or newest.code:
            self._begin(Outcome(n, count, room, seq))
        elif newest.steps is None and step == 1:
            newest.count += count
        elif step >= 0 and newest.count + count <= STEPS:
            if newest.steps is None:
                newest.steps = [1 - newest.count] if newest.count > 1 else []
            newest.steps.append(step)
            if count > 1:
                newest.steps.append(1 - count)
            newest.count += count
        else:
            self._begin(Outcome(n, count, room, seq))

    def refused(self, outcome: Outcome) -> None:
        """Remember that the next write is refused."""
        self.n = outcome.n
        self._begin(outcome)

    def row(self) -> ProducerRow:
        """Return the row to store, outcomes of the last 512 numbers only."""
        while self._older and self._older[0].last <= self.n - WINDOW_COMMANDS:
            del self._older[0]
        outcomes: list[msgspec.Raw | Outcome] = [older.outcome for older in self._older]
        if self._newest is not None:
            outcomes.append(self._newest)
        return ProducerRow(self.n, self.used, encode(outcomes))

    def remembered(self, n: int) -> Outcome | None:
        """Return the outcome of write n, which was done, alone; None if it is too old."""
        outcome = next(
            (_one.decode(older.outcome) for older in self._older if n <= older.last), self._newest
        )
        if outcome is None or n < outcome.n:
            return None
        return Outcome(n, 1, outcome.room, outcome.seq_of(n), outcome.code, outcome.text)
