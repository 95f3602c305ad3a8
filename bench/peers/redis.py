"""Redis: publish and subscribe, which stores nothing; streams, which do, in a file that is synced before each answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.dialect import PRODUCER
from bench.peers.process import Peer, find, free_port, running, version
from bench.results import NOTHING_STORED, SYNCED
from bench.wire import TEXT

PROGRAM = "redis-server"
INSTALL = "Debian: apt install redis-server"


def _array(*words: str) -> bytes:
    """Return a command as RESP writes it."""
    return f"*{len(words)}\r\n".encode() + b"".join(
        f"${len(word)}\r\n{word}\r\n".encode() for word in words
    )


@dataclass(frozen=True, slots=True)
class PubSub:
    """PUBLISH is answered by the number of subscribers."""

    tls: bool = False
    ack: bytes = b":"
    echoes: bool = True
    posts_apart: bool = True

    def enter(self, number: int, room: str) -> tuple[bytes, bytes]:
        """Subscribe, or see that the server is there."""
        return (_array("SUBSCRIBE", room), b":1\r\n") if room else (_array("PING"), b"+PONG\r\n")

    def own(self, number: int) -> str:
        """Channels are free to make."""
        return f"person:{number}"

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Publish."""
        return _array("PUBLISH", room, TEXT)


@dataclass(frozen=True, slots=True)
class Streams(PubSub):
    """XADD is answered by the entry's id."""

    ack: bytes = b"$"

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Add to a stream."""
        return _array("XADD", room, "*", "text", TEXT)


@contextmanager
def redis(folder: Path, *, durable: bool = False) -> Iterator[Peer]:
    """Run Redis."""
    program, port = find(PROGRAM), free_port()
    assert program is not None, "whoever starts it has looked whether it is there"
    data = folder / f"redis-{port}"
    data.mkdir()
    command = [program, "--port", str(port), "--bind", "127.0.0.1", "--dir", str(data)]
    command += ["--save", "", "--maxclients", "15000"]
    command += ["--appendonly", "yes" if durable else "no", "--appendfsync", "always"]
    with running(command, port, folder / f"redis-{port}.log") as pid:
        told = version(program, "--version")
        if durable:
            yield Peer("Redis streams", told, SYNCED, "none", pid, port, Streams())
        else:
            yield Peer("Redis pub/sub", told, NOTHING_STORED, "none", pid, port, PubSub())
