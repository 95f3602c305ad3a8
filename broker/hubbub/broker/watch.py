"""The connection watch: which connections there are, by number, and how to shut one.

ZeroMQ names a connection by its file descriptor, and descriptors are used again. So each accepted connection gets a number of its own; the
monitor's events come in order, and a new peer's first frame comes after the loop has answered its ZAP request, so a descriptor is never
taken for its predecessor.
"""

import contextlib
import logging
import os
import socket
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from itertools import count

from hubbub.broker.entries import Entry, Value

log = logging.getLogger("hubbub.broker")

UNKNOWN = 0
"""The number of a connection that the watch has not seen; shutting it does nothing."""


@dataclass(frozen=True, slots=True)
class Connection:
    """One accepted TCP connection."""

    number: int
    fd: int
    peer: tuple[str, int] | None
    """Its IP address and port; None if it was gone before it could be asked."""
    is_commands: bool

    def is_alive(self) -> bool:
        """Whether the descriptor is this connection's still: the same peer is at its other end."""
        return self.peer is not None and _peer_of(self.fd) == self.peer


class Watch:
    """All accepted connections of both sockets."""

    def __init__(self) -> None:
        self._by_fd: dict[int, Connection] = {}
        self._by_number: dict[int, Connection] = {}
        self._logged: set[int] = set()
        self._numbers = count(UNKNOWN + 1)

    def __len__(self) -> int:
        return len(self._by_fd)

    def accepted(self, fd: int, *, is_commands: bool) -> Connection | None:
        """A connection was accepted.

        Returns the one whose descriptor it has, if that one's end is still to be heard of: the two monitors are not in step.
        """
        before = self._by_fd.get(fd)
        if before is not None and before.is_commands != is_commands and before.is_alive():
            return None  # told late: the descriptor is the other socket's by now
        before = self._forget(fd)
        connection = Connection(next(self._numbers), fd, _peer_of(fd), is_commands)
        self._by_fd[fd] = connection
        self._by_number[connection.number] = connection
        if is_commands and connection.peer is not None:
            text = "A connection from ({address!r}, {port}) was accepted."
            log.debug(Entry("client_accepted", text, **_fields(connection)))
        return before

    def log_peer(self, number: int) -> None:
        """A client logs in on this connection: log where it comes from, once."""
        connection = self._by_number.get(number)
        if connection is None or connection.peer is None or number in self._logged:
            return
        self._logged.add(number)
        log.info(
            Entry(
                "client_connecting", "Connecting from ({address!r}, {port})", **_fields(connection)
            )
        )

    def disconnected(self, fd: int, *, is_commands: bool) -> Connection | None:
        """A connection is gone; return what it was, None if that is known already."""
        connection = self._by_fd.get(fd)
        if connection is None or connection.is_commands != is_commands:
            return None
        if is_commands and connection.peer is not None:
            text = "The connection from ({address!r}, {port}) has ended."
            log.debug(Entry("client_gone", text, **_fields(connection)))
        return self._forget(fd)

    def _forget(self, fd: int) -> Connection | None:
        connection = self._by_fd.pop(fd, None)
        if connection is not None:
            self._by_number.pop(connection.number, None)
            self._logged.discard(connection.number)
        return connection

    def number(self, fd: int) -> int:
        """Return the number of the connection on a descriptor."""
        connection = self._by_fd.get(fd)
        return connection.number if connection else UNKNOWN

    def cut(self, number: int) -> None:
        """Shut a connection down; libzmq notices and closes it. Nothing happens if it is gone already."""
        connection = self._by_number.get(number)
        if connection is None or not connection.is_alive():
            return
        with contextlib.suppress(OSError), _borrowed(connection.fd) as borrowed:
            borrowed.shutdown(socket.SHUT_RDWR)

    def cut_network(self, network: str) -> None:
        """Shut down every connection from an address or a network."""
        banned = ip_network(network, strict=False)
        for connection in list(self._by_number.values()):
            if connection.peer is not None and ip_address(connection.peer[0]) in banned:
                self.cut(connection.number)


def _borrowed(fd: int) -> socket.socket:
    """Return a socket object on a copy of a descriptor, which is libzmq's to close."""
    return socket.socket(fileno=os.dup(fd))


def _peer_of(fd: int) -> tuple[str, int] | None:
    try:
        with _borrowed(fd) as borrowed:
            peer = borrowed.getpeername()
    except OSError:
        return None
    host, port, *numbers = peer
    scope = numbers[-1] if numbers else 0  # IPv6 has two numbers more: flow, and interface or 0
    if scope:
        with contextlib.suppress(OSError):
            return f"{host}%{socket.if_indextoname(scope)}", port
    # A socket for both IPv6 and IPv4 shows IPv4 peers so.
    return host.removeprefix("::ffff:") if "." in host else host, port


def _fields(connection: Connection) -> dict[str, Value]:
    assert connection.peer is not None
    address, port = connection.peer
    return {"address": address, "port": port}
