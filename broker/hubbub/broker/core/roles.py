"""Roles: how much somebody may do, in one room and in the whole chat. `permissions` says what each may."""

from enum import IntEnum
from typing import Final

from hubbub.common.fields import RoleName


class Role(IntEnum):
    """In order: whoever has one may do all that those below it may. The numbers are stored."""

    OUTSIDER = 0
    """No member of the room."""
    READER = 1
    """A member who is muted now."""
    MEMBER = 2
    MODERATOR = 3
    OWNER = 4


ROLE_NAMES: Final[dict[Role, RoleName]] = {
    Role.MEMBER: "member",
    Role.MODERATOR: "moderator",
    Role.OWNER: "owner",
}
"""The roles that are given, as they go on the wire."""
ROLES: Final[dict[RoleName, Role]] = {name: role for role, name in ROLE_NAMES.items()}
