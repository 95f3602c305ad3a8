"""Who may do what: one table of powers and the least role that has each, consulted by whatever carries out commands.

A role is looked up where a power is used: in a room, or in the whole chat. SECURITY.md prints the table; tests walk it. To add a power: a member of
`Power`, a row in `LEAST`, and `may` where it is used.
"""

from enum import StrEnum
from typing import Final

from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.errors import Code
from hubbub.common.fields import HistoryShown

MOST: Final = 2**63 - 1


class Power(StrEnum):
    """What the roles are asked about."""

    # In a room, by the role there.
    READ = "read the room, its members and its history"
    MARK = "say how far one has read"
    POST = "post"
    POST_READ_ONLY = "post where the room is read-only"
    POST_AT_ONCE = "post without waiting where the room is in slow mode"
    INVITE = "invite somebody to a room that is not private"
    INVITE_PRIVATE = "invite somebody to a private room"
    ADD = "make somebody a member"
    KICK = "put somebody out of the room"
    MUTE = "mute somebody, let somebody speak again"
    CONFIGURE = "change the room's settings"
    APPOINT = "give roles in the room"
    # In the whole chat, by the role there.
    POST_LOCKED_DOWN = "post, tell while only moderators speak"
    KICK_OUT = "put somebody out of the chat for now"
    BAN = "ban, lift a ban, see the bans"
    LOCK_DOWN = "lock the chat down, open it again"
    INVITE_NEWCOMERS = "make invite codes for newcomers"
    APPOINT_MODERATORS = "make somebody a moderator of the chat, or none"
    READ_AUDIT = "read the audit room"


LEAST: Final[dict[Power, Role]] = {
    Power.READ: Role.READER,
    Power.MARK: Role.READER,
    Power.POST: Role.MEMBER,
    Power.POST_READ_ONLY: Role.MODERATOR,
    Power.POST_AT_ONCE: Role.MODERATOR,
    Power.INVITE: Role.MEMBER,
    Power.INVITE_PRIVATE: Role.MODERATOR,
    Power.ADD: Role.MODERATOR,
    Power.KICK: Role.MODERATOR,
    Power.MUTE: Role.MODERATOR,
    Power.CONFIGURE: Role.OWNER,
    Power.APPOINT: Role.OWNER,
    Power.POST_LOCKED_DOWN: Role.MODERATOR,
    Power.KICK_OUT: Role.MODERATOR,
    Power.BAN: Role.MODERATOR,
    Power.LOCK_DOWN: Role.OWNER,
    Power.INVITE_NEWCOMERS: Role.OWNER,
    Power.APPOINT_MODERATORS: Role.OWNER,
    Power.READ_AUDIT: Role.OWNER,
}
"""The owners of the chat are appointed by the operator alone, who may do all of this, but read no room except the audit room."""


def own_role(account: Account, room: Room) -> Role:
    """Return the role of a member, mutes aside: the higher of that in the room and that in the whole chat."""
    return max(account.role, room.roles.get(account.number, Role.MEMBER))


def role_in(account: Account, room: Room, time: int) -> Role:
    """Return the role that counts in a room at a time (Unix milliseconds). Whoever is muted reads, moderators too: they were muted by somebody above them."""
    if not room.holds(account.number):
        return Role.OUTSIDER
    if room.restraint(account.number).muted > time:
        return Role.READER
    return own_role(account, room)


def may(actor: Account | None, power: Power, role: Role) -> Refusal | None:
    """Refuse a power to a role that does not have it; the operator (None) has every one."""
    if actor is None or role >= LEAST[power]:
        return None
    return Refusal(Code.FORBIDDEN, f"you may not {power}")


def may_act_on(
    actor: Account | None, target: Account, actors: Role, targets: Role
) -> Refusal | None:
    """Refuse what is done to somebody of the same or a higher role; the operator may act on everybody."""
    if actor is None or actors > targets:
        return None
    if actor is target:
        return Refusal(Code.FORBIDDEN, "you cannot do that to yourself")
    return Refusal(Code.FORBIDDEN, f"{target.name} has the same role as you, or a higher one")


def may_post(state: State, account: Account, room: Room, time: int) -> Refusal | None:
    """Refuse a message that the account may not post in the room now."""
    if not room.holds(account.number):
        return Refusal(Code.NOT_MEMBER, "you are not a member of that room")
    role = role_in(account, room, time)
    if role < LEAST[Power.POST]:
        return Refusal(Code.MUTED, f"you are muted in {room.name}")
    if room.audit or (room.read_only and role < LEAST[Power.POST_READ_ONLY]):
        return Refusal(Code.READ_ONLY, f"only moderators post in {room.name}")
    if state.lockdown == "moderators_speak" and account.role < LEAST[Power.POST_LOCKED_DOWN]:
        return Refusal(Code.LOCKED_DOWN, "the chat is locked down: only its moderators speak now")
    wait = room.posted.get(account.number, -room.slow * 1000) + room.slow * 1000 - time
    if room.slow and wait > 0 and role < LEAST[Power.POST_AT_ONCE]:
        text = f"{room.name} is in slow mode: wait {-(-wait // 1000)} s before you post again"
        return Refusal(Code.SLOW_MODE, text)
    return None


def shown(*, since_joined: bool) -> HistoryShown:
    """Return how much of a room's log its members may read, as it goes on the wire."""
    return "since_joined" if since_joined else "all"
