"""A raw load driver: nothing but pyzmq and msgpack, so that what is measured is the server and not the client library.

Posts are spliced from bytes made once; only `n` changes. The driver speaks PROTOCOL.md, as far as posting needs it.
"""

import os
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Any

import msgpack
import zmq
from bench.plain import PlainDealer
from bench.servers import BenchError, Target
from zmq.utils import z85

from hubbub.common.limits import FRAME_UP_BYTES, ROOM_ID_BYTES
from hubbub.common.zmq_setup import prepare_zmq

MARK = b"|"
TEXT = MARK.decode() * 100
"""Of one byte, by which `listening` counts messages."""
ANSWER_SECONDS = 20.0
RELAY_ROOM = b"bench's one room"

Socket = zmq.Socket[bytes]
Reply = dict[str, Any]


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair in Z85, as libzmq takes it."""

    public: bytes
    secret: bytes

    @property
    def raw(self) -> bytes:
        """The public half as `login` carries it."""
        return bytes(z85.decode(self.public))

    @classmethod
    def new(cls) -> "KeyPair":
        """Make one."""
        return cls(*zmq.curve_keypair())


def new_context() -> "zmq.Context[Socket]":
    """A context for thousands of sockets."""
    prepare_zmq()
    context: zmq.Context[Socket] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, 8000)
    return context


def secure(socket: Socket, keys: KeyPair, target: Target) -> None:
    """Set the keys that the next `connect` uses: by CURVE, by PLAIN to an insecure broker, not at all to an insecure relay."""
    if target.encrypted:
        socket.curve_serverkey = z85.encode(target.key)
        socket.curve_publickey, socket.curve_secretkey = keys.public, keys.secret
    elif target.is_broker:
        socket.plain_username = keys.raw.hex().encode()


HELLO = {"type": "hello", "id": 1, "versions": [1]}


def login(name: str, events_keys: KeyPair, *, resuming: bool = False) -> dict[str, Any]:
    """Return the command that takes or uses a name."""
    return {
        "type": "login",
        "id": 2,
        "name": name,
        "producer": os.urandom(16),
        "events_key": events_keys.raw,
        "resuming": resuming,
    }


def new_routing_id() -> bytes:
    """Make one that the broker takes."""
    return b"\x01" + os.urandom(31)


def connect_many(socket: Socket, target: Target, keys: Sequence[KeyPair], first: int = 0) -> None:
    """Connect a ROUTER to the commands, or an XSUB to the events, once under each of these keys: to the server each connection is a client of its own.

    libzmq takes keys and routing ids at `connect`, which a DEALER or SUB would do once only for an address. A ROUTER knows its connections by their
    numbers in 4 bytes, from `first` on; what an XSUB sends goes to all.
    """
    is_router = socket.socket_type == zmq.ROUTER
    for number, key in enumerate(keys, first):
        if is_router:
            socket.routing_id = new_routing_id()
            socket.setsockopt(zmq.CONNECT_ROUTING_ID, number.to_bytes(4))
        secure(socket, key, target)
        socket.connect(target.commands if is_router else target.events)


@dataclass(slots=True)
class Session:
    """One DEALER, connected and, to a broker, on its way to be logged in as `name`."""

    context: "zmq.Context[Socket]"
    target: Target
    name: str
    keys: KeyPair = field(default_factory=KeyPair.new)
    events_keys: KeyPair = field(default_factory=KeyPair.new)
    plain: bool = False
    """Without encryption: whether it does without libzmq, which costs more than other servers' clients."""
    socket: Any = field(init=False)
    """A DEALER; `plain`: a PlainDealer, which does the same."""
    n: int = 0
    _waiting: deque[Reply] = field(default_factory=deque)

    def __post_init__(self) -> None:
        """Connect and send what comes first."""
        self.socket = self._connect(new_routing_id())
        if self.target.is_broker:
            self.send(HELLO, login(self.name, self.events_keys))

    def _connect(self, routing_id: bytes) -> Socket | PlainDealer:
        if self.plain:
            name = self.keys.raw.hex().encode() if self.target.is_broker else b""
            return PlainDealer(int(self.target.commands.rpartition(":")[2]), routing_id, name)
        socket = self.context.socket(zmq.DEALER)
        socket.linger = 1000
        socket.routing_id = routing_id
        secure(socket, self.keys, self.target)
        socket.connect(self.target.commands)
        return socket

    def send(self, *commands: dict[str, Any]) -> None:
        """Send one frame."""
        self.socket.send(msgpack.packb(commands))

    def write(self, **command: Any) -> None:
        """Send one write under the next number."""
        self.n += 1
        self.send({"n": self.n, **command})

    def until(self, *kinds: str) -> Reply:
        """Return the next reply of one of these types; the others before it are dropped."""
        until = time.monotonic() + ANSWER_SECONDS
        while True:
            while self._waiting:
                reply = self._waiting.popleft()
                if reply["type"] in kinds:
                    return reply
                if reply["type"] in {"error", "closing"}:
                    raise BenchError(f"{self.name}: {reply}")
            if not self.socket.poll(max(0, int((until - time.monotonic()) * 1000))):
                raise BenchError(f"{self.name}: no {' or '.join(kinds)} from the server")
            self._waiting.extend(msgpack.unpackb(self.socket.recv()))

    def arrived(self) -> Sequence[bytes]:
        """Return the frames that have come, without waiting for any."""
        if isinstance(self.socket, PlainDealer):
            return self.socket.arrived() if self.socket.poll(0) else []
        frames = []
        with suppress(zmq.Again):
            while True:
                frames.append(self.socket.recv(zmq.NOBLOCK))
        return frames

    def ping(self) -> None:
        """Throw away what has come and say that one is alive."""
        self.arrived()
        self.send({"type": "ping", "id": 3})

    def close(self) -> None:
        """Leave."""
        if self.target.is_broker:
            self.send({"type": "logout", "id": 4})
            self.until("bye")
        self.socket.close()


