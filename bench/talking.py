"""Clients who all listen and post: members of small rooms, or pairs who write to each other. They take turns, and wait for what is under way.

They are in a few processes, each of which has whole rooms or pairs. Of a peer each client is one connection, or two where one that listens may not post (Redis).
Of hubbub it is a session and a SUB; the sessions are libzmq's, so they cost this side more than a peer's connections do.
"""

import os
import selectors
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Final, Protocol

import msgpack
import zmq
from bench.dials import ALIVE, READ_BYTES, Dial, open_all, zmtp
from bench.listening import KEEPALIVE_SECONDS, events_in, read_marks
from bench.peers.dialect import PRODUCER
from bench.peers.process import Peer
from bench.servers import Target
from bench.sessions import Sessions
from bench.spawning import PROCESSES, Pipe, heard, spawned
from bench.systems import Ours, Served
from bench.wire import TEXT, KeyPair, connect_many, new_context

UNDER_WAY: Final = 1000
"""Posts of one process that not everybody has yet, two of each client: without a bound a server would only fill its buffers."""
STALLED_SECONDS: Final = 2.0


class Talk(Protocol):
    """Clients that are connected."""

    copies: int
    """Of each post, so many come to clients of this process."""

    def post(self) -> None:
        """Let the next client post one message."""

    def take(self, seconds: float) -> None:
        """Read what has come; wait so long for it at most."""

    def received(self) -> int:
        """Return how many copies have come in all."""

    def unanswered(self) -> int:
        """Return how many posts have no ack yet, where a server gives one."""

    def keep_alive(self) -> None:
        """Let the server hear that all are there."""


class Talkers(Protocol):
    """Clients yet to be connected. They are sent to the process that is to be them."""

    def open(self) -> Talk:
        """Connect all, and return when everybody listens."""


class Listened:
    """Connections without ZeroMQ that are read together."""

    def __init__(self, sockets: Sequence[socket.socket]) -> None:
        self._selector = selectors.DefaultSelector()
        self._buffer = bytearray(READ_BYTES)
        self._marks = 0
        for each in sockets:
            self._selector.register(each, selectors.EVENT_READ)

    def take(self, seconds: float) -> None:
        """Read what has come; wait so long for it at most."""
        for key, _ in self._selector.select(seconds):
            assert isinstance(key.fileobj, socket.socket)
            self._marks += read_marks(key.fileobj, self._buffer, self._selector)

    def received(self) -> int:
        """Return how many messages that was."""
        return self._marks // len(TEXT)


class RawTalk:
    """Clients of a peer."""

    def __init__(
        self, dials: Sequence[Dial], posting: Sequence[Dial], posts: Sequence[bytes]
    ) -> None:
        """`posting` are second connections to post on, if there must be any; `posts` is what each client says."""
        listening = open_all(dials)
        self._posting = open_all(posting) or listening
        self._listened = Listened([*listening, *(self._posting if posting else ())])
        self._posts = posts
        self._sent = 0
        self.copies = 1
        self.take, self.received = self._listened.take, self._listened.received

    def post(self) -> None:
        """See `Talk`."""
        turn = self._sent % len(self._posts)
        self._sent += 1
        left = self._posts[turn]
        while left:
            try:
                left = left[self._posting[turn].send(left) :]
            except (BlockingIOError, ssl.SSLWantWriteError):
                self.take(0.001)

    def unanswered(self) -> int:
        """See `Talk`: who has a copy needs no answer."""
        return 0

    def keep_alive(self) -> None:
        """See `Talk`: no peer cuts the silent within our time."""
        self.take(0)


