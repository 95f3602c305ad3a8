"""Whom and what a command names, looked up; and the lines of text that commands bring for people to read."""

import unicodedata

from hubbub.broker.core.permissions import NOT_MEMBER, Power, may_in
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.state import Account, Room, State
from hubbub.common.errors import Code

_BREAKS = frozenset({"Cc", "Zl", "Zp"})


def person(state: State, name: str) -> Account | Refusal:
    """Find somebody by name, in any case."""
    account = state.account_named(name)
    if account is None:
        return Refusal(Code.UNKNOWN_USER, f"nobody here is called {name[:64]!r}")
    return account


def place(
    state: State, actor: Account | None, power: Power, room: bytes, time: int
) -> Room | Refusal:
    """Find a room by its id, for one who has a power there. For those who are not in it, the operator (None) aside, it might as well not be there."""
    found = state.room_by_id.get(room)
    if found is not None:
        return may_in(actor, power, found, time) or found
    return NOT_MEMBER if actor else Refusal(Code.UNKNOWN_ROOM, "there is no such room")


def check_line(what: str, text: str, most_bytes: int) -> Refusal | None:
    """Refuse a text that is over its bound in UTF-8, or more than one line."""
    if len(text.encode()) > most_bytes:
        return Refusal(Code.TOO_LARGE, f"{what} has at most {most_bytes} bytes of UTF-8")
    if any(unicodedata.category(character) in _BREAKS for character in text):
        return Refusal(Code.BAD_TEXT, f"{what} is one line without control characters")
    return None
