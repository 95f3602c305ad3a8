"""What people read: each update as a line, and a line as something that a terminal only shows. Pure.

To add an update: its case in `line`.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final, assert_never

from hubbub.client import updates
from hubbub.client.errors import BadName, Forbidden, LobbyIsForAll, NotMember, UnknownUser
from hubbub.client.line import actions, authority
from hubbub.client.line.authority import When
from hubbub.client.line.lines import Line, Span, Style, notice
from hubbub.client.results import Member, People, Room, Verification
from hubbub.common.names import fold

CONTINUED: Final = "    "
"""Stands before each further line of a message, so that none can pass for another person's."""

SHORT_NAME: Final = 3
EXCERPT: Final = 40
"""Characters of a message by which its writer knows it again."""
NAME_CELLS: Final = 24
"""How wide the column of names is in a list; a longer name pushes its own line only."""
_LEFT_TO_RIGHT: Final = "\u200e"

# Zero-width joiners hold emoji and Indic letters together; the two marks only set a direction where a script needs it.
_HARMLESS_FORMATS: Final = frozenset("\u200c\u200d\u200e\u200f")
_EXECUTED: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_FILLERS: Final = frozenset("\u115f\u1160\u3164\uffa0")
"""Letters that show nothing; how wide they are terminals do not agree on."""


def harmless(line: str) -> str:
    """Return `line` with everything that a terminal would execute, or that turns text around, written as an escape.

    Its line ends stay, each followed by an indentation; a tab becomes four spaces.
    """
    unix = line.replace("\r\n", "\n").expandtabs(4)
    return "".join(map(_shown, unix)).replace("\n", f"\n{CONTINUED}")


def _shown(character: str) -> str:
    if character == "\n" or character in _HARMLESS_FORMATS:
        return character
    if character in _FILLERS or unicodedata.category(character) in _EXECUTED:
        return character.encode("unicode_escape").decode("ascii")
    return character


def line(  # noqa: PLR0911, PLR0912 - a table
    update: updates.Update, *, me: str, room: str, when: When, rows: int | None = None
) -> Line | None:
    """Return how `update` reads to somebody called `me` who talks in `room`; None for what needs no line. `when` tells a time as people read it.

    Of a message of more than `rows` lines (None: any number) the rest is only counted.
    """
    match update:
        case updates.Message():
            return None if update.own else spoken(update, me=me, room=room, rows=rows)
        case updates.PrivateMessage():
            own = update.own and update.to != me
            return None if own else private(update, me=me, elsewhere=True, rows=rows)
        case updates.PersonJoined(name):
            return _quiet(f"{name} has joined the chat.")
        case updates.PersonLeft(name):
            return _quiet(f"{name} has left the chat.")
        case updates.PeopleOnline(count):
            return _quiet(f"{count} people are online.")
        case updates.MemberJoined(where, name):
            return None if name == me else _quiet(f"{name} has joined {where}.")
        case updates.MemberLeft(where, name, by=by, reason=reason):
            if me in (name, by):
                return None
            out = authority.put_out(f"{name} was", where, by, reason)
            return _quiet(out if by else f"{name} has left {where}.")
        case updates.RoomCreated() | updates.RoomJoined() | updates.RoomLeft():
            return None  # one's own doing; who did it here has been told
        case updates.PersonAway() | updates.PersonBack() | updates.MarkerMoved():
            return None  # `/who` tells who is away, and so does writing to them
        case (
            updates.RoleChanged()
            | updates.MemberMuted()
            | updates.RoomChanged()
            | updates.Invited()
            | updates.Audited()
        ):
            return authority.line(update, me=me, room=room, when=when)
        case (
            updates.ConnectionLost()
            | updates.ConnectionRestored()
            | updates.Missed()
            | updates.Diverged()
            | updates.LogReplaced()
            | updates.Ended()
        ):
            return _about_the_connection(update)
        case _:
            assert_never(update)


