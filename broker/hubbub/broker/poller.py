"""Waiting for sockets and descriptors, at the price of those that have something to say.

libzmq's own poll asks every socket twice what there is to read, by two system calls each time. But a ZeroMQ socket has a descriptor (ZMQ_FD), and the system
is asked for all of these at once. Such a descriptor does not say that something can be read: it says once that something has happened, and whatever is done with
the socket takes note of that. So a socket that was used is asked itself before its descriptor is waited for; of one that was not, the descriptor tells everything.

Used is, without a word, what `wait` has returned; of everything else, sending above all, the caller says so: `used`.
"""

import math
import select
from collections.abc import Callable, Mapping
from typing import Any, Final

import zmq

Socket = zmq.Socket[bytes]
Handler = Callable[[], None]

_NOW: Final = 0
_IN: Final = int(zmq.POLLIN)


class Poller:
    """Waits until some of its sources can be read. One thread's, as the sockets are."""

    def __init__(self, handlers: Mapping[Socket | int, Handler]) -> None:
        """`handlers` of sockets and of plain descriptors, the most urgent first. Each may be called for nothing, and never waits."""
        self._sources = list(handlers.items())
        self._places: dict[Any, int] = {source: place for place, source in enumerate(handlers)}
        self._told = {_descriptor(source): place for source, place in self._places.items()}
        """The places of sources in their order, by descriptor."""
        self._descriptors = select.poll()
        for fd in self._told:
            self._descriptors.register(fd, select.POLLIN)
        self._used: set[Socket] = set()
        self._use_all()

    def used(self, socket: Socket) -> None:
        """Say that something was done with a socket, whatever it was; no need to, if last of all it was read to its end."""
        self._used.add(socket)

    def _use_all(self) -> None:
        self._used.update(source for source, _ in self._sources if not isinstance(source, int))

    def wait(self, seconds: float) -> list[Handler]:
        """Return the handlers of what can be read, the most urgent first; none if the time is over."""
        ready: set[int] = set()
        for asked, _ in zmq.zmq_poll([(socket, _IN) for socket in self._used], _NOW):
            ready.add(self._places[asked])
        milliseconds = _NOW if ready else math.ceil(max(0.0, seconds) * 1000)
        for fd, _ in self._descriptors.poll(milliseconds):
            ready.add(self._told[fd])
        self._used.clear()
        if not ready:
            self._use_all()  # should anybody have used one without a word, it is found now
        handlers = []
        for place in sorted(ready):
            source, handler = self._sources[place]
            handlers.append(handler)
            if not isinstance(source, int):
                self._used.add(source)
        return handlers


def _descriptor(source: Socket | int) -> int:
    return source if isinstance(source, int) else source.fileno()
