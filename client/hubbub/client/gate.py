"""A bound on what is written and not yet answered: who writes faster than the broker answers waits here."""

from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any


class Gate:
    """Lets `limit` Futures through at a time; each leaves when it is done.

    A queue of places, not a Condition: a KeyboardInterrupt in the middle of one would leave its lock taken, and hold up the pump for good.
    """

    def __init__(self, limit: int) -> None:
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(limit):
            self._places.put(None)

    def enter(self, future: Future[Any], *, wait: bool) -> None:
        """Let a Future in: with `wait` when there is a place, else even without one."""
        try:
            self._places.get(block=wait)
        except Empty:
            return
        future.add_done_callback(self._leave)

    def _leave(self, _: Future[Any]) -> None:
        self._places.put(None)
