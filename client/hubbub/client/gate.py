"""A bound on what is written and not yet answered: who writes faster than the broker answers waits here."""

from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any

from hubbub.client.tickets import new_future


class Gate:
    """Lets `limit` Futures through at a time; each leaves when it is done.

    A queue of places, not a Condition: a KeyboardInterrupt in the middle of one would leave its lock taken, and hold up the pump for good.
    """

    def __init__(self, limit: int) -> None:
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(limit):
            self._places.put(None)

    def enter(self, *, wait: bool) -> Future[Any]:
        """Let another Future in, and return it: with `wait` when there is a place, else even without one."""
        try:
            self._places.get(block=wait)
        except Empty:
            return new_future()
        return new_future(self._leave)

    def _leave(self, _: Future[Any]) -> None:
        self._places.put(None)
