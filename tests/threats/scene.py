"""What the tests of threats have in common: whether an honest person is served, and peers made by hand that have logged in."""

import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import msgpack
import pytest
import zmq
from tests.stranger import Stranger
from tests.zmtp import KeyPair, Peer

MIB: Final = 2**20
DOOR: Final = 2
"""The offset of its port."""

linux_only = pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux tells what a process and its connections hold"
)


@contextmanager
def monitored(socket: "zmq.Socket[bytes]", events: int) -> "Iterator[zmq.Socket[bytes]]":
    """Hear what becomes of a socket's connections."""
    monitor = socket.get_monitor_socket(events)
    try:
        yield monitor
    finally:
        socket.disable_monitor()
        monitor.close()


def post_works(person: Stranger) -> bool:
    """Whether an honest post still comes back to its sender's screen."""
    text = os.urandom(8).hex()
    lobby = person.rooms["lobby"]
    acked = person.write("post", room=lobby.id, text=text)
    person.until(lambda: lobby.seq >= acked["seq"])
    return text in lobby.texts


def new_routing_id() -> bytes:
    """One as clients make them."""
    return b"\1" + os.urandom(31)


@dataclass(slots=True)
class RawMember:
    """A member whose DEALER is made by hand. Its SUB is still to be connected, with `events_keys`."""

    dealer: Peer
    events_keys: KeyPair
    lobby: bytes

    @classmethod
    def enter(cls, port: int, server_key: bytes, name: str) -> Self:
        """Connect and log in."""
        keys = KeyPair.new()
        dealer = Peer(port)
        dealer.curve(server_key, KeyPair.new(), "DEALER", new_routing_id())
        login = {"type": "login", "id": 2, "name": name, "events_key": keys.public}
        login["producer"] = os.urandom(16)
        dealer.send(msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}, login]))
        replies: dict[str, dict[str, Any]] = {}
        while "welcome" not in replies:
            replies |= {reply["type"]: reply for reply in msgpack.unpackb(dealer.receive()[0])}
        return cls(dealer, keys, replies["welcome"]["rooms"][0]["room"])

    def listen(self, server_key: bytes) -> Peer:
        """Connect a SUB made by hand."""
        port = self.dealer.socket.getpeername()[1]
        sub = Peer(port + 1)
        sub.curve(server_key, self.events_keys, "SUB")
        return sub

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.dealer.socket.close()


def memory(process_id: int, what: str = "VmRSS") -> int:
    """Return a process's resident memory in bytes; "VmHWM": the most it ever was."""
    status = Path(f"/proc/{process_id}/status").read_text()
    found = re.search(rf"{what}:\s+(\d+) kB", status)
    assert found is not None
    return int(found[1]) * 1024
