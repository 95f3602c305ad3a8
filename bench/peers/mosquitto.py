"""Mosquitto, an MQTT broker: QoS 0, which stores nothing and answers no post."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.dialect import PRODUCER
from bench.peers.process import Peer, find, free_port, running, version
from bench.results import NOTHING_STORED
from bench.wire import TEXT

PROGRAM = "mosquitto"
INSTALL = "Debian: apt install mosquitto"
_CONNECT, _PUBLISH, _SUBSCRIBE = 0x10, 0x30, 0x82
_CONNACK, _SUBACK = b"\x20\x02\x00\x00", b"\x90\x03\x00\x01\x00"


def _packet(kind: int, body: bytes) -> bytes:
    size, length = b"", len(body)
    while True:
        length, low = divmod(length, 128)
        size += bytes((low | (128 if length else 0),))
        if not length:
            return bytes((kind,)) + size + body


def _word(text: str) -> bytes:
    return len(text).to_bytes(2) + text.encode()


@dataclass(frozen=True, slots=True)
class Mqtt:
    """MQTT 3.1.1."""

    tls: bool = False
    ack: bytes = b""
    echoes: bool = True
    posts_apart: bool = False

    def enter(self, number: int, room: str) -> tuple[bytes, bytes]:
        """Connect without a keep-alive, and subscribe."""
        connect = _packet(_CONNECT, _word("MQTT") + b"\x04\x02\0\0" + _word(f"c{number}"))
        if not room:
            return connect, _CONNACK
        return connect + _packet(_SUBSCRIBE, b"\0\x01" + _word(room) + b"\0"), _SUBACK

    def own(self, number: int) -> str:
        """Topics are free to make."""
        return f"person/{number}"

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Publish at QoS 0."""
        return _packet(_PUBLISH, _word(room) + TEXT.encode())


@contextmanager
def mosquitto(folder: Path) -> Iterator[Peer]:
    """Run Mosquitto with its queues unbounded: its default of 1,000 drops messages."""
    program, port = find(PROGRAM), free_port()
    assert program is not None, "whoever starts it has looked whether it is there"
    config = folder / f"mosquitto-{port}.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n"
        "set_tcp_nodelay true\nlog_type error\n"
    )
    with running([program, "-c", str(config)], port, folder / f"mosquitto-{port}.log") as pid:
        told = version(program, "-h")
        yield Peer("Mosquitto", told, NOTHING_STORED, "none", pid, port, Mqtt())
