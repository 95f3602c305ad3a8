"""What a typed line asks for: pure, line in, action out.

`VERBS` is the table of slash commands; `/help` is made from it. To add one: an action here, its row in `VERBS`, and its case in
`hubbub.client.line.chat` or, if it is answered at once, in `hubbub.client.line.asking`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HISTORY_LINES: Final = 50
"""Messages that `/history` shows unless told otherwise."""
MOST_HISTORY: Final = 10_000


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Say:
    """Write to the current room. `mention` is the name after a leading `@`: perhaps a private message was meant."""

    text: str
    mention: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Write to the current room what one does."""

    text: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """Write to one person."""

    to: str
    text: str


Write = Say | Act | Whisper
"""What becomes a message."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Make a room the current one; become its member, create it if there is none."""

    room: str


@dataclass(frozen=True, slots=True)
class Quit:
    """End the membership of a room; without a name, of the current one."""

    room: str | None


@dataclass(frozen=True, slots=True)
class ListRooms:
    """Show which rooms there are."""


@dataclass(frozen=True, slots=True)
class ListPeople:
    """Show who is online; with a room, its members."""

    room: str | None


@dataclass(frozen=True, slots=True)
class ShowHistory:
    """Show what was said last: in the current room, or privately `with_` a person."""

    with_: str | None = None
    count: int = HISTORY_LINES


@dataclass(frozen=True, slots=True)
class Verify:
    """Prove that nothing of the current room is missing here."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """Tell the others that one is away."""

    text: str


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Tell the others that one is back."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show what can be typed."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the chat."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The line cannot be carried out; `reason` tells what to type instead."""

    reason: str


Action = (
    Nothing
    | Write
    | Enter
    | Quit
    | ListRooms
    | ListPeople
    | ShowHistory
    | Verify
    | GoAway
    | ComeBack
    | Help
    | Exit
    | Unclear
)


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table: what follows the slash and its name, what it does, and how that is read (None: it cannot be)."""

    argument: str
    purpose: str
    read: Callable[[str], Action | None]


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


VERBS: Final[dict[str, Verb]] = {
    "me": Verb("TEXT", "say what you do: /me waves shows * Alice waves", _text(Act)),
    "msg": Verb("NAME TEXT", "say it to NAME only, as @NAME: TEXT does", _whisper),
    "join": Verb("ROOM", "talk in ROOM; it is created if there is none", _room(Enter)),
    "leave": Verb("[ROOM]", "leave ROOM, or the one you talk in", _perhaps_room(Quit)),
    "rooms": Verb("", "list the rooms", _alone(ListRooms())),
    "who": Verb("[ROOM]", "list who is online, or the members of ROOM", _perhaps_room(ListPeople)),
    "history": Verb("[@NAME] [COUNT]", "show the last messages here, or with NAME", _history),
    "verify": Verb("", "prove that nothing of the room is missing here", _alone(Verify())),
    "away": Verb("[TEXT]", "tell the others that you are away, and why", GoAway),
    "back": Verb("", "tell them that you are back", _alone(ComeBack())),
    "help": Verb("", "show this list", _alone(Help())),
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
    return verb.read(rest) or Unclear(f"Write {usage(name.lower())}: {verb.purpose}.")


def _to_person(to: str, text: str) -> Action:
    if not text:
        return Unclear(f"Not sent: write @{to}: and your text.")
    return Whisper(to, text)


def usage(name: str) -> str:
    """Return how the command is typed, for example `/join ROOM`."""
    return f"/{name} {VERBS[name].argument}".rstrip()


def help_lines(columns: int = 80) -> list[str]:
    """Return what can be typed: a line each where there is room, else two."""
    rows = [*_OTHER_FORMS, *((usage(name), verb.purpose) for name, verb in VERBS.items())]
    width = max(len(form) for form, _ in rows)
    if width + 2 + max(len(purpose) for _, purpose in rows) >= columns:
        return [f"{form}\n{purpose}" for form, purpose in rows]
    return [f"{form:<{width}}  {purpose}" for form, purpose in rows]
