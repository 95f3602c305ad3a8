"""Futures as tickets: what a call of the app waits on. The pump settles them, in its own thread."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
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
    """A Future that cannot be cancelled: what was sent cannot be called back."""

    def cancel(self) -> bool:
        return False


def new_future() -> Future[Any]:
    """Return a ticket for one call."""
    return _Promise()


def earlier_future() -> Future[Any]:
    """Return the ticket of a write of an earlier process: nobody waits for it, so a refusal is logged."""
    ticket = new_future()
    ticket.add_done_callback(_log_refusal)
    return ticket


def _log_refusal(ticket: Future[Any]) -> None:
    error = ticket.exception()
    if error is not None and not isinstance(error, Closed | OutcomeUnknown | Cancelled):
        _log.warning("a write of an earlier process was refused: %s", error)
