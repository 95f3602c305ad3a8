"""The patrol: looks at connections, at those first on which something has arrived, and shuts those that hold the broker up without a message to answer.

- What one has sent and nobody can read is memory: libzmq gathers a multipart message until its end, and tells nobody (26 → 296 MB, measured). The
  system knows what has arrived (TCP_INFO), the intake what was read; the difference is bounded for each connection and for all.
- One that is no client's is shut after a while: on commands it would have pinged, on events be some session's, at the door have asked and gone.

The bound on bytes works on Linux only; elsewhere a bound on the process's memory is what is left.
"""

import logging
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from fcntl import ioctl
from itertools import islice
from termios import FIONREAD
from typing import Final

from hubbub.broker.arrivals import Arrivals
from hubbub.broker.core.buckets import Bucket
from hubbub.broker.core.limits import Limits
from hubbub.broker.entries import ENTRIES_A_SECOND, ENTRIES_AT_ONCE, Entry
from hubbub.broker.watch import UNKNOWN, Connection, Service, Watch, borrow
from hubbub.common.limits import KIB, MIB

log = logging.getLogger("hubbub.broker")

LOOK_SECONDS: Final = 0.02
"""How often those are looked at on which something arrives: what the fastest can send in between is added to the bound. A message of tiny frames takes
the loop as long to read as it took to arrive, and ROUTER has nothing else to give meanwhile. One that is cut before its end is never read: beside messages of 50,000
frames an honest round trip had a p99 of 120 to 160 ms at 0.1 s and only `unread_bytes`, and has 10 to 24 with this and `UNFINISHED_BYTES`; 170 to 300
and 8 beside the same on events (strikes not counting, on two cores at a load of 4 to 5 by others)."""
QUIET_LOOK_SECONDS: Final = 0.1
"""The same while nothing much goes on: waking each 0.02 s takes 0.7 % of a core."""
BUSY_SECONDS: Final = 1.0
BUSY_BYTES: Final = 64 * KIB
"""Something goes on for so long after a connection was accepted, or was seen to have sent so much between two looks."""
SLICE: Final = 128
SLICE_SECONDS: Final = 0.0125
"""So many at once, and so soon again while there are more: 0.5 ms of each 12.5, 4 % of a core (measured)."""
WALK_SECONDS: Final = 0.1
"""So often as many are looked at, whatever has arrived: for their silence, and for what the system did not tell. 10,000 take 8 seconds."""
HOLDER_BYTES: Final = 4 * KIB
"""Who holds so much is looked at each time, and counts to what all hold together. A handshake is less."""
UNFINISHED_BYTES: Final = 256 * KIB
"""Of one connection on commands while no whole message waits there to be read: then all that it holds is one message that has not ended, and the largest frame has 66 KB.
On events at any time, unless `subscriptions_burst` of them are more."""
SUBSCRIPTION_BYTES: Final = 64
"""On the wire: 61."""
UNREAD_BYTES_IN_ALL: Final = 256 * MIB
"""Of all connections together; beyond it those that hold the most are shut."""
DOOR_BYTES: Final = 64 * KIB
DOOR_SECONDS: Final = 10.0
"""A visit at the door takes a question of 7 bytes and as long as the answer is under way."""
IDLE_SECONDS: Final = 60.0
"""Without a whole message: on commands, where clients ping every 5 s; on events, unless a session listens there: they subscribe at once and then are silent,
and are cut when their session ends."""
LATE_SECONDS: Final = 2.0
"""A look so late says nothing of silence: the broker itself was stopped."""
HEARTBEAT_BYTES_A_SECOND: Final = 20
"""What ZeroMQ's own heartbeats take, which nobody reads: the library sends a PING of 42 bytes every 5 s, others may send more. So much is forgiven, and
never saved up."""
HEARTBEAT_BYTES_A_SECOND_OF_COMMANDS: Final = 100
"""There they may come twice a second: `UNFINISHED_BYTES` are few, and whoever does not come to an end is shut by `IDLE_SECONDS`."""

_ENDLESS: Final = "it has sent too much without a whole message"
"""The one fault that is abuse: silence costs nothing, and of all who together hold too much none need have done wrong."""

_INFO: Final = struct.Struct("=128xQ")
"""tcpi_bytes_received in Linux's struct tcp_info."""
_COUNT: Final = struct.Struct("=i")
CAN_MEASURE: Final = sys.platform == "linux"


