"""The desk: a core with everything around it in memory, so that a test reads as a transcript.

    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Post(1, LOBBY, "hi")).gets(Acked(1, LOBBY, 1))
    bob.hears(MessagePosted(1, WALL, "Alice", "hi"))

It does what the loop does: hands frames to the core, performs effects, commits a batch at a time. Time stands still until it `passes`; commits return at once
until the disk `stalls` or `fails`. Of whatever is told before a commit it checks that nothing needed one.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random
from typing import Unpack, assert_never

from msgspec import Struct
from tests.broker.core.memory_store import MemoryStore
from tests.broker.core.vault import Vault
from tests.broker.core.wire import Sub, Way, is_presence, key_of, tells_of_a_commit, without_text
from tests.broker.core.xpub import Xpub

from hubbub.broker.core import effects as fx
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Settings
from hubbub.broker.core.core import Core
from hubbub.broker.core.hashing import Hash, Verify
from hubbub.broker.core.limits import MOST, Limits
from hubbub.broker.core.records import Submission
from hubbub.broker.core.sessions import Peer
from hubbub.broker.errors import StorageError
from hubbub.broker.sequencer import LocalSequencer
from hubbub.common.codec import array, decode_event, decode_replies, encode
from hubbub.common.commands import Command, Hello, Login, Order, Write
from hubbub.common.events import Event, PresenceChanged
from hubbub.common.limits import MIB
from hubbub.common.replies import Reply, Welcome

WALL = 1_700_000_000_000
START = Now(1000.0, WALL)
ROOMY = Limits(posts_burst=MOST, bytes_burst=1024 * MIB, queries_burst=MOST, pages_burst=MOST)
"""Time stands still at the desk, so no budget would ever fill."""
SETTINGS = Settings("hub", events_port=5001, limits=ROOMY)


class Person:
    """One client's connection, as a person uses it. What is sent is answered when the call returns."""

    def __init__(self, desk: "Desk", peer: Peer) -> None:
        self.desk = desk
        self.peer = peer
        self.routing_id, self.key, self.connection, self.address = peer
        self.producer = blake2b(b"%d" % peer.connection, digest_size=16).digest()
        self.events_key = b""
        self.sub: Sub | None = None
        self.unread: list[Reply] = []
        self.is_cut = False

    def sends(self, *commands: Command) -> "Person":
        """Send one frame."""
        self.desk.takes(self, array([encode(command) for command in commands]))
        return self

    def writes(self, *frames: Sequence[Write]) -> "Person":
        """Send one frame after another."""
        for frame in frames:
            self.sends(*frame)
        return self

    def hello(self) -> "Person":
        self.sends(Hello(1, [1]))
        self.unread.clear()
        return self

    def logs_in(
        self, name: str, *, id: int = 2, events_key: bytes = b"", **way: Unpack[Way]
    ) -> "Person":
        """Send `login` with a new events key, or with this one."""
        self.events_key = events_key or self.desk.new_events_key()
        return self.sends(Login(id, name, self.events_key, self.producer, **way))

    def listens(self, *topics: bytes) -> "Person":
        """Connect a SUB, in place of the one before, and subscribe."""
        self.sub = self.desk.opens_sub(self.events_key.hex())
        for topic in topics:
            self.subscribes(topic)
        return self

    def subscribes(self, topic: bytes) -> "Person":
        self.desk.reads_subscription(self._sub, topic)
        return self

    def unsubscribes(self, topic: bytes, sub: Sub | None = None) -> "Person":
        self.desk.reads_unsubscription(sub or self._sub, topic)
        return self

    @property
    def _sub(self) -> Sub:
        assert self.sub is not None, "listens() comes first"
        return self.sub

    def is_deaf(self) -> bool:
        """Whether its SUB is cut."""
        return self.sub is None or self.sub.is_cut

    def gets(self, *replies: Reply) -> "Person":
        """Check that these replies have come and no others."""
        assert self.unread == list(replies)
        self.unread.clear()
        return self

    def gets_welcome(self) -> Welcome:
        """Check that a welcome has come and nothing else."""
        [welcome] = self.unread
        assert isinstance(welcome, Welcome)
        self.unread.clear()
        return welcome

    def hears(self, *events: Event) -> "Person":
        """Check that these events of rooms have come over SUB, and no others."""
        heard = [decode_event(event) for _, event in self._sub.heard]
        assert [e for e in heard if not isinstance(e, PresenceChanged)] == list(events)
        self._sub.heard = [h for h in self._sub.heard if is_presence(h[1])]
        return self

    def notices(self, *changes: PresenceChanged) -> "Person":
        """Check that these changes of presence have come over SUB, and no others."""
        heard = [decode_event(event) for _, event in self._sub.heard]
        assert [e for e in heard if isinstance(e, PresenceChanged)] == list(changes)
        self._sub.heard = [h for h in self._sub.heard if not is_presence(h[1])]
        return self

    def forgets(self) -> "Person":
        """Leave aside what has come so far."""
        self.unread.clear()
        if self.sub is not None:
            self.sub.heard.clear()
        return self

    def vanishes(self) -> None:
        """Lose both connections."""
        self.desk.loses(self)


