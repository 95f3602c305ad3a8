"""People on a real terminal: what stands on its screen now, and what was sent to it, byte for byte."""

import re
from collections.abc import Mapping, Sequence

import pyte
import pytest
from tests.processes import PATIENCE, OnTerminal

from hubbub.client import Client

PASTE_START, PASTE_END = "\x1b[200~", "\x1b[201~"


class OnLiveTerminal(OnTerminal):
    """A child on a terminal that can do what today's terminals can: cursor, colours, pasting."""

    columns = 80
    rows = 24

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._screen = pyte.HistoryScreen(self.columns, self.rows, history=100_000, ratio=1)
        self._stream = pyte.Stream(self._screen)
        self._fed = 0
        super().__init__(command, dict(env) | {"TERM": "xterm-256color"}, (self.rows, self.columns))

    def shows(self, *patterns: str) -> None:
        """Wait until the screen, with what has scrolled off it, matches each of these."""
        for pattern in patterns:
            expression = re.compile(pattern, re.MULTILINE)
            self._await(lambda e=expression: e.search(self.screen()), pattern)  # type: ignore[misc] # a default binds it

    def screen(self) -> str:
        """Return what stands on the screen and above it."""
        self._stream.feed(self._shown[self._fed :])
        self._fed = len(self._shown)
        above = [
            "".join(row[x].data for x in range(self.columns)) for row in self._screen.history.top
        ]
        return "\n".join(line.rstrip() for line in (*above, *self._screen.display)).rstrip()

    def raw(self) -> str:
        """Return all that was sent to the terminal."""
        with self._news:
            return self._shown

    def transcript(self) -> str:
        with self._news:
            return self.screen()

    @property
    def title(self) -> str:
        """What the terminal's window is called."""
        self.transcript()
        return str(self._screen.title)

    @property
    def cursor(self) -> int:
        """The cursor's column."""
        self.transcript()
        return int(self._screen.cursor.x)

    def keys(self, text: str) -> None:
        """Press keys, without Enter."""
        self._send(text)

    def pastes(self, text: str) -> None:
        """Paste as terminals do that tell a program so."""
        self._send(f"{PASTE_START}{text}{PASTE_END}")

    def enter(self) -> None:
        self._send("\r")

    def types(self, *lines: str) -> None:
        for line in lines:
            self._send(f"{line}\r")


class OnNarrowTerminal(OnLiveTerminal):
    """The same with 40 columns."""

    columns = 40


def hears(person: Client, text: str) -> None:
    """Wait until the broker has stored this: a line stands on its writer's screen before."""
    while (update := person.next_event(PATIENCE)) is not None:
        if getattr(update, "text", "") == text:
            return
    pytest.fail(f"{text!r} never came")
