"""Producers: the memory that makes a write happen exactly once.

A producer numbers its writes 1, 2, 3 …; the broker takes only the next one and remembers the outcomes of the last 512, so that it can repeat them word
for word when a write is sent again. What it remembers is stored with every batch: so it is kept small, and the writes of many who post in turn small too.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from hubbub.broker.core.changes import ProducerRow
from hubbub.broker.errors import StorageError
from hubbub.common.codec import encode
from hubbub.common.limits import WINDOW_COMMANDS

STEPS: Final = 128
"""Writes whose events do not follow each other that one outcome gathers: 160 bytes. 512 of them fit into a row that needs no second page of SQLite's."""


class Outcome(msgspec.Struct, array_like=True, gc=False):
    """What became of writes n … n+count-1: events of `room`, the first of them `seq`; or, with a code, refused for good.

    `steps`: how much greater than the one before the seq is of each event but the first; None: by 1.
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
        index = n - self.n
        return self.seq + (index if self.steps is None else sum(self.steps[:index]))

    @property
    def last_seq(self) -> int:
        """The seq of the last of them."""
        return self.seq_of(self.n + self.count - 1)


_decoder = msgspec.msgpack.Decoder(list[Outcome])


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


@dataclass(slots=True)
class Producer:
    """One producer of one account. `n` is the highest number used."""

    n: int = 0
    used: int = 0
    outcomes: deque[Outcome] = field(default_factory=deque)
    """Of the last 512 numbers, and some before them."""
    _last_seq: int = 0
    """Of the newest outcome."""
    _packed: bytes = b""

    @classmethod
    def from_row(cls, row: ProducerRow) -> "Producer":
        """Make it from its stored row; the outcomes are kept packed until they are first needed. Raises StorageError if they are damaged."""
        try:
            _decoder.decode(row.outcomes)
        except (msgspec.DecodeError, TypeError) as error:
            raise StorageError(
                f"the database is damaged: restore it from a backup (outcomes of writes: {error})"
            ) from error
        return cls(row.n, row.used, _packed=row.outcomes)

    def unpack(self) -> None:
        """Decode the stored outcomes. Call before touching `outcomes`."""
        if self._packed:
            self.outcomes.extend(_decoder.decode(self._packed))
            self._packed = b""
            if self.outcomes:
                self._last_seq = self.outcomes[-1].last_seq

    def succeeded(self, count: int, room: bytes, seq: int) -> None:
        """Remember the success of the next writes: events from seq on."""
        n, self.n = self.n + 1, self.n + count
        step, self._last_seq = seq - self._last_seq, seq + count - 1
        newest = self.outcomes[-1] if self.outcomes else None
        if newest is None or newest.room != room or newest.code:
            self.outcomes.append(Outcome(n, count, room, seq))
        elif newest.steps is None and step == 1:
            newest.count += count
        elif newest.count + count <= STEPS:
            if newest.steps is None:
                newest.steps = [1] * (newest.count - 1)
            newest.steps += [step, *[1] * (count - 1)]
            newest.count += count
        else:
            self.outcomes.append(Outcome(n, count, room, seq))

    def refused(self, outcome: Outcome) -> None:
        """Remember that the next write is refused."""
        self.n = outcome.n
        self.outcomes.append(outcome)

    def row(self) -> ProducerRow:
        """Return the row to store, outcomes of the last 512 numbers only."""
        outcomes = self.outcomes
        while outcomes and outcomes[0].n + outcomes[0].count - 1 <= self.n - WINDOW_COMMANDS:
            outcomes.popleft()
        return ProducerRow(self.n, self.used, encode(list(outcomes)))

    def remembered(self, n: int) -> Outcome | None:
        """Return the outcome of write n alone, None if it is too old."""
        for outcome in self._newest_first():
            if outcome.n <= n < outcome.n + outcome.count:
                seq = outcome.seq_of(n)
                return Outcome(n, 1, outcome.room, seq, outcome.code, outcome.text)
        return None

    def _newest_first(self) -> Iterator[Outcome]:
        self.unpack()
        return reversed(self.outcomes)
