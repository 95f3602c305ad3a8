"""How a call of the app reaches the pump's thread, and its outcome the caller's. Used by all faces: `Client`, `Account`, `Moderation`."""

import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

from hubbub.client import calls
from hubbub.client.errors import Forked, OutcomeUnknown
from hubbub.client.gate import Gate
from hubbub.client.pump import Pump
from hubbub.client.tickets import new_future

UNANSWERED: Final = 10_000
"""Writes of the `_nowait` calls that may wait for their ack; then these calls wait too."""


class Calling:
    """Calls from any thread of the process that made it. `timeout`, in seconds, is the default of every call; `is_kept`: there is an outbox file."""

    def __init__(self, pump: Pump, timeout: float, *, is_kept: bool) -> None:
        self.timeout = timeout
        self.pid = os.getpid()
        self._pump = pump
        self._is_kept = is_kept
        self._gate = Gate(UNANSWERED)

    def call(self, function: Callable[..., None], *arguments: object, timeout: float | None) -> Any:
        """Have a function of `hubbub.client.calls` called in the pump's thread, and wait for its outcome."""
        self.check_thread()
        ticket = self._submit(function, *arguments)
        seconds = self.timeout if timeout is None else timeout
        try:
            return ticket.result(seconds)
        except TimeoutError:
            raise OutcomeUnknown(
                f"no answer within {seconds:g} s; the broker may be out of reach"
            ) from None

    def ask(
        self, function: Callable[..., None], *arguments: object, timeout: float | None
    ) -> Callable[[object], Any]:
        """The same for a question whose last argument is still to come, once a page."""
        return lambda last: self.call(function, *arguments, last, timeout=timeout)

    def write(self, function: Callable[..., None], *arguments: object) -> Future[int]:
        """Have it written; do not wait for the outcome, but while too many are unanswered."""
        self.check_process()
        ticket = self._gate.enter(wait=not self._pump.is_mine)
        self._submit(function, *arguments, ticket=ticket)
        if self._is_kept and not self._pump.is_anyones():
            self._submit(calls.keep).result()
        return ticket

    def _submit(
        self, function: Callable[..., None], *arguments: object, ticket: Future[Any] | None = None
    ) -> Future[Any]:
        ticket = ticket or new_future()
        self._pump.submit(ticket, lambda session: function(session, ticket, *arguments))
        return ticket

    def check_thread(self) -> None:
        """Raise RuntimeError where waiting would never end, Forked in a child process."""
        self.check_process()
        if self._pump.is_mine:
            raise RuntimeError(
                "a callback in the client's own thread must not wait: use the _nowait calls"
            )

    def check_process(self) -> None:
        """Raise Forked in a child process."""
        if os.getpid() != self.pid:
            raise Forked("this client belongs to the parent process: make another in the child")
