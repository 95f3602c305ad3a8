"""One log (a room's or the own inbox) as this client reads it: every event once, in order, none missing unnoticed.

Owns the cursor (seq and digest of the last event read), what arrived ahead of it, and how far the log is known to reach. Pure. It never
asks for anything itself: `wants` says that there is something to fetch, `question` is the query, `take_page` its answer.

    seq == cursor + 1   read, and what was held after it too
    seq <= cursor       a repeat, dropped
    seq >  cursor + 1   a gap: held (a bounded number), the hole is fetched
"""

from collections import deque
from dataclasses import dataclass
from typing import Final, cast

from hubbub.common import digest as digests
from hubbub.common.codec import decode_event
from hubbub.common.commands import History
from hubbub.common.errors import WireError
from hubbub.common.events import AnyEvent, UnknownEvent
from hubbub.common.limits import PAGE_ITEMS
from hubbub.common.replies import Page

HELD_EVENTS: Final = 1000
"""Events kept while a hole before them is fetched; those beyond are fetched as well."""
FRUITLESS_SECONDS: Final = 1.0
"""After a page that brought nothing new the same question is not asked again for this long."""


@dataclass(frozen=True, slots=True)
class Read:
    """The next event of the log. `earlier`: it came from a page."""

    seq: int
    event: AnyEvent
    earlier: bool


@dataclass(frozen=True, slots=True)
class Hole:
    """Events that the broker no longer has."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Mismatch:
    """At `seq` the broker has another digest. Reading goes on with the broker's, so that one fault is told once."""

    seq: int


Found = Read | Hole | Mismatch


def read_event(event: bytes) -> AnyEvent:
    """Decode an event whose place in the log is known; one that cannot be read counts like one of an unknown type."""
    try:
        return cast(AnyEvent, decode_event(event))
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
        self._held: dict[int, tuple[bytes, AnyEvent, bool]] = {}
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

    def offer(self, seq: int, raw: bytes, event: AnyEvent, *, earlier: bool = False) -> list[Found]:
        """Take an event from anywhere; returns what can be read now."""
        self._known = max(self._known, seq)
        if seq <= self.seq:
            return []
        if seq > self.seq + 1:
            if len(self._held) < HELD_EVENTS:
                self._held[seq] = (raw, event, earlier)
            return []
        found = self._advance(seq, raw, event, earlier)
        return found + self._advance_held() if self._held else found

    def _advance(self, seq: int, raw: bytes, event: AnyEvent, earlier: bool) -> list[Found]:
        self.seq = seq
        if self._digest is not None:
            self._digest = digests.extend(self._digest, raw)
        found: list[Found] = [Read(seq, event, earlier)]
        if self._head is not None and self._head[0] <= seq:
            found += self._compare(*self._head)
        return found

    def _advance_held(self) -> list[Found]:
        found: list[Found] = []
        while (held := self._held.pop(self.seq + 1, None)) is not None:
            found += self._advance(self.seq + 1, *held)
        if self._held and min(self._held) <= self.seq:
            self._held = {seq: held for seq, held in self._held.items() if seq > self.seq}
        return found

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
            found += self._advance_held()
        elif page.events and first == self.seq + 1 and page.before:
            found += self._compare(self.seq, page.before)
        for stored in page.events:
            found += self.offer(stored.seq, stored.event, read_event(stored.event), earlier=True)
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
