"""How roles, restraints, settings of rooms, devices and bans read. Pure; the further half of `hubbub.client.line.screen`.

`when` turns a time, in milliseconds since 1970, UTC, into what a clock on the wall shows.
"""

from collections.abc import Callable, Iterable
from typing import Final, assert_never

from hubbub.client import updates
from hubbub.client.line.lines import Line, Span, Style, notice
from hubbub.client.results import Ban, Bans, Device, Member, Room
from hubbub.common.durations import spell
from hubbub.common.fields import HistoryShown, LockdownLevel, RoleName
from hubbub.common.names import LOBBY, fold

When = Callable[[int], str]

Governed = (
    updates.RoleChanged
    | updates.MemberMuted
    | updates.RoomChanged
    | updates.Invited
    | updates.Audited
)

_FOR_EVER: Final = 5 * 365 * 24 * 3600 * 1000
"""A restraint of more milliseconds is one without an end, to people."""
_ROLES: Final[dict[RoleName, str]] = {
    "member": "an ordinary member",
    "moderator": "a moderator",
    "owner": "an owner",
}
_HISTORIES: Final[dict[HistoryShown, str]] = {
    "all": "showing all its history to newcomers",
    "since_joined": "showing newcomers only what is said from then on",
}
_DEEDS: Final = {
    "add": "added {subject} to {where}",
    "ban": "banned the {detail} {subject}",
    "bot": "marked {subject} as a bot",
    "configure": "changed {where} ({detail})",
    "device_added": "came in from another device",
    "device_removed": "removed one of their devices",
    "invite": "invited {subject} to {where}",
    "kick": "put {subject} out of {where}",
    "link": "made a link code for {subject}",
    "lockdown": "set the lockdown to {subject}",
    "mute": "muted {subject} in {where}",
    "no_bot": "marked {subject} as no bot",
    "password": "set a password",
    "release": "released the name {subject}",
    "role": "made {subject} {detail} of {where}",
    "unban": "lifted the ban of the {detail} {subject}",
    "unmute": "let {subject} speak in {where} again",
}
"""What the broker's words for powers mean, behind the name of whoever used them."""
_BANNED: Final = {"account": "", "key": "the key ", "address": "the address ", "network": "the network "}  # fmt: skip


def line(update: Governed, *, me: str, room: str, when: When) -> Line | None:
    """Return how it reads to somebody called `me` who talks in `room`; None for what they did themselves: they have been told."""
    match update:
        case updates.RoleChanged():
            return None if update.by == me else notice(_role(update, me))
        case updates.MemberMuted():
            return None if update.by == me else notice(_mute(update, me, when))
        case updates.RoomChanged():
            return None if update.by == me else notice(_changes(update))
        case updates.Invited(sender, to, invited):
            if to != me:
                return None
            text = f"{sender} invites you to {invited}; /join {invited} takes you there."
            return Line((Span(text, Style.NOTICE),), time=update.time, rings=True)
        case updates.Audited():
            where = "" if fold(update.room) == fold(room) else f"[{update.room}] "
            return Line((Span(f"{where}{audited(update, when)}", Style.QUIET),), time=update.time)
        case _:
            assert_never(update)


def _role(update: updates.RoleChanged, me: str) -> str:
    where = "" if update.room == LOBBY else f" of {update.room}"
    maker = update.by or "the operator"
    return f"{_is(update.name, me)} {_ROLES[update.role]}{where} now, made so by {maker}."


def _is(name: str, me: str) -> str:
    return "You are" if name == me else f"{name} is"


def _mute(update: updates.MemberMuted, me: str, when: When) -> str:
    if not update.until:
        who = "You" if update.name == me else update.name
        return f"{who} may speak in {update.room} again."
    until = _until(update.until, when, since=update.time)
    text = f"{_is(update.name, me)} muted in {update.room}{until} by {update.by or 'the operator'}"
    return because(text, update.reason)


def because(text: str, reason: str) -> str:
    """Return a sentence with the reason behind it, if there is one."""
    return f"{text}: {reason}" if reason else f"{text}."


