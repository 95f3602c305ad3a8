"""A broker and a network in a few lines, for property tests: they delay, reorder between the two sockets, lose, refuse and cut."""

from collections import deque
from dataclasses import dataclass, field

from tests.client.conversation import EPOCH, INBOX, LOBBY, Log

from hubbub.client import calls, orders
from hubbub.client.effects import (
    Acknowledge,
    Complete,
    ConnectEvents,
    DisconnectEvents,
    Effect,
    Emit,
    Fail,
    Reconnect,
    Send,
    Subscribe,
)
from hubbub.client.session import Session
from hubbub.client.showing import FULL
from hubbub.client.updates import Message, Update
from hubbub.common.commands import (
    Command,
    Hello,
    History,
    Kick,
    Login,
    Order,
    Ping,
    Post,
    Who,
    Write,
)
from hubbub.common.replies import (
    Acked,
    Closing,
    Done,
    Error,
    Greeted,
    Pong,
    Reply,
    Resend,
    Roster,
    Welcome,
)


@dataclass
class Producer:
    highest: int = 0
    seqs: dict[int, int] = field(default_factory=dict)


class Broker:
    """One room, one client. It takes a write exactly if it is the producer's next, and repeats the outcomes of earlier ones."""

    def __init__(self) -> None:
        self.lobby = Log(LOBBY, "lobby")
        self.inbox = Log(INBOX)
        self.producers: dict[bytes, Producer] = {}
        self.is_busy = False
        self.is_strict = False
        self.orders: list[str] = []
        self.end_session()

    def end_session(self) -> None:
        self.producer: Producer | None = None
        self.granted = False
        self.told = 0

    def handle(self, command: Command) -> list[Reply]:  # noqa: PLR0911 - a table, one line a command
        match command:
            case Hello(id=id):
                self.end_session()
                return [Greeted(id, 1, "simulated")]
            case Login(id=id, name=name, producer=producer):
                self.producer = self.producers.setdefault(producer, Producer())
                rooms = [self.lobby.joined()]
                return [Welcome(id, name, EPOCH, self.inbox.head(), rooms, 5001, 0)]
            case Write(n=n) if self.producer is None:
                return [Resend(n, "login_required")]
            case Post():
                return self.post(command)
            case Ping(id=id):
                moved, self.told = self.lobby.seq > self.told, self.lobby.seq
                return [Pong(id, [self.lobby.head()] if moved else [])]
            case _ if self.producer is None:
                return [Error("login_required", "", id=getattr(command, "id", None))]
            case History(id=id) | Who(id=id) | Order(id=id) if self.is_strict:
                return [Error("slow_down", "", id=id, retry_after=2.0)]
            case Kick(id=id, name=name):
                self.orders.append(name)
                return [Done(id)]
            case History():
                return [self.lobby.page(command, most=3)]
            case Who(id=id):
                return [Roster(id, 1, 1, ["Alice"])]
        raise AssertionError(command)

    def post(self, post: Post) -> list[Reply]:
        assert self.producer is not None
        if post.n <= self.producer.highest:
            return [Acked(post.n, LOBBY, self.producer.seqs[post.n])]
        if post.n > self.producer.highest + 1:
            return [Resend(self.producer.highest + 1, "out_of_order")]
        if self.is_busy:
            return [Resend(post.n, "busy", 0.5)]
        if self.is_strict:
            return [Resend(post.n, "slow_down", 2.0)]
        self.lobby.post("Alice", post.text)
        self.producer.highest = post.n
        self.producer.seqs[post.n] = self.lobby.seq
        return [Acked(post.n, LOBBY, self.lobby.seq)]


