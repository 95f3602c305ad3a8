"""Times and days beside the lines. Pure: a line goes in, the lines to show come out.

On a terminal a rule tells when another day begins; a time stands before a line only on request. A pipe gets date and time on each line.
"""

from datetime import date, datetime, tzinfo
from typing import Final

from hubbub.client.line.lines import Line, Span, Style, rule

CLOCK: Final = "%H:%M"


class Dating:
    """Dates a stream of lines. `zone` None is the machine's own."""

    def __init__(self, *, times: bool, days: bool, zone: tzinfo | None = None) -> None:
        self._times = times
        self._days = days
        self._zone = zone
        self._day: date | None = None

    def dated(self, line: Line, now: int) -> list[Line]:
        """Return `line` with what has to stand before it; `now` in milliseconds since 1970, UTC."""
        then = self.local(now if line.time is None else line.time)
        self._day = self._day or self.local(now).date()
        dated = []
        if self._days and line.time is not None:
            if then.date() != self._day:
                dated.append(rule(day(then)))
            self._day = then.date()
        if self._times:
            stamp = f"{then:{CLOCK}} " if self._days else f"{then:%Y-%m-%d {CLOCK}} "
            line = line.behind(Span(stamp, Style.QUIET))
        return [*dated, line]

    def since(self, then: int, now: int) -> str:
        """Return a time of the past in the fewest words that are clear."""
        local, today = self.local(then), self.local(now).date()
        if local.date() == today:
            return f"{local:{CLOCK}}"
        return f"{day(local)}, {local:{CLOCK}}"

    def local(self, milliseconds: int) -> datetime:
        """Return a time as the clock on the wall shows it. What no calendar has is the nearest that it has."""
        try:
            return datetime.fromtimestamp(milliseconds / 1000, self._zone).astimezone(self._zone)
        except (OverflowError, OSError, ValueError):
            return datetime.max.replace(tzinfo=self._zone)


def day(then: datetime) -> str:
    """Return the day as people say it, for example `Sunday, 22 November 2026`."""
    return f"{then:%A}, {then.day} {then:%B %Y}"
