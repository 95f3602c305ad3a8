"""Token buckets: how much of something is allowed at once, and how much a second from then on.

They decide what is too much, never what becomes of it. Time is an argument, in seconds of a clock that only goes forward.
"""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Final, Generic, TypeVar

BUCKETS: Final = 16_384
"""Keys that are remembered at once, where nothing else is said: about 4 MiB of them (measured), whoever chooses the keys."""

Key = TypeVar("Key", bound=Hashable)


class Bucket:
    """Holds at most `burst` tokens and gets `rate` (above 0) new ones a second. It begins full."""

    __slots__ = ("_at", "_level", "burst", "rate")

    def __init__(self, burst: float, rate: float) -> None:
        """Both may be changed later; they hold from the next call on."""
        self.burst = burst
        self.rate = rate
        self._level = burst
        self._at = float("-inf")

    def take(self, amount: float, now: float) -> bool:
        """Take so many tokens, or none and return False if they are not there.

        More than `burst` at once is let through by a full bucket, which owes the rest: nothing waits for ever, and the rate holds all the same.
        """
        self._fill(now)
        level = self._level
        if level < amount and level < self.burst:
            return False
        self._level = level - amount
        return True

    def charge(self, amount: float, now: float) -> None:
        """Take so many tokens, be they there or not; at most `burst` are owed."""
        self._fill(now)
        self._level = max(-self.burst, self._level - amount)

    def give_back(self, amount: float) -> None:
        """Put so many tokens back that were taken and not used."""
        self._level = min(self.burst, self._level + amount)

    def wait(self, now: float, amount: float = 1.0) -> float:
        """Return in how many seconds so many can be taken, if nobody takes any before; 0.0: now."""
        self._fill(now)
        return max(0.0, (min(amount, self.burst) - self._level) / self.rate)

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        self._fill(now)
        return self._level >= self.burst

    def _fill(self, now: float) -> None:
        if now > self._at:
            level = self._level + (now - self._at) * self.rate
            self._level = level if level < self.burst else self.burst
            self._at = now


class Buckets(Generic[Key]):
    """A bucket for each key, all with the same `burst` and `rate`; at most `most` are remembered.

    A full bucket is as good as none, so those are forgotten first; if there are none left, then the one that was used longest ago. Whoever has more than
    `most` keys to choose from can begin anew with each, and must be bounded otherwise too.
    """

    def __init__(self, burst: float, rate: float, most: int = BUCKETS) -> None:
        self._burst = burst
        self._rate = rate
        self._most = most
        self._buckets: OrderedDict[Key, Bucket] = OrderedDict()

    def __len__(self) -> int:
        return len(self._buckets)

    def configure(self, burst: float, rate: float) -> None:
        """Let another burst and rate hold from now on, for those known too."""
        self._burst, self._rate = burst, rate
        for bucket in self._buckets.values():
            bucket.burst, bucket.rate = burst, rate

    def take(self, key: Key, amount: float, now: float) -> bool:
        """Take from a key's bucket, as `Bucket.take` does."""
        return self._of(key, now).take(amount, now)

    def charge(self, key: Key, amount: float, now: float) -> None:
        """Take from a key's bucket, as `Bucket.charge` does."""
        self._of(key, now).charge(amount, now)

    def give_back(self, key: Key, amount: float) -> None:
        """Put back into a key's bucket, as `Bucket.give_back` does."""
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.give_back(amount)

    def wait(self, key: Key, now: float, amount: float = 1.0) -> float:
        """Return in how many seconds so many can be taken from a key's bucket, as `Bucket.wait` does."""
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else bucket.wait(now, amount)

    def _of(self, key: Key, now: float) -> Bucket:
        """Return a key's bucket, as the one that was used last."""
        bucket = self._buckets.get(key)
        if bucket is None:
            self._make_room(now)
            bucket = self._buckets[key] = Bucket(self._burst, self._rate)
        else:
            self._buckets.move_to_end(key)
        return bucket

    def _make_room(self, now: float) -> None:
        """Forget up to two full buckets of those used longest ago: one more than comes, so that few are left when a flood is over."""
        for _ in range(2):
            if not self._buckets:
                return
            oldest, bucket = next(iter(self._buckets.items()))
            if not bucket.is_full(now) and len(self._buckets) < self._most:
                return
            del self._buckets[oldest]