class Driver:
    """A producer of the broker or the relay: posts of TEXT to one room, spliced from bytes made once."""

    def __init__(
        self, context: "zmq.Context[Socket]", target: Target, room: str = "", *, plain: bool = False
    ) -> None:
        """Log in under a name of its own and, to a broker, enter `room`, which is made if it is missing; empty: the lobby."""
        self.session = Session(context, target, f"driver-{os.urandom(6).hex()}", plain=plain)
        self.room = RELAY_ROOM
        if target.is_broker:
            self.room = self.session.until("welcome")["rooms"][0]["room"]
            if room:
                self.room = self._enter(room)
        assert len(self.room) == ROOM_ID_BYTES
        post = {"type": "post", "room": self.room, "text": TEXT}
        packed = msgpack.packb(post)
        self._head: bytes = bytes([packed[0] + 1]) + packed[1:] + msgpack.packb("n") + b"\xce"
        self._around = self._head.split(TEXT.encode())
        self.posts_per_frame = FRAME_UP_BYTES // (len(self._head) + 4)
        """As many of these posts as a frame may hold."""
        self._before = self.session.n
        self.sent = self.acked = 0

    def _enter(self, room: str) -> bytes:
        session = self.session
        session.write(type="create", name=room)
        if session.until("acked", "error")["type"] == "error":
            session.write(type="join", name=room)
            session.until("acked")
        session.send({"type": "rooms", "id": 5})
        rooms = session.until("room_list")["rooms"]
        [found] = [entry["room"] for entry in rooms if entry["name"] == room]
        return bytes(found)

    def post_one(self) -> float:
        """Post one and wait; return the seconds it took."""
        started = time.perf_counter()
        self.post(1)
        while self.acked < self.sent:
            self.take(ANSWER_SECONDS)
        return time.perf_counter() - started

    @property
    def source(self) -> Any:
        """What a poller waits on for answers."""
        socket = self.session.socket
        return socket.fileno() if isinstance(socket, PlainDealer) else socket

    def post(self, count: int, frames: int = 1) -> None:
        """Send so many in each of some frames, at most `posts_per_frame`."""
        first = self.session.n + 1
        self.session.n += count * frames
        self.sent += count * frames
        firsts = range(first, first + count * frames, count)
        self._send([self._frame(first, count) for first in firsts])

    def _frame(self, first: int, count: int) -> bytes:
        head = self._head
        if count == 1:
            return b"\x91" + head + first.to_bytes(4)
        posts = [head + n.to_bytes(4) for n in range(first, first + count)]
        return b"\xdc" + count.to_bytes(2) + b"".join(posts)

    def say(self, text: bytes) -> None:
        """Send one of another text that is as long."""
        self.session.n += 1
        self.sent += 1
        self._send([b"\x91" + text.join(self._around) + self.session.n.to_bytes(4)])

    def _send(self, frames: Sequence[bytes]) -> None:
        socket = self.session.socket
        if isinstance(socket, PlainDealer):
            socket.send(*frames)
        else:
            for frame in frames:
                socket.send(frame)

    def take(self, seconds: float) -> None:
        """Read the replies that have come; wait so long for some at most."""
        if seconds and not self.session.socket.poll(ceil(seconds * 1000)):
            return
        for frame in self.session.arrived():
            for reply in msgpack.unpackb(frame):
                match reply["type"]:
                    case "acked":
                        self.acked = reply["n"] + reply.get("count", 1) - 1 - self._before
                    case "error" | "resend":
                        raise BenchError(f"the server refuses a post: {reply}")

    def close(self) -> None:
        """Leave."""
        self.session.close()
