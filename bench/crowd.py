"""Many subscribers in few processes, of any server: how many messages did they get together?

Without encryption each is a plain TCP connection (`dials`); with CURVE all are connections of one XSUB socket, each under its session's own events key.
(libzmq takes the keys at `connect`, so sockets need not be polled one by one; to the broker each connection is a subscriber like any other.)
"""

import os
import resource
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import c_uint64
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray
from typing import Any, Protocol

import zmq
from bench.dials import Dial, open_all, zmtp
from bench.listening import PARTS, Note, count_events, count_marks
from bench.servers import Target
from bench.spawning import PROCESSES, Pipe, allow_files, spawned
from bench.wire import RELAY_ROOM, KeyPair, Session, connect_many, new_context

DESCRIPTORS_EACH = 3
"""File descriptors that one subscriber takes at most: two in the broker; up to five in one of our processes, where only some of them are."""


class Listeners(Protocol):
    """Some subscribers of one server. They are sent to the process that is to be them."""

    def open(self) -> "Ears":
        """Connect and subscribe."""


class Server(Protocol):
    """What has subscribers."""

    def listeners(self, numbers: range, room: str) -> Listeners:
        """Return as many subscribers of a room, by their numbers."""


class Crowd:
    """The subscribers of one server, seen from the process that measures."""

    def __init__(self, size: int, counters: Sequence[int]) -> None:
        self.size = size
        self._counters = counters

    def received(self) -> int:
        """Return how many messages all of them have received so far."""
        return sum(self._counters)


@contextmanager
def crowd(server: Server, size: int, room: str) -> Iterator[Crowd]:
    """Let `size` subscribers listen to the room while the `with` block runs. Raises BenchError when they cannot."""
    processes = min(size, PROCESSES)
    counters: Any = RawArray(c_uint64, processes)
    shares = [
        range(size * index // processes, size * (index + 1) // processes)
        for index in range(processes)
    ]
    parts = [(server.listeners(share, room), counters, n) for n, share in enumerate(shares)]
    with spawned(_be, parts):
        yield Crowd(size, counters)


def _be(listeners: Listeners, counters: Any, index: int, pipe: "Pipe[Any, Any]") -> None:
    """Be some of the subscribers until the process is ended."""

    def note(total: int) -> None:
        counters[index] = total

    ears = listeners.open()
    pipe.send(None)
    ears.count(note)


def possible(size: int, descriptors: int = DESCRIPTORS_EACH) -> int:
    """Return how many of those that take so many descriptors the limit on open files allows, at most `size`."""
    limit = allow_files()
    if limit == resource.RLIM_INFINITY:
        return size
    return max(1, min(size, (limit - 200) // descriptors))


class Alive(Protocol):
    """What must say now and then that it is there."""

    def ping(self) -> None:
        """Say so."""

    def close(self) -> None:
        """Leave."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Subscribers in this process, who get what is posted from now on: plain connections, or one ZeroMQ socket that is all of them."""

    sockets: Sequence[socket.socket]
    events: zmq.Socket[bytes] | None = None
    dials: Sequence[Dial] = ()
    sessions: Sequence[Alive] = ()

    def keep_alive(self, part: int) -> None:
        """Let the broker hear of a part of the members that they are there."""
        for session in self.sessions[part::PARTS]:
            session.ping()

    def count(self, note: Note) -> None:
        """Count what they get, for ever."""
        if self.events is not None:
            count_events(self.events, note, self.keep_alive)
        else:
            count_marks(self.sockets, self.dials, note, self.keep_alive)

    def close(self) -> None:
        """Let all of them leave."""
        for session in self.sessions:
            session.close()
        for sock in self.sockets:
            sock.close()
        if self.events is not None:
            self.events.close()


@dataclass(frozen=True, slots=True)
class Dialled:
    """Subscribers that need nothing but a connection each."""

    dials: Sequence[Dial]

    def open(self) -> Ears:
        """Open them."""
        return Ears(open_all(self.dials), dials=self.dials)


@dataclass(frozen=True, slots=True)
class Members:
    """Members of a room of a broker: a session each, and a SUB under the key that it announced. Of the relay: the SUBs alone."""

    target: Target
    count: int
    room: str

    def open(self) -> Ears:
        """Log in, join and subscribe."""
        context, sessions, topic = new_context(), [], RELAY_ROOM
        if self.target.is_broker:
            names = [f"reader-{os.urandom(6).hex()}" for _ in range(self.count)]
            sessions = log_in(context, self.target, names)
            topic = join(sessions, self.room)
        keys = [session.events_keys for session in sessions]
        if self.target.encrypted:
            subscriber = context.socket(zmq.XSUB)
            subscriber.send(b"\x01" + topic)
            connect_many(subscriber, self.target, keys or [KeyPair.new()] * self.count)
            ears = Ears([], subscriber, sessions=sessions)
        else:
            port = int(self.target.events.rpartition(":")[2])
            plain = [key.raw.hex().encode() for key in keys] or [b""] * self.count
            dials = [zmtp(port, "SUB", name, b"\x01" + topic) for name in plain]
            ears = Ears(open_all(dials), dials=dials, sessions=sessions)
        for session in sessions:
            session.until("subscribed")
        return ears


def log_in(
    context: "zmq.Context[zmq.Socket[bytes]]", target: Target, names: Sequence[str]
) -> list[Session]:
    """Return sessions that are live."""
    sessions = [Session(context, target, name) for name in names]
    for session in sessions:
        session.until("welcome")
    return sessions


def join(sessions: Sequence[Session], room: str) -> bytes:
    """Let sessions be members of a room; return its id."""
    for session in sessions:
        session.write(type="join", name=room)
    return [bytes(session.until("joined")["room"]) for session in sessions][-1]
