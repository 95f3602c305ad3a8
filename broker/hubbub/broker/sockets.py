"""The broker's sockets: every option, each with its why. Figures were measured with libzmq 4.3.5 on loopback.

commands  ROUTER  PORT      replies and private messages go out by routing id
events    XPUB    PORT + 1  manual: each subscription is granted by the loop
door      ROUTER  PORT + 2  no encryption: one fixed answer to one fixed question
zap       ROUTER  inproc    libzmq asks here whether a key may connect; bound first, closed last
"""

import errno
import resource
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple

import zmq

from hubbub.broker.errors import BindError, SecurityError
from hubbub.broker.keys import KeyPair
from hubbub.common.addresses import MAX_PORT, Address
from hubbub.common.limits import FRAME_UP_BYTES, KIB, SILENT_SECONDS
from hubbub.common.zmq_setup import prepare_zmq

COMMANDS_DOMAIN: Final = "cmd"
EVENTS_DOMAIN: Final = "pub"

_FRAME_UP: Final = FRAME_UP_BYTES + 2 * KIB
"""Room for a frame that is a little too large, so that its sender gets an answer instead of a cut."""
_SUBSCRIPTION: Final = 512
"""A topic has 17 bytes, but CURVE's own handshake needs about 300."""
_UNBOUNDED: Final = 1_000_000_000
_FEWEST: Final = 8
_UNTAKEN_MILLIS: Final = int(SILENT_SECONDS * 1000)
"""Who takes nothing of what was sent for as long as a session may be silent is given up."""
_PROBE_SECONDS: Final = 60
"""Without traffic, until the system asks whether a peer is there: routers forget connections on which nothing happens, the strictest after minutes."""
_OWN_DESCRIPTORS: Final = 64
"""Of the broker without a connection: 36 (measured), for sockets, libzmq's threads, database and log."""
_TRIES: Final = 500
"""How often three free ports in a row are looked for: of a machine with thousands of connections few are."""
_IN: Final = int(zmq.POLLIN)
_NOW: Final = int(zmq.NOBLOCK)
_MORE: Final = int(zmq.NOBLOCK | zmq.SNDMORE)
"""As plain numbers: to put two of pyzmq's flags together takes as long as to send."""


@dataclass(slots=True)
class Sockets:
    """All sockets of a broker. They belong to one thread at a time: that of the loop, once it runs."""

    context: "zmq.Context[zmq.Socket[bytes]]"
    zap: "zmq.Socket[bytes]"
    commands: "zmq.Socket[bytes]"
    events: "zmq.Socket[bytes]"
    door: "zmq.Socket[bytes]"
    commands_monitor: "zmq.Socket[bytes]"
    events_monitor: "zmq.Socket[bytes]"
    door_monitor: "zmq.Socket[bytes]"

    @property
    def monitors(self) -> "tuple[zmq.Socket[bytes], ...]":
        """What libzmq tells of the connections of each."""
        return self.commands_monitor, self.events_monitor, self.door_monitor

    def bind(self, address: Address) -> Address:
        """Listen; return where. Port 0: on the first three free ports in a row that are found. Raises BindError."""
        for _ in range(_TRIES):
            with ExitStack() as bound:
                try:
                    return self._try_to_bind(address, bound)
                except zmq.ZMQError as error:
                    if address.port or error.errno != errno.EADDRINUSE:
                        raise _explain(error, address) from None
        raise BindError(f"no three free ports in a row on {address.host}")

    def _try_to_bind(self, address: Address, bound: ExitStack) -> Address:
        port: int | None = address.port or None
        for offset, socket in enumerate((self.commands, self.events, self.door)):
            socket.ipv6 = ":" in address.host  # with it, IPv4 peers would show as ::ffff:…
            endpoint = listen(socket, address.host, None if port is None else port + offset)
            bound.callback(socket.unbind, endpoint)
            if port is None:
                port = port_of(endpoint)
                if port > MAX_PORT:
                    raise zmq.ZMQError(errno.EADDRINUSE)
        assert port is not None
        bound.pop_all()
        return Address(address.host, port)

    def close(self) -> None:
        """Close all, ZAP last. What has not left yet is lost: see `Loop`."""
        for socket in (self.commands, self.events, self.door):
            socket.disable_monitor()
        for socket in self.monitors:
            socket.close()
        for socket in (self.commands, self.events, self.door, self.zap):
            socket.close(linger=0)
        self.context.term()


