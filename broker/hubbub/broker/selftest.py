"""The self-test at start: strangers and banned keys must be refused, or the broker does not serve.

What lets people in or keeps them out is decided by options of libzmq; a build that ignores one would fail open and nobody would notice.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Final

import zmq
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from hubbub.broker.auth import Auth
from hubbub.broker.core.clock import Now
from hubbub.broker.core.limits import LIMITS
from hubbub.broker.errors import SecurityError
from hubbub.broker.keys import KeyPair, make_secret
from hubbub.broker.sockets import Sockets, listen

_SECONDS: Final = 5.0
_FORGET_SECONDS: Final = 1.0
_REFUSED: Final = (
    zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_DISCONNECTED
)


def check_refusals(sockets: Sockets, server: KeyPair, *, insecure: bool) -> None:
    """Connect to both sockets without a key and with a banned one. Raises SecurityError unless all four are refused.

    Call it before they are bound to where clients connect: it listens on loopback for itself, answers ZAP, and leaves nothing behind.
    """
    banned = KeyPair.from_secret(make_secret())
    auth = Auth(lambda _: False, lambda _key, _address, _now: False, LIMITS)
    auth.ban(banned.public.hex())
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with ExitStack() as after:
        peers: list[zmq.Socket[bytes]] = []
        monitors: dict[zmq.Socket[bytes], str] = {}
        after.callback(_forget_events, sockets, peers)
        after.callback(context.destroy, linger=0)
        for socket, kind in ((sockets.commands, zmq.DEALER), (sockets.events, zmq.SUB)):
            endpoint = listen(socket, "127.0.0.1", None)
            after.callback(socket.unbind, endpoint)
            for key in (None, banned):
                peer = _peer(context, kind, key, server.public, insecure=insecure)
                peers.append(peer)  # or it would be closed as garbage
                monitor = peer.get_monitor_socket(_REFUSED | zmq.EVENT_HANDSHAKE_SUCCEEDED)
                monitors[monitor] = "a banned key" if key else "a peer without a key"
                peer.connect(endpoint)
        _await_refusals(monitors, sockets, auth)


def _forget_events(sockets: Sockets, peers: "Sequence[zmq.Socket[bytes]]") -> None:
    """Read what the monitors tell of the test, to its last word: what came later would count as a client's, and bring the address nearer to its bounds."""
    open_still = len(peers)
    end = time.monotonic() + _FORGET_SECONDS
    while open_still and time.monotonic() < end:
        for monitor in sockets.monitors:
            while monitor.poll(1):
                event = parse_monitor_message(monitor.recv_multipart())["event"]
                open_still -= event == zmq.EVENT_DISCONNECTED


def _peer(
    context: "zmq.Context[zmq.Socket[bytes]]",
    kind: int,
    key: KeyPair | None,
    server: bytes,
    *,
    insecure: bool,
) -> "zmq.Socket[bytes]":
    peer = context.socket(kind)
    peer.linger = 0
    peer.reconnect_ivl = -1  # it is refused once
    if key is not None and insecure:
        peer.plain_username = key.public.hex().encode()
    elif key is not None:
        peer.curve_publickey, peer.curve_secretkey = z85.encode(key.public), z85.encode(key.secret)
        peer.curve_serverkey = z85.encode(server)
    return peer


def _await_refusals(monitors: "dict[zmq.Socket[bytes], str]", sockets: Sockets, auth: Auth) -> None:
    waiting = dict(monitors)
    poller = zmq.Poller()
    for socket in (sockets.zap, *waiting):
        poller.register(socket, zmq.POLLIN)
    end = time.monotonic() + _SECONDS
    while waiting and time.monotonic() < end:
        for socket, _ in poller.poll(100):
            message = socket.recv_multipart()
            if socket is sockets.zap:
                now = Now(time.monotonic(), 0)
                sockets.zap.send_multipart(auth.answer(message, 0, now) or [])
            elif parse_monitor_message(message)["event"] == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                raise SecurityError(
                    f"self-test: {monitors[socket]} was let in; do not use this libzmq"
                )
            else:
                waiting.pop(socket, None)
    if waiting:
        raise SecurityError(
            f"self-test: no answer to {next(iter(waiting.values()))} within {_SECONDS:.0f} s"
        )
