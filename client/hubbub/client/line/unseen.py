"""A terminal that does not show what is typed, for as long as a secret is asked for."""

import contextlib
import termios
from types import TracebackType
from typing import Any


class Unseen:
    """Turns a terminal's echo off and on again. `descriptor` None, or one that is no terminal: there is nothing to hide from."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._before: list[Any] | None = None

    def begin(self) -> None:
        """Show nothing of what is typed from now on. Enter is not shown either."""
        if self._descriptor is None or self._before is not None:
            return
        with contextlib.suppress(termios.error):  # it is gone, or none
            before = termios.tcgetattr(self._descriptor)
            modes = [*before]
            modes[3] &= ~termios.ECHO
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, modes)
            self._before = before

    def end(self) -> None:
        """Show it again, if it was shown before. May be called twice."""
        before, self._before = self._before, None
        if before is not None and self._descriptor is not None:
            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._descriptor, termios.TCSADRAIN, before)

    def __enter__(self) -> None:
        self.begin()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()
