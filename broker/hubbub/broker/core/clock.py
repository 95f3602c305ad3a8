"""Time as the core is told it."""

from typing import NamedTuple


class Now(NamedTuple):
    """One reading of both clocks: `monotonic` in seconds for durations, `wall` in Unix milliseconds for people."""

    monotonic: float
    wall: int
