"""One short visit to a broker, from connecting to the answer, with a deadline: at its door, and for `hubbub ping`.

Unlike the pump it does not come back: what is refused or lost at the first try is over, so that a person need not wait for the deadline.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from time import monotonic
from typing import Final

from hubbub.client import sockets
from hubbub.client.reach import by_ipv6
from hubbub.client.sockets import Connection, KeyPair
from hubbub.common.addresses import Address

FRAMES: Final = 16
"""Read at once."""


class Visit:
    """A connection for a question or two. `refused`: something is there that turned us away, or hung up; `denied`: it is the broker, and it lets nobody in from here."""

    def __init__(self, socket: sockets.Socket, endpoint: str, deadline: float) -> None:
        """Begin to connect. `deadline`, on the monotonic clock, is that of the whole visit."""
        self.refused = self.denied = False
        self._deadline = deadline
        self._poller = sockets.Poller()
        self._connection = Connection(socket, endpoint, self._poller)
        self._is_ready = False
        self._frames: list[list[bytes]] = []

    def opens(self) -> bool:
        """Wait until the connection stands, encrypted if it is to be."""
        while not self._is_ready and self._turn():
            pass
        return self._is_ready

    def answer(self, question: bytes) -> list[bytes] | None:
        """Ask, and wait for the next message; None when none came."""
        if not (self.opens() and self._connection.send(question)):
            return None
        while not self._frames and self._turn():
            pass
        return self._frames.pop(0) if self._frames else None

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _turn(self) -> bool:
        """Wait for something to happen; False when nothing more can."""
        left = self._deadline - monotonic()
        if self.refused or left <= 0:
            return False
        self._poller.poll(round(left * 1000 + 0.5))
        self._frames += self._connection.frames(FRAMES)
        for event in self._connection.events():
            if event == sockets.READY:
                self._is_ready = True
            elif event == sockets.LOST or event & sockets.REFUSED:
                self.refused = True
                self.denied |= event == sockets.DENIED
        return True


def at_door(address: Address, deadline: float, offset: int) -> AbstractContextManager[Visit]:
    """Visit a broker's door, where nothing is encrypted. Raises NobodyListens if there is no such machine."""
    return _a_visit(sockets.door_socket, address, offset, deadline)


def inside(
    address: Address, deadline: float, keys: KeyPair, server_key: bytes | None
) -> AbstractContextManager[Visit]:
    """Visit a broker where it takes commands. `server_key` None: without encryption. Raises NobodyListens if there is no such machine."""
    open_socket = partial(sockets.commands_socket, keys=keys, server_key=server_key)
    return _a_visit(open_socket, address, 0, deadline)


@contextmanager
def _a_visit(
    open_socket: Callable[..., sockets.Socket], address: Address, offset: int, deadline: float
) -> Iterator[Visit]:
    ipv6 = by_ipv6(address)
    context = sockets.new_context()
    try:
        socket = open_socket(context, by_ipv6=ipv6)
        visit = Visit(socket, address.endpoint(offset), deadline)
        try:
            yield visit
        finally:
            visit.close()
    finally:
        context.destroy(linger=0)
