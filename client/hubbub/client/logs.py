"""One log (a room's or the own inbox) as this client reads it: every event once, in order, none missing unnoticed.

Owns the cursor (seq and digest of the last event read), what arrived ahead of it, and how far the log is known to reach. Pure. It never
asks for anything itself: `wants` says that there is something to fetch, `question` is the query, `take_page` its answer.

    seq == cursor + 1   read, and what was held after it too
    seq <= cursor       a repeat, dropped
    seq >  cursor + 1   a gap: held (a bounded number), the hole is fetched
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from hubbub.common import digest as digests
from hubbub.common.codec import decode_event
from hubbub.common.commands import History
from hubbub.common.errors import WireError
from hubbub.common.events import AnyEvent, MessagePosted, RoomEvent, UnknownEvent
from hubbub.common.limits import PAGE_ITEMS
from hubbub.common.replies import Page

HELD_EVENTS: Final = 1000
"""Events kept while a hole before them is fetched; those beyond are fetched as well."""
FRUITLESS_SECONDS: Final = 1.0
"""After a page that brought nothing new the same question is not asked again for this long."""

NUMBERED: Final = (MessagePosted, RoomEvent, UnknownEvent)
"""What has a seq in a room's log, the most frequent first: `isinstance` is fast with the very class alone."""


class Read(Struct, frozen=True, gc=False):
    """An event, its place in the log, and its bytes. `earlier`: it came from a page."""

    seq: int
    event: AnyEvent
    raw: bytes
    earlier: bool = False


class Hole(Struct, frozen=True, gc=False):
    """Events that the broker no longer has."""

    first: int
    last: int


class Mismatch(Struct, frozen=True, gc=False):
    """At `seq` the broker has another digest. Reading goes on with the broker's, so that one fault is told once."""

    seq: int


Found = Read | Hole | Mismatch


def read_event(event: bytes) -> AnyEvent:
    """Decode an event whose place in the log is known; one that cannot be read counts like one of an unknown type."""
    try:
        return decode_event(event)
    except WireError:
        return UnknownEvent()


class LogReader:
    """Reads one log from a position on."""

    def __init__(self, log: bytes, seq: int, digest: bytes, marker: int = 0) -> None:
        self.log = log
        self.start = self.seq = seq
        self.marker = self.shown_marker = marker
        """Up to which seq the person has read, as the broker told it last, and as the app knows it."""
        self.mine = SeqRuns()
        """Where this client's own writes lie, ahead of the cursor."""
        self._digest: bytes | None = digest
        self._held: dict[int, Read] = {}
        self._known = seq
        self._head: tuple[int, bytes] | None = None
        self.is_asked = False
        """Whether a question is out."""
        self.not_before = 0.0
        """Until when the next one waits."""

    @property
    def digest(self) -> bytes:
        """The digest at `seq`; empty when it is unknown, after a hole, until the next head."""
        return self._digest or b""

    def offer(self, events: Iterable[Read]) -> list[Found]:
        """Take events from anywhere; returns what can be read now."""
        found: list[Found] = []
        run: list[Read] = []
        next_seq = self.seq + 1
        for event in events:
            if event.seq == next_seq:
                run.append(event)
                next_seq += 1
            elif event.seq > next_seq:
                self.reaches(event.seq)
                if len(self._held) < HELD_EVENTS:
                    self._held[event.seq] = event
        self._advance(run, found)
        self._advance_held(found)
        return found

    def _advance(self, run: Sequence[Read], found: list[Found]) -> None:
        """Read a run of events, the first of them the next one; where the broker told its head, compare."""
        if self._head is not None and self._head[0] <= self.seq + len(run):
            ahead = max(0, self._head[0] - self.seq)
            self._read(run[:ahead], found)
            found += self._compare(*self._head)
            run = run[ahead:]
        self._read(run, found)

    def _read(self, run: Sequence[Read], found: list[Found]) -> None:
        self.seq += len(run)
        if self._digest is not None:
            self._digest = digests.extend(self._digest, *[event.raw for event in run])
        found += run

    def _advance_held(self, found: list[Found]) -> None:
        while (held := self._held.pop(self.seq + 1, None)) is not None:
            self._advance([held], found)
        if self._held and min(self._held) <= self.seq:
            self._held = {seq: held for seq, held in self._held.items() if seq > self.seq}

    def _compare(self, seq: int, digest: bytes) -> list[Found]:
        self._head = None
        if seq != self.seq or self._digest == digest:
            return []
        mismatch = self._digest is not None
        self._digest = digest
        return [Mismatch(seq)] if mismatch else []

    def head(self, seq: int, digest: bytes) -> list[Found]:
        """The broker's head: compared now, or when the cursor comes to it. It may have overtaken its events, so nothing is fetched yet."""
        if seq > self.seq:
            self._head = (seq, digest)
            return []
        return self._compare(seq, digest)

    def reaches(self, seq: int) -> None:
        """The log is known to go up to `seq`, and that is to be fetched: it will not come by itself, or came when it could not be taken."""
        self._known = max(self._known, seq)

    @property
    def is_complete(self) -> bool:
        """Whether everything was read that the log is known to hold."""
        return self._known <= self.seq

    def question(self, id: int) -> History:
        """Return the query for what is missing next, and nothing of what is held or still to come: so all who miss the same ask for the same."""
        self.is_asked = True
        before = min(self._held) if self._held else self._known + 1
        return History(id, room=self.log, after=self.seq, before=before, limit=PAGE_ITEMS)

    def unasked(self) -> None:
        """The question will not be answered."""
        self.is_asked = False

    def refused(self, now: float) -> None:
        """The question was answered by an error."""
        self.is_asked = False
        self.not_before = now + FRUITLESS_SECONDS

    def take_page(self, page: Page, now: float) -> list[Found]:
        """Take the answer to `question`."""
        self.is_asked = False
        start = self.seq
        first = page.events[0].seq if page.events else page.first
        found: list[Found] = []
        if first > self.seq + 1:
            found.append(Hole(self.seq + 1, first - 1))
            self.seq = first - 1
            self._digest = page.before if page.events and page.before else None
            self._advance_held(found)
        elif page.events and first == self.seq + 1 and page.before:
            found += self._compare(self.seq, page.before)
        found += self.offer(
            Read(stored.seq, read_event(stored.event), stored.event, earlier=True)
            for stored in page.events
        )
        if self.seq == start:
            self.not_before = now + FRUITLESS_SECONDS
        return found


class SeqRuns:
    """A set of sequence numbers that grows at its end and is asked in order. Bounded: beyond 4,096 runs the oldest are forgotten."""

    def __init__(self) -> None:
        self._runs: deque[tuple[int, int]] = deque(maxlen=4096)

    def add(self, first: int, count: int) -> None:
        """Add first … first+count-1."""
        end = first + count
        if self._runs and self._runs[-1][1] == first:
            first = self._runs.pop()[0]
        self._runs.append((first, end))

    def take(self, seq: int) -> bool:
        """Whether `seq` is in the set; forgets all before it."""
        while self._runs and self._runs[0][1] <= seq:
            self._runs.popleft()
        return bool(self._runs) and self._runs[0][0] <= seq
