"""Answers that come in pages, asked for until they are whole."""

from collections.abc import Callable
from typing import TypeVar

from msgspec.structs import replace

from hubbub.client.calls import Piece
from hubbub.client.logs import read_event
from hubbub.client.narrator import narrate
from hubbub.client.results import Ban, Bans, History, Member, Room
from hubbub.client.updates import Audited
from hubbub.common.commands import History as Wish
from hubbub.common.fields import LockdownLevel
from hubbub.common.limits import PAGE_ITEMS
from hubbub.common.replies import Page

_Named = TypeVar("_Named", Room, Member)


def all_pages(ask: Callable[[str], tuple[list[_Named], bool]]) -> list[_Named]:
    """Return all items of a list by name; `ask` gets the last name seen."""
    items, more = ask("")
    while more and items:
        page, more = ask(items[-1].name)
        if not page:
            break
        items += page
    return items


def all_bans(ask: Callable[[str], tuple[list[Ban], bool, LockdownLevel]]) -> Bans:
    """Return all bans; `ask` gets "KIND SUBJECT" of the last one seen."""
    bans, more, level = ask("")
    while more and bans:
        page, more, level = ask(f"{bans[-1].kind} {bans[-1].subject}")
        if not page:
            break
        bans += page
    return Bans(tuple(bans), level)


def read_deeds(
    ask: Callable[[Wish], Page], room: str, before: int | None, limit: int
) -> list[Audited]:
    """Return the last `limit` deeds of the audit room, oldest first, with a seq below `before` if that is given."""
    if limit < 1:
        raise ValueError(f"a limit is at least 1, not {limit}")
    deeds: list[Audited] = []
    wish = Wish(0, before=before, limit=min(limit, PAGE_ITEMS))
    while len(deeds) < limit:
        page = ask(wish)
        told = [
            narrate(read_event(stored.event), room=room, seq=stored.seq, earlier=True)
            for stored in page.events
        ]
        deeds[:0] = [update for update in told if isinstance(update, Audited)]
        if not (page.more and page.events):
            break
        wish = replace(wish, before=page.events[0].seq)
    return deeds[-limit:]


def read_history(ask: Callable[[Wish], Piece], wish: Wish, limit: int) -> History:
    """Return at most `limit` messages of what `wish` bounds, in the direction that it asks for.

    Pages hold all events, and a page may be cut short by its size: so more of them are asked for until there are enough messages.
    """
    if limit < 1:
        raise ValueError(f"a limit is at least 1, not {limit}")
    forward = wish.after is not None
    history = History((), more=False, first=0)
    while True:
        missing = limit - len(history)
        piece = ask(replace(wish, limit=min(missing, PAGE_ITEMS)))
        parts = (
            (history.messages, piece.messages) if forward else (piece.messages, history.messages)
        )
        history = History(parts[0] + parts[1], piece.more, piece.first)
        if not piece.more or piece.oldest is None or len(history) >= limit:
            return history
        wish = replace(wish, after=piece.newest) if forward else replace(wish, before=piece.oldest)
