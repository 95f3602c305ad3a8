"""One-time codes by which another device comes to use an account: one for each account, in memory alone, for ten minutes. A restart forgets them."""

from dataclasses import dataclass, replace

from hubbub.common.limits import LINK_SECONDS


@dataclass(frozen=True, slots=True)
class _Link:
    hash: bytes
    until: float
    made_by: str
    taken_by: str | None = None


class LinkCodes:
    """The codes that are good, by account; kept as hashes (`codes.hash_of`). Times are monotonic."""

    def __init__(self) -> None:
        self._links: dict[int, _Link] = {}
        """Oldest first."""

    def made(self, account: int, hash: bytes, now: float, by: str = "") -> None:
        """A code was made for an account, by the device with this key (hex) or, `by` empty, by the operator; an earlier one is good no longer. Those that have run out are forgotten."""
        self._links.pop(account, None)
        while self._links and (oldest := next(iter(self._links.items())))[1].until <= now:
            del self._links[oldest[0]]
        self._links[account] = _Link(hash, now + LINK_SECONDS, by)

    def maker(self, account: int, key: str, hash: bytes, now: float) -> str | None:
        """Return who made this code, as `made` was told, if it is good for this account, for a device with this key; else None."""
        link = self._links.get(account)
        if link is None or link.taken_by not in (None, key):
            return None
        return link.made_by if link.hash == hash and now < link.until else None

    def take(self, account: int, key: str) -> None:
        """A device comes in by the account's code: no other may, until it is given back. It may itself, should it lose its connection meanwhile."""
        self._links[account] = replace(self._links[account], taken_by=key)

    def give_back(self, account: int, key: str) -> None:
        """The device with this key did not come in after all. A code that was made meanwhile stays as it is."""
        link = self._links.get(account)
        if link is not None and link.taken_by == key:
            self._links[account] = replace(link, taken_by=None)

    def forget(self, account: int, key: str) -> None:
        """The device with this key came in. A code that was made meanwhile stays good."""
        link = self._links.get(account)
        if link is not None and link.taken_by == key:
            del self._links[account]
