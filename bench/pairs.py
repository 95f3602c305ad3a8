"""Bare pairs of DEALER and SUB with the relay, as many as clients: what libzmq itself takes for them."""

from dataclasses import dataclass

import msgpack
import zmq
from bench.crowd import Ears
from bench.dials import open_all, zmtp
from bench.servers import Target
from bench.wire import RELAY_ROOM, KeyPair, Socket, connect_many, new_context

_ALIVE = msgpack.packb([{"n": 0, "room": b"nobody's room", "text": ""}])


@dataclass(frozen=True, slots=True)
class Dealers:
    """The DEALERs: connections of one socket."""

    socket: Socket
    count: int

    def ping(self) -> None:
        """Throw away what has come, and let each say something that is answered."""
        while self.socket.poll(0):
            self.socket.recv_multipart()
        for number in range(self.count):
            self.socket.send_multipart([number.to_bytes(4), _ALIVE])

    def close(self) -> None:
        """Drop all connections."""
        self.socket.close(linger=0)


@dataclass(frozen=True, slots=True)
class Pairs:
    """So many of them. They are sent to the process that is to be them."""

    target: Target
    count: int

    def open(self) -> Ears:
        """Connect them, subscribe, and wait until each was answered."""
        context, keys = new_context(), [KeyPair.new() for _ in range(self.count)]
        commands = context.socket(zmq.ROUTER)
        connect_many(commands, self.target, keys)
        dealers = Dealers(commands, self.count)
        if self.target.encrypted:
            events = context.socket(zmq.XSUB)
            events.send(b"\x01" + RELAY_ROOM)
            connect_many(events, self.target, keys)
            ears = Ears([], events, sessions=[dealers])
        else:
            port = int(self.target.events.rpartition(":")[2])
            dials = [zmtp(port, "SUB", message=b"\x01" + RELAY_ROOM)] * self.count
            ears = Ears(open_all(dials), dials=dials, sessions=[dealers])
        dealers.ping()
        for _ in range(self.count):
            commands.recv_multipart()
        return ears


@dataclass(frozen=True, slots=True)
class Bare:
    """The relay as a server whose clients are pairs."""

    target: Target

    def listeners(self, numbers: range, room: str) -> Pairs:
        """Return as many pairs."""
        return Pairs(self.target, len(numbers))
