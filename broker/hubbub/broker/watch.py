"""The connection watch: which connections there are, by number, how many may be, and how to shut one.

ZeroMQ names a connection by its file descriptor, and descriptors are used again. So each accepted connection gets a number of its own; the
monitor's events come in order, and a new peer's first frame comes after the loop has answered its ZAP request, so a connection is never
taken for its predecessor on the descriptor. Nor is it the other way round, when the last frames of one that is gone are read: a handshake has its place among
the numbers, and goes along with every frame. What was accepted only behind it is another connection.
"""

import contextlib
import logging
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import count, takewhile
from typing import Final, TypeVar

from hubbub.broker.core.buckets import Bucket, Buckets
from hubbub.broker.core.limits import Limits
from hubbub.broker.entries import ENTRIES_A_SECOND, ENTRIES_AT_ONCE, Entry, Value
from hubbub.broker.networks import belongs, network_of, plain
from hubbub.broker.strikes import Strikes

log = logging.getLogger("hubbub.broker")

UNKNOWN: Final = 0
"""The number of a connection that the watch has not seen; shutting it does nothing."""
ACCEPTS_A_HANDSHAKE: Final = 4
"""Connections that an address may open for each handshake that it may make, and for one more, which is denied and so told why: there are the door, health checks
and bad lines. Beyond, they are shut before the keys are looked at, which is what costs."""

_IPV6, _STREAM = int(socket.AF_INET6), int(socket.SOCK_STREAM)
T = TypeVar("T")


class Service(Enum):
    """The socket that a connection was made to."""

    COMMANDS = auto()
    EVENTS = auto()
    DOOR = auto()


@dataclass(slots=True, eq=False)
class Connection:
    """One accepted TCP connection. Times are monotonic."""

    number: int
    fd: int
    peer: tuple[str, int] | None
    """Its IP address and port; None if it was gone before it could be asked."""
    network: str
    """What its address counts for; empty if it is not known."""
    service: Service
    since: float
    heard: float
    """When a whole message of it was read last, at first `since`."""
    read: int = 0
    """Bytes on the wire of the messages that were read."""
    looked: float = 0.0
    """When the patrol looked last."""
    measured: tuple[int, int] = (0, 0)
    """Bytes received and read then."""
    unread: float = 0.0
    """Bytes that it has sent and nobody could read."""
    is_struck: bool = False
    """Whether its address was charged for it."""

    def is_alive(self) -> bool:
        """Whether the descriptor is this connection's still: the same peer is at its other end."""
        return self.peer is not None and _peer_of(self.fd) == self.peer


