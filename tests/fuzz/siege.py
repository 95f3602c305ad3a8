"""A desk under siege: people who log in, talk and govern, and between them frames, subscriptions and operator's requests that are damaged in every way.

What must hold: bytes from outside raise WireError and nothing else; nothing is wrong in the core, so none of its asserts is met and it logs no fault; what lives in memory is
what the rows tell; every bound holds; nobody is granted a room that they are not in.
"""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Final, get_args

import msgpack
import zmq
from tests.broker.core.desk import Person
from tests.broker.core.picture import picture
from tests.broker.core.wire import Way, key_of
from tests.fuzz.besieged import SMALL, Besieged, Faults
from tests.fuzz.making import Maker, Pools
from tests.fuzz.mutation import Mutator

from hubbub.broker.core.context import Registration
from hubbub.broker.core.state import State
from hubbub.broker.operator.requests import ANSWERS, AnyRequest
from hubbub.common import codec
from hubbub.common.commands import COMMANDS, Lockdown, SetRole, Unban
from hubbub.common.errors import WireError
from hubbub.common.limits import MIB, QUERIES_PER_FRAME, ROOM_ID_BYTES
from hubbub.common.replies import Acked, Error, InviteMade, LinkMade, Resend, Welcome

OWNERS: Final = {
    "phone": ("Alice", "Bob"),
    "laptop": ("Carol",),
    "desktop": ("Dave", "Eve"),
    "thief": ("alice", "B0b", "\u0410lice", "no name", "Mallory"),
}
"""Whose key comes under which names."""
NAMES: Final = tuple(name for names in OWNERS.values() for name in names)
PASSWORDS: Final = ("kelp under a lantern", "kelp under a tractor", "123456", "", "ﬁ\u0301" * 128)
SUBJECTS: Final = (*NAMES, "10.0.0.7", "10.9.0.0/16", "::1", "0" * 64, "10.0.0.0/33", "/", "")
PEOPLE: Final = 12
"""Connected at once."""
CHECKED_EVERY: Final = 200
PEACE_EVERY: Final = 1000


