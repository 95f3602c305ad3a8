"""Connections that the load generator opens by itself: plain TCP or TLS, what it says first, and how the server's answer ends."""

import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final

from bench.servers import BenchError
from tests.zmtp import COMMAND, command, frame, greeting, metadata

READ_BYTES: Final = 1 << 20
OPEN_SECONDS: Final = 60.0
AT_ONCE: Final = 200
"""Connections that are on their way in at the same time: servers have a backlog."""
ALIVE: Final = frame(command(b"PONG"), COMMAND)
"""What a ZMTP peer may always say; the library's SUB sends a heartbeat as often."""


Step = tuple[bytes, bytes]
"""What a client says, and what is the end of the server's answer to it (empty: it answers nothing)."""


@dataclass(frozen=True, slots=True)
class Dial:
    """One connection to be opened: a conversation, after which it counts as open."""

    port: int
    steps: Sequence[Step]
    tls: bool = False
    keepalive: bytes = b""
    """Said every five seconds; empty: nothing."""


def zmtp(port: int, kind: str, name: bytes = b"", message: bytes = b"") -> Dial:
    """Dial a ZeroMQ socket without encryption, by PLAIN as `name`, or by NULL without one; then send a message of one frame."""
    ready = metadata({"Socket-Type": kind.encode()})
    if name:
        hello = command(b"HELLO", bytes((len(name),)) + name + b"\0")
        steps = [
            (greeting("PLAIN") + frame(hello, COMMAND), b"WELCOME"),
            (frame(command(b"INITIATE", ready), COMMAND), b"READY"),
        ]
    else:
        steps = [(greeting("NULL") + frame(command(b"READY", ready), COMMAND), b"READY")]
    return Dial(port, [*steps, (frame(message), b"")], keepalive=ALIVE)


class Opening:
    """A connection whose conversation goes on."""

    def __init__(self, dial: Dial) -> None:
        self.socket = _connect(dial)
        self._steps = iter(dial.steps)
        self._heard = bytearray()
        self.until = b""
        """What it waits for."""
        self.is_open = False
        self._go_on()

    def _go_on(self) -> None:
        """Say what is next, up to what is answered."""
        for says, until in self._steps:
            self.socket.setblocking(True)
            self.socket.sendall(says)
            self.socket.setblocking(False)
            self.until = until
            if until:
                return
        self.is_open = True

    def hear(self) -> None:
        """Take what the server says. Raises BenchError when it ends the connection."""
        try:
            data = self.socket.recv(65536)
            while isinstance(self.socket, ssl.SSLSocket) and self.socket.pending():
                data += self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        if not data:
            raise BenchError(f"a server ended a connection, after {bytes(self._heard[-200:])!r}")
        if self.is_open:
            return
        self._heard += data
        if self.until in self._heard:
            self._heard.clear()
            self._go_on()


def open_all(dials: Sequence[Dial]) -> list[socket.socket]:
    """Open them in order, some at a time, and return when every conversation is through. Raises BenchError when one is not within a minute.

    What servers tell those that are in already (that others come in, say) is read and dropped.
    """
    opened: list[Opening] = []
    with selectors.DefaultSelector() as selector, ExitStack() as on_failure:
        for start in range(0, len(dials), AT_ONCE):
            some = [Opening(dial) for dial in dials[start : start + AT_ONCE]]
            opened += some
            for opening in some:
                on_failure.callback(opening.socket.close)
                selector.register(opening.socket, selectors.EVENT_READ, opening)
            end = time.monotonic() + OPEN_SECONDS
            while not all(opening.is_open for opening in some):
                if time.monotonic() > end:
                    raise BenchError(
                        f"no {[it.until for it in some if not it.is_open]} from the server"
                    )
                for key, _ in selector.select(1.0):
                    key.data.hear()
        on_failure.pop_all()
    return [opening.socket for opening in opened]


def _connect(dial: Dial) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", dial.port), OPEN_SECONDS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if dial.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # its own certificate
        sock = context.wrap_socket(sock)
    return sock
