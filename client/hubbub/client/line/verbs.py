"""What a typed line asks for: pure, line in, action out.

`VERBS` is the table of slash commands; `/help` and Tab offer from it what one may do. To add one: an action in `hubbub.client.line.actions`, its
row in `VERBS`, and its case where it is carried out: `asking`, `accounts` or `moderating`.
"""

import re
from collections.abc import Callable, Container
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

from hubbub.client.line.actions import (
    HISTORY_LINES,
    Act,
    Action,
    AddPerson,
    Appoint,
    Ban,
    ChangePassword,
    ComeBack,
    ConfigureRoom,
    Enter,
    Exit,
    GoAway,
    Help,
    InviteNewcomers,
    InvitePerson,
    Kick,
    LinkDevice,
    ListBans,
    ListDevices,
    ListPeople,
    ListRooms,
    LockDown,
    MakeRoom,
    Mute,
    Nothing,
    Quit,
    RemoveDevice,
    Say,
    ShowHistory,
    ShowRoom,
    Unban,
    Unclear,
    Unmute,
    Verify,
    Whisper,
)
from hubbub.common.durations import is_duration, parse_duration
from hubbub.common.errors import InvalidDuration
from hubbub.common.fields import BanKind, LockdownLevel, RoleName
from hubbub.common.limits import SLOW_SECONDS
from hubbub.common.subjects import typed_subject

MOST_HISTORY: Final = 10_000

ROLES: Final[tuple[RoleName, ...]] = get_args(RoleName)
LEVELS: Final[dict[str, LockdownLevel]] = {
    level.replace("_", "-"): level for level in get_args(LockdownLevel)
}
"""As typed, and as on the wire."""


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table: what follows the slash and its name, what it does, and how that is read (None: it cannot be).

    `least` is the role to whom it is offered: that in the current room, with `in_chat` that in the whole chat. Nothing is refused here: the broker knows.
    """

    argument: str
    purpose: str
    read: Callable[[str], Action | None]
    least: RoleName = "member"
    in_chat: bool = False
    words: str = ""
    """What there is to choose from behind the name, if its purpose does not say it."""


def _alone(action: Action) -> Callable[[str], Action | None]:
    return lambda rest: None if rest else action


def _room(make: Callable[[str], Action]) -> Callable[[str], Action | None]:
    return lambda rest: make(rest.removeprefix("#")) if len(rest.split()) == 1 else None


def _perhaps_room(make: Callable[[str | None], Action]) -> Callable[[str], Action | None]:
    return lambda rest: _room(make)(rest) if rest else make(None)


def _text(make: Callable[[str], Action]) -> Callable[[str], Action | None]:
    return lambda rest: make(rest) if rest else None


def _whisper(rest: str) -> Action | None:
    match = re.fullmatch(r"[@\uff20]?([^\s:\uff1a]+)[:\uff1a]?\s+(.+)", rest, re.DOTALL)
    return Whisper(match[1], match[2]) if match else None


def _history(rest: str) -> Action | None:
    match = re.fullmatch(r"(?:@(?P<name>\S+))?\s*(?P<count>\d{1,5})?", rest)
    if match is None:
        return None
    count = int(match["count"] or HISTORY_LINES)
    return ShowHistory(match["name"], count) if 1 <= count <= MOST_HISTORY else None


def _name(make: Callable[[str], Action]) -> Callable[[str], Action | None]:
    return lambda rest: make(_bare(rest)) if len(rest.split()) == 1 else None


def _bare(name: str) -> str:
    """Return a name without what marks it as one."""
    return re.sub(r"^[@\uff20]|[:\uff1a]$", "", name)


def _measure(make: Callable[[str, int, str], Action]) -> Callable[[str], Action | None]:
    """Read whom, for how long and why; the latter two may be left out."""

    def read(rest: str) -> Action | None:
        match rest.split():
            case [whom, length, *reason] if is_duration(length):
                return make(whom, parse_duration(length), " ".join(reason))
            case [whom, *reason]:
                return make(whom, 0, " ".join(reason))
            case _:
                return None

    return read


def _subject(whom: str) -> tuple[BanKind, str]:
    """Return whom a ban is about: behind an @ it is a name, however it goes on."""
    return typed_subject(f"@{_bare(whom)}" if whom[:1] in ("@", "\uff20") else whom)


def _devices(rest: str) -> Action | None:
    if match := re.fullmatch(r"remove\s+(\d{1,9})", rest, re.IGNORECASE):
        return RemoveDevice(int(match[1]))
    return None if rest else ListDevices()


def _invite(rest: str) -> Action | None:
    if rest.lower() in ("", "qr"):
        return InviteNewcomers(as_qr=bool(rest))
    return _name(InvitePerson)(rest)


def _role(rest: str) -> Action | None:
    match rest.split():
        case [name, role]:
            known = next((known for known in ROLES if known == role.lower()), None)
            return known and Appoint(_bare(name), known)
        case _:
            return None


_FLAGS: Final[dict[str, dict[str, Any]]] = {
    "private": {"private": True},
    "public": {"private": False},
    "read-only": {"read_only": True},
    "open": {"read_only": False},
}
SETTINGS: Final = (*_FLAGS, "slow", "history", "description")
"""The words that `/room` begins a setting with."""
SETTING_WORDS: Final = "private, public, read-only, open, slow 10s, slow off, history all, history since-joined, description TEXT"


def _settings(rest: str) -> Action | None:
    """Read the words of `/room`, each a setting or two; a description takes all that follows."""
    wish, words = ConfigureRoom(), rest.split()
    while words:
        match [word.lower() for word in words]:
            case ["slow", "off" | "0" | "0s", *_]:
                wish = replace(wish, slow=0)
                words = words[2:]
            case ["slow", length, *_]:
                wish = replace(wish, slow=parse_duration(length, SLOW_SECONDS))
                words = words[2:]
            case ["history", "all", *_]:
                wish = replace(wish, history="all")
                words = words[2:]
            case ["history", "since-joined", *_]:
                wish = replace(wish, history="since_joined")
                words = words[2:]
            case ["description", *_]:
                wish, words = replace(wish, description=" ".join(words[1:])), []
            case [word, *_] if word in _FLAGS:
                wish = replace(wish, **_FLAGS[word])
                words = words[1:]
            case _:
                return None
    return wish if rest else ShowRoom()


def _create(rest: str) -> Action | None:
    """Read a room's name, settings if there are any, and what it is for."""
    name, *words = rest.split() or [""]
    wish = MakeRoom(name.removeprefix("#"))
    while words and words[0].lower() in ("private", "read-only", "since-joined"):
        match words.pop(0).lower():
            case "private":
                wish = replace(wish, private=True)
            case "read-only":
                wish = replace(wish, read_only=True)
            case _:
                wish = replace(wish, history="since_joined")
    return replace(wish, description=" ".join(words)) if name else None


