"""Who is online and who of them is away, kept from the roster and the changes that follow it. Pure.

Changes are versioned: a hole means that one was lost, and the roster is asked for again. A person is told as joined or left when
that changes what this client knew, so nobody is told twice.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from hubbub.client.updates import (
    PeopleOnline,
    PersonAway,
    PersonBack,
    PersonJoined,
    PersonLeft,
    Update,
)
from hubbub.common.events import PresenceChanged
from hubbub.common.replies import Roster

CROWD: Final = 50
"""With more people online than this, changes are told as a count instead of a line each."""
_HELD_CHANGES: Final = 64


class Presence:
    """The people online, as far as this client knows. `me` is never told."""

    def __init__(self) -> None:
        self.me = ""
        self.wants_roster = False
        self._version: int | None = None
        self._names: set[str] = set()
        self._away: dict[str, str] = {}
        self._told_count = 0
        self._held: list[PresenceChanged] = []

    @property
    def known(self) -> bool:
        """Whether the roster has come since `forget`."""
        return self._version is not None

    def forget(self) -> None:
        """A new session begins: the next roster replaces everything, and differences are no news."""
        self._version = None
        self._held.clear()
        self.wants_roster = True

    def lost_some(self) -> None:
        """Changes were dropped: ask again; differences are news."""
        self.wants_roster = True

    def changed(self, change: PresenceChanged) -> list[Update]:
        """Take a change as published."""
        if self._version is None or self.wants_roster:
            if len(self._held) < _HELD_CHANGES:
                self._held.append(change)
            return []
        if change.version <= self._version:
            return []
        if change.version > self._version + 1:
            self._held.append(change)
            self.wants_roster = True
            return []
        return self._apply(change)

    def _apply(self, change: PresenceChanged) -> list[Update]:
        self._version = change.version
        joined = [name for name in change.joined if name not in self._names]
        left = [name for name in change.left if name in self._names or change.online > CROWD]
        self._names.update(change.joined, change.returned)
        self._names.difference_update(change.left)
        for name in change.left:
            self._away.pop(name, None)
        away = {name: text for name, text in change.away.items() if self._away.get(name) != text}
        back = [name for name in change.back if self._away.pop(name, None) is not None]
        self._away.update(change.away)
        return self._tell(joined, left, away, back, online=change.online)

    def roster(self, roster: Roster) -> list[Update]:
        """Take the answer to `who`."""
        first = self._version is None
        names, away = self._names, self._away
        self._names, self._away = set(roster.names), dict(roster.away)
        self._version = roster.version
        self.wants_roster = False
        updates: list[Update] = []
        if not first and roster.online <= CROWD:
            updates += self._tell(
                sorted(self._names - names),
                sorted(names - self._names),
                {n: text for n, text in sorted(roster.away.items()) if away.get(n) != text},
                sorted((away.keys() & self._names) - roster.away.keys()),
                online=roster.online,
            )
        self._told_count = roster.online
        held, self._held = self._held, []
        for change in held:
            updates += self.changed(change)
        return updates

    def _tell(
        self,
        joined: Iterable[str],
        left: Iterable[str],
        away: Mapping[str, str],
        back: Iterable[str],
        *,
        online: int,
    ) -> list[Update]:
        if online > CROWD:
            if online == self._told_count:
                return []
            self._told_count = online
            return [PeopleOnline(online)]
        self._told_count = online
        return [
            *(PersonJoined(name) for name in joined if name != self.me),
            *(PersonLeft(name) for name in left if name != self.me),
            *(PersonAway(name, text) for name, text in away.items() if name != self.me),
            *(PersonBack(name) for name in back if name != self.me),
        ]
