"""What a person writes, on its way: shown as unanswered until the broker has it, cut if it is too long, complained of if it was refused."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from itertools import count
from typing import Final, assert_never

from hubbub.client.client import Client
from hubbub.client.errors import Closed, OutcomeUnknown
from hubbub.client.line import actions, screen
from hubbub.client.line.dating import Dating
from hubbub.client.line.items import Failed, Item, Stored
from hubbub.client.line.lines import Line
from hubbub.client.line.pieces import pieces
from hubbub.client.line.terminal import ChatTerminal
from hubbub.common.errors import HubbubError
from hubbub.common.limits import TEXT_BYTES

WAITING: Final = 5000
"""What a person wrote and the broker has not acknowledged; more is refused. Below the bound at which the client itself would wait."""


class Sending:
    """What was written and is not acknowledged yet. `hand_over` gets what became of it, from the client's thread; `answered` is called there first."""

    def __init__(
        self,
        client: Client,
        terminal: ChatTerminal,
        dating: Dating,
        clock: Callable[[], int],
        hand_over: Callable[[Item], None],
        answered: Callable[[], None],
    ) -> None:
        self._client = client
        self._terminal = terminal
        self._dating = dating
        self._clock = clock
        self._hand_over = hand_over
        self._tell_answered = answered
        self._numbers = count()
        self._too_long: actions.Action | None = None
        self._unanswered: set[Future[int]] = set()

    @property
    def unanswered(self) -> int:
        """How many have no answer."""
        return len(self._unanswered)

    def send(self, text: str, action: actions.Write, room: str) -> None:
        """Write what was typed to a room; in pieces, if it was refused as too long and typed once more. Raises HubbubError."""
        is_repeated, self._too_long = action == self._too_long, None
        if not is_repeated:
            self._send(text, action, room)
            return
        for piece in pieces(action.text, TEXT_BYTES):
            self._send(piece, replace(action, text=piece), room)

    def refuse_size(self, text: str, action: actions.Action) -> str | None:
        """Offer a person to cut the text: put it back under their fingers, and return what to tell them."""
        if not (self._terminal.interactive and isinstance(action, actions.Write)):
            return None
        self._too_long = action
        self._terminal.give_back(text)
        return f"Press Enter again to send it as {len(pieces(action.text, TEXT_BYTES))} messages."

    def otherwise(self) -> None:
        """Something else was typed."""
        self._too_long = None

    def _send(self, text: str, action: actions.Write, room: str) -> None:
        """Write it, and show it as unanswered until it is acknowledged."""
        if self._terminal.interactive and len(self._unanswered) >= WAITING:
            raise HubbubError(f"{WAITING:,} messages wait already")
        outcome = self._write(action, room)
        number, now = next(self._numbers), self._clock()
        *rules, line = self._dating.dated(replace(Line.of(text), time=now), now)
        for rule in rules:
            self._terminal.show(rule)
        self._terminal.wait(number, line)
        self._unanswered.add(outcome)
        outcome.add_done_callback(lambda answered: self._answered(number, action, room, answered))

    def _write(self, action: actions.Write, room: str) -> Future[int]:
        match action:
            case actions.Say(text):
                return self._client.post_nowait(room, text)
            case actions.Act(text):
                return self._client.post_nowait(room, text, action=True)
            case actions.Whisper(to, text):
                return self._client.tell_nowait(to, text)
            case _:
                assert_never(action)

    def _answered(
        self, number: int, action: actions.Write, room: str, outcome: Future[int]
    ) -> None:
        """Runs in the client's thread: hands over and returns."""
        self._tell_answered()
        error = None if outcome.cancelled() else outcome.exception()
        if isinstance(error, OutcomeUnknown | Closed):
            return  # given up: counted, not complained of one by one
        self._unanswered.discard(outcome)
        if error is None:
            self._terminal.stored(number)
            if self._terminal.interactive:
                self._hand_over(Stored(action, room))
        else:
            self._hand_over(Failed(number, screen.refusal(action, error)))
