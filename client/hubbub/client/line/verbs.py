"""What a typed line asks for: pure, line in, action out.

`VERBS` is the table of slash commands; `/help` is made from it. To add one: an action here, its row in `VERBS`, and its case in
`hubbub.client.line.chat`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Say:
    """Write to the current room. `mention` is the name after a leading `@`: perhaps a private message was meant."""

    text: str
    mention: str | None = None


@dataclass(frozen=True, slots=True)
class Whisper:
    """Write to one person."""

    to: str
    text: str


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
    Nothing | Say | Whisper | Enter | Quit | ListRooms | ListPeople | Help | Exit | Unclear
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Verb:
    """A row of the table: what follows the slash and its name, what it does, and the action for a word behind it ("" for none)."""

    argument: str
    purpose: str
    action: Callable[[str], Action]

    @property
    def words(self) -> tuple[int, int]:
        """The least and the most words behind it; an argument in brackets may be left out."""
        return (int(self.argument[:1] not in ("", "[")), int(bool(self.argument)))


VERBS: Final[dict[str, Verb]] = {
    "join": Verb("ROOM", "talk in ROOM from now on (it is created if there is none)", Enter),
    "leave": Verb("[ROOM]", "leave ROOM, or the one you talk in", lambda word: Quit(word or None)),
    "rooms": Verb("", "list the rooms", lambda _: ListRooms()),
    "who": Verb("[ROOM]", "list who is online, or the members of ROOM", lambda word: ListPeople(word or None)),
    "help": Verb("", "show this list", lambda _: Help()),
    "exit": Verb("", "leave the chat", lambda _: Exit()),
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
    """Read one typed line, with or without its end."""
    text = line.rstrip()
    start = text.lstrip()
    if not start:
        return Nothing()
    if start.startswith("//"):
        return Say(start[1:])
    if start.startswith("/"):
        return _command(start[1:])
    if private := _PRIVATE.match(start):
        return _whisper(private["to"], private["text"].strip())
    mention = _MENTION.match(start)
    return Say(text, mention["name"].rstrip(".,;!?") if mention else None)


def _command(text: str) -> Action:
    name, _, rest = text.partition(" ")
    verb = VERBS.get(name.lower())
    if verb is None:
        return Unclear(f"There is no command /{name}; /help lists them, //{name} says it as text.")
    words = rest.split()
    least, most = verb.words
    if not least <= len(words) <= most:
        return Unclear(f"Write {usage(name.lower())}: {verb.purpose}.")
    return verb.action(words[0].removeprefix("#") if words else "")


def _whisper(to: str, text: str) -> Action:
    if not text:
        return Unclear(f"Not sent: write @{to}: and your text.")
    return Whisper(to, text)


def usage(name: str) -> str:
    """Return how the command is typed, for example `/join ROOM`."""
    return f"/{name} {VERBS[name].argument}".rstrip()


def help_lines() -> list[str]:
    """Return what can be typed, one line each."""
    rows = [*_OTHER_FORMS, *((usage(name), verb.purpose) for name, verb in VERBS.items())]
    width = max(len(form) for form, _ in rows)
    return [f"{form:<{width}}  {purpose}" for form, purpose in rows]
