"""What comes in on the three sockets: read in bounded pieces, counted for the connection that it came on, and given to the core.

commands  [routing id][payload]   any further frame is dropped, too many of them cost the sender the connection
events    [0 or 1, topic]         anything else on XPUB is an attack on libzmq's pairing of events and connections; see `take_subscriptions`
door      [routing id][question]  anything else is dropped
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

import zmq

from hubbub.broker.auth import Auth
from hubbub.broker.core.clock import Now
from hubbub.broker.core.core import Core
from hubbub.broker.core.effects import Cut, Effect, Strike
from hubbub.broker.core.sessions import Peer
from hubbub.broker.entries import Entry
from hubbub.broker.monitors import Monitors
from hubbub.broker.networks import network_of
from hubbub.broker.sockets import Sockets, drain, is_readable, peer_address, user_id
from hubbub.broker.watch import UNKNOWN, Connection
from hubbub.common.codec import QUESTION
from hubbub.common.errors import Code, WireError

log = logging.getLogger("hubbub.broker")

FRAMES_A_TURN: Final = 16
"""An honest round trip beside a flooder takes 3.3 ms with it; 10 ms when the socket is read until it is empty (measured)."""
COMMANDS_SECONDS: Final = 0.005
"""Or fewer, when they take this long."""
SUBSCRIPTIONS_SECONDS: Final = 0.002
"""Read until it is empty, a member who subscribes in a loop holds up everybody for seconds; with 10 ms a turn an honest member's p99 was 20 ms, so it is 7
(`bench/abuse.py subscriptions`)."""
FRAME_OVERHEAD: Final = 44
"""Bytes on the wire beyond a frame's own: ZMTP's flags and length, 2 or 9, and CURVE's name, nonce, box and flags, 8 + 8 + 16 + 1. The larger sum: what
is counted too much cannot be saved up, see `Patrol`."""
DROPPED_AT_ONCE: Final = 64
"""Frames of one message between two looks at the clock, which costs a tenth of a frame."""
_SUBSCRIBE: Final = 1
_UNSUBSCRIBE: Final = 0


@dataclass(slots=True)
class _Discarding:
    """A message of too many frames, how many of them have been read, and whether its sender was cut for it."""

    peer: Peer
    handshake: int
    frames: int = 1
    is_cut: bool = False


class Intake:
    """Reads a turn's worth from each socket. `perform` is the loop's."""

    def __init__(
        self,
        core: Core,
        sockets: Sockets,
        auth: Auth,
        monitors: Monitors,
        door: bytes,
        perform: Callable[[Iterable[Effect]], None],
    ) -> None:
        """`door` is the one answer there."""
        self._core = core
        self._sockets = sockets
        self._auth = auth
        self._monitors = monitors
        self._door = door
        self._perform = perform
        self._discarding: _Discarding | None = None
        self._misaligned = False
        """Whether XPUB's events may belong to other connections than they say; see `take_subscriptions`."""

    def take_commands(self, now: Now) -> None:
        """Take a turn's worth of frames: [routing id][payload], and no more of either."""
        commands = self._sockets.commands
        end = time.monotonic() + COMMANDS_SECONDS
        if self._discarding is not None and not self._discard(self._discarding, end, now):
            return
        for taken in range(FRAMES_A_TURN):
            if time.monotonic() > end:
                return
            if taken == 1 and not is_readable(commands):
                return  # mostly so, and cheaper asked than tried: an exception takes 3 µs
            try:
                routing_id = commands.recv(zmq.NOBLOCK)
            except zmq.Again:
                return
            frame = commands.recv(zmq.NOBLOCK, copy=False)
            key, handshake = user_id(frame)
            connection = self._count(frame, handshake, now)
            peer = _peer(routing_id, key, connection, frame)
            if not frame.more:
                self._handle(peer, frame.bytes, now)
            elif not self._discard(_Discarding(peer, handshake), end, now):
                return

    def _count(self, frame: zmq.Frame, handshake: int, now: Now) -> Connection | None:
        """Account for a frame to the connection that it came on, and return that."""
        connection = self._monitors.connection_of(frame, handshake, now)
        if connection is not None:
            connection.read += len(frame) + FRAME_OVERHEAD
            connection.heard = now.monotonic
        return connection

    def _discard(self, message: _Discarding, end: float, now: Now) -> bool:
        """Read on in a message of too many frames, keeping none; far too many: cut its sender. Return whether it has ended, or goes on next turn."""
        most = self._core.context.settings.limits.frames_per_message
        more = True
        while more and not message.is_cut:
            frame = self._sockets.commands.recv(zmq.NOBLOCK, copy=False)
            self._count(frame, message.handshake, now)
            more = frame.more
            message.frames += 1
            if message.frames > most:
                message.is_cut = True
                self._monitors.strike(frame, message.handshake, now)
                self._perform([Cut(message.peer.connection)])
        if more and _drop(self._sockets.commands, end):
            self._discarding = message
            return False
        self._discarding = None
        if not message.is_cut:
            error = WireError(Code.MALFORMED, "a message from a client is one frame")
            self._perform(self._core.refuse_frame(message.peer, error, now))
        return True

    def _handle(self, peer: Peer, payload: bytes, now: Now) -> None:
        self._guard(peer, lambda: self._core.handle(peer, payload, now))

    def resume(self, peer: Peer, now: Now) -> None:
        """Let the core go on with the frames that it holds of a connection."""
        self._guard(peer, lambda: self._core.resume(peer, now))

    def _guard(self, peer: Peer, handle: Callable[[], Iterable[Effect]]) -> None:
        try:
            self._perform(handle())
        except Exception:  # a fault of ours must not be a way to stop the broker
            text = "A frame could not be handled; its sender is disconnected."
            log.exception(Entry("frame_failed", text))
            self._perform([Cut(peer.connection)])

    def take_subscriptions(self, now: Now) -> None:
        """Take a turn's worth of subscriptions, frame by frame, and grant what the core grants.

        The guard: libzmq pairs each event with the connection it came from by position. A user message (any frame that is no subscription) shifts that
        pairing, and the next honest subscription would be granted to another peer. So after one nothing is granted until the socket
        is empty (then both sides are aligned again), and its sender is cut and banned. Clients subscribe again when no `subscribed` comes.
        """
        events = self._sockets.events
        end = time.monotonic() + SUBSCRIPTIONS_SECONDS
        while time.monotonic() < end:
            try:
                frame = events.recv(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                self._misaligned = False
                return
            body = frame.bytes
            key, handshake = user_id(frame)
            connection = self._count(frame, handshake, now)
            number = UNKNOWN if connection is None else connection.number
            if frame.more or not body or body[0] > _SUBSCRIBE:
                self._misaligned = True
                if self._auth.ban(key):  # what it sent before it is cut may be many more
                    self._perform([Strike(number, _network(frame))])
                    self._perform(self._core.misbehaved(key, number, now))
                if frame.more:
                    _drop(events, end)
            elif not self._misaligned:
                self._subscription(key, body, number, now)
        if self._misaligned and not events.poll(0):
            self._misaligned = False

    def _subscription(self, key: str, body: bytes, connection: int, now: Now) -> None:
        if not self._core.admits(key):
            return  # its session has ended; or libzmq's own, of a peer that has gone
        change = self._core.unsubscribe if body[0] == _UNSUBSCRIBE else self._core.subscribe
        self._perform(change(key, body[1:], connection, now))

    def answer_door(self) -> None:
        """Answer the one question; anything else is dropped."""
        door = self._sockets.door
        for message in drain(door, FRAMES_A_TURN):
            if message[1:] == [QUESTION]:
                try:
                    door.send_multipart([message[0], self._door], zmq.NOBLOCK)
                except zmq.ZMQError as error:
                    text = "The door's answer could not be sent: {reason}"
                    log.debug(Entry("door_unanswered", text, reason=error.strerror))


def _drop(socket: "zmq.Socket[bytes]", end: float) -> bool:
    """Read on in the message of somebody who was cut, until it ends or the time is over; return whether there is more of it.

    The socket gives nobody else's frames meanwhile. So as little as possible is done with each: 1.0 µs, nearly all of them pyzmq's (measured).
    """
    with suppress(zmq.Again):
        while time.monotonic() <= end:
            for _ in range(DROPPED_AT_ONCE):
                if not socket.recv(zmq.NOBLOCK, copy=False).more:
                    return False
        return True
    return False


def _peer(routing_id: bytes, key: str, connection: Connection | None, frame: zmq.Frame) -> Peer:
    """Say whom a frame is from."""
    if connection is None:
        return Peer(routing_id, key, UNKNOWN, _network(frame))
    return Peer(routing_id, key, connection.number, connection.network)


def _network(frame: zmq.Frame) -> str:
    """Return the network that the address counts for which a frame came from; empty if libzmq does not say."""
    address = peer_address(frame)
    return network_of(address) if address else ""
