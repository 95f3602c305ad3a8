"""Who may do what: one table of powers and the least role that has each, consulted by whatever carries out commands.

A role is looked up where a power is used: in a room, or in the whole chat. SECURITY.md prints the table; tests walk it. To add a power: a member of
`Power`, a row in `IN_ROOM` or `IN_CHAT`, and `may_in` or `may` where it is used.
"""

from enum import StrEnum
from typing import Final, get_args

from hubbub.broker.core.clock import at
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.errors import Code
from hubbub.common.fields import HistoryShown, LockdownLevel
from hubbub.common.limits import RESTRAINT_SECONDS


class Power(StrEnum):
    """What the roles are asked about."""

    # In a room, by the role there.
    READ = "read the room, its members and its history"
    MARK = "say how far one has read"
    LEAVE = "leave the room"
    POST = "post"
    POST_READ_ONLY = "post where the room is read-only"
    POST_AT_ONCE = "post without waiting where the room is in slow mode"
    INVITE = "invite somebody to a room that is not private"
    INVITE_PRIVATE = "invite somebody to a private room"
    ADD = "make somebody a member"
    KICK = "put somebody out of the room"
    MUTE = "mute somebody or let somebody speak again"
    CONFIGURE = "change the room's settings"
    APPOINT = "give roles in the room"
    # In the whole chat, by the role there.
    POST_LOCKED_DOWN = "post and tell while only moderators speak"
    KICK_OUT = "put somebody out of the chat for now"
    BAN = "ban, lift bans or see them"
    APPOINT_MODERATORS = "make somebody a moderator of the chat, or none"
    INVITE_NEWCOMERS = "make invite codes for newcomers"
    LOCK_DOWN = "lock the chat down or open it again"
    READ_AUDIT = "read the audit room"


IN_ROOM: Final[dict[Power, Role]] = {
    Power.READ: Role.READER,
    Power.MARK: Role.READER,
    Power.LEAVE: Role.READER,
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
}
IN_CHAT: Final[dict[Power, Role]] = {
    Power.POST_LOCKED_DOWN: Role.MODERATOR,
    Power.KICK_OUT: Role.MODERATOR,
    Power.BAN: Role.MODERATOR,
    Power.APPOINT_MODERATORS: Role.OWNER,
    Power.INVITE_NEWCOMERS: Role.OWNER,
    Power.LOCK_DOWN: Role.OWNER,
    Power.READ_AUDIT: Role.OWNER,
}
"""The owners of the chat are appointed by the operator alone, who may do all of this, but reads no room except the audit room."""
LEAST: Final[dict[Power, Role]] = {**IN_ROOM, **IN_CHAT}
IN_AUDIT: Final = frozenset({Power.READ, Power.MARK})
"""All that there is to do in the audit room, whoever one is."""

UNTIL_LIFTED: Final = RESTRAINT_SECONDS // 2 * 1000
"""A restraint of more milliseconds is one without an end, to people."""

_LEVELS: Final[tuple[LockdownLevel, ...]] = get_args(LockdownLevel)

NOT_MEMBER: Final = Refusal(Code.NOT_MEMBER, "you are not a member of that room")
LOCKED_OUT: Final = Refusal(
    Code.LOCKED_DOWN,
    "the chat is locked down: only accounts with a password, an invite or a role come in now",
)


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


def may_in(actor: Account | None, power: Power, room: Room, time: int) -> Refusal | None:
    """Refuse a power in a room to whoever is not in it, to roles there that do not have it, and to everybody where nobody has it."""
    if actor is not None and not room.holds(actor.number):
        return NOT_MEMBER
    if room.audit and power not in IN_AUDIT:
        return Refusal(Code.FORBIDDEN, f"the broker keeps {room.name}: nobody may {power} there")
    return may(actor, power, Role.OWNER if actor is None else role_in(actor, room, time))


def readable(state: State, account: Account, room: bytes, time: int) -> Room | Refusal:
    """Find a room by its id, for one who may be told of it: a member of it, as committed."""
    found = state.room_by_id.get(room)
    if found is None or not found.shows(account.number):
        return NOT_MEMBER
    if found.audit:
        return may(account, Power.READ_AUDIT, account.role) or found
    return may(account, Power.READ, role_in(account, found, time)) or found


def may_post(state: State, account: Account, room: Room, time: int) -> Refusal | None:
    """Refuse a message that the account may not post in the room now."""
    role = role_in(account, room, time)
    if role < LEAST[Power.POST]:
        return NOT_MEMBER if role is Role.OUTSIDER else _muted(room, account, time)
    if room.audit or (room.read_only and role < LEAST[Power.POST_READ_ONLY]):
        return Refusal(Code.READ_ONLY, f"only moderators post in {room.name}")
    if refusal := may_speak(state, account):
        return refusal
    return _must_wait(room, account, role, time) if room.slow else None


def _muted(room: Room, account: Account, time: int) -> Refusal:
    until = room.restraint(account.number).muted
    has_end = until < time + UNTIL_LIFTED
    end = f" until {at(until)}" if has_end else ""
    return Refusal(Code.MUTED, f"you are muted in {room.name}{end}")


def _must_wait(room: Room, account: Account, role: Role, time: int) -> Refusal | None:
    wait = room.posted.get(account.number, time - room.slow * 1000) + room.slow * 1000 - time
    if wait <= 0 or role >= LEAST[Power.POST_AT_ONCE]:
        return None
    text = f"{room.name} is in slow mode: wait {-(-wait // 1000)} s before you post again"
    return Refusal(Code.SLOW_MODE, text)


def reaches(state: State, level: LockdownLevel) -> bool:
    """Whether the chat is locked down at least so far."""
    return _LEVELS.index(state.lockdown) >= _LEVELS.index(level)


def may_speak(state: State, account: Account) -> Refusal | None:
    """Refuse any message, to a room or a person, of those who may not speak while the chat is locked down."""
    if state.lockdown != "moderators_speak" or account.role >= LEAST[Power.POST_LOCKED_DOWN]:
        return None
    return Refusal(Code.LOCKED_DOWN, "the chat is locked down: only its moderators speak now")


def may_be_heard(state: State, account: Account, time: int) -> Refusal | None:
    """Refuse what everybody is shown of a person who may not speak to them: muted in the lobby, or kept silent by a lockdown."""
    if role_in(account, state.lobby, time) < LEAST[Power.POST]:
        return Refusal(Code.MUTED, f"you are muted in {state.lobby.name}")
    return may_speak(state, account)


def shown(*, since_joined: bool) -> HistoryShown:
    """Return how much of a room's log its members may read, as it goes on the wire."""
    return "since_joined" if since_joined else "all"


def as_markdown() -> str:
    """Return the table as SECURITY.md prints it."""
    given = (Role.OUTSIDER, Role.READER, Role.MEMBER, Role.MODERATOR, Role.OWNER)
    return "\n\n".join(
        (_markdown("in a room", IN_ROOM, given), _markdown("in the whole chat", IN_CHAT, given[2:]))
    )


def _markdown(where: str, least: dict[Power, Role], roles: tuple[Role, ...]) -> str:
    names = ("muted" if role is Role.READER else role.name.lower() for role in roles)
    rows = [
        [str(power), *("yes" if role >= needed else "no" for role in roles)]
        for power, needed in least.items()
    ]
    lines = [[where, *names], ["---"] * (len(roles) + 1), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
