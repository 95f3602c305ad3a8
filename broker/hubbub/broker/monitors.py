"""What libzmq tells of its connections, passed on to the watch and the core: who has come, who is gone, and whose a frame is."""

import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import zmq

from hubbub.broker.core.clock import Now
from hubbub.broker.core.core import Core
from hubbub.broker.core.effects import Effect
from hubbub.broker.sockets import Sockets, drain
from hubbub.broker.watch import Connection, Service, Watch

_EVENT: Final = struct.Struct("=Hi")
"""A monitor's first frame: what happened, and to which descriptor. By hand, since pyzmq's dict of it is what costs in a flood."""
ASKED: Final = (Service.COMMANDS, Service.EVENTS)
"""The sockets about whose handshakes ZAP is asked."""


class Monitors:
    """Reads the monitors of all three sockets. `perform` is the loop's."""

    def __init__(
        self,
        sockets: Sockets,
        watch: Watch,
        core: Core,
        perform: Callable[[Iterable[Effect]], None],
    ) -> None:
        self._monitors = {
            Service.COMMANDS: sockets.commands_monitor,
            Service.EVENTS: sockets.events_monitor,
            Service.DOOR: sockets.door_monitor,
        }
        self._watch = watch
        self._core = core
        self._perform = perform

    def read(self, now: Now, services: Sequence[Service] = tuple(Service)) -> None:
        """Read them, by default all, to the end: a connection must be known before its first frame is. To find one empty takes 4 µs."""
        for service in services:
            for message in drain(self._monitors[service]):
                event, fd = _EVENT.unpack(message[0])
                if event == zmq.EVENT_ACCEPTED:
                    gone = self._watch.accepted(fd, service, now.monotonic)
                else:
                    gone = self._watch.disconnected(fd, service)
                if gone is not None:
                    self._lost(gone, now)

    def _lost(self, connection: Connection, now: Now) -> None:
        match connection.service:
            case Service.COMMANDS:
                self._perform(self._core.lost(connection.number, now))
            case Service.EVENTS:
                self._core.lost_events(connection.number)
            case Service.DOOR:
                pass  # it has no state

    def connection_of(self, frame: zmq.Frame, handshake: int, now: Now) -> Connection | None:
        """Return the connection that a frame came from, by the number of its handshake; None if libzmq does not say, or it is gone."""
        try:
            fd = frame.get(zmq.SRCFD)
        except zmq.ZMQError:
            return None
        connection = self._watch.of(fd, handshake)
        if connection is None:  # it may be so new that nothing was heard of it
            self.read(now)
            connection = self._watch.of(fd, handshake)
        return connection

    def strike(self, frame: zmq.Frame, handshake: int, now: Now) -> None:
        """Charge the connection that a frame came from for abuse, though it be gone: whoever leaves at once is charged, what was left of one that was cut is not charged again."""
        try:
            connection = self._watch.latest(frame.get(zmq.SRCFD), handshake)
        except zmq.ZMQError:
            return
        if connection is not None:
            self._watch.charge(connection, now.monotonic)
