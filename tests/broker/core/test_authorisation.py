"""Nobody ever holds a subscription, hears an event, reads a page or finds a room that their rights do not give them, whatever people do to each other.

Five people over seven sessions do random things, several in one batch; the model (`rights.py`) says what comes of each and who may read what. The sessions are
rude: they never unsubscribe, and ask for every room there is again and again, also over new connections when theirs were cut.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Final

import pytest
from tests.broker.core.acts import PEOPLE, Act
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.rights import MODERATOR, OPERATOR, Place, Rights
from tests.broker.core.wire import is_presence

from hubbub.broker.core.records import Decree, Submission, Writes
from hubbub.common import commands as c
from hubbub.common.codec import decode_event
from hubbub.common.events import RoomEvent, RoomInvited
from hubbub.common.limits import UNSUBSCRIBE_SECONDS
from hubbub.common.replies import (
    Acked,
    BanList,
    Closing,
    Delivered,
    Done,
    Error,
    Joined,
    MemberList,
    Page,
    Pong,
    Reply,
    RoomList,
    Subscribed,
    Welcome,
)

MADE: Final = ("garden", "cellar")
"""The rooms that people make: one open, one that is private and shows nothing from before one joined."""
STEPS: Final = 100
"""Of each seed; with more seeds and steps when rights change."""


@dataclass(eq=False)
class Client:
    """One session of somebody, and then another in its place."""

    name: str
    person: Person
    written: int = 0
    """Writes of the session's producer so far."""
    lingers: dict[str, float] = field(default_factory=dict)
    """Rooms that they left by themselves, and until when they may go on hearing them."""
    is_out: bool = False

    @property
    def topics(self) -> set[bytes]:
        sub = self.person.sub
        return set() if sub is None else sub.topics


def _handle(sender: bytes, command: c.Command) -> tuple[bytes, int]:
    """What tells one command from all others in a batch."""
    return sender, command.n if isinstance(command, c.Write) else command.id  # type: ignore[attr-defined]


def _handles(submission: Submission) -> list[tuple[bytes, int]]:
    match submission.record:
        case Decree(order=order):
            return [_handle(submission.routing_id, order)]
        case Writes(writes=writes):
            return [_handle(submission.routing_id, write) for write in writes]
    return []


