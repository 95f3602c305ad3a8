"""Every command, as everybody who could give it, in every kind of room: what comes of it is what the table of powers says."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Final

import pytest
from tests.broker.core.desk import Desk, Person
from tests.broker.core.garden import room_id
from tests.broker.core.memory_store import MemoryStore
from tests.broker.core.wire import key_of

from hubbub.broker.core.permissions import IN_AUDIT, LEAST, Power, as_markdown
from hubbub.broker.core.roles import Role
from hubbub.common import commands as c
from hubbub.common.replies import Error, Reply, Resend

SECURITY: Final = Path(__file__).resolve().parents[3] / "SECURITY.md"

TABLE: Final = {
    "READ": "READER",
    "MARK": "READER",
    "LEAVE": "READER",
    "POST": "MEMBER",
    "POST_READ_ONLY": "MODERATOR",
    "POST_AT_ONCE": "MODERATOR",
    "INVITE": "MEMBER",
    "INVITE_PRIVATE": "MODERATOR",
    "ADD": "MODERATOR",
    "KICK": "MODERATOR",
    "MUTE": "MODERATOR",
    "CONFIGURE": "OWNER",
    "APPOINT": "OWNER",
    "POST_LOCKED_DOWN": "MODERATOR",
    "KICK_OUT": "MODERATOR",
    "BAN": "MODERATOR",
    "APPOINT_MODERATORS": "OWNER",
    "INVITE_NEWCOMERS": "OWNER",
    "LOCK_DOWN": "OWNER",
    "READ_AUDIT": "OWNER",
}
"""The table as it was agreed, word for word: whoever changes it changes it here as well, and knows."""

ROOMS: Final = ("lobby", "public", "read-only", "private", "audit")
IN_ROOMS: Final = {
    "Outsider": Role.OUTSIDER,
    "Muted": Role.READER,
    "Member": Role.MEMBER,
    "Moderator": Role.MODERATOR,
    "Owner": Role.OWNER,
    "ChatModerator": Role.MODERATOR,
    "ChatOwner": Role.OWNER,
    "AbsentModerator": Role.OUTSIDER,
}
"""Everybody's role in the rooms that people made."""
IN_CHAT: Final = {
    "ChatModerator": Role.MODERATOR,
    "ChatOwner": Role.OWNER,
    "AbsentModerator": Role.MODERATOR,
}
"""Everybody's role in the whole chat, where it is another than member."""
OPERATOR: Final = "the operator"
PEOPLE: Final = (*IN_ROOMS, OPERATOR)
TARGET, STRANGER = "Target", "Stranger"
"""A member of every room but the audit room, and somebody who is in none."""


def standing(who: str, room: str) -> Role:
    """Somebody's role in a room, by the rules that SECURITY.md has."""
    chat = IN_CHAT.get(who, Role.MEMBER)
    if room == "audit":
        return Role.OWNER if chat is Role.OWNER else Role.OUTSIDER
    if room == "lobby":
        return Role.READER if who == "Muted" else chat
    return IN_ROOMS[who]


def allowed(who: str, power: Power, room: str) -> str:
    """What the table says of a power in a room: "" or the code of the refusal."""
    if who != OPERATOR and standing(who, room) is Role.OUTSIDER:
        return "not_member"
    if room == "audit" and power not in IN_AUDIT:
        return "forbidden"
    return "" if who == OPERATOR or standing(who, room) >= LEAST[power] else "forbidden"


def allowed_in_chat(who: str, power: Power) -> str:
    """The same of a power in the whole chat."""
    has = who == OPERATOR or IN_CHAT.get(who, Role.MEMBER) >= LEAST[power]
    return "" if has else "forbidden"


def speaks(who: str, room: str) -> str:
    code = allowed(who, Power.POST_READ_ONLY if room == "read-only" else Power.POST, room)
    if code != "forbidden":
        return code
    return "muted" if room != "audit" and standing(who, room) is Role.READER else "read_only"


def joins(who: str, room: str) -> str:
    is_hidden = room in ("private", "audit")
    return "unknown_room" if is_hidden and standing(who, room) is Role.OUTSIDER else ""


def power_there(in_lobby: Power, elsewhere: Power) -> Callable[[str, str], str]:
    """Of orders that are about the whole chat when they name the lobby."""
    return lambda who, room: (
        allowed_in_chat(who, in_lobby) if room == "lobby" else allowed(who, elsewhere, room)
    )


def in_room(power: Power) -> Callable[[str, str], str]:
    return lambda who, room: allowed(who, power, room)


def in_chat(power: Power) -> Callable[[str, str], str]:
    return lambda who, _: allowed_in_chat(who, power)