class Patrol:
    """Looks at some of the watch's connections whenever `deadline` has come."""

    def __init__(
        self,
        watch: Watch,
        limits: Callable[[], Limits],
        is_drained: Callable[[], bool],
        is_heard: Callable[[int], bool],
    ) -> None:
        """`limits` tells what holds now, `is_drained` whether no whole message waits on commands to be read, `is_heard` whether a session listens on a connection of events."""
        self._watch = watch
        self._limits = limits
        self._is_drained = is_drained
        self._is_heard = is_heard
        self._arrivals = Arrivals()
        self._followed = UNKNOWN
        """The number of the newest connection that is followed."""
        self._holders: dict[Connection, None] = {}
        """Who holds `HOLDER_BYTES` or more, who was looked at last at the end."""
        self._ahead: Iterator[Connection] = iter(())
        self._walked = 0.0
        self._looked = 0.0
        self._is_behind = False
        """Whether something may have arrived from more than were looked at."""
        self._busy_until = 0.0
        self._awake_since = 0.0
        """A silence before counts for nothing: nobody listened then."""
        self._entries = Bucket(ENTRIES_AT_ONCE, ENTRIES_A_SECOND)

    @property
    def deadline(self) -> float:
        """Monotonic time of the next look."""
        if self._is_behind:
            return self._looked + SLICE_SECONDS
        busy_until = max(self._busy_until, self._watch.newest + BUSY_SECONDS)
        return self._looked + (LOOK_SECONDS if self._looked < busy_until else QUIET_LOOK_SECONDS)

    def look(self, now: float) -> None:
        """Look at those from whom something has arrived, at those who hold much, and now and then at the next of all."""
        if now > self.deadline + LATE_SECONDS:
            self._awake_since = now
        self._looked = now
        self._follow_newcomers()
        told = self._arrivals.take(SLICE)
        self._is_behind = len(told) == SLICE
        connections = [self._watch.on(fd) for fd in told]
        connections += islice(self._holders, SLICE)
        if now >= self._walked + WALK_SECONDS:
            self._walked = now
            connections += self._next_slice()
        for connection in dict.fromkeys(connections):  # each once
            if connection is not None:
                self._look_at(connection, now)
        self._shut_largest(now)

    def close(self) -> None:
        """Be told of no arrivals any longer."""
        self._arrivals.close()

    def _follow_newcomers(self) -> None:
        for connection in self._watch.newer_than(self._followed):
            self._arrivals.follow(connection.fd)
            self._followed = max(self._followed, connection.number)

    def _next_slice(self) -> list[Connection]:
        """Return the next few of all; behind the last one, begin anew with whoever is there then."""
        connections = list(islice(self._ahead, SLICE))
        if not connections:
            self._ahead = iter(list(self._watch))
            connections = list(islice(self._ahead, SLICE))
        return connections

    def _look_at(self, connection: Connection, now: float) -> None:
        self._holders.pop(connection, None)
        if self._watch.on(connection.fd) is not connection:
            return  # gone; its descriptor may be another's
        self._measure(connection, now)
        if connection.unread >= HOLDER_BYTES:
            self._holders[connection] = None
        fault = self._fault(connection, now)
        if fault:
            if fault == _ENDLESS:
                self._watch.charge(connection, now)
            self._shut(connection, fault, now)

    def _fault(self, connection: Connection, now: float) -> str:
        """Return why a connection is shut; empty if it is not."""
        most, since, heard = self._limits().unread_bytes, connection.since, connection.heard
        silent = now - max(heard, self._awake_since)
        match connection.service:
            case Service.DOOR:
                most = min(most, DOOR_BYTES)
                if now - since > DOOR_SECONDS:
                    return "a visit at the door does not take so long"
            case Service.COMMANDS if silent > IDLE_SECONDS:
                return "it has sent no message for too long"
            case Service.EVENTS if silent > IDLE_SECONDS and not self._is_heard(connection.number):
                return "no session has listened on it for too long"
        return _ENDLESS if self._holds_too_much(connection, most) else ""

    def _holds_too_much(self, connection: Connection, most: float) -> bool:
        if connection.service is Service.EVENTS:
            subscriptions = SUBSCRIPTION_BYTES * self._limits().subscriptions_burst
            most = min(most, max(UNFINISHED_BYTES, subscriptions))
        if connection.unread <= min(most, UNFINISHED_BYTES):
            return False
        held = _held(connection)  # before it is asked whether there is something to read
        if connection.service is Service.COMMANDS and held <= most:
            return held > UNFINISHED_BYTES and self._is_drained()
        return held > most

    def _measure(self, connection: Connection, now: float) -> None:
        """Note how much of what has arrived nobody could read."""
        received = _received(connection.fd) if CAN_MEASURE else 0
        before, read_before = connection.measured
        if received - before > BUSY_BYTES:
            self._busy_until = now + BUSY_SECONDS
        read = connection.read - read_before
        is_commands = connection.service is Service.COMMANDS
        beating = HEARTBEAT_BYTES_A_SECOND_OF_COMMANDS if is_commands else HEARTBEAT_BYTES_A_SECOND
        beats = beating * (now - connection.looked)
        connection.unread = max(0.0, connection.unread + received - before - read - beats)
        connection.measured = received, connection.read
        connection.looked = now

    def _shut_largest(self, now: float) -> None:
        """Shut those that hold the most, until all together hold no more than they may."""
        held = sum(connection.unread for connection in self._holders)
        if held <= UNREAD_BYTES_IN_ALL:
            return
        for connection in sorted(self._holders, key=lambda it: it.unread, reverse=True):
            self._shut(connection, "all together have sent too much without whole messages", now)
            held -= connection.unread
            if held <= UNREAD_BYTES_IN_ALL:
                return

    def _shut(self, connection: Connection, reason: str, now: float) -> None:
        self._watch.cut(connection.number)
        if connection.peer is not None and self._entries.take(1, now):
            address, port = connection.peer
            text = "The connection from ({address!r}, {port}) is shut: {reason}."
            log.warning(Entry("connection_shut", text, address=address, port=port, reason=reason))


def _received(fd: int) -> int:
    """Return how many bytes have ever arrived on a connection; 0 if it is gone."""
    info = borrow(fd, _tcp_info)
    return 0 if info is None or len(info) < _INFO.size else int(_INFO.unpack(info)[0])


def _tcp_info(lent: socket.SocketType) -> bytes:
    return lent.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO.size)


def _held(connection: Connection) -> float:
    """Return how much of what nobody could read is in this process; what the system holds back still is bounded by the system."""
    try:
        (waiting,) = _COUNT.unpack(ioctl(connection.fd, FIONREAD, bytes(_COUNT.size)))
    except OSError:
        return 0.0
    return connection.unread - float(waiting)
