"""Time as the core is told it."""

from datetime import UTC, datetime
from typing import NamedTuple


class Now(NamedTuple):
    """One reading of both clocks: `monotonic` in seconds for durations, `wall` in Unix milliseconds for people."""

    monotonic: float
    wall: int


def at(millis: int) -> str:
    """Return a time in Unix milliseconds as texts for people have it, to the minute: "2026-03-01 14:05 UTC"."""
    return datetime.fromtimestamp(millis // 1000, UTC).strftime("%Y-%m-%d %H:%M UTC")
