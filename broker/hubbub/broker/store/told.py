"""What the events of a room tell of it: who its members are, with which roles, who is muted, how it is set. `audit` follows each room so and compares the tables with it.

An event that is not known tells nothing. In the lobby roles are those of the whole chat.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hubbub.broker.core.roles import ROLES, Role
from hubbub.common.codec import decode_event
from hubbub.common.errors import WireError
from hubbub.common.events import (
    AnyEvent,
    MemberJoined,
    MemberLeft,
    MemberMuted,
    MessageTold,
    RoleChanged,
    RoomChanged,
    RoomCreated,
    RoomEvent,
    RoomInvited,
    UnknownEvent,
)

_NUMBERED: Final = (RoomEvent, UnknownEvent)
_ROLES: Final[dict[str, Role]] = {str(name): role for name, role in ROLES.items()}


def decoded(raw: object) -> AnyEvent | None:
    """Read the bytes of an event; None: they are none."""
    try:
        return decode_event(raw) if isinstance(raw, bytes) else None
    except WireError:
        return None


def seq_of(event: AnyEvent) -> int | None:
    """Return the seq that an event itself says it has; None: it has none, and belongs in no room."""
    return event.seq if isinstance(event, _NUMBERED) else None


def parties(event: AnyEvent) -> set[str]:
    """Return between whom a private message or an invitation is; nobody: it belongs in no inbox."""
    return {event.sender, event.to} if isinstance(event, MessageTold | RoomInvited) else set()


@dataclass(slots=True)
class Told:
    """One room, as its events have it so far. People go by name."""

    name: str = ""
    description: str = ""
    members: dict[str, int] = field(default_factory=dict)
    """By which event each became one."""
    roles: dict[str, Role] = field(default_factory=dict)
    """Of those that were given one; the others are members."""
    muted: dict[str, int] = field(default_factory=dict)
    """Until when, also of those for whom that has passed."""
    settings: dict[str, int] = field(default_factory=dict)
    """By column of `rooms`; those that were never changed are as the room was made, which no event tells."""

    def follow(self, event: AnyEvent) -> None:
        """Do what an event did when it was applied."""
        match event:
            case RoomCreated():
                self.name, self.description = event.name, event.description
                if event.by:  # else the broker made it: the audit room
                    self.members[event.by] = event.seq
                    self.roles[event.by] = Role.OWNER
            case MemberJoined():
                self.members[event.name] = event.seq
            case MemberLeft():
                self.members.pop(event.name, None)
                self.roles.pop(event.name, None)
            case RoleChanged():
                self.roles[event.name] = _ROLES[event.role]
            case MemberMuted():
                self.muted[event.name] = event.until
            case RoomChanged():
                self._configure(event)

    def _configure(self, event: RoomChanged) -> None:
        if event.description is not None:
            self.description = event.description
        changed = {
            "private": event.private,
            "read_only": event.read_only,
            "since_joined": None if event.history is None else event.history == "since_joined",
            "slow": event.slow,
        }
        self.settings |= {name: int(value) for name, value in changed.items() if value is not None}

    def role(self, name: str) -> Role:
        """Return somebody's role."""
        return self.roles.get(name, Role.MEMBER)

    def unlike(self, columns: Mapping[str, Any]) -> Iterator[str]:
        """Yield the settings that these columns of the room's row have otherwise."""
        for column, value in self.settings.items():
            if columns[column] != value:
                yield column