GUARDED: Final[Mapping[type[c.Command], tuple[Callable[[bytes, str], c.Command], Callable[[str, str], str]]]] = {
    c.Post: (lambda id, _: c.Post(1, id, "hi"), speaks),
    c.Join: (lambda _, name: c.Join(1, name), joins),
    c.Leave: (
        lambda id, _: c.Leave(1, id),
        lambda who, room: "lobby_is_for_all" if room == "lobby" else allowed(who, Power.LEAVE, room),
    ),
    c.Mark: (lambda id, _: c.Mark(1, id, 1), in_room(Power.MARK)),
    c.Members: (lambda id, _: c.Members(9, id), in_room(Power.READ)),
    c.History: (lambda id, _: c.History(9, id), in_room(Power.READ)),
    c.Invite: (
        lambda id, _: c.Invite(9, id, STRANGER),
        lambda who, room: allowed(who, Power.INVITE_PRIVATE if room == "private" else Power.INVITE, room),
    ),
    c.Add: (lambda id, _: c.Add(9, id, STRANGER), in_room(Power.ADD)),
    c.Kick: (lambda id, _: c.Kick(9, TARGET, id), power_there(Power.KICK_OUT, Power.KICK)),
    c.Mute: (lambda id, _: c.Mute(9, id, TARGET, 60), in_room(Power.MUTE)),
    c.SetRole: (
        lambda id, _: c.SetRole(9, TARGET, "moderator", id),
        power_there(Power.APPOINT_MODERATORS, Power.APPOINT),
    ),
    c.Configure: (lambda id, _: c.Configure(9, id, description="new"), in_room(Power.CONFIGURE)),
    c.Ban: (lambda *_: c.Ban(9, "account", TARGET), in_chat(Power.BAN)),
    c.Unban: (lambda *_: c.Unban(9, "address", "203.0.113.1"), in_chat(Power.BAN)),
    c.Bans: (lambda *_: c.Bans(9), in_chat(Power.BAN)),
    c.Lockdown: (lambda *_: c.Lockdown(9, "no_new_accounts"), in_chat(Power.LOCK_DOWN)),
    c.MakeInvite: (lambda *_: c.MakeInvite(9), in_chat(Power.INVITE_NEWCOMERS)),
    c.Away: (lambda *_: c.Away(9, "tea"), lambda who, _: speaks(who, "lobby")),
}  # fmt: skip
"""Commands that a power stands before: one of each, given a room's id and name, and what the table says of it."""

OPEN: Final[Mapping[type[c.Command], Callable[[], c.Command]]] = {
    c.Hello: lambda: c.Hello(9, [1]),
    c.Logout: lambda: c.Logout(9),
    c.Ping: lambda: c.Ping(9),
    c.Tell: lambda: c.Tell(1, TARGET, "hi"),
    c.Create: lambda: c.Create(1, "new"),
    c.Skip: lambda: c.Skip(1),
    c.Rooms: lambda: c.Rooms(9),
    c.Who: lambda: c.Who(9),
    c.Whois: lambda: c.Whois(9, TARGET),
    c.SetPassword: lambda: c.SetPassword(9, "long enough to be no guess"),
    c.Link: lambda: c.Link(9),
    c.Devices: lambda: c.Devices(9),
    c.RemoveDevice: lambda: c.RemoveDevice(9, 7),
}
"""Commands about oneself, and about what everybody may know: no role is asked for."""
ROLES_ASKED: Final = frozenset({"forbidden", "not_member", "muted", "read_only", "locked_down"})


@cache
def furnished() -> MemoryStore:
    """A chat with a room of each kind, and somebody for each role."""
    desk = Desk()
    people = {name: desk.meets(name) for name in (*IN_ROOMS, TARGET, STRANGER)}
    owner = people["Owner"]
    owner.sends(c.Create(1, "public"), c.Create(2, "read-only", read_only=True))
    owner.sends(c.Create(3, "private", private=True))
    for name in IN_CHAT:
        desk.decrees(c.SetRole(1, name, "owner" if name == "ChatOwner" else "moderator"))
    for room in ROOMS[1:4]:
        id = room_id(desk, room)
        for name, role in IN_ROOMS.items():
            if role > Role.OUTSIDER and name != "Owner":
                desk.decrees(c.Add(1, id, name))
        desk.decrees(c.Add(1, id, TARGET), c.SetRole(1, "Moderator", "moderator", id))
    for room in ROOMS[:4]:
        desk.decrees(c.Mute(1, room_id(desk, room), "Muted", 3600))
    desk.decrees(c.Ban(1, "address", "203.0.113.1"))
    assert not any(isinstance(answer, Error) for answer in desk.answered)
    # Somebody vouches for each, so that no lockdown ends their sessions.
    rows = desk.store.accounts.items()
    desk.store.accounts = {number: replace(row, invited=True) for number, row in rows}
    return desk.store


class Walk:
    """One step of the walk: the chat as it was furnished, and somebody in it."""

    def __init__(self, who: str) -> None:
        self.desk = Desk(store=deepcopy(furnished()))
        self.who = who
        self.person: Person | None = None if who == OPERATOR else self.desk.meets(who)

    def comes_to(self, command: c.Command) -> str:
        """Return the code of the refusal of a command; "": there was none."""
        if self.person is None:
            assert isinstance(command, c.Order)
            [reply] = self.desk.decrees(command).answered
        else:
            assert self.person.sends(command).unread, "every command is answered"
            reply = self.person.unread[-1]
        assert isinstance(reply, Reply)
        assert not isinstance(reply, Resend)
        return reply.code if isinstance(reply, Error) else ""


