"""Many sessions of a broker on one socket of ours, known by their numbers: a thousand sockets would cost this process more than the broker.

To the broker each is a connection like any other, with keys and a routing id of its own.
"""

import os
import time
from collections.abc import Iterator, Sequence
from typing import Any

import msgpack
import zmq
from bench.servers import BenchError, Target
from bench.wire import ANSWER_SECONDS, HELLO, KeyPair, Reply, Socket, connect_many, login


class Sessions:
    """Sessions of people named NAME-0, NAME-1 …; whoever has the same keys has the same name again."""

    def __init__(
        self,
        context: "zmq.Context[Socket]",
        target: Target,
        keys: Sequence[KeyPair],
        name: str = "",
        *,
        resuming: bool = False,
    ) -> None:
        """Nobody is connected yet. Without a `name` one is made up that nobody has."""
        self.keys = keys
        self.events_keys = [KeyPair.new() for _ in keys]
        self.name = name or f"guest-{os.urandom(6).hex()}"
        self.socket = context.socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.router_mandatory = True
        self._target = target
        self._resuming = resuming

    def enter(self, number: int) -> None:
        """Connect one and send its login."""
        connect_many(self.socket, self._target, self.keys[number : number + 1], number)
        name, keys = f"{self.name}-{number}", self.events_keys[number]
        self.send(number, HELLO, login(name, keys, resuming=self._resuming))

    def send(self, number: int, *commands: dict[str, Any]) -> None:
        """Send one frame of one session."""
        self.socket.send_multipart([number.to_bytes(4), msgpack.packb(commands)])

    def take(self, seconds: float) -> Iterator[tuple[int, Reply]]:
        """Yield what has come, by session; wait so long for the first at most. Raises BenchError at an error, or when one is sent away."""
        wait = round(seconds * 1000)
        while self.socket.poll(wait):
            wait = 0
            number, payload = self.socket.recv_multipart()
            for reply in msgpack.unpackb(payload):
                if reply["type"] in {"error", "resend"}:
                    raise BenchError(f"{self.name}: {reply}")
                yield int.from_bytes(number), reply

    def each(self, kind: str, of: Sequence[int] | None = None) -> list[Reply]:
        """Return the next reply of this type of these sessions, by default of all; what else comes is dropped. Raises BenchError when one does not come."""
        numbers = range(len(self.keys)) if of is None else of
        found: dict[int, Reply] = {}
        end = time.monotonic() + ANSWER_SECONDS
        while not found.keys() >= set(numbers):
            if time.monotonic() > end:
                raise BenchError(f"{self.name}: {len(found)} of {len(numbers)} got their {kind}")
            found |= {number: it for number, it in self.take(0.1) if it["type"] == kind}
        return [found[number] for number in numbers]

    def ping(self) -> None:
        """Throw away what has come and say for all that they are alive."""
        while self.socket.poll(0):
            self.socket.recv()
        for number in range(len(self.keys)):
            self.send(number, {"type": "ping", "id": 3})

    def close(self) -> None:
        """Drop all connections."""
        self.socket.close()
