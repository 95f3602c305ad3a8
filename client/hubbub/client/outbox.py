"""The outbox: what was written and is not yet answered, and the producer that makes each write happen exactly once.

Owns the numbers n, the window and going back. Pure: `now` is an argument. Writes leave in frames as full as they can be, so under load
they batch by themselves. An entry stays until its outcome is known, across reconnects, in the order written.

The rules: the broker takes only n = highest + 1 and repeats the outcome of what it knows, so sending an entry again never doubles it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, Protocol

from msgspec import Struct
from msgspec.structs import replace

from hubbub.client.effects import Ticket
from hubbub.common.codec import encode
from hubbub.common.commands import Leave, Mark, Post, Skip, Write
from hubbub.common.limits import (
    COMMANDS_PER_FRAME,
    FRAME_UP_BYTES,
    WINDOW_BYTES,
    WINDOW_COMMANDS,
)
from hubbub.common.names import fold

PATIENCE_SECONDS: Final = 2.0
"""With no answer for this long on a live session, everything unanswered is sent again."""
SAME_FLIGHT_SECONDS: Final = 1.0
"""One lost place in a flight of frames is told once per frame: going back once is enough for all of them."""
_FRAME_HEADER: Final = 8
_N_BYTES: Final = 9
"""The longest encoding of n, so that renumbering never makes an entry larger than was reckoned."""


@dataclass(frozen=True, slots=True)
class KeptWrite:
    """A write of an earlier process. `room`: the name of the room that it goes to, if it goes to one."""

    id: int
    write: Write
    room: str


@dataclass(frozen=True, slots=True)
class Kept:
    """What an earlier process left without an outcome, in order, its numbers without a hole; `epoch` is that of the log it wrote to."""

    producer: bytes
    epoch: bytes
    writes: Sequence[KeptWrite]


class Keeper(Protocol):
    """Where an outbox is kept beyond its process; told of each change, by the id of the entry."""

    def began(self, producer: bytes) -> None: ...
    def entered(self, epoch: bytes) -> None: ...
    def added(self, id: int, write: Write, room: str) -> None: ...
    def changed(self, id: int, write: Write) -> None: ...
    def dropped(self, id: int) -> None: ...


class _Forgetful:
    """Keeps nothing: the outbox lives as long as its process."""

    def began(self, producer: bytes) -> None: ...
    def entered(self, epoch: bytes) -> None: ...
    def added(self, id: int, write: Write, room: str) -> None: ...
    def changed(self, id: int, write: Write) -> None: ...
    def dropped(self, id: int) -> None: ...


@dataclass(frozen=True, slots=True)
class Keeping:
    """How an outbox is kept: by whom, what was there, and who makes the tickets of that."""

    keeper: Keeper = field(default_factory=_Forgetful)
    kept: Kept | None = None
    new_ticket: Callable[[], Ticket] = lambda: None


class Entry(Struct):
    """A write, its caller's ticket, and what became of it. `id` stays when the write is numbered anew; `room` is the name of the room that it goes to."""

    id: int
    write: Write
    ticket: Ticket
    size: int
    room: str = ""
    undo: tuple[Ticket, ...] = ()
    """The tickets of those who want it cancelled."""
    sent: bool = False
    seen: bool = False
    """An event was taken for it before its ack came."""
    done: bool = False


