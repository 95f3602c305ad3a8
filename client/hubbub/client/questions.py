"""Queries that wait their turn: the broker answers one at a time of a session. Pure.

The app's questions and the catching up of logs take turns, and the logs among themselves, so neither a curious program nor a
thousand rooms after a long absence keep the others waiting.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hubbub.client.effects import Ticket
from hubbub.common.commands import Query
from hubbub.common.errors import TRANSIENT
from hubbub.common.replies import (
    BanList,
    DeviceList,
    Done,
    Error,
    InviteMade,
    LinkMade,
    MemberList,
    Noted,
    Page,
    Reply,
    RoomList,
    Roster,
)

Answer = (
    Page
    | RoomList
    | MemberList
    | Roster
    | Noted
    | Done
    | LinkMade
    | InviteMade
    | DeviceList
    | BanList
)
"""What answers a question."""

BUSY_SECONDS: Final = 0.25
"""Until a question is asked again that the broker was too busy for."""
LONGEST_WAIT_SECONDS: Final = 10.0
"""A question of the app that may be asked again only after more than this has failed: the others would wait behind it."""
ANSWER_SECONDS: Final = 10.0
"""An answer that does not come for this long on a live session is asked for again."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the app asks. `make` gives the query for an id, `read` what the app gets of the reply."""

    make: Callable[[int], Query]
    read: Callable[[Reply], object]
    ticket: Ticket

    def may_wait(self, error: Error) -> bool:
        """Whether it is worth asking again when the time has come that the refusal names, if it names one."""
        is_short = self.ticket is None or error.retry_after <= LONGEST_WAIT_SECONDS
        return error.code in TRANSIENT and is_short


@dataclass(frozen=True, slots=True)
class CatchUp:
    """A log has something to fetch."""

    log: bytes


Item = Question | CatchUp


class Questions:
    """At most one is out; the others wait."""

    def __init__(self) -> None:
        self._app: deque[Question] = deque()
        self._logs: dict[bytes, float] = {}
        self._out: tuple[int, Item] | None = None
        self._until = 0.0
        self._not_before = 0.0
        self._log_was_last = False

    def ask(self, question: Question) -> None:
        """Put the app's question at the end of its queue."""
        self._app.append(question)

    def ask_once(self, question: Question) -> None:
        """Put a question at the end of its queue, unless it stands there."""
        if question not in self._app:
            self._app.append(question)

    def fetch(self, log: bytes, not_before: float) -> None:
        """A log has something to fetch, at `not_before`; wishes of one log count once."""
        self._logs.setdefault(log, not_before)

    def next(self, now: float) -> Item | None:
        """Take the next one to ask, if it may be asked now. `asked` or another `next` must follow."""
        if self._out is not None or now < self._not_before:
            return None
        if self._app and self._log_was_last:
            self._log_was_last = False
            return self._app.popleft()
        log = next((log for log, time in self._logs.items() if time <= now), None)
        if log is None:
            return self._app.popleft() if self._app else None
        del self._logs[log]
        self._log_was_last = True
        return CatchUp(log)

    def asked(self, id: int, item: Item, now: float) -> None:
        """The item went out as the query `id`."""
        self._out = (id, item)
        self._until = now + ANSWER_SECONDS

    def answered(self, id: int) -> Item | None:
        """Return what the reply with this id answers; None if nobody waits for it (any more)."""
        if self._out is None or self._out[0] != id:
            return None
        item = self._out[1]
        self._out = None
        return item

    def again(self, item: Item, now: float, retry_after: float = 0.0) -> None:
        """The broker was too busy for it, or wants no question for `retry_after` seconds."""
        self._not_before = now + (retry_after or BUSY_SECONDS)
        self._put_back(item)

    def _put_back(self, item: Item) -> None:
        match item:
            case Question():
                self._app.appendleft(item)
            case CatchUp(log=log):
                self._logs = {log: 0.0, **self._logs}

    def tick(self, now: float) -> Item | None:
        """Put back and return what has been out for too long."""
        return self.interrupt() if self._out is not None and now >= self._until else None

    def interrupt(self) -> Item | None:
        """No answer will come to what is out (the session ended): it will be asked again. Returns it."""
        if self._out is None:
            return None
        item = self._out[1]
        self._out = None
        self._put_back(item)
        return item

    def abandon(self) -> list[Question]:
        """Forget everything; returns the app's questions, which get no answer."""
        self.interrupt()
        questions = list(self._app)
        self._app.clear()
        self._logs.clear()
        return questions

    def wake_at(self, now: float) -> float | None:
        """When to come back."""
        if self._out is not None:
            return self._until
        first = min(self._logs.values(), default=None)
        if self._app:
            first = now
        return None if first is None else max(first, self._not_before)
