"""How long to wait before one tries again where one was refused: longer each time, and never in step with others."""

import random
from typing import Final

FIRST_SECONDS: Final = 2.0
MOST_SECONDS: Final = 60.0
DENIED_TRIES: Final = 2
"""How often a first connection is denied and tried again: there may have been too many from our address, which is over soon, or we are banned. 3 to 6 s, so
that the reason is told before a client's time-out."""


class Backoff:
    """Counts refusals in a row."""

    def __init__(self) -> None:
        self.tries = 0

    def wait(self) -> float:
        """Count a refusal; return in how many seconds to try again: 1 to 2 after the first, twice as long each time, at most 60."""
        seconds = min(FIRST_SECONDS * 2.0 ** min(self.tries, 10), MOST_SECONDS)
        self.tries += 1
        return random.uniform(seconds / 2, seconds)  # noqa: S311 - jitter, no secret

    def reset(self) -> None:
        """One was let in."""
        self.tries = 0
