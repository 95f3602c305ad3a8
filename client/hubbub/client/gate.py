"""A bound on what is written and not yet answered: who writes faster than the broker answers waits here."""

import threading
from concurrent.futures import Future
from typing import Any


class Gate:
    """Lets `limit` Futures through at a time; each leaves when it is done."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._inside = 0
        self._changed = threading.Condition()

    def enter(self, future: Future[Any], *, wait: bool) -> None:
        """Let a Future in; with `wait`, when there is room."""
        with self._changed:
            while wait and self._inside >= self._limit:
                self._changed.wait()
            self._inside += 1
        future.add_done_callback(self._leave)

    def _leave(self, _: Future[Any]) -> None:
        with self._changed:
            self._inside -= 1
            if self._inside < self._limit:
                self._changed.notify()
