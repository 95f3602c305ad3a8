"""A client written from PROTOCOL.md alone, with nothing but pyzmq and msgpack. It imports nothing of hubbub's, and must not.

What the fields of an event are it reads in the document's tables themselves.
"""

import os
import time
from collections.abc import Callable
from hashlib import blake2b
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar

import msgpack
import zmq
from tests.protocol_tables import plain, read_tables
from zmq.utils import z85

Map = dict[str, Any]
T = TypeVar("T")
PATIENCE = 10.0
"""Seconds after which something that should come is missing."""


class Stuck(Exception):
    """What was waited for did not come."""


class Refused(Exception):
    """A login was answered by an error."""

    def __init__(self, error: Map) -> None:
        super().__init__(f"{error['code']}: {error['text']}")
        self.code: str = error["code"]


class Closed(Exception):
    """The broker has ended the session, and says whether to come back."""

    def __init__(self, closing: Map) -> None:
        super().__init__(f"{closing['code']}: {closing['text']}")
        self.code: str = closing["code"]
        self.retry_after: float = closing.get("retry_after", 0.0)
        self.comes_back = self.code in ("shutting_down", "flooding")


def digest_of(event: bytes, before: bytes = bytes(16)) -> bytes:
    leaf = blake2b(event, digest_size=16).digest()
    return blake2b(before + leaf, digest_size=16).digest()


def ask_door(context: "zmq.Context[zmq.Socket[bytes]]", host: str, port: int) -> Map:
    with context.socket(zmq.DEALER) as door:
        door.linger = 0
        door.connect(f"tcp://{host}:{port + 2}")
        door.send(b"hubbub?")
        if not door.poll(int(PATIENCE * 1000)):
            raise Stuck("the door does not answer")
        answer: Map = msgpack.unpackb(door.recv())
        return answer


FIELDS = {plain(table.heading): table for table in read_tables()}


def named(event: bytes) -> Map:
    """Return an event's fields by their names."""
    kind, *values = msgpack.unpackb(event)
    return dict(zip(["type", *FIELDS[kind].column("field")], [kind, *values], strict=True))


class Log:
    """A room or an inbox, read in order, each event once."""

    def __init__(self, id: bytes, seq: int, digest: bytes) -> None:
        self.id = id
        self.seq = seq
        self.digest = digest
        self.events: list[Map] = []
        self.waiting: dict[int, bytes] = {}

    def offer(self, seq: int, event: bytes) -> None:
        """Take an event, or keep it behind a gap."""
        if seq > self.seq:
            self.waiting[seq] = event
        while (following := self.waiting.pop(self.seq + 1, None)) is not None:
            self.seq += 1
            self.digest = digest_of(following, self.digest)
            self.events.append(named(following))

    @property
    def texts(self) -> list[str]:
        return [event["text"] for event in self.events if "text" in event]