def _until(until: int, when: When, *, since: int) -> str:
    return f" until {when(until)}" if 0 < until < since + _FOR_EVER else ""


def _changes(update: updates.RoomChanged) -> str:
    said = [f"{update.room} is {' and '.join(found)} now"] if (found := _found(update)) else []
    if update.description is not None:
        said.append(
            f"{update.room} is described so: {update.description}"
            if update.description
            else f"{update.room} has no description any longer"
        )
    return "; ".join(said or [f"{update.room} was changed"]) + "."


def _found(settings: updates.RoomChanged | Room) -> list[str]:
    """Return the settings that are told, in words that stand behind "is"."""
    found = []
    if settings.private is not None:
        found.append("private" if settings.private else "public")
    if settings.read_only is not None:
        found.append("read-only" if settings.read_only else "open to everybody's messages")
    if settings.slow is not None:
        slow = f"slow (a message in {spell(settings.slow)})"
        found.append(slow if settings.slow else "slow no longer")
    if settings.history is not None:
        found.append(_HISTORIES[settings.history])
    return found


def put_out(who_was: str, room: str, by: str, reason: str) -> str:
    """Return that somebody was put out of a room; `who_was` is "Bob was" or "You were"."""
    return because(f"{who_was} put out of {room} by {by}", reason)


def settings(room: Room) -> list[str]:
    """Return a room's settings, and what one is there."""
    crowd = "1 member" if room.members == 1 else f"{room.members} members"
    kind = "private" if room.private else "public"
    writers = "only moderators write" if room.read_only else "everybody writes"
    pace = f"one message in {spell(room.slow)}" if room.slow else "as fast as one likes"
    first = f"{room.name}: {kind}, {writers}, {pace}, {_HISTORIES[room.history]}; {crowd}"
    own = [f"You are {_ROLES[room.role]} of {room.name}."] if room.role else []
    return [first, *([f"Description: {room.description}"] if room.description else []), *own]


def remarks(member: Member, now: int) -> list[str]:
    """Return what is special about a member of a room at a time, in milliseconds since 1970, UTC."""
    role = [] if member.role == "member" else [member.role]
    return [*role, *(["muted"] if member.muted_until > now else [])]


def devices(listed: Iterable[Device], when: When) -> list[str]:
    """Return a line for each of one's devices."""
    return [
        f"{device.number:3}  {device.label or 'unnamed'}  {_device(device, when)}"
        for device in listed
    ]


def _device(device: Device, when: When) -> str:
    state = ["this device"] if device.current else ["online"] if device.online else []
    facts = [*state, f"added {when(device.added)}", f"used {when(device.used)}"]
    return f"({', '.join(facts)})  {device.fingerprint}"


def bans(found: Bans, when: When) -> list[str]:
    """Return a line for each ban, and how far the chat is locked down."""
    listed = [_ban(ban, when) for ban in found] or ["Nobody is banned."]
    if found.lockdown != "normal":
        listed.append(lockdown(found.lockdown))
    return listed


def lockdown(level: LockdownLevel) -> str:
    """Return how far the chat is locked down."""
    return f"Lockdown: {level.replace('_', '-')}."


def _ban(ban: Ban, when: When) -> str:
    until = _until(ban.until, when, since=ban.created)
    text = f"{_BANNED[ban.kind]}{ban.subject}{until} by {ban.by or 'the operator'}"
    return because(text, ban.reason)


def audited(update: updates.Audited, when: When) -> str:
    """Return who used which power over whom. A word for a power that this client does not know stands as it is."""
    deed = _DEEDS.get(update.action)
    where = update.where or "the chat"
    if deed is None:
        place = f" in {update.where}" if update.where else ""
        detail = f" ({update.detail})" if update.detail else ""
        deed = f"did {update.action.replace('_', ' ')} {update.subject}{place}{detail}"
    else:
        deed = deed.format(subject=update.subject, where=where, detail=update.detail)
    until = _until(update.until, when, since=update.time)
    return because(f"{update.by or 'The operator'} {deed}{until}", update.reason)