def _about_the_connection(
    update: updates.ConnectionLost
    | updates.ConnectionRestored
    | updates.Missed
    | updates.Diverged
    | updates.LogReplaced
    | updates.Ended,
) -> Line:
    match update:
        case updates.ConnectionLost():
            return notice("Connection lost; trying again… What you type is sent when it is back.")
        case updates.ConnectionRestored():
            return notice("Connected again.")
        case updates.Missed(where, first, last):
            return _trouble(
                f"{last - first + 1} entries of {_log(where)} are no longer kept and were missed."
            )
        case updates.Diverged(where, seq):
            return _trouble(
                f"Warning: {_log(where)} differs from the broker's record at entry {seq}; something was lost or changed."
            )
        case updates.LogReplaced():
            return _trouble(
                "The broker has another record than before, new or restored; it goes on from here."
            )
        case updates.Ended(reason):
            return _trouble(str(reason))
        case _:
            assert_never(update)


def _quiet(text: str) -> Line:
    return Line((Span(text, Style.QUIET),), may_skip=True)


def _trouble(text: str) -> Line:
    return Line.of(text, Style.TROUBLE)


def spoken(message: updates.Message, *, me: str, room: str, rows: int | None = None) -> Line:
    """Return what somebody said in a room, as `me` reads it who talks in `room`."""
    where = () if same_room(message.room, room) else (Span(f"[{message.room}] ", Style.QUIET),)
    parts = [_text(message, rows)]
    if message.sender != me:
        parts = _around_mentions(parts[0], me)
    mentioned = len(parts) > 1
    spans = (*where, *_said(message, parts))
    return Line(spans, time=message.time, may_skip=not mentioned, rings=mentioned)


def private(
    message: updates.PrivateMessage, *, me: str, elsewhere: bool = False, rows: int | None = None
) -> Line:
    """Return a private message, as `me` reads it who got it, or sent it (`elsewhere`: in another session)."""
    text = _text(message, rows)
    if message.to != me:
        by = " from your other session" if elsewhere else ""
        spans = (Span("Private message to "), *_named(message.to, f"{by}: {text}"))
    else:
        start = "Private message: " if message.action else "Private message from "
        spans = (Span(start), *_said(message, [text]))
    return Line(spans, time=message.time, rings=message.sender != me)


def _said(
    message: updates.Message | updates.PrivateMessage, parts: Sequence[str]
) -> tuple[Span, ...]:
    """Return who said what; each second part of the text is a mention of the reader."""
    first, *rest = parts
    styles = (Style.MENTION, Style.PLAIN)
    spans = [Span(part, styles[place % 2]) for place, part in enumerate(rest) if part]
    named = _named(message.sender, f" {first}" if message.action else f": {first}", "".join(rest))
    return (Span("* "), *named, *spans) if message.action else (*named, *spans)


def _named(name: str, rest: str, further: str = "") -> tuple[Span, ...]:
    """Return a name and what follows it. Where text runs from right to left, a mark keeps it behind the name."""
    mark = _LEFT_TO_RIGHT if any(map(_runs_left, name + rest + further)) else ""
    return Span(name, Style.NAME), Span(mark + rest)


def _runs_left(character: str) -> bool:
    return unicodedata.bidirectional(character) in ("R", "AL", "AN")


def _text(message: updates.Message | updates.PrivateMessage, rows: int | None) -> str:
    text = message.text or ("(data for programs)" if message.data is not None else "")
    lines = text.split("\n")
    if rows is None or len(lines) <= rows:
        return text
    return "\n".join([*lines[:rows], f"({len(lines) - rows} more lines; /history shows them)"])


def _around_mentions(text: str, name: str) -> list[str]:
    """Split a text at the mentions of a name: text, mention, text, mention … A name of one or two letters counts behind an @ only."""
    if not name:
        return [text]
    at = "@" if len(name) < SHORT_NAME else "@?"
    return re.split(rf"(?<!\w)({at}{re.escape(name)})(?!\w)", text, flags=re.IGNORECASE)


