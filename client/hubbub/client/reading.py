"""The reading side of a session: rooms and inbox, their subscriptions, catching up, presence, and the app's questions. Pure.

Owns every `LogReader`. When the app leaves too many updates unread, nothing more is taken; how far the logs reach is remembered, and the
rest is fetched when there is room again.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from hubbub.client.effects import Complete, Effect, Fail, Subscribe, Ticket, Unsubscribe
from hubbub.client.errors import Closed, refused
from hubbub.client.logs import NUMBERED, Found, LogReader, Read, read_event
from hubbub.client.outbox import Entry
from hubbub.client.presence import Presence
from hubbub.client.questions import Answer, CatchUp, Item, Question, Questions
from hubbub.client.rooms import Rooms
from hubbub.client.showing import Showing
from hubbub.client.updates import Diverged, LogReplaced, MarkerMoved, RoomJoined, RoomLeft
from hubbub.common.codec import decode_event
from hubbub.common.commands import Away, Mark, Query, Who
from hubbub.common.errors import Code, WireError
from hubbub.common.events import PresenceChanged
from hubbub.common.names import LOBBY
from hubbub.common.replies import (
    Delivered,
    Error,
    Head,
    Joined,
    Marked,
    Page,
    Reply,
    Roster,
    Subscribed,
    Welcome,
)

GAP_SECONDS: Final = 0.1
"""When a published frame is lost, it may be to all members of a room, who notice it by the next frame, all at once: each asks at its own moment in this time."""


def _unheeded(_: Reply) -> None:
    """Read nothing of an answer: that it came is enough."""


class Reading:
    """What one client reads, over all its reconnects."""

    def __init__(self, showing: Showing, do: Callable[[Effect], None], share: float) -> None:
        """`share`: a number from 0 to 1 that differs from client to client."""
        self.rooms = Rooms()
        self.inbox: LogReader | None = None
        self.epoch = b""
        self.unreadable = 0
        """Published events that could not be decoded, for whoever debugs a broker."""
        self._showing = showing
        self._do = do
        self._gap_seconds = GAP_SECONDS * share
        self._presence = Presence()
        self._questions = Questions()
        self._suspects: dict[bytes, int] = {}
        self._asking_roster = False
        self._away: str | None = None
        """What this client said last of being away; None: that one is back, or nothing."""

    # The session opens and closes.

    def opened(self, welcome: Welcome, now: float) -> None:
        """Take the memberships and heads of a new session, and subscribe."""
        replaced = self.epoch not in (b"", welcome.epoch)
        first = self.inbox is None
        self.epoch = welcome.epoch
        self._presence.me = welcome.name
        self._presence.forget()
        if replaced:
            self._forget_logs()
        self._open_inbox(welcome.inbox, welcome.inbox_read, now)
        ids = {joined.room for joined in welcome.rooms}
        for room in self.rooms:
            if room.id not in ids:
                self.left(room.id)
        for joined in welcome.rooms:
            self._open_room(joined, now, quiet=first or replaced)
        if self._away is not None:  # the broker may have forgotten it
            self._questions.ask_once(Question(self._tell_away, _unheeded, None))

    def _forget_logs(self) -> None:
        for room in self.rooms:
            self.rooms.remove(room.id)
        self.inbox = None
        self._showing.emit(LogReplaced())

    def _open_inbox(self, head: Head, marker: int, now: float) -> None:
        if self.inbox is None or head.seq < self.inbox.seq:
            if self.inbox is not None:
                self._showing.emit(Diverged(None, self.inbox.seq))
            self.inbox = LogReader(head.room, head.seq, head.digest, marker)
        else:
            self._set_marker(self.inbox, marker)
            self._reaches(self.inbox, head.seq, head.digest, now)

    def _open_room(self, joined: Joined, now: float, *, quiet: bool) -> None:
        room = self.rooms.get(joined.room)
        if room is None:
            self.joined(joined, now, quiet=quiet)
            return
        room.settle(joined)
        if joined.seq < room.reader.seq:  # less than was read: the broker has lost events
            self._showing.emit(Diverged(room.name, room.reader.seq))
            room.reader = LogReader(joined.room, joined.seq, joined.digest, joined.read)
        else:
            self._set_marker(room.reader, joined.read)
            self._reaches(room.reader, joined.seq, joined.digest, now)
        self._subscribe(joined.room, now)

    def closed(self) -> None:
        """The session is lost: nothing that was asked will be answered."""
        self._suspects.clear()
        self._interrupted(self._questions.interrupt())

    def _interrupted(self, item: Item | None) -> None:
        if isinstance(item, CatchUp) and (reader := self.reader(item.log)) is not None:
            reader.unasked()

    def abandon(self, why: str) -> None:
        """The client is over: fail what the app asked."""
        for question in self._questions.abandon():
            if question.ticket is not None:
                self._do(Fail(question.ticket, Closed(f"{why}: there will be no answer")))

    # Memberships and subscriptions.

    def joined(self, joined: Joined, now: float, *, quiet: bool = False) -> None:
        """One became a member."""
        if self.rooms.get(joined.room) is not None:
            return
        self.rooms.add(joined)
        self._subscribe(joined.room, now)
        if not quiet:
            self._showing.emit(RoomJoined(joined.name, joined.description, joined.role))

    def left(self, id: bytes, by: str = "", reason: str = "") -> None:
        """One is no longer a member, put out `by` somebody or not."""
        room = self.rooms.remove(id)
        if room is not None:
            self._do(Unsubscribe(id))
            self._showing.emit(RoomLeft(room.name, by, reason))

    def _subscribe(self, id: bytes, now: float) -> None:
        self._do(Subscribe(id))
        self.rooms.asked(id, now)

    def resubscribe(self, now: float) -> None:
        """The connection of events is a new one."""
        for room in self.rooms:
            self._subscribe(room.id, now)

    def expect_grants(self, now: float) -> None:
        """The connection of events was lost: ZeroMQ makes it again and repeats the subscriptions by itself."""
        for room in self.rooms:
            self.rooms.asked(room.id, now)

    def check_grants(self, now: float) -> bool:
        """Subscribe again where no grant came. False: that was done too often, the connection of events is to be made anew."""
        overdue = self.rooms.overdue(now)
        for id in overdue or ():
            self._do(Unsubscribe(id))
            self._do(Subscribe(id))
        return overdue is not None

    def subscribed(self, reply: Subscribed, now: float) -> None:
        """A subscription is granted: what lies up to its head is fetched, what comes after it arrives live."""
        room = self.rooms.get(reply.room)
        if room is not None:
            self.rooms.granted(reply.room)
            self._reaches(room.reader, reply.seq, reply.digest, now)

    @property
    def is_settled(self) -> bool:
        """Whether whatever happens from now on will be seen: all subscriptions are granted and the roster has come."""
        return self._presence.known and not self.rooms.waiting

    # What arrives.

    def reader(self, log: bytes) -> LogReader | None:
        """The reader of a log, if it is still read."""
        if self.inbox is not None and self.inbox.log == log:
            return self.inbox
        room = self.rooms.get(log)
        return None if room is None else room.reader

    def published(self, topic: bytes, events: Sequence[bytes], now: float) -> None:
        """Take a frame from the connection of events."""
        room = self.rooms.get(topic)
        if room is None:
            return
        arrived: list[Read] = []
        for raw in events:
            try:
                event = decode_event(raw)
            except WireError:
                self.unreadable += 1  # if it had a seq, the gap shows
                continue
            if isinstance(event, NUMBERED):
                if event.seq is not None:
                    arrived.append(Read(event.seq, event, raw))
            elif isinstance(event, PresenceChanged):
                self._offer(room.reader, arrived)  # what was said before, before
                arrived = []
                self._presence_changed(event)
        self._offer(room.reader, arrived)
        self._want(room.reader, now, self._gap_seconds)

    def delivered(self, reply: Delivered, now: float) -> None:
        """Take an event of the inbox."""
        if self.inbox is not None:
            self._offer(self.inbox, [Read(reply.seq, read_event(reply.event), reply.event)])
            self._want(self.inbox, now)

    def _offer(self, reader: LogReader, events: Sequence[Read]) -> None:
        if not self._showing.is_full:
            self._show(reader, reader.offer(events))
        elif events:
            reader.reaches(max(event.seq for event in events))

    def _show(self, reader: LogReader, found: list[Found]) -> None:
        if found:
            room = self.rooms.get(reader.log)
            if room is not None:
                found = room.takes(found, self._showing.me)
            self._showing.show(self._name(reader), reader, found)

    def _name(self, reader: LogReader) -> str | None:
        room = self.rooms.get(reader.log)
        return None if room is None else room.name

    def _presence_changed(self, event: PresenceChanged) -> None:
        if self._showing.is_full:
            self._presence.lost_some()
        else:
            self._showing.emit(*self._presence.changed(event))

    def acked(self, log: bytes, seq: int, settled: Sequence[tuple[int, Entry]]) -> None:
        """Writes of ours became events of a log, or moved its marker."""
        reader = self.reader(log)
        if reader is None:
            return
        self._showing.acked(reader, seq, settled)
        marks = [seq + offset for offset, entry in settled if type(entry.write) is Mark]
        if marks and marks[-1] > reader.marker:
            reader.marker = reader.shown_marker = marks[-1]

    def marked(self, reply: Marked) -> None:
        """A session of the person, this one or another, has moved a marker."""
        reader = self.reader(reply.room)
        if reader is not None:
            self._set_marker(reader, reply.read)

    def _set_marker(self, reader: LogReader, marker: int) -> None:
        reader.marker = marker
        self._show_marker(reader)

    def _show_marker(self, reader: LogReader) -> None:
        """Show where the marker stands, unless the app knows it; when it leaves too much unread, later and once."""
        if reader.marker != reader.shown_marker and not self._showing.is_full:
            reader.shown_marker = reader.marker
            self._showing.emit(MarkerMoved(self._name(reader), reader.marker))

    def heads(self, heads: Sequence[Head], now: float) -> None:
        """Take a pong: a head that the log has not reached one pong later is a loss."""
        for log, seq in self._suspects.items():
            reader = self.reader(log)
            if reader is not None:
                reader.reaches(seq)
                self._want(reader, now)
        self._suspects.clear()
        for head in heads:
            reader = self.reader(head.room)
            if reader is not None:
                self._show(reader, reader.head(head.seq, head.digest))
                if reader.seq < head.seq:
                    self._suspects[head.room] = head.seq

    # Catching up.

    def _reaches(self, reader: LogReader, seq: int, digest: bytes, now: float) -> None:
        self._show(reader, reader.head(seq, digest))
        reader.reaches(seq)
        self._want(reader, now)

    def _want(self, reader: LogReader, now: float, delay: float = 0.0) -> None:
        if not (reader.is_complete or reader.is_asked or self._showing.is_full):
            self._questions.fetch(reader.log, max(now + delay, reader.not_before))

    def unread(self, count: int, now: float) -> None:
        """So many updates wait for the app."""
        if self._showing.unread(count, now):
            inbox = [] if self.inbox is None else [self.inbox]
            for reader in (*(room.reader for room in self.rooms), *inbox):
                self._show_marker(reader)
                self._want(reader, now)

    # Questions.

    def ask(
        self, make: Callable[[int], Query], read: Callable[[Reply], object], ticket: Ticket
    ) -> None:
        """Queue the app's question."""
        self._questions.ask(Question(make, read, ticket))

    def say_away(self, text: str | None, ticket: Ticket) -> None:
        """Say that one is away, now and in each later session; None: that one is back."""
        self._away = text
        self.ask(lambda id: Away(id, text=text), _unheeded, ticket)

    def _tell_away(self, id: int) -> Query:
        return Away(id, text=self._away, again=True)

    def next_query(self, ids: Iterator[int], now: float) -> Query | None:
        """What to ask next, with the next of `ids`; None: nothing now."""
        if self._wants_roster():
            self._asking_roster = True
            self._questions.ask(Question(Who, _unheeded, None))
        while (item := self._questions.next(now)) is not None:
            query = self._query(item, ids, now)
            if query is not None:
                self._questions.asked(query.id, item, now)
                return query
        return None

    def _wants_roster(self) -> bool:
        lobby = self.rooms.named(LOBBY)
        return (
            self._presence.wants_roster
            and not (self._asking_roster or self._showing.is_full)
            and lobby is not None
            and self.rooms.is_granted(lobby.id)
        )

    def _query(self, item: Item, ids: Iterator[int], now: float) -> Query | None:
        if isinstance(item, Question):
            return item.make(next(ids))
        reader = self.reader(item.log)
        if reader is None or reader.is_complete or reader.is_asked or self._showing.is_full:
            return None
        if now < reader.not_before:
            self._want(reader, now)
            return None
        return reader.question(next(ids))

    def answer(self, reply: Answer, now: float) -> None:
        """Take what answers a question."""
        if isinstance(reply, Roster):
            self._asking_roster = False
            self._showing.emit(*self._presence.roster(reply))
        match self._questions.answered(reply.id):
            case CatchUp(log=log):
                self._page(log, reply if isinstance(reply, Page) else None, now)
            case Question(ticket=ticket, read=read) if ticket is not None:
                try:
                    self._do(Complete(ticket, read(reply)))
                except WireError as error:
                    self._do(Fail(ticket, error))

    def refused(self, id: int, error: Error, now: float) -> None:
        """Take the refusal of a question."""
        match self._questions.answered(id):
            case CatchUp() as item if error.code == Code.SLOW_DOWN:
                self._interrupted(item)
                self._questions.again(item, now, error.retry_after)
            case CatchUp(log=log):
                self._page(log, None, now)
            case Question() as question if question.may_wait(error):
                self._questions.again(question, now, error.retry_after)
            case Question(make=make, ticket=None):
                self._asking_roster = self._asking_roster and make is not Who
            case Question(ticket=ticket):
                self._do(Fail(ticket, refused(error.code, error.text, error.retry_after)))

    def _page(self, log: bytes, page: Page | None, now: float) -> None:
        reader = self.reader(log)
        if reader is None:
            return
        if page is None:
            reader.refused(now)
        else:
            self._show(reader, reader.take_page(page, now))
        self._want(reader, now)

    # Time.

    def tick(self, now: float) -> None:
        """Ask again what got no answer."""
        self._interrupted(self._questions.tick(now))

    def wake_at(self, now: float) -> float | None:
        """When to come back."""
        times = (self._questions.wake_at(now), self.rooms.wake_at())
        return min((time for time in times if time is not None), default=None)