class Stranger:
    """One person's client. `insecure` names a broker that was started so; `credentials` are what the first login takes to be let in."""

    def __init__(
        self, host: str, port: int, name: str, *, insecure: bool = False, **credentials: str
    ) -> None:
        self.name = name
        self.credentials = credentials
        self.host, self.port = host, port
        self.insecure = insecure
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.door = ask_door(self.context, host, port)
        self.device = zmq.curve_keypair()
        self.producer, self.n = os.urandom(16), 0
        self.id = 0
        self.logs: dict[bytes, Log] = {}
        self.rooms: dict[str, Log] = {}
        self.replies: list[Map] = []
        self.presence: list[Map] = []
        self.heads: dict[bytes, tuple[int, bytes]] = {}
        self.events_to_lose = 0
        self.sub: zmq.Socket[bytes] | None = None
        self.routing_id = b"\x01" + os.urandom(31)
        self.dealer = self._connect()

    def _socket(self, kind: int, keys: tuple[bytes, bytes]) -> "zmq.Socket[bytes]":
        public, secret = keys
        socket = self.context.socket(kind)
        socket.linger = 1000 if kind == zmq.DEALER else 0
        socket.maxmsgsize = 2**20
        if self.insecure:
            socket.plain_username = z85.decode(public).hex().encode()
        else:
            socket.curve_serverkey = self.door["key"]
            socket.curve_publickey, socket.curve_secretkey = public, secret
        return socket

    def __enter__(self) -> Self:
        self.login()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.context.destroy()

    # A session.

    def login(self, *, resuming: bool = False) -> Map:
        """Say hello, log in, connect SUB, join all rooms provably. Raises Refused."""
        if self.sub is not None:
            self.sub.close()
            self.sub = None
        events_key = zmq.curve_keypair()
        self.send(self._query("hello", versions=[1], client="stranger 1"))
        welcome = self.ask(
            "login",
            name=self.name,
            events_key=z85.decode(events_key[0]),
            producer=self.producer,
            resuming=resuming,
            **self.credentials,
        )
        if welcome["type"] == "error":
            raise Refused(welcome)
        self.credentials = {}
        self.inbox = self._known(*welcome["inbox"])
        self.sub = self._socket(zmq.SUB, events_key)
        self.sub.connect(
            f"tcp://{welcome.get('events_host') or self.host}:{welcome['events_port']}"
        )
        for room in welcome["rooms"]:
            self.enter(room)
        return welcome

    def reconnect(self) -> None:
        """Begin a new connection under the same routing id, as after a `closing`: the old one is about to be cut."""
        self.dealer.close(linger=0)
        self.dealer = self._connect()

    def _connect(self) -> "zmq.Socket[bytes]":
        dealer = self._socket(zmq.DEALER, self.device)
        dealer.routing_id = self.routing_id
        dealer.immediate = True
        dealer.connect(f"tcp://{self.host}:{self.port}")
        return dealer

    def _known(self, id: bytes, seq: int, digest: bytes) -> Log:
        """Return a log that was read before, or begin one at its head."""
        return self.logs.setdefault(id, Log(id, seq, digest))

    def enter(self, joined: Map) -> Log:
        """Subscribe to a room and catch up with its head."""
        assert self.sub is not None
        log = self.rooms[joined["name"]] = self._known(
            joined["room"], joined["seq"], joined["digest"]
        )
        self.sub.subscribe(log.id)
        granted = self.wait_for("subscribed", lambda reply: reply["room"] == log.id)
        self.catch_up(log, granted["seq"])
        return log

    def catch_up(self, log: Log, head: int) -> None:
        """Fetch what lies up to a head."""
        while log.seq < head:
            page = self.ask("history", room=log.id, after=log.seq, limit=2)
            assert page["before"] == log.digest
            for seq, event in page["events"]:
                log.offer(seq, event)

    # Commands.

    def send(self, *commands: Map) -> None:
        self.dealer.send(msgpack.packb(list(commands)))

    def _query(self, kind: str, /, **fields: Any) -> Map:
        self.id += 1
        return {"type": kind, "id": self.id, **fields}

    def ask(self, kind: str, /, **fields: Any) -> Map:
        """Send a query and return its answer, or the error."""
        query = self._query(kind, **fields)
        self.send(query)
        return self.wait_for(None, lambda reply: reply.get("id") == query["id"])

    def next(self, kind: str, /, **fields: Any) -> Map:
        """Make the next write."""
        self.n += 1
        return {"type": kind, "n": self.n, **fields}

    def write(self, kind: str, /, **fields: Any) -> Map:
        """Send a write and return its outcome."""
        write = self.next(kind, **fields)
        self.send(write)
        return self.outcome(write["n"])

    def outcome(self, n: int) -> Map:
        def is_of(reply: Map) -> bool:
            return n in range(reply.get("n", 0), reply.get("n", 0) + reply.get("count", 1))

        return self.wait_for(None, is_of)

    def order(self, kind: str, /, **fields: Any) -> Map:
        """Give an order twice, as one does that has not heard the answer; return the second one's."""
        self.ask(kind, **fields)
        return self.ask(kind, **fields)

    # What comes.

    def wait_for(
        self,
        kind: str | None,
        fits: Callable[[Map], bool] = lambda reply: True,
        patience: float = PATIENCE,
    ) -> Map:
        """Return the first reply that fits, and take it out of those that came."""

        def found() -> Map | None:
            for reply in self.replies:
                if kind in (None, reply["type"]) and fits(reply):
                    return reply
            return None

        reply = self.until(found, patience)
        self.replies.remove(reply)
        return reply

    def until(self, look: Callable[[], T | None], patience: float = PATIENCE) -> T:
        """Read both sockets until there is what `look` looks for. Raises Closed, and Stuck when it has not come after so many seconds."""
        deadline = time.monotonic() + patience
        while not (found := look()):
            poller = zmq.Poller()
            for socket in (self.dealer, self.sub):
                if socket is not None:
                    poller.register(socket, zmq.POLLIN)
            left = deadline - time.monotonic()
            ready = dict(poller.poll(int(left * 1000) + 1)) if left > 0 else {}
            if not ready:
                raise Stuck(f"{self.name}: {self.replies}")
            if self.dealer in ready:
                for reply in msgpack.unpackb(self.dealer.recv()):
                    self._take(reply)
            if self.sub is not None and self.sub in ready:
                topic, events = self.sub.recv_multipart()
                if topic in self.logs:  # else a room that one has left
                    self._publication(self.logs[topic], msgpack.unpackb(events))
        return found

    def _take(self, reply: Map) -> None:
        if reply["type"] == "closing":
            raise Closed(reply)
        if reply["type"] == "delivered":
            self.inbox.offer(reply["seq"], reply["event"])
        elif reply["type"] == "left":
            self._forget(reply["room"])
        elif reply["type"] == "pong":
            self.heads.update({room: (seq, digest) for room, seq, digest in reply.get("heads", [])})
        self.replies.append(reply)

    def _forget(self, room: bytes) -> None:
        """Stop listening to a room, and read on in it no more: after another `joined` its log begins at what that says."""
        self.logs.pop(room, None)
        self.rooms = {name: log for name, log in self.rooms.items() if log.id != room}
        if self.sub is not None:
            self.sub.unsubscribe(room)

    def _publication(self, log: Log, events: list[bytes]) -> None:
        for event in events:
            seq = named(event).get("seq")
            if seq is None:
                self.presence.append(named(event))
            elif self.events_to_lose:
                self.events_to_lose -= 1
            else:
                log.offer(seq, event)


class Enter(Protocol):
    """Makes a client, which logs in; `credentials` are the further fields of its first login."""

    def __call__(self, name: str, **credentials: str) -> Stranger: ...
