"""Lengths of time as people type and read them: 30s, 10m, 2h, 7d, 4w. Whole seconds inside."""

import re
from typing import Final

from hubbub.common.errors import InvalidDuration
from hubbub.common.limits import RESTRAINT_SECONDS

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_NAMES: Final = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
_TYPED: Final = re.compile(r"([0-9]{1,9})([smhdw])", re.IGNORECASE)


def is_duration(text: str) -> bool:
    """Whether what was typed is meant as a duration."""
    return _TYPED.fullmatch(text) is not None


def parse_duration(text: str, most: int = RESTRAINT_SECONDS) -> int:
    """Return the seconds of a typed duration, 1 to `most`. Raises InvalidDuration that says what can be typed."""
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        raise InvalidDuration(
            "a duration is a number and s, m, h, d or w, for example 30s, 10m, 2h, 7d"
        )
    seconds = int(match[1]) * _UNITS[match[2].lower()]
    if not 1 <= seconds <= most:
        raise InvalidDuration(f"a duration here is at least 1s and at most {spell(most)}")
    return seconds


def spell(seconds: float) -> str:
    """Return a duration in words, in the largest unit that leaves no rest: `10 minutes`, `90 seconds`."""
    whole = round(seconds)
    for name, unit in _NAMES:
        if whole and whole % unit == 0:
            count = whole // unit
            return f"1 {name}" if count == 1 else f"{count:,} {name}s"
    return "0 seconds"
