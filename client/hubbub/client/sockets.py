"""The client's sockets and every option on them, each with its why; and the keys they use. See also `hubbub.common.zmq_setup`.

Sockets and their context belong to the thread that made them. Nothing here waits.
"""

import contextlib
import logging
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from os import urandom
from typing import Final

import zmq
from zmq.utils import z85

from hubbub.common.codec import decode_events
from hubbub.common.errors import WireError
from hubbub.common.limits import CLIENT_MAX_FRAME_BYTES, ROUTING_ID_BYTES
from hubbub.common.zmq_setup import prepare_zmq

_log = logging.getLogger(__name__)

CONNECTED: Final = zmq.EVENT_CONNECTED
READY: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED
LOST: Final = zmq.EVENT_DISCONNECTED
REFUSED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
)
"""Another key than we think, no hubbub at all, or we are denied. After some of them libzmq does not try again by itself."""
DENIED: Final = zmq.EVENT_HANDSHAKE_FAILED_AUTH
"""One of them: we are banned, or there were too many handshakes from our address."""

Socket = zmq.Socket[bytes]
Poller = zmq.Poller


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair, raw 32 bytes each."""

    public: bytes
    secret: bytes = field(repr=False)


def new_key_pair() -> KeyPair:
    """Make a key pair from the system's randomness."""
    public, secret = zmq.curve_keypair()
    return KeyPair(z85.decode(public), z85.decode(secret))


def new_context() -> zmq.Context[Socket]:
    """A context of one's own, so that closing it waits for nobody else's sockets. Raises ZmqUnusable."""
    prepare_zmq()
    return zmq.Context()


def commands_socket(
    context: zmq.Context[Socket], keys: KeyPair, server_key: bytes | None, *, by_ipv6: bool
) -> Socket:
    """The DEALER, not connected. `server_key` None: without encryption. `by_ipv6`: see `hubbub.client.reach`."""
    socket = context.socket(zmq.DEALER)
    socket.ipv6 = by_ipv6
    _secure(socket, keys, server_key)
    # Whoever knows it could take our place, so it is random; first byte 1, since 0 means "made by ZeroMQ".
    socket.routing_id = b"\x01" + urandom(ROUTING_ID_BYTES - 1)
    socket.immediate = (
        1  # nothing is queued for a broker that is not there: the session sends again
    )
    socket.linger = 1000  # a last logout leaves, but an absent broker keeps nobody
    _harden(socket)
    return socket


def events_socket(
    context: zmq.Context[Socket], keys: KeyPair, server_key: bytes | None, *, by_ipv6: bool
) -> Socket:
    """The SUB, not connected; its keys are those announced in `login`."""
    socket = context.socket(zmq.SUB)
    socket.ipv6 = by_ipv6
    _secure(socket, keys, server_key)
    socket.linger = 0
    socket.sndhwm = 0  # subscriptions are few, and one dropped at the bound costs a second
    socket.heartbeat_ivl = 5000  # a connection that died silently is noticed and made anew
    socket.heartbeat_timeout = 15_000
    _harden(socket)
    return socket


def door_socket(context: zmq.Context[Socket], *, by_ipv6: bool) -> Socket:
    """A DEALER for a broker's door, not connected: no encryption, since what is asked for is the key."""
    socket = context.socket(zmq.DEALER)
    socket.ipv6 = by_ipv6
    socket.immediate = 1  # as `Connection.send` expects
    socket.linger = 0
    _harden(socket)
    return socket


def _secure(socket: Socket, keys: KeyPair, server_key: bytes | None) -> None:
    if server_key is None:
        socket.plain_username = keys.public.hex().encode()  # the password stays empty
    else:
        socket.curve_serverkey = server_key
        socket.curve_publickey = keys.public
        socket.curve_secretkey = keys.secret


def _harden(socket: Socket) -> None:
    socket.maxmsgsize = CLIENT_MAX_FRAME_BYTES
    # Without jitter all clients of a lost broker come back in lockstep.
    socket.reconnect_ivl = random.randint(100, 1000)  # noqa: S311 - jitter, no secret
    socket.reconnect_ivl_max = 5_000  # a person waits no longer for a broker that is back


class Connection:
    """A socket, its monitor, and the one endpoint that it is connected to or not; both are polled."""

    def __init__(self, socket: Socket, endpoint: str, poller: zmq.Poller) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self._poller = poller
        self._is_watched = True
        # Before connecting, or its first events are missed.
        self._monitor = socket.get_monitor_socket(CONNECTED | READY | LOST | REFUSED)
        for source in (socket, self._monitor):
            poller.register(source, zmq.POLLIN)
        socket.connect(endpoint)

    def connect(self) -> None:
        """Connect again, after `disconnect`."""
        self._socket.connect(self._endpoint)

    def disconnect(self) -> None:
        """Cut the connection, or stop trying."""
        with contextlib.suppress(zmq.ZMQError):  # after some refusals libzmq has done it by itself
            self._socket.disconnect(self._endpoint)

    def close(self) -> None:
        """Cut the connection and free everything."""
        self.watch(True)
        for source in (self._socket, self._monitor):
            self._poller.unregister(source)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close()

    def send(self, payload: bytes) -> bool:
        """Send one frame; False if it cannot leave now."""
        try:
            self._socket.send(payload, zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def watch(self, wanted: bool) -> None:
        """Let the poller wake for what arrives, as it does at first, or not."""
        if wanted != self._is_watched:
            self._is_watched = wanted
            self._poller.modify(self._socket, zmq.POLLIN if wanted else 0)

    def frames(self, most: int) -> Iterator[list[bytes]]:
        """Yield at most `most` messages that have arrived."""
        for _ in range(most):
            try:
                yield self._socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return

    def publications(self, frames: int, events: int) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield topics and their events, those that have arrived of one topic in a row together (SUB only): of so many frames at most, and no more frames after so many events."""
        of, run, count = b"", list[bytes](), 0
        for topic, *rest in self.frames(frames):
            if topic != of and run:
                yield of, run
                run = []
            of = topic
            try:
                published = decode_events(rest[-1] if rest else b"")
            except WireError as error:
                _log.warning("the broker published what cannot be read: %s", error)
                continue
            run += published
            count += len(published)
            if count >= events:
                break
        if run:
            yield of, run

    def events(self) -> Iterator[int]:
        """Yield what happened to the connection: CONNECTED, READY, LOST, or one of REFUSED."""
        while True:
            try:
                told, _endpoint = self._monitor.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            # Not by zmq.utils.monitor, which loads asyncio: a fifth of the time that `--help` takes.
            event, _value = struct.unpack("=Hi", told)
            yield event

    def subscribe(self, topic: bytes) -> None:
        """Ask for a topic (SUB only)."""
        self._socket.subscribe(topic)

    def unsubscribe(self, topic: bytes) -> None:
        """Ask for it no more."""
        self._socket.unsubscribe(topic)
