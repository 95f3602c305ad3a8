"""Producers: the memory that makes a write happen exactly once.

A producer numbers its writes 1, 2, 3 …; the broker takes only the next one and remembers the outcomes of the last 512 as runs, so that it can repeat
them word for word when a write is sent again.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from hubbub.broker.core.changes import ProducerRow
from hubbub.broker.errors import StorageError
from hubbub.common.codec import encode
from hubbub.common.limits import WINDOW_COMMANDS


class Outcome(msgspec.Struct, array_like=True, gc=False):
    """What became of writes n … n+count-1: events seq … of `room`, or, with a code, refused for good."""

    n: int
    count: int
    room: bytes
    seq: int
    code: str = ""
    text: str = ""

    def extend(self, n: int, room: bytes, seq: int) -> bool:
        """Take in the success of write n if it continues this run; return whether it does."""
        count = self.count
        if self.n + count != n or self.seq + count != seq or self.room != room or self.code:
            return False
        self.count = count + 1
        return True


_decoder = msgspec.msgpack.Decoder(list[Outcome])


class Runs:
    """Outcomes in the order of their numbers, adjoining successes gathered into runs."""

    __slots__ = ("outcomes",)

    def __init__(self) -> None:
        self.outcomes: deque[Outcome] = deque()

    def succeeded(self, n: int, room: bytes, seq: int) -> None:
        """Append the success of write n."""
        outcomes = self.outcomes
        if outcomes and outcomes[-1].extend(n, room, seq):
            return
        outcomes.append(Outcome(n, 1, room, seq))

    def append(self, outcome: Outcome) -> None:
        """Append an outcome that is no continuation."""
        self.outcomes.append(outcome)


@dataclass(slots=True)
class Producer:
    """One producer of one account. `n` is the highest number used."""

    n: int = 0
    used: int = 0
    runs: Runs = field(default_factory=Runs)
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
        """Decode the stored outcomes. Call before touching `runs`."""
        if self._packed:
            self.runs.outcomes.extend(_decoder.decode(self._packed))
            self._packed = b""

    def row(self) -> ProducerRow:
        """Return the row to store, outcomes of the last 512 numbers only."""
        outcomes = self.runs.outcomes
        while outcomes and outcomes[0].n + outcomes[0].count - 1 <= self.n - WINDOW_COMMANDS:
            outcomes.popleft()
        return ProducerRow(self.n, self.used, encode(list(outcomes)))

    def remembered(self, n: int) -> Outcome | None:
        """Return the outcome of write n alone, None if it is too old."""
        for outcome in self._newest_first():
            if outcome.n <= n < outcome.n + outcome.count:
                return Outcome(
                    n, 1, outcome.room, outcome.seq + n - outcome.n, outcome.code, outcome.text
                )
        return None

    def _newest_first(self) -> Iterator[Outcome]:
        self.unpack()
        return reversed(self.runs.outcomes)