class Outbox:
    """All writes of one client. `producer` must be the one named in `login` before `frames` is asked."""

    def __init__(self, producer: bytes, keeping: Keeping | None = None) -> None:
        keeping = keeping or Keeping()
        kept = keeping.kept
        self._keeper = keeping.keeper
        self._entries: deque[Entry] = deque()
        self._first = 1
        self._ids = 0
        if kept is None:
            self.producer = producer
            self._keeper.began(producer)
        else:
            self.producer = kept.producer
            self._resume(kept.writes, keeping.new_ticket)
        self._sent = 0
        self._sent_bytes = 0
        self._gone = 0
        self._hold_until = 0.0
        self._deadline: float | None = None
        self._back_to = 0
        self._back_until = 0.0

    def _resume(self, writes: Sequence[KeptWrite], new_ticket: Callable[[], Ticket]) -> None:
        self._first = writes[0].write.n
        self._ids = writes[-1].id
        for place, it in enumerate(writes):
            size = len(encode(it.write)) + _N_BYTES
            # What lies within the window was perhaps sent: only the broker knows. What lies behind it was not.
            sent = place < WINDOW_COMMANDS
            self._entries.append(Entry(it.id, it.write, new_ticket(), size, it.room, sent=sent))

    def __len__(self) -> int:
        return len(self._entries)

    def __iter__(self) -> Iterator[Entry]:
        """Yield what has no outcome yet, in order."""
        return (entry for entry in self._entries if not entry.done)

    @property
    def first_n(self) -> int:
        """The number of the first write without an outcome."""
        return self._first

    @property
    def next_n(self) -> int:
        """The number of the next write to be added."""
        return self._first + len(self._entries)

    @property
    def written(self) -> int:
        """How many writes were ever added."""
        return self._gone + len(self._entries)

    @property
    def answered(self) -> int:
        """How many of them, from the first on without a hole, have their outcome."""
        return self._gone

    def add(self, write: Write, ticket: Ticket, room: str = "") -> None:
        """Append a write whose n is `next_n`; `room` is the name of the room that it goes to."""
        assert write.n == self.next_n
        self._ids += 1
        self._keeper.added(self._ids, write, room)  # first: what cannot be kept is not written
        self._entries.append(Entry(self._ids, write, ticket, len(encode(write)) + _N_BYTES, room))

    def cancel(self, id: int, ticket: Ticket) -> bool:
        """Have nothing done in place of a write, if the broker has not taken it yet; the ticket is told with its outcome. False: it has one."""
        entry = next((entry for entry in self if entry.id == id), None)
        if entry is None:
            return False
        entry.undo = (*entry.undo, ticket)
        self._change(entry, Skip(entry.write.n))
        return True

    def _change(self, entry: Entry, write: Write) -> None:
        if write != entry.write:
            entry.write = write
            self._keeper.changed(entry.id, write)

    def frames(self, now: float) -> Iterator[tuple[Write, ...]]:
        """Yield what may be sent now, each item one frame; from then on it counts as in flight."""
        if now < self._hold_until:
            return
        while frame := self._fill():
            if self._deadline is None:
                self._deadline = now + PATIENCE_SECONDS
            yield frame

    def _fill(self) -> tuple[Write, ...]:
        frame: list[Write] = []
        size = _FRAME_HEADER
        for entry in islice(self._entries, self._sent, WINDOW_COMMANDS):
            size += entry.size
            if (
                size > FRAME_UP_BYTES
                or len(frame) == COMMANDS_PER_FRAME
                or self._sent_bytes + entry.size > WINDOW_BYTES
            ):
                break
            entry.sent = True
            self._sent_bytes += entry.size
            frame.append(entry.write)
        self._sent += len(frame)
        return tuple(frame)

    def settle(self, n: int, count: int, now: float) -> list[tuple[int, Entry]]:
        """Take the outcome of writes n … n+count-1. Returns those that had none yet, each with its offset from n; repeats return nothing."""
        settled = []
        first = max(n, self._first)
        answered = islice(self._entries, first - self._first, max(0, n + count - self._first))
        for offset, entry in enumerate(answered, first - n):
            if entry.sent and not entry.done:
                entry.done = True
                settled.append((offset, entry))
        if settled:
            self._deadline = now + PATIENCE_SECONDS
            self._drop_done()
        return settled

    def _drop_done(self) -> None:
        while self._entries and self._entries[0].done:
            entry = self._entries.popleft()
            self._keeper.dropped(entry.id)
            self._first += 1
            self._gone += 1
            if self._sent:  # zero after going back: then an ack came that was on its way
                self._sent -= 1
                self._sent_bytes -= entry.size
        if not self._sent:
            self._deadline = None

    def go_back(self, n: int, now: float, retry_after: float) -> None:
        """Nothing from n on was taken: send it again, `retry_after` seconds from now."""
        index = n - self._first
        if not 0 <= index < self._sent:
            return
        if n == self._back_to and now + retry_after < self._back_until:
            # Probably caused by the same flight. If not, no progress will show it.
            self._deadline = self._back_until
            return
        self._back_to = n
        self._back_until = now + max(SAME_FLIGHT_SECONDS, retry_after)
        self._hold_until = now + retry_after
        self._rewind(index)

    def _rewind(self, index: int) -> None:
        while self._sent > index:
            self._sent -= 1
            self._sent_bytes -= self._entries[self._sent].size
        self._deadline = None

    def tick(self, now: float) -> None:
        """Send everything unanswered again if there was no progress for too long."""
        if self._deadline is not None and now >= self._deadline:
            self._rewind(0)

    def wake_at(self, now: float) -> float | None:
        """When to come back: `tick` or `frames` has something to do then."""
        if now < self._hold_until and self._sent < len(self._entries):
            return min(self._hold_until, self._deadline or self._hold_until)
        return self._deadline

    def reconnected(self) -> None:
        """A new session of the same producer: everything unanswered is sent again, at once."""
        self._rewind(0)
        self._hold_until = self._back_until = 0.0

    def restart(self, producer: bytes) -> None:
        """Go on as another producer: what is unanswered is numbered from 1 and sent again."""
        self.producer = producer
        self._keeper.began(producer)
        self.reconnected()
        self._first = 1
        self._keep([entry for entry in self._entries if not entry.done])
        for n, entry in enumerate(self._entries, 1):
            self._change(entry, replace(entry.write, n=n))

    def move(self, rooms: Mapping[str, bytes], inbox: bytes) -> None:
        """Another log took the place of the one before. Its rooms, by folded name, and one's inbox have these ids; seqs of that one mean nothing now."""
        for entry in self._entries:
            write = entry.write
            if isinstance(write, Post | Leave | Mark):
                log = rooms.get(fold(entry.room), write.room) if entry.room else inbox
                moved = replace(write, room=log)
                self._change(entry, replace(moved, seq=0) if isinstance(moved, Mark) else moved)

    def remove_sent(self) -> list[Entry]:
        """Take out and return what was ever sent and not answered: its outcome will never be known. `restart` must follow."""
        self._rewind(0)
        lost = [entry for entry in self._entries if entry.sent and not entry.done]
        self._keep([entry for entry in self._entries if not entry.sent])
        return lost

    def remove_all(self) -> list[Entry]:
        """Take out and return everything unanswered: the client is over."""
        self._rewind(0)
        lost = [entry for entry in self._entries if not entry.done]
        self._gone += len(self._entries)
        self._entries.clear()  # what is kept stays kept
        return lost

    def _keep(self, entries: list[Entry]) -> None:
        stay = {entry.id for entry in entries}
        for entry in self._entries:
            if entry.id not in stay:
                self._keeper.dropped(entry.id)
        self._gone += len(self._entries) - len(entries)
        self._entries = deque(entries)

    def entered(self, epoch: bytes) -> None:
        """What is written goes to the log of this epoch."""
        self._keeper.entered(epoch)

    def claim(self, is_it: Callable[[Write], bool]) -> bool:
        """Mark the first write in flight that `is_it` accepts as seen; False if there is none. Each write is claimed once."""
        for entry in islice(self._entries, WINDOW_COMMANDS):
            if not entry.sent:
                break
            if not (entry.done or entry.seen) and is_it(entry.write):
                entry.seen = True
                return True
        return False