class Town:
    """Rights and a desk side by side, and chance."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.desk = Desk()
        self.rights = Rights(PEOPLE)
        self.ids: dict[str, bytes] = {"lobby": LOBBY}
        self.names: dict[bytes, str] = {LOBBY: "lobby"}
        self.clients = [Client(name, self.desk.meets(name)) for name in (*PEOPLE, "Mona", "Bob")]
        self.asked = 100
        self.rights.creates("Olga", "garden", Place())
        self.rights.creates("Olga", "cellar", Place(private=True, since_joined=True))
        cellar = c.Create(2, "cellar", private=True, history="since_joined")
        self.clients[0].person.sends(c.Create(1, "garden"), cellar)
        self.clients[0].written = 2
        self.rights.appoints(OPERATOR, "Dora", "lobby", "owner")
        self.rights.appoints(OPERATOR, "Mona", "lobby", "moderator")
        self.desk.decrees(c.SetRole(1, "Dora", "owner"), c.SetRole(2, "Mona", "moderator"))
        self.settle()

    # What people do.

    def lives(self) -> None:
        """Do one step, and check everything."""
        step = self.chance.choices(
            (self.they_act, self.time_passes, self.somebody_asks), weights=(6, 2, 2)
        )
        step[0]()
        self.checks_logs()

    def they_act(self) -> None:
        """The first is on its way to the disk while the others come: those are one batch, in the order that the sequencer gives them."""
        acts = [Act.drawn(self.chance) for _ in range(self.chance.randint(1, 12))]
        print(*acts, sep="\n")
        before = len(self.desk.batches)
        self.desk.stalls()
        tried: dict[tuple[bytes, int], tuple[Client | None, Act, c.Command]] = {}
        for act in acts:
            client = next((it for it in self.clients if it.name == act.who and not it.is_out), None)
            if client is not None:
                command = act.command(self._number(client, act), self.ids[act.room])
                tried[_handle(client.person.routing_id, command)] = client, act, command
                client.person.sends(command)
            elif act.who == OPERATOR and not act.is_write:
                command = act.command(self._number(None, act), self.ids[act.room])
                tried[_handle(b"operator", command)] = None, act, command
                assert isinstance(command, c.Order)
                self.desk.decrees(command)
        self.desk.goes_on()
        ordered = [
            tried[handle]
            for batch in self.desk.batches[before:]
            for submission in batch.submissions
            for handle in _handles(submission)
        ]
        assert len(ordered) == len(tried)
        self._compare([(client, command, self._foretold(act)) for client, act, command in ordered])
        self.settle()

    def _number(self, client: Client | None, act: Act) -> int:
        """The id of an order, or the number of a write."""
        if client is not None and act.is_write:
            client.written += 1
            return client.written
        self.asked += 1
        return self.asked

    def _foretold(self, act: Act) -> str:
        """Let it happen in the model. Who leaves hears the room for a while, as they do not unsubscribe."""
        code = act.happens(self.rights)
        for client in self.clients:
            if act.kind == "leave" and client.name == act.who and not code:
                client.lingers[act.room] = self.desk.now.monotonic + UNSUBSCRIBE_SECONDS
        return code

    def _compare(self, expected: list[tuple[Client | None, c.Command, str]]) -> None:
        """Everybody is told what the model foretold; whoever was put out meanwhile may have been told nothing."""
        for client, command, code in expected:
            told = self._told(client, command)
            if told is None:
                assert client is not None
                assert (client.name, "") in self.rights.put_out
            else:
                assert told == code, (told, code, command)
        self.desk.answered.clear()

    def _told(self, client: Client | None, command: c.Command) -> str | None:
        """The code that a command came to; None: nothing was told of it."""
        replies = self.desk.answered if client is None else client.person.unread
        for reply in replies:
            match reply:
                case Done(id=id) | Error(id=int(id)) if id == getattr(command, "id", None):
                    return reply.code if isinstance(reply, Error) else ""
                case Error(n=int(n)) if n == getattr(command, "n", None):
                    return reply.code
                case Acked(n=n, count=count) if n <= getattr(command, "n", 0) < n + count:
                    return ""
        return None

    def time_passes(self) -> None:
        """Everybody pings, so that nobody counts as gone."""
        seconds = self.chance.choice((0.4, 1.5, 30.0, 300.0))
        print(f"{seconds} s pass")
        until = self.desk.now.monotonic + seconds
        while (left := until - self.desk.now.monotonic) > 0:
            for client in self.clients:
                if not client.person.is_cut:
                    client.person.sends(c.Ping(1))
            self.desk.passes(min(left, 10.0))
        self.rights.time += seconds
        self.settle()

    # After each step.

    def settle(self) -> None:
        """Check what everybody has got; then let all come back as far as they are let, and ask for everything."""
        for name in ("audit", *MADE):
            room = self.desk.core.context.state.room_named(name)
            if room is not None:
                self.ids[name] = room.log.id
                self.names[room.log.id] = name
        for client in self.clients:
            self._checks_what_came(client)
            self._checks_grants(client)
        for client in self.clients:
            if client.is_out or client.person.is_cut:
                self._comes_back(client)
            elif client.person.is_deaf():
                client.person.listens()
            if not client.is_out:
                for id in self.ids.values():
                    client.person.subscribes(id)
        for client in self.clients:
            self._checks_grants(client)
            if not client.is_out:
                assert {self.names[topic] for topic in client.topics} >= self.rights.rooms_of(
                    client.name
                )
        self.rights.put_out.clear()

    def _may_linger(self, client: Client, room: str) -> bool:
        return self.desk.now.monotonic <= client.lingers.get(room, 0.0)

    def _checks_grants(self, client: Client) -> None:
        for topic in client.topics:
            room = self.names[topic]
            if room not in self.rights.rooms_of(client.name):
                assert self._may_linger(client, room), f"{client.name} listens to {room}"
        for who, room in self.rights.put_out:
            if who == client.name and room not in self.rights.rooms_of(who):
                client.lingers.pop(room, None)
                assert self.ids.get(room, b"") not in client.topics, "not for a second more"

    def _checks_what_came(self, client: Client) -> None:
        sub, person = client.person.sub, client.person
        for topic, raw in sub.heard if sub is not None else []:
            if is_presence(raw):
                continue
            event, room = decode_event(raw), self.names[topic]
            assert isinstance(event, RoomEvent)
            readers = self.rights.rooms[room].readers[event.seq - 1]
            may_hear = client.name in readers or self._may_linger(client, room)
            assert may_hear, f"{client.name} heard {event} in {room}"
        if sub is not None:
            sub.heard.clear()
        for reply in person.unread:
            match reply:
                case Closing():
                    assert (client.name, "") in self.rights.put_out
                    client.is_out = True
                case Delivered(event=raw):
                    invited = decode_event(raw)
                    assert isinstance(invited, RoomInvited)
                    assert client.name in (invited.sender, invited.to)
                case Subscribed(room=id) | Joined(room=id):
                    assert id in self.names
        person.unread.clear()
        if (client.name, "") in self.rights.put_out:
            assert client.is_out, "a session outlived that its person was put out"

    def _comes_back(self, client: Client) -> None:
        """Over a new connection; whoever is banned is told so."""
        person = self.desk.connects(client.name)
        person.hello().logs_in(client.name)
        [reply] = person.unread
        person.unread.clear()
        if self.rights.is_banned(client.name):
            assert isinstance(reply, Error)
            assert reply.code == "banned"
            client.is_out = True
            return
        assert isinstance(reply, Welcome)
        assert {room.name for room in reply.rooms} == self.rights.rooms_of(client.name)
        client.person, client.written, client.is_out = person, 0, False
        client.lingers.clear()
        person.listens()

    def checks_logs(self) -> None:
        """The rooms' logs are as long as the model says."""
        for name, place in self.rights.rooms.items():
            number = next(n for n, row in self.desk.store.rooms.items() if row.name == name)
            assert len(self.desk.store.events.get(number, [])) == len(place.readers), name

    # What people ask.

    def somebody_asks(self) -> None:
        """Pages, lists and heads hold what is theirs, all of it and nothing else."""
        client = self.chance.choice(self.clients)
        if client.is_out:
            return
        name, mine = client.name, self.rights.rooms_of(client.name)
        for room, id in self.ids.items():
            history, members = self._asks(client, c.History(3, id), c.Members(4, id))
            if room not in mine:
                assert isinstance(history, Error)
                assert isinstance(members, Error)
                assert history.code == members.code == "not_member"
                continue
            first = self.rights.first_readable(name, room)
            seqs = list(range(first, len(self.rights.rooms[room].readers) + 1))
            assert isinstance(history, Page)
            assert [stored.seq for stored in history.events] == seqs
            assert history.first == (first if self.rights.rooms[room].readers else 0)
            assert isinstance(members, MemberList)
            assert {member.name for member in members.members} == set(self.rights.rooms[room].since)
        rooms, pong, bans = self._asks(client, c.Rooms(5), c.Ping(6), c.Bans(7))
        assert isinstance(rooms, RoomList)
        assert {room.name for room in rooms.rooms} == self.rights.listed(name)
        assert isinstance(pong, Pong)
        assert {self.names[head.room] for head in pong.heads if head.room in self.names} <= mine
        assert isinstance(bans, BanList) is (self.rights.standing(name) >= MODERATOR)

    def _asks(self, client: Client, *queries: c.Query) -> list[Reply]:
        """One after the other: the reader works on one page of a session at a time."""
        client.person.unread.clear()
        for query in queries:
            client.person.sends(query)
        replies = client.person.unread[:]
        client.person.unread.clear()
        return replies


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_nobody_gets_what_is_not_theirs(seed: int) -> None:
    town = Town(seed)
    for _ in range(STEPS):
        town.lives()