class Network:
    """Broker and client, and what travels between them. Each method is one thing that can happen next."""

    def __init__(self) -> None:
        self.now = 0.0
        self.broker = Broker()
        self.is_up = False
        self.up: deque[tuple[Command, ...] | Subscribe] = deque()
        self.down: deque[list[Reply]] = deque()
        self.published: deque[list[bytes]] = deque()
        self.publishing = 0
        self.updates: list[Update] = []
        self.acks: dict[str, list[int]] = {}
        self.failures: list[Fail] = []
        self.orders: dict[str, int] = {}
        """How often each was answered."""
        self.written = 0
        random = iter(range(1, 1 << 30))
        self.session = Session(
            "Alice",
            random_bytes=lambda size: next(random).to_bytes(size, "big"),
            new_events_key=lambda: next(random).to_bytes(32, "big"),
            opening="opening",
        )

    def perform(self) -> None:
        for effect in self.session.take(self.now):
            self.perform_one(effect)

    def perform_one(self, effect: Effect) -> None:
        match effect:
            case Send(commands=commands) if self.is_up:
                self.up.append(commands)
            case Subscribe():
                self.up.append(effect)
            case ConnectEvents() | DisconnectEvents():
                self.up = deque(item for item in self.up if not isinstance(item, Subscribe))
                self.broker.granted = False
                self.published.clear()
            case Emit(updates=updates):
                self.updates += updates
            case Acknowledge(tickets=tickets, seq=seq):
                for place, ticket in enumerate(tickets, seq):
                    self.acks[ticket].append(place)
            case Complete(ticket=str(ticket)) if ticket in self.orders:
                self.orders[ticket] += 1
            case Fail():
                self.failures.append(effect)
            case Reconnect():
                self.cut()

    # What the people do.

    def alice_posts(self) -> None:
        text = f"Alice {len(self.acks)}"
        self.acks[text] = []
        calls.post(self.session, text, "lobby", text, None)
        self.perform()

    def alice_orders(self) -> None:
        name = f"Mallory{len(self.orders)}"
        self.orders[name] = 0
        orders.order(self.session, name, Kick(0, name=name))
        self.perform()

    def bob_posts(self) -> None:
        self.broker.lobby.post("Bob", f"Bob {self.broker.lobby.seq}")
        self.publish()

    def app_stops_reading(self) -> None:
        self.session.unread(FULL, self.now)
        self.perform()

    def app_reads(self) -> None:
        self.session.unread(0, self.now)
        self.perform()

    # What the network does.

    def connect(self) -> None:
        if not self.is_up:
            self.is_up = True
            self.session.connected(self.now)
            self.perform()

    def cut(self) -> None:
        self.is_up = False
        self.up.clear()
        self.down.clear()
        self.published.clear()
        self.broker.end_session()
        self.session.disconnected(self.now)
        self.perform()

    def carry_up(self) -> None:
        if not self.up:
            return
        item = self.up.popleft()
        if isinstance(item, Subscribe):
            if self.broker.producer is not None:
                self.broker.granted = True
                self.down.append([self.broker.lobby.subscribed()])
            return
        replies = [reply for command in item for reply in self.broker.handle(command)]
        self.publish()
        if replies:
            self.down.append(replies)

    def publish(self) -> None:
        """Whatever is new in the room, as one frame."""
        events = self.broker.lobby.events
        new, self.publishing = events[self.publishing :], len(events)
        if new and self.broker.granted:
            self.published.append(new)

    def carry_down(self) -> None:
        if self.down:
            self.session.received(self.down.popleft(), self.now)
            self.perform()

    def carry_events(self) -> None:
        if self.published:
            self.session.published(LOBBY, self.published.popleft(), self.now)
            self.perform()

    def lose_events(self) -> None:
        if self.published:
            self.published.popleft()

    def lose_commands(self) -> None:
        """As when the DEALER's queue is full."""
        if self.up and not isinstance(self.up[0], Subscribe):
            self.up.popleft()

    def carry_all(self) -> None:
        while self.up or self.down or self.published:
            self.carry_up()
            self.carry_down()
            self.carry_events()

    def broker_gets_busy(self) -> None:
        self.broker.is_busy = True

    def broker_gets_strict(self) -> None:
        self.broker.is_strict = True

    def broker_sends_away(self) -> None:
        if self.is_up:
            self.broker.end_session()
            self.down.append([Closing("flooding", "", 3.0)])

    def broker_recovers(self) -> None:
        self.broker.is_busy = self.broker.is_strict = False

    def time_passes(self) -> None:
        self.now += 1.1
        self.session.tick(self.now)
        self.perform()

    def calm_down(self) -> None:
        """The network heals: from now on everything arrives."""
        self.broker_recovers()
        self.app_reads()
        for _ in range(30):
            self.connect()
            self.carry_all()
            self.app_reads()
            self.time_passes()

    @property
    def messages(self) -> list[Message]:
        return [update for update in self.updates if isinstance(update, Message)]
