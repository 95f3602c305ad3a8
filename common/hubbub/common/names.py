"""Names of users and rooms: what is allowed, and when two are the same.

Pure and free of tables that change with a library's version, so that broker and clients agree. Look-alikes (a Cyrillic А in "Аlice")
are the broker's concern alone: `hubbub.broker.core.lookalikes`.
"""

import unicodedata
from typing import Final

from hubbub.common.errors import InvalidName
from hubbub.common.limits import NAME_CHARACTERS, RAW_NAME_CHARACTERS

LOBBY: Final = "lobby"
"""The room that holds everybody."""

FORBIDDEN: Final = frozenset("@:#/")
_FORBIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
"""Control, format (right-to-left overrides, zero-width), surrogate, private, unassigned; every kind of space."""
_INVISIBLE: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
"""Letters, marks and symbols that show nothing: fillers, variation selectors, the empty Braille cell."""


def canonical(name: str) -> str:
    """Return `name` in NFKC, the form that is stored and shown.

    Raises InvalidName unless it then has 1 to 32 characters, none of `@ : # /`, no space, no control, format, private, unassigned or
    otherwise invisible character, and does not begin with a combining mark.
    """
    if len(name) > RAW_NAME_CHARACTERS:
        raise InvalidName(
            f"a name has at most {NAME_CHARACTERS} characters, this one has {len(name)}"
        )
    normal = unicodedata.normalize("NFKC", name)
    if not normal:
        raise InvalidName("a name cannot be empty")
    if len(normal) > NAME_CHARACTERS:
        raise InvalidName(
            f"a name has at most {NAME_CHARACTERS} characters, this one has {len(normal)}"
        )
    if unicodedata.category(normal[0]).startswith("M"):
        raise InvalidName("a name cannot begin with a combining mark")
    for character in normal:
        if character in FORBIDDEN:
            raise InvalidName(f"a name cannot contain {character!r} (nor any of @ : # /)")
        if unicodedata.category(character) in _FORBIDDEN_CATEGORIES or character in _INVISIBLE:
            kind = "a space" if character == " " else "a space or an invisible character"
            raise InvalidName(f"a name cannot contain {kind}")
    return normal


def fold(name: str) -> str:
    """Return the key under which `name` is looked up: equal for names that differ only in case or compatibility form.

    What is too long to be a name is returned as it is: normalizing 64 KiB of combining marks takes 0.8 s.
    """
    if len(name) > RAW_NAME_CHARACTERS:
        return name
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
