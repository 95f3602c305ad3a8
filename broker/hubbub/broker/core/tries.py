"""How often somebody may try a password or a code, set a password, and take a new name, by account and by address: see `Limits`.

A try that was right is given back, so only wrong ones count. A name that nobody has counts like one that somebody has: neither the answer nor the
wait tells them apart.
"""

from typing import Final, TypeVar

from hubbub.broker.core.buckets import Buckets
from hubbub.broker.core.limits import Limits

_MINUTE: Final = 60.0

_Key = TypeVar("_Key", int, str)


class Tries:
    """The budgets of those who come. Times are monotonic; each method that takes returns 0.0, or takes nothing and returns for how many seconds to wait."""

    def __init__(self, limits: Limits) -> None:
        self._names: Buckets[str] = Buckets(*_by_account(limits))
        self._changes: Buckets[int] = Buckets(*_by_account(limits))
        self._addresses: Buckets[str] = Buckets(*_by_address(limits))
        self._newcomers: Buckets[str] = Buckets(*_newcomers(limits))

    def configure(self, limits: Limits) -> None:
        """Let other bounds hold from now on."""
        self._names.configure(*_by_account(limits))
        self._changes.configure(*_by_account(limits))
        self._addresses.configure(*_by_address(limits))
        self._newcomers.configure(*_newcomers(limits))

    def password(self, name: str, address: str, now: float) -> float:
        """Take a try at the password of a name, which is folded."""
        wait = max(self._names.wait(name, now), self._addresses.wait(address, now))
        if not wait:
            self._names.take(name, 1, now)
            self._addresses.take(address, 1, now)
        return wait

    def password_was_right(self, name: str, address: str) -> None:
        """Give a try back."""
        self._names.give_back(name, 1)
        self._addresses.give_back(address, 1)

    def code(self, address: str, now: float) -> float:
        """Take a try at a code."""
        return _take(self._addresses, address, now)

    def code_was_right(self, address: str) -> None:
        """Give a try back."""
        self._addresses.give_back(address, 1)

    def change(self, account: int, now: float) -> float:
        """Take a change of an account's password: each costs what a login does."""
        return _take(self._changes, account, now)

    def newcomer(self, address: str, now: float) -> float:
        """Take a new name."""
        return _take(self._newcomers, address, now)


def _take(buckets: Buckets[_Key], key: _Key, now: float) -> float:
    return 0.0 if buckets.take(key, 1, now) else buckets.wait(key, now)


def _by_account(limits: Limits) -> tuple[float, float]:
    return limits.password_tries_burst, limits.password_tries_a_minute / _MINUTE


def _by_address(limits: Limits) -> tuple[float, float]:
    return limits.address_tries_burst, limits.address_tries_a_minute / _MINUTE


def _newcomers(limits: Limits) -> tuple[float, float]:
    return limits.registrations_burst, limits.registrations_a_minute / _MINUTE