class OurTalk:
    """Sessions of a broker. Of a post to a room the copies come by SUB, of a `tell` by ROUTER to both sides."""

    def __init__(self, target: Target, count: int, members: int) -> None:
        """`members` of each room; 0: pairs, who tell each other."""
        self._context = new_context()
        self._sessions = Sessions(self._context, target, [KeyPair.new() for _ in range(count)])
        for number in range(count):
            self._sessions.enter(number)
        self._sessions.each("welcome")
        self._listened = Listened(())
        self._dialled: Sequence[socket.socket] = ()
        self._subs: list[zmq.Socket[bytes]] = []
        self._sent = self._acked = self._counted = 0
        self.copies = members or 2
        if members:
            rooms = self._enter(members)
            self._listen(target, rooms, members)
            writes = [{"type": "post", "room": room, "text": TEXT} for room in rooms]
        else:
            people = [f"{self._sessions.name}-{number ^ 1}" for number in range(count)]
            writes = [{"type": "tell", "to": name, "text": TEXT} for name in people]
        self._next = 2 if members else 1
        self._heads = [_without_number(msgpack.packb(write)) for write in writes]
        self._poller = zmq.Poller()
        for source in (self._sessions.socket, *self._subs):
            self._poller.register(source, zmq.POLLIN)

    def _enter(self, members: int) -> list[bytes]:
        """Let the first of each room make it and the others join; return each one's room."""
        numbers, name = range(len(self._sessions.keys)), f"room-{os.urandom(6).hex()}"
        makers = range(0, len(numbers), members)
        rooms: dict[int, bytes] = {}
        for kind, some in (("create", makers), ("join", [n for n in numbers if n % members])):
            for number in some:
                room = f"{name}-{number // members}"
                self._sessions.send(number, {"type": kind, "name": room, "n": 1})
            joined = self._sessions.each("joined", some)
            rooms |= {number: it["room"] for number, it in zip(some, joined, strict=True)}
        return [rooms[number] for number in numbers]

    def _listen(self, target: Target, rooms: Sequence[bytes], members: int) -> None:
        keys = self._sessions.events_keys
        if target.encrypted:
            for first in range(0, len(keys), members):
                sub = self._context.socket(zmq.XSUB)
                sub.send(b"\x01" + rooms[first])
                connect_many(sub, target, keys[first : first + members])
                self._subs.append(sub)
        else:
            port = int(target.events.rpartition(":")[2])
            self._dialled = open_all(
                [
                    zmtp(port, "SUB", key.raw.hex().encode(), b"\x01" + room)
                    for key, room in zip(keys, rooms, strict=True)
                ]
            )
            self._listened = Listened(self._dialled)
        self._sessions.each("subscribed")

    def post(self) -> None:
        """See `Talk`."""
        turn = self._sent % len(self._heads)
        n = self._next + self._sent // len(self._heads)
        self._sent += 1
        payload = self._heads[turn] + n.to_bytes(4)
        self._sessions.socket.send_multipart([turn.to_bytes(4), payload])

    def take(self, seconds: float) -> None:
        """See `Talk`."""
        if self._dialled:
            self._listened.take(seconds)
            seconds = 0
        for source, _ in self._poller.poll(round(seconds * 1000)):
            if source is self._sessions.socket:
                self._take_replies()
            else:
                self._counted += _published(source)

    def _take_replies(self) -> None:
        for _, reply in self._sessions.take(0):
            if reply["type"] == "acked":
                self._acked += reply.get("count", 1)
            elif reply["type"] == "delivered":
                self._counted += 1

    def received(self) -> int:
        """See `Talk`."""
        return self._counted + self._listened.received()

    def unanswered(self) -> int:
        """See `Talk`."""
        return self._sent - self._acked

    def keep_alive(self) -> None:
        """See `Talk`."""
        self.take(0)
        for number in range(len(self._heads)):
            self._sessions.send(number, {"type": "ping", "id": 3})
        for each in self._dialled:
            each.send(ALIVE)


def _without_number(packed: bytes) -> bytes:
    """Return a frame of one write, up to the four bytes of its number."""
    return b"\x91" + bytes([packed[0] + 1]) + packed[1:] + b"\xa1n\xce"


def _published(sub: "zmq.Socket[bytes]") -> int:
    """Read what has been published to a socket; return how many events that was."""
    topic, head, count = bytearray(16), bytearray(5), 0
    with suppress(zmq.Again):
        while True:
            sub.recv_into(topic, flags=zmq.NOBLOCK)
            sub.recv_into(head)
            count += events_in(head)
    return count


