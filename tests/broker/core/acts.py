"""What people try to do to each other, drawn by chance: as a command for the core, and as what happens in the model (`rights.py`)."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

from tests.broker.core.rights import OPERATOR, Rights

from hubbub.common import commands as c
from hubbub.common.fields import RoleName

PEOPLE: Final = ("Olga", "Mona", "Bob", "Carl", "Dora")
_ACTORS: Final = (*PEOPLE, OPERATOR)
_ROOMS: Final = ("garden", "cellar", "garden", "cellar", "lobby", "lobby", "audit")
_KINDS: Final = (
    "join", "join", "join", "leave", "leave", "post", "post", "invite", "invite", "add", "add", "kick", "kick",
    "mute", "appoint", "appoint", "configure", "configure", "ban", "ban", "unban",
)  # fmt: skip
_ROLES: Final[tuple[RoleName, ...]] = ("member", "moderator", "owner")
_SETTINGS: Final = ("private", "since_joined", "read_only")


@dataclass(frozen=True)
class Act:
    """One try. Which of the fields matter, the kind says."""

    kind: str
    who: str
    whom: str
    room: str
    seconds: int
    role: RoleName
    setting: str
    on: bool

    @classmethod
    def drawn(cls, chance: Random) -> "Act":
        pick = chance.choice
        return cls(
            pick(_KINDS),
            pick(_ACTORS),
            pick(PEOPLE),
            pick(_ROOMS),
            pick((0, 60, 3600)),
            pick(_ROLES),
            pick(_SETTINGS),
            pick((False, True)),
        )

    @property
    def is_write(self) -> bool:
        """Whether it is no order: the operator cannot give it."""
        return self.kind in ("join", "leave", "post")

    def command(self, number: int, room: bytes) -> c.Command:
        """The command, under this id or number; `room`: the room's id."""
        whom, seconds = self.whom, self.seconds
        commands: dict[str, Callable[[], c.Command]] = {
            "join": lambda: c.Join(number, self.room),
            "leave": lambda: c.Leave(number, room),
            "post": lambda: c.Post(number, room, "hello"),
            "invite": lambda: c.Invite(number, room, whom),
            "add": lambda: c.Add(number, room, whom),
            "kick": lambda: c.Kick(number, whom, room, seconds),
            "mute": lambda: c.Mute(number, room, whom, seconds),
            "appoint": lambda: c.SetRole(number, whom, self.role, room),
            "configure": lambda: self._configure(number, room),
            "ban": lambda: c.Ban(number, "account", whom, seconds),
            "unban": lambda: c.Unban(number, "account", whom),
        }
        return commands[self.kind]()

    def _configure(self, number: int, room: bytes) -> c.Configure:
        match self.setting:
            case "since_joined":
                return c.Configure(number, room, history="since_joined" if self.on else "all")
            case "private":
                return c.Configure(number, room, private=self.on)
        return c.Configure(number, room, read_only=self.on)

    def happens(self, rights: Rights) -> str:
        """Let it happen in the model; return the code of its refusal. Nothing comes of what was sent behind one's own ban."""
        who, whom, room = self.who, self.whom, self.room
        if who != OPERATOR and rights.is_banned(who):
            return "forbidden"
        acts: dict[str, Callable[[], str]] = {
            "join": lambda: rights.joins(who, room),
            "leave": lambda: rights.leaves(who, room),
            "post": lambda: rights.posts(who, room),
            "invite": lambda: rights.invites(who, whom, room),
            "add": lambda: rights.adds(who, whom, room),
            "kick": lambda: rights.kicks(who, whom, room, self.seconds),
            "mute": lambda: rights.mutes(who, whom, room, self.seconds),
            "appoint": lambda: rights.appoints(who, whom, room, self.role),
            "configure": lambda: rights.configures(who, room, self.setting, on=self.on),
            "ban": lambda: rights.bans(who, whom, self.seconds),
            "unban": lambda: rights.unbans(who, whom),
        }
        return acts[self.kind]()
