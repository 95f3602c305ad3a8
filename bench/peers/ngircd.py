"""ngIRCd, an IRC server: it stores nothing and answers no post."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.peers.dialect import PRODUCER
from bench.peers.process import Peer, find, free_port, running, version
from bench.results import NOTHING_STORED
from bench.wire import TEXT

PROGRAM = "ngircd"
INSTALL = "Debian: apt install ngircd"
MOST = 1000
"""It lets in about fifteen members of a channel a second when there are a thousand."""
UNDELIVERED = 256
"""It ends a connection whose buffer holds 64 KiB."""


@dataclass(frozen=True, slots=True)
class Irc:
    """The IRC client protocol."""

    tls: bool = False
    ack: bytes = b""
    echoes: bool = False
    posts_apart: bool = False

    def enter(self, number: int, room: str) -> tuple[bytes, bytes]:
        """Register, join a channel unless the room is the client's own, and ask for a PONG."""
        says = f"NICK u{number}\r\nUSER u 0 * :u\r\n"
        if room and room != self.own(number):
            says += f"JOIN #{room}\r\n"
        return f"{says}PING :in\r\n".encode(), b" PONG "

    def own(self, number: int) -> str:
        """A nickname."""
        return f"u{number}"

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Send to a channel, or to a nickname."""
        target = room if room[1:].isdigit() else f"#{room}"
        return f"PRIVMSG {target} :{TEXT}\r\n".encode()


@contextmanager
def ngircd(folder: Path) -> Iterator[Peer]:
    """Run ngIRCd without its limits on joins and connections, and without its penalties."""
    program, port = find(PROGRAM), free_port()
    assert program is not None, "whoever starts it has looked whether it is there"
    config = folder / f"ngircd-{port}.conf"
    config.write_text(
        f"[Global]\nName = bench.test\nInfo = bench\nListen = 127.0.0.1\nPorts = {port}\n"
        "[Limits]\nMaxConnections = 0\nMaxConnectionsIP = 0\nMaxJoins = 0\nMaxPenaltyTime = 0\n"
        "PingTimeout = 3600\nMaxNickLength = 16\n"
        "[Options]\nDNS = no\nIdent = no\nPAM = no\n"
    )
    command = [program, "-n", "-f", str(config)]
    with running(command, port, folder / f"ngircd-{port}.log") as pid:
        told = version(program, "--version")
        yield Peer("ngIRCd", told, NOTHING_STORED, "none", pid, port, Irc(), UNDELIVERED)
