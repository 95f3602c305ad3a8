"""How many lines a second a person is shown. Pure: time is an argument.

More than this nobody reads, and drawing it would only make typing stutter. What is left out is counted and told; it was received, and `/history` has it.
Order is kept: a line that must be shown does not overtake one that is shown later.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

from hubbub.client.line.lines import Line, notice

BURST: Final = 100
"""Lines shown at once: what was missed in a short outage still comes whole."""
LINES_A_SECOND: Final = 40
HOLD_SECONDS: Final = 1.0
"""How long lines are held back when they come too fast; then the last of them are shown, behind the count of the others."""
LAST: Final = 10


class Thinning:
    """A token bucket; when it is empty, lines are held back for a second and only the last of them shown."""

    def __init__(self, now: float) -> None:
        self._now = now
        self._tokens = float(BURST)
        self._held: deque[Line] = deque(maxlen=LAST)
        self._skipped = 0
        self._hold_until: float | None = None

    def take(self, lines: Iterable[Line], now: float) -> list[Line]:
        """Return what is to be shown now, given what has come since the last call."""
        self._tokens = min(BURST, self._tokens + (now - self._now) * LINES_A_SECOND)
        self._now = now
        shown: list[Line] = []
        for line in lines:
            if not line.may_skip:
                self._skip_held()
                shown.append(line)
            elif self._hold_until is None and self._tokens >= 1:
                self._tokens -= 1
                shown.append(line)
            else:
                self._hold(line, now)
        if self._hold_until is not None and now >= self._hold_until:
            shown += self.release()
        return shown

    def _hold(self, line: Line, now: float) -> None:
        self._hold_until = self._hold_until or now + HOLD_SECONDS
        self._skipped += len(self._held) == LAST
        self._held.append(line)

    def _skip_held(self) -> None:
        self._skipped += len(self._held)
        self._held.clear()

    def release(self) -> list[Line]:
        """Return what is held back, behind the count of what is left out."""
        released = [*self._held]
        self._tokens = max(0.0, self._tokens - len(released))
        if self._skipped:
            count = "1 line" if self._skipped == 1 else f"{self._skipped:,} lines"
            text = f"({count} not shown: too fast to read; /history has all)"
            released.insert(0, notice(text))
        self._held.clear()
        self._skipped = 0
        self._hold_until = None
        return released

    def wake_at(self) -> float | None:
        """When held lines are to be shown; None: there are none."""
        return self._hold_until
