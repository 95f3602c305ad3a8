"""The whole chat in the plainest words: rooms are lists of what happened there, memberships sets of names. No epochs, digests, runs, batches or indexes.

It is told the records in the order of the log, and says what must come of each. It shares nothing with the core but the records' own types, so that both can
only agree by being right (or wrong in the same way twice).
"""

from collections.abc import Callable, Sequence
from typing import Any

from hubbub.broker.core.records import AddDevice, Decree, EndSession, Record, Register, Writes
from hubbub.common.commands import (
    Create,
    Join,
    Leave,
    Mark,
    Post,
    RemoveDevice,
    Skip,
    Tell,
    Write,
)

LOBBY = "lobby"
Happening = tuple[str, ...]
"""("said", who, text), ("told", who, to whom, text), ("made", by whom, room), ("came", who), ("went", who)"""
Outcome = tuple[str, int] | str
"""Where it became what happened: (log, place), or the code of a refusal. A log is a room's name, or @ and a person's."""


def looks(name: str) -> str:
    """How a name looks, as far as the names of these tests go."""
    return name.casefold().replace("0", "o")


class Chat:
    """What everybody has done so far."""

    def __init__(self) -> None:
        self.people: list[str] = []
        self.devices: dict[str, dict[int, str]] = {}
        """The keys of each person, by the numbers that they have for them."""
        self.logs: dict[str, list[Happening]] = {LOBBY: []}
        self.descriptions = {LOBBY: ""}
        self.members: dict[str, set[str]] = {LOBBY: set()}
        self.markers: dict[tuple[str, str], int] = {}
        """How far a person has read a log."""
        self.outcomes: dict[tuple[str, bytes], list[Outcome]] = {}
        """Of all writes of a person's producer, the first at 0."""
        self.names: dict[bytes, str] = {}
        """The logs by the ids that clients were told."""

    # Who and what there is.

    def person(self, name: str) -> str | None:
        """Find somebody, whatever the case."""
        return next((p for p in self.people if p.casefold() == name.casefold()), None)

    def entering(self, name: str, key: str) -> str | None:
        """As whom a key comes in under a name, or the code of the refusal; None: the name is free."""
        taken = next((p for p in self.people if looks(p) == looks(name)), None)
        if taken is None:
            return None
        is_mine = taken.casefold() == name.casefold() and key in self.devices[taken].values()
        return taken if is_mine else "name_taken"

    def room(self, name: str) -> str | None:
        return next((r for r in self.members if r.casefold() == name.casefold()), None)

    def is_in(self, person: str, log: str | None) -> bool:
        """Whether somebody may read a log: a room that they are in, or their own inbox."""
        return log == f"@{person}" or person in self.members.get(log or "", ())

    def rooms_of(self, person: str) -> list[str]:
        return [room for room, members in self.members.items() if person in members]

    def exchanged(self, person: str, other: str) -> list[tuple[int, Happening]]:
        """What lies in a person's inbox of what they and another one told each other."""
        parties = [{person, other}]
        inbox = enumerate(self.logs[f"@{person}"], 1)
        return [(place, told) for place, told in inbox if set(told[1:3]) in parties]

    def next(self, person: str, producer: bytes) -> int:
        """The number of the write that a producer comes to next."""
        return len(self.outcomes.get((person, producer), [])) + 1

    # What happens.

    def carry_out(self, record: Record) -> Any:
        """Return the outcomes of writes, (n, outcome) each and "behind" where one is missing before; as whom a claim lets in, or why not; what an order came to."""
        match record:
            case Writes():
                return self._write(self.people[record.account - 1], record.producer, record.writes)
            case Register():
                return self._register(record.name, record.key)
            case AddDevice():
                return self._add_device(self.people[record.account - 1], record.key)
            case Decree(actor=int(actor), order=RemoveDevice(device=device)):
                return self._remove_device(self.people[actor - 1], device)
            case EndSession(close=True):
                self.outcomes.pop((self.people[record.account - 1], record.producer), None)
        return None

    def _register(self, name: str, key: str) -> str:
        entering = self.entering(name, key)
        if entering is not None:
            return entering
        self.people.append(name)
        self.devices[name] = {1: key}
        self.logs[f"@{name}"] = []
        self.members[LOBBY].add(name)
        self.markers[name, LOBBY] = len(self.logs[LOBBY])
        return name

    def _add_device(self, person: str, key: str) -> str:
        keys = self.devices[person]
        if key not in keys.values():
            keys[max(keys) + 1] = key
        return person

    def _remove_device(self, person: str, device: int) -> tuple[str, str]:
        """What it came to, and the key that is out."""
        keys = self.devices[person]
        if device not in keys:
            return "unknown_device", ""
        if len(keys) == 1:
            return "forbidden", ""
        return "done", keys.pop(device)

    def _write(
        self, person: str, producer: bytes, writes: Sequence[Write]
    ) -> list[tuple[int, Outcome] | str]:
        first = writes[0].n
        if (person, producer) not in self.outcomes and first > 1:
            return [(first, "producer_expired")]
        done = self.outcomes.setdefault((person, producer), [])
        told: list[tuple[int, Outcome] | str] = []
        for write in writes:
            if write.n > len(done) + 1:
                return [*told, "behind"]
            if write.n == len(done) + 1:
                done.append(self._happens(person, write))
            told.append((write.n, done[write.n - 1]))
        return told

    def _happens(self, person: str, write: Write) -> Outcome:
        happens: dict[type[Write], Callable[[str, Any], Outcome]] = {
            Post: self._post,
            Tell: self._tell,
            Create: self._create,
            Join: self._join,
            Leave: self._leave,
            Mark: self._mark,
            Skip: lambda person, write: "cancelled",
        }
        return happens[type(write)](person, write)

    def _append(self, log: str, *happening: str) -> Outcome:
        self.logs[log].append(happening)
        return log, len(self.logs[log])

    def _wrong_with(self, message: Post | Tell) -> str | None:
        if len(message.text.encode()) > 8192:
            return "too_large"
        return "bad_text" if "\0" in message.text or not (message.text or message.data) else None

    def _post(self, person: str, post: Post) -> Outcome:
        room = self.names.get(post.room)
        if wrong := self._wrong_with(post):
            return wrong
        if room is None or person not in self.members.get(room, ()):
            return "not_member"
        return self._append(room, "said", person, post.text)

    def _tell(self, person: str, tell: Tell) -> Outcome:
        to = self.person(tell.to)
        if wrong := self._wrong_with(tell):
            return wrong
        if to is None:
            return "unknown_user"
        for party in {person, to}:
            self._append(f"@{party}", "told", person, to, tell.text)
        return f"@{person}", len(self.logs[f"@{person}"])

    def _create(self, person: str, create: Create) -> Outcome:
        if len(create.description.encode()) > 512:
            return "too_large"
        if "\n" in create.description:
            return "bad_text"
        if " " in create.name or not create.name:
            return "bad_name"
        if self.room(create.name) is not None:
            return "room_exists"
        self.logs[create.name] = []
        self.descriptions[create.name] = create.description
        self.members[create.name] = {person}
        self.markers[person, create.name] = 1
        return self._append(create.name, "made", person, create.name)

    def _join(self, person: str, join: Join) -> Outcome:
        if " " in join.name or not join.name:
            return "bad_name"
        room = self.room(join.name)
        if room is None:
            return "unknown_room"
        if person not in self.members[room]:
            self.members[room].add(person)
            self._append(room, "came", person)
            self.markers[person, room] = len(self.logs[room])
        return room, len(self.logs[room])

    def _leave(self, person: str, leave: Leave) -> Outcome:
        room = self.names.get(leave.room)
        if room == LOBBY:
            return "lobby_is_for_all"
        if room is None or person not in self.members.get(room, ()):
            return "not_member"
        self.members[room].remove(person)
        del self.markers[person, room]
        return self._append(room, "went", person)

    def _mark(self, person: str, mark: Mark) -> Outcome:
        log = self.names.get(mark.room)
        if log is None or not self.is_in(person, log):
            return "not_member"
        read = max(self.markers.get((person, log), 0), min(mark.seq, len(self.logs[log])))
        self.markers[person, log] = read
        return log, read
