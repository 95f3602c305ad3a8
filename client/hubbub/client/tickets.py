"""Futures as tickets: what a call of the app waits on. The pump settles them, in its own thread."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError
from concurrent.futures._base import FINISHED, PENDING
from typing import Any

from hubbub.client.errors import Cancelled, Closed, OutcomeUnknown

_log = logging.getLogger(__name__)


def settle(settle: Callable[[Any], None], outcome: object) -> None:
    """Set a Future's outcome; its callbacks run in here."""
    try:
        settle(outcome)
    except BaseException:
        if threading.current_thread() is threading.main_thread():
            raise  # the user's own Ctrl-C, in a call that came too late
        _log.exception("a callback of the app has failed")


class _Promise(Future[Any]):
    """A Future that cannot be cancelled: what was sent cannot be called back.

    The Condition by which threads wait is half of what a Future costs, and most writes nobody waits for: only for the last of thousands. So it is made when it
    is first asked for. Nobody waits in vain: the outcome is set before the Condition is looked for, and whoever waits has made the Condition before looking for
    the outcome.
    """

    _state = PENDING
    _result = None
    _exception = None

    def __init__(self, *callbacks: Callable[[Future[Any]], object]) -> None:
        # Not that of Future, which makes the Condition.
        self._waiters = []
        self._done_callbacks = list(callbacks)

    def __getattr__(self, name: str) -> Any:
        if name != "_condition":
            raise AttributeError(name)
        return self.__dict__.setdefault(name, threading.Condition())  # one, however many ask

    def cancel(self) -> bool:
        return False

    def set_result(self, result: Any) -> None:
        if self._state == FINISHED:
            raise InvalidStateError(f"there is an outcome already: {self!r}")
        self._result = result
        self._state = FINISHED
        if "_condition" in self.__dict__:
            with self._condition:
                for waiter in self._waiters:
                    waiter.add_result(self)
                self._condition.notify_all()
        self._invoke_callbacks()


def new_future(*callbacks: Callable[[Future[Any]], object]) -> Future[Any]:
    """Return a ticket for one call; `callbacks` are called with it when it is done, before any others."""
    return _Promise(*callbacks)


def earlier_future() -> Future[Any]:
    """Return the ticket of a write of an earlier process: nobody waits for it, so a refusal is logged."""
    return new_future(_log_refusal)


def _log_refusal(ticket: Future[Any]) -> None:
    error = ticket.exception()
    if error is not None and not isinstance(error, Closed | OutcomeUnknown | Cancelled):
        _log.warning("a write of an earlier process was refused: %s", error)
