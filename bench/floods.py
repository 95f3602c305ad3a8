"""Floods within the protocol, for `bench/abuse.py`: whoever sends them has logged in and says nothing that is not allowed, but too much of it.

The polite one is a client of the library, and heeds what it is told. The rude ones send without a pause, read only to notice that they were cut, and come back soon.
"""

import itertools
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgpack
import zmq
from bench.servers import BenchError, Target
from bench.wire import TEXT, KeyPair, Session, Socket, new_context

from hubbub.broker.core.limits import LIMITS
from hubbub.client import Client
from hubbub.common.errors import HubbubError
from hubbub.common.limits import WINDOW_COMMANDS
from hubbub.common.names import LOBBY

Map = dict[str, Any]

FRAMES_A_STEP: Final = 64
AGAIN_SECONDS: Final = 0.2
"""Who comes back without a pause meets the bound on handshakes, which is another abuse."""
PAGES: Final = 5000
MEMBERS: Final = {
    f"bot_{name}": getattr(LIMITS, name)
    for name in (
        "posts_burst",
        "posts_a_second",
        "bytes_burst",
        "bytes_a_second",
        "queries_burst",
        "queries_a_second",
    )
}
"""What members have off loopback, for bots: on loopback everybody counts as one."""


@dataclass(frozen=True, slots=True)
class Victim:
    """The broker that is abused."""

    port: int
    key: bytes

    @property
    def target(self) -> Target:
        """The same as the drivers of other measurements take it."""
        return Target(f"tcp://127.0.0.1:{self.port}", "", self.key, True, 0)


def polite_posts(victim: Victim) -> Iterator[None]:
    """Posts as fast as the library takes them."""
    with tempfile.TemporaryDirectory() as home, suppress(HubbubError):
        client = Client(victim.target.address, name="polite", home=Path(home))
        tickets: deque[Future[int]] = deque()
        try:
            while True:
                tickets.append(client.post_nowait(LOBBY, TEXT))
                if len(tickets) == 2 * WINDOW_COMMANDS:
                    with suppress(TimeoutError):
                        tickets.popleft().result(0.1)
                yield
        finally:
            client.close(timeout=0)


def _posts(room: bytes) -> Iterator[Map]:
    """Single posts in single frames, beyond any window."""
    for n in itertools.count(1):
        yield {"type": "post", "n": n, "room": room, "text": TEXT}


def _queries(_room: bytes) -> Iterator[Map]:
    """Questions that the core answers itself."""
    for id in itertools.count(10):
        yield {"type": "whois", "id": id, "name": "nobody"}


def _pages(room: bytes) -> Iterator[Map]:
    """Pages of the lobby's log, each another one, so that nothing remembers it."""
    for id in itertools.count(10):
        yield {"type": "history", "id": id, "room": room, "after": id % PAGES, "limit": 1000}


def _rude(make: Callable[[bytes], Iterator[Map]]) -> Callable[[Victim], Iterator[None]]:
    """Return a flood of what `make` gives for the lobby's id."""

    def flood(victim: Victim) -> Iterator[None]:
        keys = KeyPair.new()
        with new_context() as context:
            while True:
                session = Session(context, victim.target, "rude", keys)
                with suppress(BenchError):  # refused
                    commands = make(session.until("welcome")["rooms"][0]["room"])
                    while not _is_cut(session.socket):
                        _send_some(session.socket, commands)
                        yield
                session.socket.close(linger=0)
                time.sleep(AGAIN_SECONDS)
                yield

    return flood


def _send_some(socket: Socket, commands: Iterator[Map]) -> None:
    for command in itertools.islice(commands, FRAMES_A_STEP):
        if socket.poll(100, zmq.POLLOUT):
            socket.send(msgpack.packb([command]))


def _is_cut(socket: Socket) -> bool:
    """Read all that has come; return whether the broker says that it ends this session."""
    kinds = set()
    while socket.poll(0):
        kinds |= {reply["type"] for reply in msgpack.unpackb(socket.recv())}
    return "closing" in kinds


def logins(victim: Victim) -> Iterator[None]:
    """Logins and logouts on one connection, each as soon as the one before is answered."""
    with new_context() as context:
        session = Session(context, victim.target, "restless")
        hello = {"type": "hello", "id": 1, "versions": [1]}
        while True:
            with suppress(BenchError):  # told to slow down
                session.until("welcome")
                session.send({"type": "logout", "id": 4})
            login = {"type": "login", "id": 2, "name": "restless", "producer": os.urandom(16)}
            session.send(hello, login | {"events_key": os.urandom(32)})
            yield


@dataclass(frozen=True, slots=True)
class Flood:
    """A flood, and the limits of the broker that it meets, where they are other than by default."""

    steps: Callable[[Victim], Iterator[None]]
    limits: dict[str, int]


FLOODS: Final[dict[str, Flood]] = {
    "polite-posts": Flood(polite_posts, MEMBERS),
    "rude-posts": Flood(_rude(_posts), MEMBERS),
    "queries": Flood(_rude(_queries), MEMBERS),
    "pages": Flood(_rude(_pages), MEMBERS),
    "logins": Flood(logins, MEMBERS),
    "polite-bot": Flood(polite_posts, {}),
    "rude-bot": Flood(_rude(_posts), {}),
}
