"""Who is here, as far as the chat has heard: for the count below the line, and for whoever writes to somebody absent. Pure."""

from hubbub.client import updates
from hubbub.client.results import People
from hubbub.common.names import fold


class Crowd:
    """The people online, kept from a roster and the updates that follow it."""

    def __init__(self) -> None:
        self.count = 0
        """How many are online; 0: not known."""
        self._names: set[str] = set()  # those one knows of: of a crowd not all
        self._away: set[str] = set()
        self._told: set[str] = set()

    def roster(self, people: People) -> None:
        """Take the whole list."""
        self._names = {fold(name) for name in people.names}
        self._away = {fold(name) for name in people.away}
        self.count = people.count

    def happens(self, update: updates.Update) -> None:
        """Take what has changed."""
        match update:
            case updates.PersonJoined(name):
                self.count += fold(name) not in self._names
                self._names.add(fold(name))
                self._told.discard(fold(name))
            case updates.PersonLeft(name):
                self.count -= fold(name) in self._names or self.count > len(self._names)
                self._names.discard(fold(name))
                self._away.discard(fold(name))
                self._told.discard(fold(name))
            case updates.PersonAway(name):
                self._away.add(fold(name))
                self._told.discard(fold(name))
            case updates.PersonBack(name):
                self._away.discard(fold(name))
            case updates.PeopleOnline(count):
                self.count = count
                self._names.clear()  # who of them comes and goes is not told
            case _:
                pass

    def may_be_absent(self, name: str) -> bool:
        """Whether somebody may not read a message soon. True once for each absence: the writer is told once."""
        key = fold(name)
        absent = (key not in self._names or key in self._away) and key not in self._told
        if absent:
            self._told.add(key)
        return absent