class Desk(Vault, Xpub):
    """A core, its clock, its sequencer, its store, and the people at it."""

    def __init__(self, settings: Settings = SETTINGS, store: MemoryStore | None = None) -> None:
        super().__init__()
        self.store = store or MemoryStore()
        self.now = START
        self.core = Core(settings, self.store.load(), self.now, Random(1).randbytes)
        self.people: list[Person] = []
        self.batches: list[Batch] = []
        """Every batch ever applied."""
        self.answered: list[Struct] = []
        """What the operator was answered."""
        self.cut_networks: list[str] = []
        self.struck: list[int] = []
        """Connections whose addresses were charged for abuse."""
        self.logged: list[str] = []
        """The event of each entry of the log; "peer" where it is told where a connection comes from."""
        self.pages_wait = False
        self._sequencer = LocalSequencer()
        self._in_flight: Batch | None = None
        self._stalls = self._failed = False
        self._fetches: list[fx.Fetch] = []
        self._numbers = 0

    def _number(self) -> int:
        self._numbers += 1
        return self._numbers

    def new_events_key(self) -> bytes:
        return b"events" + self._number().to_bytes(26, "big")

    # People.

    def connects(
        self, owner: str = "somebody", routing_id: bytes = b"", address: str = ""
    ) -> Person:
        """Somebody connects a DEALER with that owner's key, by default with a routing id and from an address of its own; ZAP asks the core first."""
        number = self._number()
        routing_id = routing_id or b"\1" + number.to_bytes(31, "big")
        address = address or str(IPv4Address("10.0.0.0") + number)
        assert not self.core.bars(key_of(owner), address, self.now)
        person = Person(self, Peer(routing_id, key_of(owner), number, address))
        self.people.append(person)
        return person

    def meets(self, name: str, *, owner: str = "", address: str = "") -> Person:
        """Somebody connects, logs in and subscribes to all their rooms."""
        person = self.connects(owner or name, address=address).hello().logs_in(name)
        welcome = person.gets_welcome()
        person.listens(*[room.room for room in welcome.rooms])
        return person.forgets()

    def loses(self, person: Person) -> None:
        """The connections of a person are gone; the monitor says so."""
        person.is_cut = True
        if person.sub is not None and not person.sub.is_cut:
            self._cut_sub(person.sub)
        self._tell(self.core.lost(person.connection, self.now))
        self._turn()

    def takes(self, person: Person, payload: bytes) -> None:
        """Take a frame from ROUTER."""
        assert not person.is_cut, "its connection is gone"
        self._tell(self.core.handle(person.peer, payload, self.now))
        self._turn()

    def cannot_reach(self, person: Person) -> None:
        """ROUTER cannot take a reply for a person."""
        self._tell(self.core.unreachable(person.routing_id, self.now, is_gone=False))

    def decrees(self, *orders: Order) -> "Desk":
        """The operator orders; the answers are in `answered`."""
        for order in orders:
            self._tell(self.core.decree(order, b"operator", self.now))
            self._turn()
        return self

    def closes(self) -> None:
        self._tell(self.core.closing())

    def loses_sub(self, person: Person) -> None:
        """The connection of a person's SUB is gone."""
        assert person.sub is not None
        self._cut_sub(person.sub)

    # Time.

    def passes(self, seconds: float) -> None:
        """Let time pass, with each tick at its time."""
        until = self.now.monotonic + seconds
        while (due := self.core.deadline()) <= until:
            self.sets_clock(max(due, self.now.monotonic))
            self.ticks()
        self.sets_clock(until)

    def ticks(self) -> None:
        self._tell(self.core.tick(self.now))
        self._turn()

    def sets_clock(self, monotonic: float) -> None:
        self.now = Now(monotonic, WALL + round((monotonic - START.monotonic) * 1000))

    # The disk.

    def stalls(self) -> None:
        """From now on no commit returns: the first is in flight, what comes after it is gathered."""
        self._stalls = True

    def goes_on(self) -> None:
        """The commit in flight returns, and so do those of what was gathered."""
        self._stalls = False
        self._turn()

    def returns(self) -> None:
        """The commit in flight returns, and the next begins and stalls."""
        self._finish_commit()
        self._turn()

    def fails(self) -> None:
        """The commit in flight fails, or else the next one; and so on until the disk recovers."""
        self.store.failing = True
        self._stalls = False
        self._turn()

    def recovers(self) -> None:
        """The probe succeeds."""
        self.store.failing = self._failed = False
        self._perform(self.core.restored(self.store.recover(), self.now))
        self._turn()

    @property
    def is_committing(self) -> bool:
        return self._in_flight is not None

    @property
    def has_failed(self) -> bool:
        return self._failed

    def reads_pages(self) -> None:
        """The reader answers what it was asked."""
        fetches, self._fetches = self._fetches, []
        for fetch in fetches:
            try:
                result = self.store.read(fetch.query)
            except StorageError:
                result = None
            self._tell(self.core.fetched(fetch.ticket, result))

    def _turn(self) -> None:
        if not self.pages_wait:
            self.reads_pages()
        if not self.passwords_wait:
            self.hashes_passwords()
        self._commit_what_waits()

    def _commit_what_waits(self) -> None:
        while not self._failed:
            if self._in_flight is None:
                submissions = self._sequencer.take()
                if not submissions:
                    return
                self._in_flight = self._apply(submissions)
                self.batches.append(self._in_flight)
            if self._stalls:
                return
            self._finish_commit()

    def _apply(self, submissions: Sequence[Submission]) -> Batch:
        return self.core.apply(submissions)

    def _finish_commit(self) -> None:
        batch, self._in_flight = self._in_flight, None
        assert batch is not None, "no commit is in flight"
        try:
            self.store.commit(batch.changes)
        except StorageError:
            self._failed = True
            self._tell(self.core.failed(batch.submissions, self.now))
            self._tell(self.core.drop(self._sequencer.drop(), self.now))
        else:
            self._perform(self.core.committed(batch, self.now))

    # Effects.

    def _tell(self, effects: Iterable[fx.Effect]) -> None:
        """Perform what the core says with nothing new on disk."""
        effects = list(effects)
        assert not any(map(tells_of_a_commit, effects))
        self._perform(effects)

    def _perform(self, effects: Iterable[fx.Effect]) -> None:  # noqa: PLR0912 - a case an effect
        cut: list[int] = []
        for effect in effects:
            match effect:
                case fx.Send():
                    self._send(effect)
                case fx.Answer():
                    self.answered.append(effect.reply)
                case fx.Publish():
                    self._publish(effect)
                case fx.Submit():
                    self._sequencer.submit(effect.submission)
                case fx.Fetch():
                    self._fetches.append(effect)
                case Verify() | Hash():
                    self.passwords.append(effect)
                case fx.Grant() | fx.Revoke():
                    self._grant(effect)
                case fx.Cut():
                    self._silence(effect.connection)
                    cut.append(effect.connection)
                case fx.Strike():
                    self.struck.append(effect.connection)
                case fx.CutNetwork():
                    self.cut_networks.append(effect.network)
                    cut += self._shuts(effect.network)
                case fx.Resume():
                    self._tell(self.core.resume(effect.peer, self.now))
                case fx.LogPeer():
                    self.logged.append("peer")
                case fx.LogEntry():
                    self.logged.append(effect.entry.event)
                case _:
                    assert_never(effect)
        for connection in cut:
            self._cut(connection)

    def _shuts(self, network: str) -> list[int]:
        """Shut all connections from a network, and return them."""
        banned = ip_network(network)
        people = [p for p in self.people if p.address and ip_address(p.address) in banned]
        subs = [person.sub.connection for person in people if person.sub is not None]
        for connection in subs:
            self._silence(connection)
        return [*(person.connection for person in people), *subs]

    def _send(self, effect: fx.Send) -> None:
        replies = decode_replies(array([encode(reply) for reply in effect.replies]))
        assert replies == list(effect.replies), "a reply breaks its type"
        for person in self.people:
            if person.routing_id == effect.routing_id and not person.is_cut:
                for reply in replies:
                    person.unread.append(without_text(reply))

    def _cut(self, connection: int) -> None:
        """The connection is shut, and the monitor tells."""
        for person in self.people:
            if person.connection == connection and not person.is_cut:
                person.is_cut = True
                self._tell(self.core.lost(connection, self.now))
        for sub in self.subs:
            if sub.connection == connection and not sub.is_cut:
                self._cut_sub(sub)
