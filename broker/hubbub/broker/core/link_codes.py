"""One-time codes by which another device comes to use an account: one for each account, in memory alone, for ten minutes. A restart forgets them."""

from dataclasses import dataclass, replace

from hubbub.common.limits import LINK_SECONDS


@dataclass(frozen=True, slots=True)
class _Link:
    hash: bytes
    until: float
    taken_by: str | None = None


class LinkCodes:
    """The codes that are good, by account; kept as hashes (`codes.hash_of`). Times are monotonic."""

    def __init__(self) -> None:
        self._links: dict[int, _Link] = {}
        """Oldest first."""

    def made(self, account: int, hash: bytes, now: float) -> None:
        """A code was made for an account; an earlier one is good no longer. Those that have run out are forgotten."""
        self._links.pop(account, None)
        while self._links and (oldest := next(iter(self._links.items())))[1].until <= now:
            del self._links[oldest[0]]
        self._links[account] = _Link(hash, now + LINK_SECONDS)

    def opens(self, account: int, key: str, hash: bytes, now: float) -> bool:
        """Whether this code is good for this account, for a device with this key."""
        link = self._links.get(account)
        if link is None or link.taken_by not in (None, key):
            return False
        return link.hash == hash and now < link.until

    def take(self, account: int, key: str) -> None:
        """A device comes in by the account's code: no other may, until it is given back. It may itself, should it lose its connection meanwhile."""
        self._links[account] = replace(self._links[account], taken_by=key)

    def give_back(self, account: int) -> None:
        """The device did not come in after all."""
        if account in self._links:
            self._links[account] = replace(self._links[account], taken_by=None)

    def forget(self, account: int) -> None:
        """The account's code was used, or the account is gone."""
        self._links.pop(account, None)
