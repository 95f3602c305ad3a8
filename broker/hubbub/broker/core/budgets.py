"""What an account, or a connection before its login, may still ask for: four buckets, filled as the limits say.

    bytes     frames, whatever is in them
    posts     writes, each at the cost that stands in its row of `rules`
    queries   questions and orders, at theirs
    pages     pages of lists and logs: a budget of its own, so that nobody who posts a lot is punished when catching up

All sessions of an account share its budget: having more of them is no way to more of it. What becomes of whoever is over it, `frames` decides.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from enum import IntEnum
from math import ceil
from typing import Final, NamedTuple

from hubbub.broker.core.buckets import BUCKETS, Bucket
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.state import Account


class Kind(IntEnum):
    """From which bucket a command is paid."""

    POSTS = 0
    QUERIES = 1
    PAGES = 2


class Price(NamedTuple):
    """What a command costs."""

    kind: Kind
    amount: int = 1


KEPT_BUDGETS: Final = 1024
"""So many are kept, full or not: to make one costs as much as all else that a post's frame costs before it is applied (10 µs), and who posts now and then
has a full one each time. They take 0.6 MiB (measured)."""

Costs = Sequence[Price]
"""What a frame costs: each kind at most once."""


def add_up(prices: Iterable[tuple[Price, int]]) -> Costs:
    """Return what commands cost together: each price, and how many there are of that."""
    total: dict[Kind, int] = {}
    for (kind, amount), count in prices:
        total[kind] = total.get(kind, 0) + amount * count
    return [Price(kind, amount) for kind, amount in total.items() if amount]


def rounded_up(seconds: float) -> float:
    """Return a time to wait as clients are told it: in whole milliseconds, and never too short."""
    return ceil(seconds * 1000) / 1000


class Budget:
    """What one account, or one connection, has left. Times are monotonic."""

    __slots__ = ("_bytes", "_kinds", "is_bot", "rests_until")

    def __init__(self, limits: Limits, *, is_bot: bool) -> None:
        self.is_bot = is_bot
        self.rests_until = float("-inf")
        """Until when its account may not log in, since a session of it flooded."""
        bytes, *kinds = (Bucket(*figures) for figures in _figures(limits, is_bot=is_bot))
        self._bytes = bytes
        self._kinds = kinds

    def configure(self, limits: Limits, *, is_bot: bool) -> None:
        """Let other limits hold from now on."""
        self.is_bot = is_bot
        buckets = (self._bytes, *self._kinds)
        for bucket, figures in zip(buckets, _figures(limits, is_bot=is_bot), strict=True):
            bucket.burst, bucket.rate = figures

    def take_frame(self, size: int, now: float) -> float:
        """Pay for the bytes of a frame; return 0.0, or in how many seconds it can be paid for."""
        return 0.0 if self._bytes.take(size, now) else self._bytes.wait(now, size)

    def take(self, costs: Costs, now: float) -> float:
        """Pay for commands, for all of them or for none; return 0.0, or in how many seconds they can be paid for."""
        if len(costs) == 1:
            ((kind, amount),) = costs
            bucket = self._kinds[kind]
            return 0.0 if bucket.take(amount, now) else bucket.wait(now, amount)
        wait = max((self._kinds[kind].wait(now, amount) for kind, amount in costs), default=0.0)
        if wait == 0.0:
            for kind, amount in costs:
                self._kinds[kind].take(amount, now)
        return wait

    def is_full(self, now: float) -> bool:
        """Whether it is as good as a new one."""
        buckets = (self._bytes, *self._kinds)
        return now >= self.rests_until and all(bucket.is_full(now) for bucket in buckets)


class Budgets:
    """The budgets of accounts. Those that are full are forgotten when others are made, as in `Buckets`."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._accounts: OrderedDict[int, Budget] = OrderedDict()

    def __len__(self) -> int:
        return len(self._accounts)

    def of(self, account: Account, now: float) -> Budget:
        """Return an account's budget: that of bots if it is marked as one now."""
        budget = self._accounts.get(account.number)
        if budget is None:
            self._make_room(now)
            budget = Budget(self._limits, is_bot=account.is_bot)
            self._accounts[account.number] = budget
        elif budget.is_bot != account.is_bot:
            budget.configure(self._limits, is_bot=account.is_bot)
        return budget

    def rest(self, account: Account, now: float) -> float:
        """Return for how many seconds an account may not log in yet; 0.0: it may."""
        budget = self._accounts.get(account.number)
        return 0.0 if budget is None else rounded_up(max(0.0, budget.rests_until - now))

    def configure(self, limits: Limits) -> None:
        """Let other limits hold from now on."""
        self._limits = limits
        for budget in self._accounts.values():
            budget.configure(limits, is_bot=budget.is_bot)

    def _make_room(self, now: float) -> None:
        """Beyond a few, look at the two that were looked at longest ago, and forget what is full of them; at the bound, forget one in any case."""
        for _ in range(2 if len(self._accounts) >= KEPT_BUDGETS else 0):
            number, budget = self._accounts.popitem(last=False)
            if not budget.is_full(now):
                self._accounts[number] = budget
        if len(self._accounts) >= BUCKETS:
            self._accounts.popitem(last=False)


def _figures(limits: Limits, *, is_bot: bool) -> list[tuple[float, float]]:
    """Return burst and rate of bytes and of each kind, in this order."""
    if is_bot:
        return [
            (limits.bot_bytes_burst, limits.bot_bytes_a_second),
            (limits.bot_posts_burst, limits.bot_posts_a_second),
            (limits.bot_queries_burst, limits.bot_queries_a_second),
            (limits.pages_burst, limits.pages_a_second),
        ]
    return [
        (limits.bytes_burst, limits.bytes_a_second),
        (limits.posts_burst, limits.posts_a_second),
        (limits.queries_burst, limits.queries_a_second),
        (limits.pages_burst, limits.pages_a_second),
    ]
