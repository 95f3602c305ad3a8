"""What people read: each update as a line, and a line as something that a terminal only shows. Pure.

To add an update: its case in `line`.
"""

import unicodedata
from collections.abc import Sequence
from typing import Final, assert_never

from hubbub.client import updates
from hubbub.client.errors import BadName, LobbyIsForAll, NotMember, UnknownUser
from hubbub.client.line import verbs
from hubbub.client.results import Member, People, Room
from hubbub.common.names import fold

CONTINUED: Final = "    "
"""Stands before each further line of a message, so that none can pass for another person's."""

# Zero-width joiners hold emoji and Indic letters together; the two marks only set a direction where a script needs it.
_HARMLESS_FORMATS: Final = frozenset("\u200c\u200d\u200e\u200f")
_EXECUTED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def harmless(line: str) -> str:
    """Return `line` with everything that a terminal would execute, or that turns text around, written as an escape.

    Its line ends stay, each followed by an indentation; a tab becomes four spaces.
    """
    unix = line.replace("\r\n", "\n").expandtabs(4)
    return "".join(map(_shown, unix)).replace("\n", f"\n{CONTINUED}")


def _shown(character: str) -> str:
    if character == "\n" or character in _HARMLESS_FORMATS:
        return character
    if unicodedata.category(character) in _EXECUTED:
        return character.encode("unicode_escape").decode("ascii")
    return character


def line(update: updates.Update, *, me: str, room: str) -> str | None:  # noqa: PLR0911, PLR0912 - a table
    """Return how `update` reads to somebody called `me` who talks in `room`; None for what needs no line."""
    match update:
        case updates.Message():
            return None if update.own else _where(update.room, room) + _spoken(update)
        case updates.PrivateMessage():
            return _private(update, me)
        case updates.PersonJoined(name):
            return f"{name} has joined the chat."
        case updates.PersonLeft(name):
            return f"{name} has left the chat."
        case updates.PeopleOnline(count):
            return f"{count} people are online."
        case updates.MemberJoined(where, name):
            return None if name == me else f"{name} has joined {where}."
        case updates.MemberLeft(where, name):
            return None if name == me else f"{name} has left {where}."
        case updates.RoomCreated() | updates.RoomJoined() | updates.RoomLeft():
            return None  # one's own doing; who did it here has been told
        case updates.ConnectionLost():
            return "Connection lost; trying again… What you type now is sent when it is back."
        case updates.ConnectionRestored():
            return "Connected again."
        case updates.Missed(where, first, last):
            return (
                f"{last - first + 1} entries of {_log(where)} are no longer kept and were missed."
            )
        case updates.Diverged(where, seq):
            return f"Warning: {_log(where)} differs from the broker's record at entry {seq}; something was lost or changed."
        case updates.LogReplaced():
            return (
                "The broker has another record than before, new or restored; it goes on from here."
            )
        case updates.Ended(reason):
            return str(reason)
        case _:
            assert_never(update)


def _where(room: str, current: str) -> str:
    return "" if same_room(room, current) else f"[{room}] "


def _spoken(message: updates.Message | updates.PrivateMessage) -> str:
    text = message.text or ("(data for programs)" if message.data is not None else "")
    return f"{message.sender}: {text}"


def _private(message: updates.PrivateMessage, me: str) -> str | None:
    if message.to == me:
        return f"Private message from {_spoken(message)}"
    return (
        None
        if message.own
        else f"Private message to {message.to} from your other session: {message.text}"
    )


def _log(room: str | None) -> str:
    return "your private messages" if room is None else room


def refusal(action: verbs.Action, error: BaseException) -> str:
    """Return why what was typed was not done."""
    match action, error:
        case verbs.Whisper(), BadName() | UnknownUser():
            return f"Not sent: {error}; to say it to everybody, write something before the @"
        case verbs.Say() | verbs.Whisper(), _:
            return f"Not sent: {error}"
        case verbs.Quit(str(room)), NotMember():
            return f"You are not in {room}."
        case verbs.Quit(), LobbyIsForAll():
            return f"{error}; /exit leaves the chat"
        case _:
            return str(error)


def same_room(one: str, other: str) -> bool:
    """Whether two names, as typed or as stored, are one room's."""
    return fold(one) == fold(other)


def people(online: People) -> str:
    """Return who is online, in one line."""
    more = online.count - len(online.names)
    return f"Online ({online.count}): {', '.join(online.names)}" + (
        f" and {more} more" if more > 0 else ""
    )


def members(room: str, listed: Sequence[Member]) -> str:
    """Return who is in a room, in one line."""
    names = (member.name if member.online else f"{member.name} (away)" for member in listed)
    return f"Members of {room} ({len(listed)}): {', '.join(names)}"


def rooms(listed: Sequence[Room], current: str) -> list[str]:
    """Return a line for each room."""
    width = max((len(room.name) for room in listed), default=0)
    return [f"{room.name:<{width}}  {_room(room, current)}".rstrip() for room in listed]


def _room(room: Room, current: str) -> str:
    crowd = "1 member" if room.members == 1 else f"{room.members} members"
    here = ", you talk here" if same_room(room.name, current) else ", joined" if room.joined else ""
    return f"({crowd}{here})" + (f" {room.description}" if room.description else "")
