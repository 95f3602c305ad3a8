"""A device of the property test: a person's program with an outbox, that believes nothing and checks everything it is told."""

from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import Entry
from tests.broker.core.wire import is_presence

from hubbub.broker.core.changes import INBOX
from hubbub.common.codec import decode_event
from hubbub.common.commands import Create, Join, Leave, Logout, Mark, Post, Tell, Write
from hubbub.common.errors import TRANSIENT, Code
from hubbub.common.events import MemberJoined, MemberLeft, MessagePosted, MessageTold, RoomCreated
from hubbub.common.replies import (
    Acked,
    Bye,
    Delivered,
    Error,
    Joined,
    Left,
    Marked,
    Reply,
    Subscribed,
    Welcome,
)

Outcome = tuple[bytes, int] | str
"""What became of a write: (log id, seq) of its event, or the code of its refusal."""


class Device:
    """One device of one person. It keeps its producer over connections, and begins a new one when it has logged out."""

    def __init__(self, desk: Desk, name: str, number: int) -> None:
        self.desk = desk
        self.name = name
        self.number = number
        self.person: Person | None = None
        self.is_live = self.is_closing = False
        self.done: list[tuple[Write, Outcome]] = []
        """Outcomes of producers that were closed."""
        self.markers: dict[bytes, int] = {}
        """By log id: how far the person has read, as told."""
        self._producers = 0
        self.begins_producer()

    def begins_producer(self) -> None:
        self.is_closing = False
        self._producers += 1
        self.producer = b"%08d%08d" % (self.number, self._producers)
        self.outbox: list[Write] = []
        self.outcomes: dict[int, Outcome] = {}

    def connects(self) -> None:
        self.person = self.desk.connects(self.name)
        self.logs_in()

    def logs_in(self) -> None:
        """Begin the session, on a connection that may have one already."""
        assert self.person is not None
        self.is_live, self.is_fresh = False, True
        if self.is_closing:
            self.done += [(self.outbox[n - 1], outcome) for n, outcome in self.outcomes.items()]
            self.begins_producer()
        self.person.producer = self.producer
        self.person.hello().logs_in(self.name)

    def sends(self, writes: list[Write]) -> None:
        """Send these writes; in a new session first of all those that have no outcome yet, as every client must."""
        if self.person is None:
            return
        if self.is_live and self.is_fresh:
            writes = self.open_writes()
            self.is_fresh = not writes
        if writes:
            self.person.sends(*writes)

    def logs_out(self, *, close: bool) -> None:
        """Say goodbye, and never again use a producer that was to be closed."""
        if self.person is not None and self.is_live:
            self.person.sends(Logout(9, close_producer=close))
            self.is_live, self.is_closing = False, close

    def open_writes(self) -> list[Write]:
        """The outbox from the first write that has no outcome."""
        first = next((w.n for w in self.outbox if w.n not in self.outcomes), len(self.outbox) + 1)
        return self.outbox[first - 1 :]

    def reacts(self) -> None:
        """Take in all that has come, and subscribe and unsubscribe as told."""
        person = self.person
        if person is None:
            return
        if person.is_cut:
            self.person, self.is_live = None, False
            return
        self._listens(person)
        while person.unread:
            self._takes(person, person.unread.pop(0))
        self._listens(person)

    def _takes(self, person: Person, reply: Reply) -> None:
        match reply:
            case Welcome():
                assert reply.name == self.name
                self.is_live = True
                self._inbox = reply.inbox.seq
                self._cursors: dict[bytes, int] = {}
                self.markers = {room.room: room.read for room in reply.rooms}
                self.markers[reply.inbox.room] = reply.inbox_read
                person.listens(*[room.room for room in reply.rooms])
            case Joined():
                self.markers[reply.room] = reply.read
                person.subscribes(reply.room)
            case Left():
                self.markers.pop(reply.room, None)
                person.unsubscribes(reply.room)
                self._cursors.pop(reply.room, None)
            case Marked():
                assert reply.read >= self.markers[reply.room], "a marker never goes back"
                self.markers[reply.room] = reply.read
            case Subscribed():
                self._cursors[reply.room] = reply.seq
            case Acked():
                for offset in range(reply.count):
                    self._learns(reply.n + offset, (reply.room, reply.seq + offset))
            case Error(n=int(n)):
                assert reply.code not in TRANSIENT | {Code.PRODUCER_EXPIRED, Code.ALREADY_DONE}
                self._learns(n, reply.code)
            case Delivered():
                self._inbox += 1
                assert self._stored(self.inbox_log(), reply.seq) == reply.event
                assert reply.seq == self._inbox
            case Bye():
                self.is_live = False

    def _learns(self, n: int, outcome: Outcome) -> None:
        assert n <= len(self.outbox), "an outcome of a write that was never sent"
        assert self.outcomes.setdefault(n, outcome) == outcome

    def _listens(self, person: Person) -> None:
        """What comes over SUB is the room's log, byte for byte and without a hole, from the head that `subscribed` told."""
        if person.sub is None:
            return
        for topic, event in person.sub.heard:
            if not is_presence(event):
                self._cursors[topic] += 1
                assert self._stored(self.room_log(topic), self._cursors[topic]) == event
        person.sub.heard.clear()

    def room_log(self, room: bytes) -> list[Entry]:
        store = self.desk.store
        [number] = [row.number for row in store.rooms.values() if row.room == room]
        return store.events.get(number, [])

    def inbox_log(self) -> list[Entry]:
        store = self.desk.store
        [number] = [row.account for row in store.accounts.values() if row.name == self.name]
        return store.inboxes.get(number, [])

    def _stored(self, log: list[Entry], seq: int) -> bytes:
        assert log[seq - 1].seq == seq
        return log[seq - 1].event

    def checks_markers(self) -> None:
        """All that it was told of markers is what is on disk."""
        state = self.desk.core.context.state
        account = state.account_named(self.name)
        assert account is not None
        for log_id, read in self.markers.items():
            number = INBOX if log_id == account.inbox.id else state.room_by_id[log_id].number
            assert self.desk.store.markers.get((account.number, number), 0) == read

    def checks_outcomes(self) -> None:
        """Every acked write is where its ack says."""
        for write, outcome in [
            *self.done,
            *((self.outbox[n - 1], outcome) for n, outcome in self.outcomes.items()),
        ]:
            if not isinstance(outcome, str):
                self._checks(write, *outcome)

    def _checks(self, write: Write, log_id: bytes, seq: int) -> None:
        if isinstance(write, Mark):
            assert log_id == write.room, "what a marker came to is no event"
            is_room = any(row.room == log_id for row in self.desk.store.rooms.values())
            assert seq <= len(self.room_log(log_id) if is_room else self.inbox_log())
            return
        log = self.inbox_log() if isinstance(write, Tell) else self.room_log(log_id)
        if seq == 0:
            assert isinstance(write, Join), "a join of the empty lobby is acked at 0"
            return
        event = decode_event(self._stored(log, seq))
        match write:
            case Post():
                assert isinstance(event, MessagePosted)
                assert (event.sender, event.text) == (self.name, write.text)
            case Tell():
                assert isinstance(event, MessageTold)
                assert (event.sender, event.to, event.text) == (self.name, write.to, write.text)
            case Create():
                assert isinstance(event, RoomCreated)
                assert (event.by, event.name, seq) == (self.name, write.name, 1)
            case Join():
                assert not isinstance(event, MemberJoined) or event.name
            case Leave():
                assert isinstance(event, MemberLeft)
                assert event.name == self.name