class Siege:
    """Goes on from a seed. `sent` counts what was damaged and taken; `heard` what came of all: kinds of replies, codes of errors."""

    def __init__(self, seed: int, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self._random = random = Random(seed)
        self.desk = Besieged(random, context)
        self._commands = Maker(random, list(COMMANDS.values()))
        self._requests = Maker(random, get_args(AnyRequest))
        self._mutator = Mutator(random)
        self._owner: dict[int, str] = {}
        """By connection: whose key it has."""
        self._n: dict[bytes, int] = {}
        """By producer: the number of its next write."""
        self._codes = ["aaaa-bbbb-cccc-dddd"]
        self._down = [codec.encode(codec.DoorAnswer(broker="hub", key=bytes(32), versions=[1]))]
        """What the broker said lately: frames, publications, events."""
        self.sent = 0
        self.payload = b""
        """What was sent last."""
        self.heard: Counter[str] = Counter()
        self._attacks: list[tuple[Callable[[], None], int]] = [
            (self._sends_bad_commands, 60),
            (self._sends_bad_requests, 12),
            (self._reads_bad_answers, 20),
            (self._subscribes_badly, 8),
        ]

    def goes_on(self, count: int) -> None:
        """Send so much that is damaged, and about as much that is not."""
        logger = logging.getLogger("hubbub.broker")
        faults = Faults(logging.ERROR)
        logger.addHandler(faults)
        try:
            attacks, weights = zip(*self._attacks, strict=True)
            end = self.sent + count
            while self.sent < end:
                self._lives_on()
                [attack] = self._random.choices(attacks, weights)
                attack()
                if self.sent % CHECKED_EVERY == 0:
                    self.checks()
                if self.sent % PEACE_EVERY == 0:
                    self._makes_peace()
            self.checks()
        finally:
            logger.removeHandler(faults)

    # What is in order.

    def _lives_on(self) -> None:
        """Let people come, talk and go, the disk fail, and time pass."""
        random, desk = self._random, self.desk
        if len(self._connected()) < PEOPLE:
            self._comes()
        person = self._somebody()
        match random.randrange(100):
            case 0 if person is not None:
                person.vanishes()
            case 1:
                desk.stalls()
                desk.fails()
                desk.recovers()
            case 2:
                desk.requests(msgpack.packb(self._requests.make(self._pools(person))))
            case choice if choice < 60 and person is not None:
                self._sends_good_commands(person)
        desk.passes(random.random() * 0.1)

    def _connected(self) -> list[Person]:
        return [person for person in self.desk.people if not person.is_cut]

    def _somebody(self) -> Person | None:
        people = self._connected()
        return self._random.choice(people) if people else None

    def _sends_good_commands(self, person: Person) -> None:
        if not self.desk.core.admits(person.events_key.hex()):
            self._logs_in(person)
        pools = self._pools(person)
        command = self._commands.make(pools)
        while command["type"] in ("hello", "login", "logout") and self._random.random() < 0.9:
            command = self._commands.make(pools)
        self._sends(person, msgpack.packb([command]))

    def _comes(self) -> None:
        """Somebody connects, and mostly logs in."""
        owner, number = self._random.choice(list(OWNERS)), self.desk._number()
        address = f"10.{number % 16}.0.{self._random.randrange(16)}"
        if self.desk.core.bars(key_of(owner), address, self.desk.now):
            return
        person = self.desk.connects(owner, address=address)
        person.producer = self._random.choice((person.producer, bytes(16)))
        self._owner[person.connection] = owner
        if self._random.random() < 0.9:
            self._logs_in(person)

    def _logs_in(self, person: Person) -> None:
        """Come in by the key, or by what lets another device in; then listen."""
        random = self._random
        names = random.choice((OWNERS[self._owner[person.connection]], NAMES))
        ways: list[Way] = [{}, {}, {}, {"password": PASSWORDS[0]}, {"code": self._code()}]
        way = random.choice(ways)
        person.hello().logs_in(random.choice(names), **way)
        self._hears(person)
        if self.desk.core.admits(person.events_key.hex()):
            person.listens(*self._rooms())

    def _makes_peace(self) -> None:
        """Lift all bans, or the gates would be shut before long."""
        bans = [Unban(1, kind, self._named(kind, whom)) for kind, whom in self.desk.core.context.state.bans]  # fmt: skip
        self.desk.decrees(Lockdown(1, "normal"), SetRole(1, "Alice", "owner"), *bans)
        modes: tuple[Registration, ...] = ("open", "open", "invite", "closed")
        mode = self._random.choice(modes)
        settings = replace(self.desk.core.context.settings, registration=mode)
        self.desk.core.reconfigure(settings)

    def _named(self, kind: str, subject: str) -> str:
        accounts = self.desk.core.context.state.accounts
        return accounts[int(subject)].name if kind == "account" else subject

    def _pools(self, person: Person | None) -> Pools:
        """Return what would mean something in a command of this person's."""
        rooms = self._rooms()
        n = self._n.get(person.producer if person else b"", 1)
        events_key = self.desk.new_events_key()
        return {
            "name": (*NAMES, "garden", "attic"),
            "to": NAMES,
            "with": NAMES,
            "room": (*rooms, bytes(16)),
            "n": (n, n, n, n, n + 1, 1),
            "events_key": (events_key,),
            "producer": (person.producer if person else bytes(16),),
            "code": (self._code(),),
            "password": PASSWORDS,
            "subject": SUBJECTS,
            "seconds": (0, 1, 60),
            "versions": ([1], [1], [1, 2], [9]),
            "limit": (1, 7, 1000),
            "text": ("hi", "x" * 8192, "é" * 4097, "a\0b", ""),
            "reason": ("spam", "two\nlines", "x" * 200),
        }

    def _rooms(self) -> list[bytes]:
        return list(self.desk.core.context.state.room_by_id)

    def _code(self) -> str:
        return self._random.choice(self._codes)

    # What is not.

    def _sends_bad_commands(self) -> None:
        person = self._somebody()
        if person is None:
            return
        pools = self._pools(person)
        good = [self._commands.make(pools) for _ in range(self._count())]
        other = [self._commands.make(pools)]
        self._sends(person, self._notes(self._damaged(good, other)))

    def _sends_bad_requests(self) -> None:
        pools = self._pools(None)
        good, other = self._requests.make(pools), self._requests.make(pools)
        self.desk.requests(self._notes(self._damaged(good, other)))
        self._hears_answers()

    def _notes(self, payload: bytes) -> bytes:
        self.payload, self.sent = payload, self.sent + 1
        return payload

    def _count(self) -> int:
        return self._random.choice((1, 1, 1, 2, 3, 9, QUERIES_PER_FRAME + 1))

    def _damaged(self, good: Any, other: Any) -> bytes:
        if self._random.random() < 0.6:
            return self._mutator.structure(good, other)
        return self._mutator.payload(msgpack.packb(good), msgpack.packb(other))

    def _subscribes_badly(self) -> None:
        """Topics that are none, a part of one, or another's; what is no subscription; keys that nobody announced."""
        random, core, now = self._random, self.desk.core, self.desk.now
        people = [person for person in self._connected() if person.sub and not person.sub.is_cut]
        if not people:
            return
        person = random.choice(people)
        topic = random.choice((random.randbytes(16), *self._rooms()))
        topic = random.choice((topic, topic[: random.randrange(ROOM_ID_BYTES)], topic + b"x"))
        self._notes(topic)
        assert person.sub is not None
        match random.randrange(8):
            case 0:
                self.desk.reads_nonsense(person.sub)
            case 1:
                key = random.choice((person.key, random.randbytes(32).hex(), ""))
                self.desk._tell(core.subscribe(key, topic, person.sub.connection, now))
            case 2 | 3:
                person.unsubscribes(topic)
            case _:
                person.subscribes(topic)

    def _reads_bad_answers(self) -> None:
        """What a broker says, damaged, as clients read it."""
        random = self._random
        payload = self._mutator.payload(random.choice(self._down), random.choice(self._down))
        self._notes(payload)
        for decode in (
            codec.decode_replies,
            codec.decode_events,
            codec.decode_event,
            codec.decode_door,
        ):
            try:
                decode(payload)
            except WireError as error:
                self.heard[f"client: {error.code}"] += 1

    # What comes of it.

    def _sends(self, person: Person, payload: bytes) -> None:
        self.desk.takes(person, payload)
        for each in self.desk.people:
            self._hears(each)

    def _hears(self, person: Person) -> None:
        replies, person.unread = person.unread, []
        for reply in replies:
            self.heard[type(reply).__name__] += 1
            match reply:
                case Error(code=code, n=n):
                    self.heard[code] += 1
                    if n is not None and self._n.get(person.producer, 1) == n:
                        self._n[person.producer] = n + 1
                case Acked(n=n, count=count):
                    self._n[person.producer] = n + count
                case Resend(n=n):
                    self._n[person.producer] = n
                case Welcome():
                    self._n.setdefault(person.producer, 1)
                case InviteMade(code=code) | LinkMade(code=code):
                    self._codes = [*self._codes[-4:], code]
        if replies:
            frame = codec.array([codec.encode(reply) for reply in replies])
            heard = person.sub.heard if person.sub else []
            events = [event for _, event in heard[-4:]]
            self._down = [*self._down[-20:], frame, codec.encode(events), *events[-1:]]
            heard.clear()

    def _hears_answers(self) -> None:
        for answer in self.desk.answered:
            read = ANSWERS.decode(msgpack.packb(msgpack.unpackb(codec.encode(answer))))
            self.heard[f"operator: {type(read).__name__}"] += 1
            if isinstance(read, InviteMade | LinkMade):
                self._codes = [*self._codes[-4:], read.code]
        self.desk.answered.clear()

    def checks(self) -> None:
        """Check what must hold at any time."""
        desk, context = self.desk, self.desk.core.context
        desk.forgets()
        live = picture(context.state, NAMES)
        assert picture(State(desk.store.load()), NAMES) == live, "memory and rows differ"
        _check_bounds(context.state)
        for session in context.sessions:
            if session.account is not None:
                of_account = context.sessions.of(session.account.number)
                assert len(of_account) <= SMALL.sessions_per_account
                left = {topic for told, topic in context.unsubscribe_by if told is session}
                rooms = [context.state.room_by_id[topic] for topic in session.granted - left]
                assert all(room.shows(session.account.number) for room in rooms)
        assert desk.core.held_bytes <= 16 * MIB
        assert context.gathered_records == context.gathered_bytes == 0
        assert len(context.hashing) <= SMALL.hashes_waiting


def _check_bounds(state: State) -> None:
    for account in state.accounts.values():
        assert len(account.devices) <= SMALL.devices_per_account
        assert len(account.rooms) <= SMALL.rooms_per_account + 1  # and the audit room
        assert state.rooms_made.get(account.number, 0) <= SMALL.rooms_made_per_account
        for key in account.devices:
            assert state.names_of_key(key) <= SMALL.names_per_key
    for room in state.rooms.values():
        assert room.audit or len(room.members) <= SMALL.members_per_room
        assert room.restraints.keys() | room.roles.keys() | room.invited <= state.accounts.keys()
        assert room.description.isprintable()
