"""Presence: who is online, told in coalesced deltas.

Ephemeral: never stored, no seq, but a version that grows by one with each delta, so that a client sees a hole. A person is online while one of
their sessions is live; after the last is lost, for 5 s of grace more; after a clean logout no more.
"""

from bisect import insort

from hubbub.common.codec import encode
from hubbub.common.events import PresenceChanged
from hubbub.common.limits import GRACE_SECONDS, PRESENCE_SECONDS


class Roster:
    """Who is online. Accounts by number; times monotonic."""

    def __init__(self) -> None:
        self.version = 0
        self._names: dict[int, str] = {}
        self._sorted: list[str] = []
        self._grace: dict[int, float] = {}
        self._joined: dict[int, str] = {}
        self._left: dict[int, str] = {}
        self._returned: dict[int, str] = {}
        self._next_flush = 0.0

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, account: int) -> bool:
        return account in self._names

    def names(self, limit: int) -> list[str]:
        """Return the first `limit` names online, sorted."""
        return self._sorted[:limit]

    def arrive(self, account: int, name: str, *, quietly: bool) -> None:
        """A session of this person went live. `quietly`: resumed after the broker's restart, no news."""
        self._grace.pop(account, None)
        if account in self._names:
            return
        self._names[account] = name
        insort(self._sorted, name)
        (self._returned if quietly else self._joined)[account] = name

    def leave(self, account: int) -> None:
        """The last session of this person said goodbye."""
        self._grace.pop(account, None)
        name = self._names.pop(account, None)
        if name is not None:
            self._sorted.remove(name)
            self._left[account] = name

    def lose(self, account: int, now: float) -> None:
        """The last session of this person was lost; they are online for the time of grace."""
        if account in self._names:
            self._grace[account] = now + GRACE_SECONDS

    def expire(self, now: float) -> None:
        """Let those whose grace is over leave."""
        for account in [account for account, until in self._grace.items() if until <= now]:
            self.leave(account)

    def deadline(self) -> float | None:
        """When `expire` or `flush` has something to do next."""
        times = list(self._grace.values())
        if self._joined or self._left or self._returned:
            times.append(self._next_flush)
        return min(times, default=None)

    def contradicts(self, account: int) -> bool:
        """Whether the pending delta already names the account, so that it must go out before it can name it again."""
        return account in self._joined or account in self._left or account in self._returned

    def flush(self, now: float, *, at_once: bool = False) -> bytes | None:
        """Return the bytes of the pending delta, if there is one and 250 ms have passed since the last (`at_once`: whenever)."""
        pending = self._joined or self._left or self._returned
        if not pending or (now < self._next_flush and not at_once):
            return None
        self.version += 1
        self._next_flush = now + PRESENCE_SECONDS
        event = PresenceChanged(
            version=self.version,
            online=len(self._names),
            joined=list(self._joined.values()),
            left=list(self._left.values()),
            returned=list(self._returned.values()),
        )
        self._joined, self._left, self._returned = {}, {}, {}
        return encode(event)
