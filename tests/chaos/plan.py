"""What will be done to broker and clients, and when: made from the seed alone, so the same seed gives the same plan.

What comes of it is not the same twice: how far each process is when a fault falls is the machine's business.
"""

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final


@unique
class Kind(StrEnum):
    """The faults."""

    KILL_BROKER = "kill-broker"
    KILL_CLIENT = "kill-client"
    FREEZE_BROKER = "freeze-broker"
    FREEZE_CLIENT = "freeze-client"
    CUT = "cut"
    DELAY = "delay"
    FULL_DISK = "full-disk"
    CLOCK = "clock"
    RESTORE = "restore"


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `at`: seconds from the start; `lasts`: seconds; `whom` and `amount`, 0 ≤ … < 1, choose among what there is then."""

    at: float
    kind: Kind
    lasts: float
    whom: float
    amount: float


FIRST: Final = 1.0
"""Until then all have come in."""
PAUSE: Final = (0.2, 1.2)
"""Between two faults."""
LASTS: Final = {
    Kind.KILL_BROKER: (0.0, 1.0),
    Kind.KILL_CLIENT: (0.0, 2.0),
    Kind.FREEZE_BROKER: (0.1, 1.5),
    Kind.FREEZE_CLIENT: (0.2, 3.0),
    Kind.CUT: (0.0, 0.0),
    Kind.DELAY: (0.5, 2.0),
    Kind.FULL_DISK: (0.5, 3.0),
    Kind.CLOCK: (0.0, 0.0),
    Kind.RESTORE: (0.5, 4.0),
}
"""For a restore: how old the backup is."""
LONG_SECONDS: Final = 18.0
"""Longer than broker and clients bear silence."""
LONG_ONE_IN: Final = 8
LONG_AFTER: Final = 30.0
"""A short run has no time for it."""


def faults(seed: int, kinds: Collection[Kind] = tuple(Kind)) -> Iterator[Fault]:
    """Yield faults without end, in order of time. Each round has every kind once, so that a short run has met them all."""
    chance = random.Random(f"faults {seed}")
    at = FIRST
    while kinds:
        for kind in chance.sample(sorted(kinds), len(kinds)):
            lasts = chance.uniform(*LASTS[kind])
            long = chance.randrange(LONG_ONE_IN) == 0 and at > LONG_AFTER
            if kind is Kind.FREEZE_CLIENT and long:
                lasts = LONG_SECONDS
            yield Fault(at, kind, lasts, chance.random(), chance.random())
            at += chance.uniform(*PAUSE)


def kills(seed: int, count: int, total: float) -> list[float]:
    """Return `count` points of `total`, about evenly spread."""
    chance = random.Random(f"kills {seed}")
    step = total / (count + 1)
    return [step * (number + chance.uniform(-0.3, 0.3)) for number in range(1, count + 1)]
