"""A peer that speaks ZMTP 3.1 by hand over a plain TCP socket, so that a test can send what libzmq never would.

    with Peer(port) as peer:
        peer.curve(server_key, key_pair, "DEALER")     greeting and handshake; also null() and plain()
        peer.send(b"one frame")                        whole messages
        peer.send_part(b"and so on", more=True)        frames with flags of one's own
        peer.raw(b"anything at all")

The grammar is that of ZeroMQ's RFC 37 (ZMTP 3.1), 23, 24 and 26 (NULL, PLAIN, CURVE). Every wait is bounded; what does not come in time raises TimeoutError.
"""

import os
import socket
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from select import select
from types import TracebackType
from typing import Final, Self

from nacl.bindings import (
    crypto_box_afternm,
    crypto_box_beforenm,
    crypto_box_keypair,
    crypto_box_open_afternm,
)

MORE, LONG, COMMAND = 1, 2, 4
"""Flags of a frame. LONG is set by `frame` itself."""
SIGNATURE: Final = b"\xff" + bytes(8) + b"\x7f"
PATIENCE: Final = 10.0
"""Seconds until what should come counts as missing: libzmq gives a handshake 5."""


class Closed(Exception):
    """The other side has ended the connection."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A Curve25519 key pair, raw."""

    public: bytes
    secret: bytes

    @classmethod
    def new(cls) -> Self:
        return cls(*crypto_box_keypair())


def greeting(mechanism: str, version: tuple[int, int] = (3, 1)) -> bytes:
    """The 64 bytes that a client begins with."""
    name = mechanism.encode().ljust(20, b"\0")
    return (SIGNATURE + bytes(version) + name).ljust(64, b"\0")


def frame(body: bytes, flags: int = 0) -> bytes:
    """One frame: flags, length, body."""
    if len(body) < 256:
        return bytes((flags, len(body))) + body
    return bytes((flags | LONG,)) + struct.pack(">Q", len(body)) + body


def command(name: bytes, data: bytes = b"") -> bytes:
    """The body of a command."""
    return bytes((len(name),)) + name + data


def metadata(properties: Mapping[str, bytes]) -> bytes:
    """Properties as READY and INITIATE carry them."""
    return b"".join(
        command(name.encode(), struct.pack(">I", len(value)) + value)
        for name, value in properties.items()
    )


class Box:
    """What CURVE seals with: one shared key, nonces from a count that never goes back."""

    def __init__(self, public: bytes, secret: bytes, count: int = 0) -> None:
        self._shared = crypto_box_beforenm(public, secret)
        self.count = count

    def seal(self, prefix: bytes, text: bytes) -> bytes:
        """Return the short nonce and the box."""
        self.count += 1
        nonce = struct.pack(">Q", self.count)
        return nonce + crypto_box_afternm(text, prefix + nonce, self._shared)

    def seal_long(self, prefix: bytes, text: bytes) -> bytes:
        """The same with a random nonce of 16 bytes."""
        nonce = os.urandom(16)
        return nonce + crypto_box_afternm(text, prefix + nonce, self._shared)

    def open(self, prefix: bytes, sealed: bytes) -> bytes:
        """Open what one of the two made; the nonce fills the prefix up to 24 bytes."""
        size = 24 - len(prefix)
        text: bytes = crypto_box_open_afternm(sealed[size:], prefix + sealed[:size], self._shared)
        return text