def _log(room: str | None) -> str:
    return "your private messages" if room is None else room


def refusal(action: actions.Action, error: BaseException) -> str:
    """Return why what was typed was not done."""
    match action, error:
        case actions.Whisper(), BadName() | UnknownUser():
            return f"Not sent: {error}; to say it to everybody, write something before the @"
        case actions.Say(text) | actions.Act(text) | actions.Whisper(text=text), Forbidden():
            return f"Not sent: {_excerpt(text)}: {error}"
        case actions.Say() | actions.Act() | actions.Whisper(), _:
            return f"Not sent: {error}"
        case actions.Quit(str(room)), NotMember():
            return f"You are not in {room}."
        case actions.Quit(), LobbyIsForAll():
            return f"{error}; /exit leaves the chat"
        case _:
            return str(error)


def _excerpt(text: str) -> str:
    """Return the beginning of what was written, in quotes."""
    first, *rest = text.split("\n", 1)
    cut = bool(rest) or len(first) > EXCERPT
    return f"“{first[:EXCERPT]}…”" if cut else f"“{first}”"


def same_room(one: str, other: str) -> bool:
    """Whether two names, as typed or as stored, are one room's."""
    return fold(one) == fold(other)


def people(online: People) -> str:
    """Return who is online, in one line."""
    more = online.count - len(online.names)
    names = ", ".join(_presence(name, online.away.get(name)) for name in online.names)
    return f"Online ({online.count}): {names}" + (f" and {more} more" if more > 0 else "")


def members(room: str, listed: Sequence[Member], now: int) -> str:
    """Return who is in a room, in one line; `now` in milliseconds since 1970, UTC."""
    names = ", ".join(_member(member, now) for member in listed)
    return f"Members of {room} ({len(listed)}): {names}"


def _member(member: Member, now: int) -> str:
    away = f"away: {member.away}" if member.away else "away"
    absence = [away] if member.away is not None else []
    facts = [*authority.remarks(member, now), *(absence if member.online else ["offline"])]
    return f"{member.name} ({', '.join(facts)})" if facts else member.name


def _presence(name: str, away: str | None) -> str:
    if away is None:
        return name
    return f"{name} (away: {away})" if away else f"{name} (away)"


def away(member: Member) -> Line:
    """Return what to tell somebody who has written to a person who is not there."""
    if not member.online:
        return notice(f"{member.name} is offline and reads it on coming back.")
    return notice(f"{_presence(member.name, member.away)} may read it later.")


def rooms(listed: Sequence[Room], current: str) -> list[str]:
    """Return a line for each room."""
    width = min(NAME_CELLS, max((_cells(room.name) for room in listed), default=0))
    return [
        f"{room.name}{' ' * (width - _cells(room.name))}  {_room(room, current)}".rstrip()
        for room in listed
    ]


def _cells(name: str) -> int:
    """Return how wide a name stands on a terminal."""
    marks = ("Mn", "Me")
    return sum(
        (unicodedata.category(c) not in marks) + (unicodedata.east_asian_width(c) in "WF")
        for c in name
    )


def _room(room: Room, current: str) -> str:
    crowd = "1 member" if room.members == 1 else f"{room.members} members"
    here = ", you talk here" if same_room(room.name, current) else ", joined" if room.joined else ""
    kind = ", private" * room.private + ", read-only" * room.read_only
    return f"({crowd}{here}{kind})" + (f" {room.description}" if room.description else "")


def verdict(found: Verification) -> Line:
    """Return what reading a log again has shown."""
    log = _log(found.room)
    if found.differs_at is not None:
        return _trouble(
            f"{log} differs from entry {found.differs_at} on: something was lost or changed."
        )
    if not found.count:
        return notice(f"{log}: nothing is in it, and the broker agrees.")
    entries = f"{log}: entries {found.first:,} to {found.last:,}"
    return notice(f"{entries}, digest {found.digest.hex()}; the broker agrees.")
