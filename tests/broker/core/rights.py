"""Who may be where and read what, in the plainest words: the model against which authorisation is tested.

Rooms are sets of names, and of every event it is written down who may read it: whoever was a member when it happened. It shares nothing with the core but words.
"""

import math
from dataclasses import dataclass, field

OUTSIDER, READER, MEMBER, MODERATOR, OWNER = range(5)
ROLES = {"member": MEMBER, "moderator": MODERATOR, "owner": OWNER}
OPERATOR = ""
REPEATED = 10.0
"""An end that would be later by less than this stays as it is."""


@dataclass
class Place:
    """A room. Times are seconds."""

    private: bool = False
    since_joined: bool = False
    read_only: bool = False
    since: dict[str, int] = field(default_factory=dict)
    """The members, and by which event they became so."""
    roles: dict[str, int] = field(default_factory=dict)
    muted: dict[str, float] = field(default_factory=dict)
    barred: dict[str, float] = field(default_factory=dict)
    invited: set[str] = field(default_factory=set)
    readers: list[set[str]] = field(default_factory=list)
    """Of each event, the first at 0: who may hear it when it happens."""


class Rights:
    """Everybody's rights; each method is an action and returns "" or why not."""

    def __init__(self, people: tuple[str, ...]) -> None:
        self.time = 0.0
        self.chat = dict.fromkeys(people, MEMBER)
        self.banned: dict[str, float] = {}
        self.rooms = {"lobby": Place(since=dict.fromkeys(people, 1))}
        self.put_out: set[tuple[str, str]] = set()
        """(person, room) that ended at once since this was last emptied; the room "" is the chat."""

    # What holds.

    def is_banned(self, who: str) -> bool:
        return self.banned.get(who, 0.0) > self.time

    def role(self, who: str, room: str) -> int:
        """Somebody's role in a room; the operator's is above all."""
        if who == OPERATOR:
            return OWNER + 1
        place = self.rooms[room]
        if who not in place.since:
            return OUTSIDER
        if place.muted.get(who, 0.0) > self.time:
            return READER
        return self.rank(who, room)

    def rank(self, who: str, room: str) -> int:
        """The same for those to whom something is done: whether they are muted or there at all is no matter."""
        return max(self.chat[who], self.rooms[room].roles.get(who, MEMBER))

    def standing(self, who: str) -> int:
        return OWNER + 1 if who == OPERATOR else self.chat[who]

    def rooms_of(self, who: str) -> set[str]:
        return {name for name, place in self.rooms.items() if who in place.since}

    def listed(self, who: str) -> set[str]:
        return {name for name, place in self.rooms.items() if not place.private} | self.rooms_of(
            who
        )

    def first_readable(self, who: str, room: str) -> int:
        place = self.rooms[room]
        return place.since[who] if place.since_joined and room != "lobby" else 1

    def _needs(self, who: str, room: str, least: int) -> str:
        """Why an order in a room is refused for what one is there; "": it is not."""
        if self.role(who, room) == OUTSIDER:
            return "not_member"
        if room == "audit":
            return "forbidden"
        return "" if self.role(who, room) >= least else "forbidden"

    # What happens.

    def _happens(self, room: str) -> None:
        """An event, for the members who are not out of the chat."""
        place = self.rooms[room]
        out = {who for who in place.since if self.is_banned(who) or (who, "") in self.put_out}
        place.readers.append(place.since.keys() - out)

    def notes(self) -> None:
        """An entry for the owners of the chat, who have their room since the first one."""
        if "audit" not in self.rooms:
            self.rooms["audit"] = Place(private=True)
            self._happens("audit")
        self._happens("audit")

    def _enters(self, who: str, room: str, role: int = MEMBER) -> None:
        place = self.rooms[room]
        place.invited.discard(who)
        place.since[who] = len(place.readers) + 1
        if role > MEMBER:
            place.roles[who] = role
        self._happens(room)

    def _goes(self, who: str, room: str) -> None:
        place = self.rooms[room]
        del place.since[who]
        place.roles.pop(who, None)
        self._happens(room)

    def creates(self, who: str, room: str, place: Place) -> None:
        self.rooms[room] = place
        self._enters(who, room, OWNER)

    def joins(self, who: str, room: str) -> str:
        place = self.rooms.get(room)
        if place is None or (place.private and who not in place.since and who not in place.invited):
            return "unknown_room"
        if who in place.since:
            return ""
        if place.barred.get(who, 0.0) > self.time:
            return "barred"
        self._enters(who, room)
        return ""

    def leaves(self, who: str, room: str) -> str:
        if room == "lobby":
            return "lobby_is_for_all"
        code = self._needs(who, room, READER)
        if not code:
            self._goes(who, room)
        return code

    def posts(self, who: str, room: str) -> str:
        place, role = self.rooms[room], self.role(who, room)
        if role == OUTSIDER:
            return "not_member"
        if role == READER:
            return "muted"
        if room == "audit" or (place.read_only and role < MODERATOR):
            return "read_only"
        self._happens(room)
        return ""

    def invites(self, who: str, whom: str, room: str) -> str:
        place = self.rooms[room]
        if code := self._needs(who, room, MODERATOR if place.private else MEMBER):
            return code
        is_barred = place.barred.get(whom, 0.0) > self.time
        if is_barred and self.role(who, room) < MODERATOR:
            return "barred"
        place.barred.pop(whom, None)
        is_new = whom not in place.since and whom not in place.invited
        if is_new:
            place.invited.add(whom)
        if is_barred or (is_new and place.private):
            self.notes()
        return ""

    def adds(self, who: str, whom: str, room: str) -> str:
        place = self.rooms[room]
        if code := self._needs(who, room, MODERATOR):
            return code
        if whom in place.since:
            return ""
        if place.barred.get(whom, 0.0) > self.time:
            return "barred"
        self._enters(whom, room)
        self.notes()
        return ""

    def kicks(self, who: str, whom: str, room: str, seconds: float) -> str:
        if room == "lobby":
            return self._kicks_out(who, whom, seconds)
        place = self.rooms[room]
        if code := self._needs(who, room, MODERATOR):
            return code
        if self.role(who, room) <= self.rank(whom, room):
            return "forbidden"
        until = self.time + seconds if seconds else 0.0
        is_longer = until - place.barred.get(whom, 0.0) >= REPEATED
        if not is_longer and whom not in place.since and whom not in place.invited:
            return ""
        if is_longer:
            place.barred[whom] = until
        place.invited.discard(whom)
        if whom in place.since:
            self._goes(whom, room)
            self.put_out.add((whom, room))
        self.notes()
        return ""

    def _kicks_out(self, who: str, whom: str, seconds: float) -> str:
        if self.standing(who) < MODERATOR or self.standing(who) <= self.chat[whom]:
            return "forbidden"
        until = self.time + seconds if seconds else 0.0
        if self.is_banned(whom) and until - self.banned[whom] < REPEATED:
            return ""
        if seconds:
            self.banned[whom] = until
        self.put_out.add((whom, ""))
        self.notes()
        return ""

    def mutes(self, who: str, whom: str, room: str, seconds: float) -> str:
        place = self.rooms[room]
        if code := self._needs(who, room, MODERATOR):
            return code
        if self.role(who, room) <= self.rank(whom, room):
            return "forbidden"
        if seconds and whom not in place.since:
            return "not_member"
        muted = place.muted.get(whom, 0.0)
        until = self.time + seconds if seconds else 0.0
        if (muted > self.time and 0 <= until - muted < REPEATED) or (
            muted <= self.time and not until
        ):
            return ""
        place.muted[whom] = until
        self._happens(room)
        self.notes()
        return ""

    def appoints(self, who: str, whom: str, room: str, role: str) -> str:
        if room == "lobby":
            return self._appoints_in_chat(who, whom, ROLES[role])
        place = self.rooms[room]
        if code := self._needs(who, room, OWNER):
            return code
        if who != whom and self.role(who, room) <= self.rank(whom, room):
            return "forbidden"
        if whom not in place.since:
            return "not_member"
        others = [name for name in place.since if name != whom and self.rank(name, room) == OWNER]
        if who == whom and role != "owner" and not others and self.chat[who] < OWNER:
            return "forbidden"
        if place.roles.get(whom, MEMBER) != ROLES[role]:
            place.roles[whom] = ROLES[role]
            self._happens(room)
            self.notes()
        return ""

    def _appoints_in_chat(self, who: str, whom: str, role: int) -> str:
        if self.standing(who) < OWNER or self.standing(who) <= max(self.chat[whom], role):
            return "forbidden"
        before, self.chat[whom] = self.chat[whom], role
        if before != role:
            self._happens("lobby")
            self.notes()
        if role == OWNER and before != OWNER:
            self._enters(whom, "audit")
        if before == OWNER and role != OWNER:
            self._goes(whom, "audit")
            self.put_out.add((whom, "audit"))
        return ""

    def configures(self, who: str, room: str, setting: str, *, on: bool) -> str:
        place = self.rooms[room]
        if code := self._needs(who, room, OWNER):
            return code
        if room == "lobby" and on and setting in ("private", "since_joined"):
            return "lobby_is_for_all"
        if getattr(place, setting) is not on:
            setattr(place, setting, on)
            self._happens(room)
            self.notes()
            if place.private and setting == "private":
                place.invited.clear()
        return ""

    def bans(self, who: str, whom: str, seconds: float) -> str:
        if self.standing(who) < MODERATOR or self.standing(who) <= self.chat[whom]:
            return "forbidden"
        until = self.time + seconds if seconds else math.inf
        present = self.banned.get(whom, 0.0) if self.is_banned(whom) else 0.0
        if present == until or 0 <= until - present < REPEATED:
            return ""
        self.banned[whom] = until
        self.put_out.add((whom, ""))
        self.notes()
        return ""

    def unbans(self, who: str, whom: str) -> str:
        if self.standing(who) < MODERATOR:
            return "forbidden"
        if not self.is_banned(whom):
            return "unknown_ban"
        del self.banned[whom]
        self.notes()
        return ""