class Peer:
    """One TCP connection to a socket of the broker, as a client."""

    def __init__(self, port: int, host: str = "127.0.0.1") -> None:
        self.socket = socket.create_connection((host, port), PATIENCE)
        self._box: Box | None = None
        self._read = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.socket.close()

    # Bytes and frames.

    def raw(self, data: bytes) -> None:
        """Send bytes as they are. Raises Closed."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            raise Closed from None

    def read(self, size: int) -> bytes:
        """Wait for so many bytes. Raises Closed."""
        while len(self._read) < size:
            self._fill()
        data, self._read = self._read[:size], self._read[size:]
        return data

    def _fill(self) -> None:
        try:
            chunk = self.socket.recv(65536)
        except ConnectionResetError:
            chunk = b""
        if not chunk:
            raise Closed
        self._read += chunk

    def read_frame(self) -> tuple[int, bytes]:
        """Wait for a frame as it stands on the wire; return its flags and body."""
        flags, size = self.read(2)
        if flags & LONG:
            (size,) = struct.unpack(">Q", bytes((size,)) + self.read(7))
        return flags, self.read(size)

    def is_closed(self) -> bool:
        """Wait until the other side ends the connection; False if it does not, within the time of patience."""
        try:
            while True:
                self.read(1)
        except Closed:
            return True
        except TimeoutError:
            return False

    # Handshakes.

    def greet(self, mechanism: str, version: tuple[int, int] = (3, 1)) -> bytes:
        """Exchange greetings; return the other's."""
        self.raw(greeting(mechanism, version))
        return self.read(64)

    def null(self, kind: str, routing_id: bytes = b"") -> None:
        """Shake hands without any security."""
        self.greet("NULL")
        self.raw(frame(command(b"READY", _properties(kind, routing_id)), COMMAND))
        self._expect(b"READY")

    def plain(self, name: bytes, kind: str, routing_id: bytes = b"") -> None:
        """Shake hands by PLAIN, with an empty password."""
        self.greet("PLAIN")
        self.raw(frame(command(b"HELLO", bytes((len(name),)) + name + b"\0"), COMMAND))
        self._expect(b"WELCOME")
        self.raw(frame(command(b"INITIATE", _properties(kind, routing_id)), COMMAND))
        self._expect(b"READY")

    def curve(self, server: bytes, keys: KeyPair, kind: str, routing_id: bytes = b"") -> None:
        """Shake hands by CURVE, with the server's public key. Raises Closed when we are refused."""
        self.greet("CURVE")
        self.curve_initiate(server, keys, kind, routing_id, self.curve_hello(server))
        assert self._box is not None
        self._box.open(b"CurveZMQREADY---", self._expect(b"READY"))

    def curve_hello(self, server: bytes) -> KeyPair:
        """Send HELLO; return the short-term keys that it announced."""
        short = KeyPair.new()
        sealed = Box(server, short.secret).seal(b"CurveZMQHELLO---", bytes(64))
        hello = b"\1\0" + bytes(72) + short.public + sealed
        self.raw(frame(command(b"HELLO", hello), COMMAND))
        return short

    def curve_initiate(
        self, server: bytes, keys: KeyPair, kind: str, routing_id: bytes, short: KeyPair
    ) -> None:
        """Take WELCOME and send INITIATE, with the vouch that ties the short-term key to the long-term one."""
        welcome = Box(server, short.secret).open(b"WELCOME-", self._expect(b"WELCOME"))
        server_short, cookie = welcome[:32], welcome[32:]
        vouch = Box(server_short, keys.secret).seal_long(b"VOUCH---", short.public + server)
        self._box = Box(server_short, short.secret, count=1)  # HELLO had the first nonce
        text = keys.public + vouch + _properties(kind, routing_id)
        initiate = cookie + self._box.seal(b"CurveZMQINITIATE", text)
        self.raw(frame(command(b"INITIATE", initiate), COMMAND))

    def _expect(self, name: bytes) -> bytes:
        """Wait for a command; return its data. Raises Closed for any other: ERROR says that we are refused."""
        _, body = self.read_frame()
        if body[1 : 1 + body[0]] != name:
            raise Closed(body)
        return body[1 + body[0] :]

    # Messages.

    def part(self, body: bytes, *, more: bool = False, is_command: bool = False) -> bytes:
        """Return one frame of a message as the handshake's mechanism puts it on the wire."""
        if self._box is None:
            return frame(body, MORE * more | COMMAND * is_command)
        flags = bytes((MORE * more | 2 * is_command,))  # inside the box a command is bit 1
        return frame(command(b"MESSAGE", self._box.seal(b"CurveZMQMESSAGEC", flags + body)))

    def send_part(self, body: bytes, *, more: bool = False, is_command: bool = False) -> None:
        """Send one frame. Raises Closed."""
        self.raw(self.part(body, more=more, is_command=is_command))

    def send(self, *parts: bytes) -> None:
        """Send a message. Raises Closed."""
        last = len(parts) - 1
        self.raw(b"".join(self.part(it, more=place < last) for place, it in enumerate(parts)))

    def send_endless(self, part: bytes, most: int) -> int:
        """Send frames of a message that never ends, `most` bytes of them; return how many bytes left before the other side ended the connection."""
        sent = 0
        with suppress(Closed):
            while sent < most:
                count = 1 + 65_536 // (len(part) + 35)
                sent += self._push(b"".join(self.part(part, more=True) for _ in range(count)))
        return sent

    def _push(self, data: bytes) -> int:
        """Send bytes, looking out for the end: who writes only may wait for ever for a peer that is gone. Raises Closed."""
        left = memoryview(data)
        while left:
            readable, writable, _ = select([self.socket], [self.socket], [], PATIENCE)
            if not readable and not writable:
                raise TimeoutError
            try:
                if readable:
                    self._fill()
                left = left[self.socket.send(left) if writable else 0 :]
            except (BrokenPipeError, ConnectionResetError):
                raise Closed from None
        return len(data)

    def receive(self) -> list[bytes]:
        """Wait for a message; ZeroMQ's own pings are answered on the way."""
        parts: list[bytes] = []
        more = True
        while more:
            flags, body = self.read_frame()
            is_command, more = bool(flags & COMMAND), bool(flags & MORE)
            if self._box is not None:
                text = self._box.open(b"CurveZMQMESSAGES", body[len(command(b"MESSAGE")) :])
                is_command, more, body = bool(text[0] & 2), bool(text[0] & MORE), text[1:]
            if not is_command:
                parts.append(body)
                continue
            more = True
            if body.startswith(command(b"PING")):
                self.send_part(command(b"PONG", body[7:]), is_command=True)
        return parts


def _properties(kind: str, routing_id: bytes) -> bytes:
    identity = {"Identity": routing_id} if kind in ("DEALER", "REQ", "ROUTER") else {}
    return metadata({"Socket-Type": kind.encode(), **identity})
