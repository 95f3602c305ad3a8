"""Presence: who is online and who of them is away, told in coalesced deltas.

Ephemeral: never stored, no seq, but a version that grows by one with each delta, so that a client sees a hole. A person is online while one of
their sessions is live; after the last is lost, for 5 s of grace more; after a clean logout no more. Away is what the last of their sessions to
speak of it said, for as long as they are online.
"""

from bisect import insort
from collections.abc import Sequence
from typing import Final

from hubbub.common.codec import encode
from hubbub.common.events import PresenceChanged
from hubbub.common.limits import GRACE_SECONDS, PRESENCE_SECONDS

DELIVERIES_A_SECOND: Final = 1000
"""Of deltas, while people come and go without a pause; beyond 250 people online they are told less often than each `PRESENCE_SECONDS`. With CURVE a delivery
takes about 20 µs of CPU: 5,000 people of whom somebody always comes would cost half a core."""
CHANGES_AN_EVENT: Final = 512
"""At their longest (a name 130 bytes, what somebody away says 259) these are 195 KiB: a frame's worth, with what goes around them."""


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
        self._away: dict[int, str] = {}
        self._spoken: set[int] = set()
        """Who has said since they came that they are away, or back."""
        self._shown: dict[str, str] = {}
        """Who is away as of `version`, by name."""
        self._moved: dict[int, str | None] = {}
        """Whose being away has changed since; None: they are back."""
        self._next_flush = 0.0

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, account: int) -> bool:
        return account in self._names

    def names(self, limit: int) -> list[str]:
        """Return the first `limit` names online, sorted."""
        return self._sorted[:limit]

    def away_among(self, names: Sequence[str]) -> dict[str, str]:
        """Return those of the names who are away as of `version`, and what they say of it."""
        return {name: self._shown[name] for name in names if name in self._shown}

    def away(self, account: int) -> str | None:
        """Return what somebody says of being away; None if they are not."""
        return self._away.get(account)

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
            self._away.pop(account, None)
            self._spoken.discard(account)
            self._shown.pop(name, None)
            self._moved.pop(account, None)

    def speak(self, account: int, away: str | None, *, again: bool = False) -> None:
        """Somebody online says that they are away; None: that they are back. `again`: nothing if they have spoken of it since they came."""
        if again and account in self._spoken:
            return
        self._spoken.add(account)
        if away is None:
            self._away.pop(account, None)
        else:
            self._away[account] = away
        if self._shown.get(self._names[account]) == away:
            self._moved.pop(account, None)
        else:
            self._moved[account] = away

    def hush(self, accounts: Sequence[int]) -> None:
        """These may not speak to everybody any longer: who of them is away, is so without a word."""
        for account in accounts:
            if self._away.get(account):
                self.speak(account, "")

    def lose(self, account: int, now: float) -> None:
        """The last session of this person was lost; they are online for the time of grace."""
        if account in self._names:
            self._grace.pop(account, None)  # the grace that ends first stands first
            self._grace[account] = now + GRACE_SECONDS

    def expire(self, now: float) -> None:
        """Let those whose grace is over leave."""
        for account in [account for account, until in self._grace.items() if until <= now]:
            self.leave(account)

    def deadline(self) -> float | None:
        """When `expire` or `flush` has something to do next."""
        expires = next(iter(self._grace.values())) if self._grace else None
        if not (self._arrivals or self._moved):
            return expires
        return self._next_flush if expires is None else min(expires, self._next_flush)

    @property
    def _arrivals(self) -> bool:
        return bool(self._joined or self._left or self._returned)

    def contradicts(self, account: int) -> bool:
        """Whether the pending delta already says of the account that it came or went, so that it must go out before it can say so again."""
        return account in self._joined or account in self._left or account in self._returned

    def flush(self, now: float, *, at_once: bool = False) -> list[bytes]:
        """Return the events of the pending delta, if there is one and the last was 250 ms ago, or a millisecond for each who is online.

        `at_once` somebody's coming or going is told in any case, but who is away is not: of that everybody may speak without end.
        """
        if not (self._arrivals if at_once else self._arrivals or self._moved):
            return []
        if now < self._next_flush and not at_once:
            return []
        self._next_flush = now + max(PRESENCE_SECONDS, len(self) / DELIVERIES_A_SECOND)
        return list(map(encode, self._take_delta()))

    def _take_delta(self) -> list[PresenceChanged]:
        """Return the pending delta, a version for as many changes as a frame holds: nobody is away before they came."""
        moved = {self._names[account]: text for account, text in self._moved.items()}
        away = {name: text for name, text in moved.items() if text is not None}
        pending = [
            *(("joined", name) for name in self._joined.values()),
            *(("returned", name) for name in self._returned.values()),
            *(("left", name) for name in self._left.values()),
            *(("away", name) for name in away),
            *(("back", name) for name in moved if name not in away),
        ]
        self._joined, self._left, self._returned, self._moved = {}, {}, {}, {}
        for name in moved:
            self._shown.pop(name, None)
        self._shown |= away
        return [
            self._event(pending[start : start + CHANGES_AN_EVENT], away)
            for start in range(0, len(pending), CHANGES_AN_EVENT)
        ]

    def _event(self, changes: Sequence[tuple[str, str]], away: dict[str, str]) -> PresenceChanged:
        self.version += 1
        names: dict[str, list[str]] = {}
        for kind, name in changes:
            names.setdefault(kind, []).append(name)
        return PresenceChanged(
            version=self.version,
            online=len(self._names),
            joined=names.get("joined", []),
            left=names.get("left", []),
            returned=names.get("returned", []),
            away={name: away[name] for name in names.get("away", [])},
            back=names.get("back", []),
        )