def listen(socket: "zmq.Socket[bytes]", host: str, port: int | None) -> str:
    """Bind to a port, None: any that is free; return the endpoint, as `unbind` wants it."""
    place = Address(host, 0).endpoint().removesuffix("0")
    socket.bind(f"{place}{'*' if port is None else port}")
    return bytes(socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()


def port_of(endpoint: str) -> int:
    """Return the port of an endpoint."""
    return int(endpoint.rpartition(":")[2])


def open_sockets(keys: KeyPair, *, insecure: bool) -> Sockets:
    """Open all sockets; none but ZAP is bound yet. Raises SecurityError; then nothing stays open."""
    prepare_zmq()
    _raise_file_limit()
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context(io_threads=2)
    try:
        zap = context.socket(zmq.ROUTER)
        # Before any other socket: without a handler every key is let in.
        zap.bind("inproc://zeromq.zap.01")
        commands, events, door = _commands(context), _events(context), _door(context)
        for socket in (commands, events):
            _common(socket)
        _secure(commands, COMMANDS_DOMAIN, keys, insecure=insecure)
        _secure(events, EVENTS_DOMAIN, keys, insecure=insecure)
        monitors = [_monitor(socket) for socket in (commands, events, door)]
        return Sockets(context, zap, commands, events, door, *monitors)
    except BaseException:
        context.destroy(linger=0)
        raise


def _commands(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.ROUTER)
    socket.router_mandatory = True  # a reply that cannot be sent is an error, not a silence
    socket.router_handover = True  # a client that reconnects takes its routing id back at once
    socket.maxmsgsize = _FRAME_UP
    # An I/O thread of its own: denied handshakes leave fan-out alone, and a connection is told by the monitor before its first frame can be read.
    socket.affinity = 1
    socket.sndhwm = 64  # times 256 KiB: 16 MiB for a client that does not read
    # Times 65 KiB: whole messages that wait stay below `unread_bytes`, where their sender would be taken for one without an end.
    socket.rcvhwm = 56
    return socket


def _events(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.XPUB)
    socket.setsockopt(zmq.XPUB_MANUAL, 1)  # nothing is heard that the loop has not granted
    socket.maxmsgsize = _SUBSCRIPTION
    socket.affinity = 2
    socket.rcvhwm = 200
    socket.sndhwm = 128  # times 256 KiB: 32 MiB for a client that does not read
    return socket


def _door(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
    socket = context.socket(zmq.ROUTER)
    socket.maxmsgsize = _SUBSCRIPTION
    socket.sndhwm = socket.rcvhwm = 8
    socket.handshake_ivl = 5000
    socket.affinity = 1  # with commands: strangers at the door leave fan-out alone
    return socket


def _common(socket: "zmq.Socket[bytes]") -> None:
    socket.handshake_ivl = 5000  # a silent or dribbling stranger is closed after 5 s
    socket.backlog = 1024  # all clients come back at once after a restart
    # No heartbeats of ZeroMQ's: for each answer libzmq searches the timers of all connections. With 5,000 idle clients they took a quarter of a core, and
    # a delivery to each cost twice as much. A frozen client is noticed by its session's silence, whoever has no session by the patrol, and the rest by the system:
    socket.tcp_maxrt = _UNTAKEN_MILLIS
    socket.tcp_keepalive = 1
    socket.tcp_keepalive_idle = _PROBE_SECONDS


def _secure(socket: "zmq.Socket[bytes]", domain: str, keys: KeyPair, *, insecure: bool) -> None:
    """Let ZAP decide on every peer: by CURVE key, or, insecure, by the key that PLAIN claims."""
    socket.zap_domain = domain.encode()
    socket.setsockopt(
        zmq.ZAP_ENFORCE_DOMAIN, 1
    )  # a missing handler refuses everybody instead of nobody
    if insecure:
        socket.plain_server = True
    else:
        socket.curve_server = True
        socket.curve_secretkey = keys.secret
    if not socket.zap_domain or not socket.getsockopt(zmq.ZAP_ENFORCE_DOMAIN):
        raise SecurityError(
            "this libzmq does not keep ZAP_DOMAIN and ZAP_ENFORCE_DOMAIN; hubbub cannot check keys with it"
        )


def _monitor(socket: "zmq.Socket[bytes]") -> "zmq.Socket[bytes]":
    return socket.get_monitor_socket(zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED)


def _raise_file_limit() -> None:
    """Allow as many connections as the system does: out of descriptors, libzmq's I/O thread spins."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # macOS names a hard limit that it does not grant
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def most_connections() -> int:
    """Return how many connections the system's bound on descriptors leaves room for.

    Kept back are those of the broker itself, and a quarter for connections that are accepted while the loop is busy and shut by it a moment later.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _UNBOUNDED
    return max(_FEWEST, soft - soft // 4 - _OWN_DESCRIPTORS)


def _explain(error: zmq.ZMQError, address: Address) -> BindError:
    match error.errno:
        case errno.EADDRINUSE:
            text = f"port {address.port}, {address.port + 1} or {address.port + 2} of {address.host} is in use; stop what uses it or choose another --bind"
        case errno.EACCES:
            text = (
                f"ports below 1024 need the system's permission; choose another than {address.port}"
            )
        case errno.EADDRNOTAVAIL | errno.ENODEV:
            text = f"{address.host} is no address of this machine; bind to one of its own, 127.0.0.1 or 0.0.0.0"
        case _:
            text = f"cannot listen on {address}: {error.strerror}"
    return BindError(text)


class UserId(NamedTuple):
    """What ZAP's answer lets libzmq hand on with every frame: the hex of the key that its sender proved, and the handshake's place among the numbers of connections."""

    key: str
    handshake: int

    def encode(self) -> bytes:
        """Return it as it stands in ZAP's answer."""
        return f"{self.key}.{self.handshake}".encode()


NOBODY: Final = UserId("", 0)


def user_id(frame: zmq.Frame) -> UserId:
    """Return whose a frame is; NOBODY for libzmq's own."""
    try:
        return _parsed(str(frame.get("User-Id")))
    except zmq.ZMQError:
        return NOBODY


@lru_cache(maxsize=8192)
def _parsed(text: str) -> UserId:
    key, _, handshake = text.partition(".")
    return UserId(key, int(handshake))


def peer_address(frame: zmq.Frame) -> str:
    """Return the IP address that the frame came from, also when its connection is gone; empty if libzmq does not say."""
    try:
        return str(frame.get("Peer-Address"))
    except zmq.ZMQError:
        return ""


def send(socket: "zmq.Socket[bytes]", address: bytes, payload: bytes) -> None:
    """Send a message of two frames without waiting. Raises zmq.ZMQError, before anything is sent.

    1.2 µs; pyzmq's `send_multipart` takes 2.6, half of it to put flags together.
    """
    socket.send(address, _MORE)
    socket.send(payload, _NOW)


def send_all(socket: "zmq.Socket[bytes]", frames: Sequence[bytes]) -> None:
    """Send a message of any frames, as `send` does."""
    for frame in frames[:-1]:
        socket.send(frame, _MORE)
    socket.send(frames[-1], _NOW)


def is_readable(socket: "zmq.Socket[bytes]") -> bool:
    """Return whether a message waits to be read. 1.3 µs; pyzmq's `Socket.poll` takes 4."""
    return bool(zmq.zmq_poll([(socket, _IN)], 0))


def drain(socket: "zmq.Socket[bytes]", most: int = 1_000_000) -> Iterator[list[bytes]]:
    """Yield the messages that are there.

    Of nine frames in 6.4 µs; pyzmq's `recv_multipart`, which asks the socket about each, takes 10.5.
    """
    for _ in range(most):
        try:
            frame = socket.recv(_NOW, copy=False)
        except zmq.Again:
            return
        message = [frame.bytes]
        while frame.more:
            frame = socket.recv(_NOW, copy=False)
            message.append(frame.bytes)
        yield message