def test_the_table_is_the_agreed_one() -> None:
    assert {power.name: role.name for power, role in LEAST.items()} == TABLE
    assert {power.name for power in IN_AUDIT} == {"READ", "MARK"}
    assert set(LEAST) == set(Power)


def test_every_command_is_walked() -> None:
    assert set(GUARDED) | set(OPEN) | {c.Login} == set(c.COMMANDS.values())
    assert not set(GUARDED) & set(OPEN)


@pytest.mark.parametrize("who", PEOPLE)
@pytest.mark.parametrize("room", ROOMS)
def test_a_command_is_carried_out_for_whom_the_table_names_and_for_nobody_else(
    who: str, room: str
) -> None:
    wrong = {}
    for struct, (command, expected) in GUARDED.items():
        if who == OPERATOR and not issubclass(struct, c.Order):
            continue
        walk = Walk(who)
        code = walk.comes_to(command(room_id(walk.desk, room), room))
        if code != expected(who, room):
            wrong[struct.__name__] = (code, expected(who, room))
    assert not wrong


@pytest.mark.parametrize("who", IN_ROOMS)
def test_no_role_is_asked_for_what_everybody_may_do(who: str) -> None:
    for struct, command in OPEN.items():
        assert Walk(who).comes_to(command()) not in ROLES_ASKED, struct.__name__


@pytest.mark.parametrize("who", IN_ROOMS)
@pytest.mark.parametrize("room", ROOMS)
def test_a_subscription_is_granted_and_a_room_listed_for_whom_the_table_lets_read(
    who: str, room: str
) -> None:
    walk = Walk(who)
    person, id = walk.person, room_id(walk.desk, room)
    assert person is not None
    person.subscribes(id)
    assert person.sub is not None
    may_read = not allowed(who, Power.READ, room)
    assert (id in person.sub.topics) is may_read
    person.forgets().sends(c.Rooms(9))
    is_listed = any(info.name == room for info in getattr(person.unread[-1], "rooms"))  # noqa: B009 - of whatever reply came
    assert is_listed is (may_read or room not in ("private", "audit"))


@pytest.mark.parametrize("who", IN_ROOMS)
def test_only_moderators_of_the_chat_speak_when_it_is_locked_down_so_far(who: str) -> None:
    expected = (
        "" if IN_CHAT.get(who, Role.MEMBER) >= LEAST[Power.POST_LOCKED_DOWN] else "locked_down"
    )
    cases: list[tuple[c.Command, str]] = [
        (c.Post(1, room_id(Walk(who).desk, "public"), "hi"), speaks(who, "public")),
        (c.Tell(1, TARGET, "hi"), ""),
    ]
    for command, refused in cases:
        walk = Walk(who)
        walk.desk.decrees(c.Lockdown(1, "moderators_speak"))
        assert walk.comes_to(command) == (refused or expected)


@pytest.mark.parametrize("who", IN_ROOMS)
@pytest.mark.parametrize("target", IN_ROOMS)
def test_nobody_acts_on_somebody_of_their_own_or_a_higher_role(who: str, target: str) -> None:
    """In a room by the roles there, however muted the other is; in the whole chat by the roles there."""
    mute_aside = {**IN_ROOMS, "Muted": Role.MEMBER, "AbsentModerator": Role.MODERATOR}
    is_above = IN_ROOMS[who] > mute_aside[target]
    is_above_in_chat = IN_CHAT.get(who, Role.MEMBER) > IN_CHAT.get(target, Role.MEMBER)
    room = room_id(Walk(OPERATOR).desk, "public")
    cases: list[tuple[c.Command, str, bool]] = [
        (c.Kick(9, target, room, 60), allowed(who, Power.KICK, "public"), is_above),
        (c.Mute(9, room, target, 0), allowed(who, Power.MUTE, "public"), is_above),
        (c.Kick(9, target), allowed_in_chat(who, Power.KICK_OUT), is_above_in_chat),
        (c.Ban(9, "account", target), allowed_in_chat(who, Power.BAN), is_above_in_chat),
        (c.Ban(9, "key", key_of(target)), allowed_in_chat(who, Power.BAN), is_above_in_chat),
        (c.SetRole(9, target, "member"), allowed_in_chat(who, Power.APPOINT_MODERATORS), is_above_in_chat),
    ]  # fmt: skip
    for command, refused, may_act in cases:
        assert Walk(who).comes_to(command) == (refused or ("" if may_act else "forbidden"))


@pytest.mark.parametrize("target", IN_ROOMS)
def test_the_operator_acts_on_everybody(target: str) -> None:
    room = room_id(Walk(OPERATOR).desk, "public")
    for order in (
        c.Kick(9, target, room, 60),
        c.Mute(9, room, target, 0),
        c.Kick(9, target),
        c.Ban(9, "account", target),
        c.SetRole(9, target, "owner"),
    ):
        assert Walk(OPERATOR).comes_to(order) == ""


def test_security_md_has_the_table() -> None:
    assert as_markdown() in SECURITY.read_text(encoding="utf-8")