class Watch:
    """All accepted connections of the three sockets."""

    def __init__(self, limits: Limits, most: int, strikes: Strikes) -> None:
        """`most` connections are borne, whatever `limits` say: the descriptors that the system allows."""
        self._by_fd: dict[int, Connection] = {}
        self._latest: dict[int, Connection] = {}
        """By descriptor, also when they are gone."""
        self._by_number: dict[int, Connection] = {}
        self._by_network: Counter[str] = Counter()
        self._logged: set[int] = set()
        self._numbers = count(UNKNOWN + 1)
        self._descriptors = most
        self._entries = Bucket(ENTRIES_AT_ONCE, ENTRIES_A_SECOND)
        self._accepts: Buckets[str] = Buckets(*_accepts(limits))
        self._limits = limits
        self._strikes = strikes
        self.newest = float("-inf")
        """When a connection was accepted last."""
        self.turned_away = 0
        """Connections shut, since the start, because there were too many."""

    def configure(self, limits: Limits) -> None:
        """Let other bounds hold from now on, for connections yet to come."""
        self._limits = limits
        self._accepts.configure(*_accepts(limits))

    def __len__(self) -> int:
        return len(self._by_fd)

    def __iter__(self) -> Iterator[Connection]:
        return iter(self._by_number.values())

    def newer_than(self, number: int) -> Iterator[Connection]:
        """Yield those that were accepted behind the connection of this number, the newest first."""
        newest_first = reversed(self._by_number.values())
        return takewhile(lambda connection: connection.number > number, newest_first)

    def accepted(self, fd: int, service: Service, now: float) -> Connection | None:
        """A connection was accepted; if it is one too many, it is shut again.

        Returns the one whose descriptor it has, if that one's end is still to be heard of: the monitors are not in step.
        """
        before = self._by_fd.get(fd)
        if before is not None and before.service is not service and before.is_alive():
            return None  # told late: the descriptor is the other socket's by now
        before = self._forget(fd)
        self.newest = now
        peer = _peer_of(fd)
        network = network_of(peer[0]) if peer else ""
        connection = Connection(
            next(self._numbers), fd, peer, network, service, now, now, looked=now
        )
        self._by_fd[fd] = self._latest[fd] = connection
        self._by_number[connection.number] = connection
        self._by_network[network] += 1
        if service is Service.COMMANDS and peer is not None:
            text = "A connection from ({address!r}, {port}) was accepted."
            log.debug(Entry("client_accepted", text, **_fields(connection)))
        if peer is not None:
            self._bound(connection, now)
        return before

    def handshake(self) -> int:
        """Return the number of a handshake that is answered now: its connection's, which was accepted before, is less, those of connections to come are greater."""
        return next(self._numbers)

    def _bound(self, connection: Connection, now: float) -> None:
        """Shut the newest connection if there are too many, if they come too fast, or if nobody is let in from there.

        The sockets go on listening: libzmq's `unbind` drops all the connections that were accepted there, without a word (measured).
        """
        limits, network = self._limits, connection.network
        if self._strikes.are_used_up(network, now):  # which is logged already
            self.cut(connection.number)
            self.turned_away += 1
            return
        if len(self) > min(limits.connections, self._descriptors):
            reason = f"there are {len(self)}"
        elif self._by_network[network] > limits.connections_per_address:
            reason = f"there are {self._by_network[network]} from there"
        elif not self._accepts.take(network, 1, now):
            reason = "too many come from there at once"
        else:
            return
        self.cut(connection.number)
        self.turned_away += 1
        if self._entries.take(1, now):
            text = "A connection from ({address!r}, {port}) is turned away: {reason}."
            log.warning(Entry("turned_away", text, **_fields(connection), reason=reason))

    def log_peer(self, number: int) -> None:
        """A client logs in on this connection: log where it comes from, once."""
        connection = self._by_number.get(number)
        if connection is None or connection.peer is None or number in self._logged:
            return
        self._logged.add(number)
        text = "Connecting from ({address!r}, {port})"
        log.info(Entry("client_connecting", text, **_fields(connection)))

    def disconnected(self, fd: int, service: Service) -> Connection | None:
        """A connection is gone; return what it was, None if that is known already."""
        connection = self._by_fd.get(fd)
        if connection is None or connection.service is not service:
            return None
        if service is Service.COMMANDS and connection.peer is not None:
            text = "The connection from ({address!r}, {port}) has ended."
            log.debug(Entry("client_gone", text, **_fields(connection)))
        return self._forget(fd)

    def _forget(self, fd: int) -> Connection | None:
        connection = self._by_fd.pop(fd, None)
        if connection is not None:
            self._by_number.pop(connection.number, None)
            self._logged.discard(connection.number)
            self._by_network[connection.network] -= 1
            if not self._by_network[connection.network]:
                del self._by_network[connection.network]
        return connection

    def on(self, fd: int) -> Connection | None:
        """Return the connection on a descriptor."""
        return self._by_fd.get(fd)

    def of(self, fd: int, handshake: int) -> Connection | None:
        """Return the connection on a descriptor if this handshake was its own; None if that was a former one's there."""
        connection = self._by_fd.get(fd)
        return connection if connection is not None and connection.number < handshake else None

    def latest(self, fd: int, handshake: int) -> Connection | None:
        """The same of the connection that was on a descriptor last, be it gone."""
        connection = self._latest.get(fd)
        return connection if connection is not None and connection.number < handshake else None

    def strike(self, number: int, network: str, now: float) -> None:
        """Charge the address of a connection that is cut for abuse; if it is not known any more, charge `network`, unless that is empty."""
        connection = self._by_number.get(number)
        if connection is not None:
            self.charge(connection, now)
        elif network:
            self._strikes.charge(network, now)

    def charge(self, connection: Connection, now: float) -> None:
        """Charge its address for a connection that is cut for abuse, once."""
        if connection.network and not connection.is_struck:
            connection.is_struck = True
            self._strikes.charge(connection.network, now)

    def cut(self, number: int) -> None:
        """Shut a connection down; libzmq notices and closes it. Nothing happens if it is gone already."""
        connection = self._by_number.get(number)
        if connection is None or not connection.is_alive():
            return
        borrow(connection.fd, lambda lent: lent.shutdown(socket.SHUT_RDWR))

    def cut_network(self, network: str) -> None:
        """Shut down every connection from an address or a network. Raises ValueError if it is neither."""
        for connection in self:
            if connection.peer is not None and belongs(connection.peer[0], network):
                self.cut(connection.number)


def _accepts(limits: Limits) -> tuple[int, int]:
    """Return how many connections an address may open at once, and a second."""
    handshakes = limits.handshakes_burst, limits.handshakes_a_second
    return ACCEPTS_A_HANDSHAKE * (handshakes[0] + 1), ACCEPTS_A_HANDSHAKE * handshakes[1]


def borrow(fd: int, use: Callable[[socket.SocketType], T]) -> T | None:
    """Return what `use` makes of a socket object on libzmq's own descriptor; None if that is gone.

    No copy of the descriptor is made: there may be none left for one. By naming a family little is asked of the system; IPv6's has room for the
    addresses of both.
    """
    try:
        lent = socket.SocketType(_IPV6, _STREAM, 0, fd)  # half as dear as `socket.socket`
    except OSError:
        return None
    try:
        return use(lent)
    except OSError:
        return None
    finally:
        lent.detach()


def _peer_of(fd: int) -> tuple[str, int] | None:
    peer = borrow(fd, socket.SocketType.getpeername)
    if not isinstance(
        peer, tuple
    ):  # gone; or, by its text, a socket of another family: the operator's
        return None
    host, port, *numbers = peer
    scope = numbers[-1] if numbers else 0  # IPv6 has two numbers more: flow, and interface or 0
    if scope:
        with contextlib.suppress(OSError):
            return f"{host}%{socket.if_indextoname(scope)}", port
    return plain(host), port


def _fields(connection: Connection) -> dict[str, Value]:
    assert connection.peer is not None
    address, port = connection.peer
    return {"address": address, "port": port}