def _lockdown(rest: str) -> Action | None:
    level = LEVELS.get(rest.lower().replace("_", "-"))
    return LockDown(level) if level or not rest else None


VERBS: Final[dict[str, Verb]] = {
    "me": Verb("TEXT", "say what you do: /me waves shows * Alice waves", _text(Act)),
    "msg": Verb("NAME TEXT", "say it to NAME only, as @NAME: TEXT does", _whisper),
    "join": Verb("ROOM", "talk in ROOM; it is created if there is none", _room(Enter)),
    "create": Verb("ROOM [WORDS]", "… with WORDS: private, read-only, since-joined, TEXT", _create),
    "leave": Verb("[ROOM]", "leave ROOM, or the one you talk in", _perhaps_room(Quit)),
    "rooms": Verb("", "list the rooms", _alone(ListRooms())),
    "who": Verb("[ROOM]", "list who is online, or the members of ROOM", _perhaps_room(ListPeople)),
    "history": Verb("[@NAME] [COUNT]", "show the last messages here, or with NAME", _history),
    "verify": Verb("", "prove that nothing of the room is missing here", _alone(Verify())),
    "away": Verb("[TEXT]", "tell the others that you are away, and why", GoAway),
    "back": Verb("", "tell them that you are back", _alone(ComeBack())),
    "password": Verb("", "set one, to use your name elsewhere", _alone(ChangePassword())),
    "link": Verb("", "let another device of yours use your name", _alone(LinkDevice())),
    "devices": Verb("[remove N]", "list your devices, or remove one", _devices),
    "room": Verb("[SETTINGS]", "show the settings here; owners change them", _settings, words=SETTING_WORDS),
    "invite": Verb("[NAME]", "invite NAME here; owners, without NAME: newcomers", _invite),
    "add": Verb("NAME", "make NAME a member of this room", _name(AddPerson), "moderator"),
    "kick": Verb(
        "NAME [30m] [WHY]",
        "put NAME out of here; from the lobby: of the chat",
        _measure(lambda name, seconds, why: Kick(_bare(name), seconds, why)),
        "moderator",
    ),
    "mute": Verb(
        "NAME [30m] [WHY]",
        "let NAME say nothing here",
        _measure(lambda name, seconds, why: Mute(_bare(name), seconds, why)),
        "moderator",
    ),
    "unmute": Verb("NAME", "let NAME speak again", _name(Unmute), "moderator"),
    "role": Verb("NAME ROLE", "make NAME a member, moderator or owner", _role, "owner"),
    "ban": Verb(
        "WHOM [2d] [WHY]",
        "keep a name, address or network out of the chat",
        _measure(lambda whom, seconds, why: Ban(*_subject(whom), seconds, why)),
        "moderator",
        in_chat=True,
    ),
    "unban": Verb(
        "WHOM", "let them in again", _room(lambda whom: Unban(*_subject(whom))), "moderator", in_chat=True
    ),
    "bans": Verb("", "list who is banned", _alone(ListBans()), "moderator", in_chat=True),
    "lockdown": Verb("[LEVEL]", "say who may come and speak", _lockdown, "owner", in_chat=True, words=", ".join(LEVELS)),
    "help": Verb("[all]", "show this list; all: what others may do too", lambda rest: (
        Help(all=bool(rest)) if rest.lower() in ("", "all") else None
    )),
    "exit": Verb("", "leave the chat", _alone(Exit())),
}  # fmt: skip

