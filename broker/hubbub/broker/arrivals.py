"""Connections on which something has arrived, as the system tells it (epoll; Linux only): to ask about each of thousands takes 4 µs a connection, and nearly all are quiet.

It reads nothing: the bytes are libzmq's, and mostly read before one asks here. So arrivals are told by the edge, and beside "something can be read" stands "something
can be written": what arrives is an edge of both, and an edge is told only while one of the two holds. Whoever takes nothing and is sent much may be missed; so may what
the system has no room to watch. `Patrol` walks over all for their sake.
"""

import contextlib
import select
import sys


class Arrivals:
    """Descriptors that are followed. One that is closed is forgotten by the system itself."""

    def __init__(self) -> None:
        self._epoll = select.epoll() if sys.platform == "linux" else None

    def follow(self, fd: int) -> None:
        """Tell of this descriptor from now on, what has arrived already included. Nothing happens if it is closed."""
        if self._epoll is not None:
            with contextlib.suppress(OSError):
                self._epoll.register(fd, select.EPOLLIN | select.EPOLLOUT | select.EPOLLET)

    def take(self, most: int) -> list[int]:
        """Return descriptors on which something has arrived since they were returned last, `most` of them; the others' turn is next time."""
        return [] if self._epoll is None else [fd for fd, _ in self._epoll.poll(0, most)]

    def close(self) -> None:
        """Follow none any longer."""
        if self._epoll is not None:
            self._epoll.close()
