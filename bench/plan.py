"""How much is measured: what every scenario is given."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Plan:
    """Rounds alternate between the systems; `seconds` is how long one measurement lasts."""

    rounds: int
    seconds: float
    folder: Path
    """For the data of servers, on the disk to measure with."""
    quick: bool = False
    """One short round of the smaller cases: does it still work, has anything collapsed?"""
    big: bool = False
    """The cases that take minutes too."""