# Who they are.


@dataclass(frozen=True, slots=True)
class PeersTalkers:
    """Clients of a peer. `members` of each room; 0: pairs, who write to each other."""

    peer: Peer
    numbers: range
    members: int

    def open(self) -> Talk:
        """See `Talkers`."""
        dialect, numbers = self.peer.dialect, self.numbers
        if self.members:
            listens = [f"room-{number // self.members}" for number in numbers]
            writes = listens
        else:
            listens = [dialect.own(number) for number in numbers]
            writes = [dialect.own(number ^ 1) for number in numbers]
        dials = [self.peer.dial(*each) for each in zip(numbers, listens, strict=True)]
        posting = [self.peer.dial(PRODUCER + number) for number in numbers]
        talk = RawTalk(
            dials,
            posting if dialect.posts_apart else [],
            [dialect.post(*each) for each in zip(writes, numbers, strict=True)],
        )
        talk.copies = self.members - (not dialect.echoes) if self.members else 1
        return talk


@dataclass(frozen=True, slots=True)
class OurTalkers:
    """The same of a broker."""

    target: Target
    count: int
    members: int

    def open(self) -> Talk:
        """See `Talkers`."""
        return OurTalk(self.target, self.count, self.members)


def _talkers(served: Served, numbers: range, members: int) -> Talkers:
    if isinstance(served, Peer):
        return PeersTalkers(served, numbers, members)
    assert isinstance(served, Ours), "it is a peer, or ours"
    return OurTalkers(served.target, len(numbers), members)


# The processes that they are in.


@dataclass(frozen=True, slots=True)
class Said:
    """What came of a measurement: posts, copies that came, and seconds."""

    posts: int
    received: int
    expected: int
    seconds: float


class Company:
    """All clients of one server, seen from the process that measures."""

    def __init__(self, pipes: "Sequence[Pipe[Any, Any]]") -> None:
        self._pipes = pipes

    def talk(self, seconds: float) -> Said:
        """Let all talk for so long; return what came of it in all. Raises BenchError when they fail."""
        for pipe in self._pipes:
            pipe.send(seconds)
        each: list[Said] = [heard(pipe) for pipe in self._pipes]
        return Said(
            sum(said.posts for said in each),
            sum(said.received for said in each),
            sum(said.expected for said in each),
            max(said.seconds for said in each),
        )


@contextmanager
def company(served: Served, count: int, members: int) -> Iterator[Company]:
    """Let so many clients be there while the `with` block runs. Raises BenchError when they cannot."""
    group = members or 2
    share = count // group // PROCESSES * group
    shares = [range(index * share, (index + 1) * share) for index in range(PROCESSES)]
    with spawned(_be, [(_talkers(served, numbers, members),) for numbers in shares]) as pipes:
        yield Company(pipes)


def _be(talkers: Talkers, pipe: "Pipe[Any, Any]") -> None:
    """Be some of the clients until the process is ended."""
    talk = talkers.open()
    pipe.send(None)
    while True:
        while not pipe.poll(KEEPALIVE_SECONDS):
            talk.keep_alive()
        pipe.send(_talk(talk, pipe.recv()))


def _talk(talk: Talk, seconds: float) -> Said:
    """Take turns for so long, and wait for what is under way then, as long as anything of it comes."""
    talk.keep_alive()
    started, before, posts = time.perf_counter(), talk.received(), 0
    while time.perf_counter() - started < seconds:
        if (posts - UNDER_WAY) * talk.copies < talk.received() - before:
            talk.post()
            posts += 1
        else:
            talk.take(0.0005)
    expected, at = posts * talk.copies, time.perf_counter()
    received = talk.received() - before
    while (received < expected or talk.unanswered()) and (
        time.perf_counter() - at < STALLED_SECONDS
    ):
        talk.take(0.0005)
        if (now := talk.received() - before) != received:
            received, at = now, time.perf_counter()
    return Said(posts, received, expected, at - started)