_OTHER_FORMS: Final = (
    ("text", "say it to everybody in the room"),
    ("@name: text", "say it to one person only"),
    ("//text", "say something that begins with a slash"),
)

# Whoever typed a space before the colon, or a full-width @ or colon, meant a private message too.
_PRIVATE: Final = re.compile(
    r"[@\uff20](?P<to>[^\s@:#/\uff1a]+)\s*[:\uff1a](?P<text>.*)", re.DOTALL
)
_MENTION: Final = re.compile(r"[@\uff20](?P<name>[^\s@:#/\uff1a]+)")


def parse(line: str) -> Action:
    """Read one typed line, with or without its end. Several lines at once, as they are pasted, are one message."""
    text = line.rstrip()
    start = text.lstrip()
    if not start:
        return Nothing()
    if start.startswith("//"):
        return Say(start[1:])
    if start.startswith("/"):
        return _command(start[1:])
    if private := _PRIVATE.match(start):
        return _to_person(private["to"], private["text"].strip())
    mention = _MENTION.match(start)
    return Say(text, mention["name"].rstrip(".,;!?") if mention else None)


def _command(text: str) -> Action:
    name, rest = re.fullmatch(r"(\S*)\s*(.*)", text, re.DOTALL).groups()  # type: ignore[union-attr] # it always matches
    verb = VERBS.get(name.lower())
    if verb is None and "\n" in text:
        return Say(f"/{text}")  # a pasted file, say: nobody types a command like that
    if verb is None:
        return Unclear(f"There is no command /{name}; /help lists them, //{name} says it as text.")
    try:
        return verb.read(rest) or _unclear(name.lower(), verb)
    except InvalidDuration as error:
        return Unclear(f"Not done: {error}.")


def _unclear(name: str, verb: Verb) -> Unclear:
    choice = f" {verb.argument.strip('[]')}: {verb.words}." if verb.words else ""
    return Unclear(f"Write {usage(name)}: {verb.purpose}.{choice}")


def _to_person(to: str, text: str) -> Action:
    if not text:
        return Unclear(f"Not sent: write @{to}: and your text.")
    return Whisper(to, text)


def without_secret(line: str) -> str:
    """Return a typed line as it may stand on a screen: of a password that was typed behind its command, against all advice, nothing stays."""
    return re.sub(r"(?i)^(\s*/password)\s.*", r"\1", line, flags=re.DOTALL)


def usage(name: str) -> str:
    """Return how the command is typed, for example `/join ROOM`."""
    return f"/{name} {VERBS[name].argument}".rstrip()


def help_lines(columns: int = 80, offered: Container[str] = VERBS) -> list[str]:
    """Return what can be typed, of the commands those that are `offered`: a line each where there is room, else two."""
    verbs = {name: verb for name, verb in VERBS.items() if name in offered}
    rows = [*_OTHER_FORMS, *((usage(name), verb.purpose) for name, verb in verbs.items())]
    width = max(len(form) for form, _ in rows)
    if width + 2 + max(len(purpose) for _, purpose in rows) >= columns:
        return [f"{form}\n{purpose}" for form, purpose in rows]
    return [f"{form:<{width}}  {purpose}" for form, purpose in rows]
