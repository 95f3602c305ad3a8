"""Proof that nothing of a log is missing here: the whole log is read again, and the digests of both sides compared along it.

Pure but for the asking. What it proves: the broker's stored events, the digests that it keeps of them, and what this client has received are one and the
same. It is no proof against an operator who rewrites all of them.
"""

from bisect import bisect_left
from collections.abc import Callable

from hubbub.client.results import LogPosition, Verification
from hubbub.common.commands import History as Wish
from hubbub.common.digest import EMPTY, extend
from hubbub.common.replies import Page

Ask = Callable[[Wish], Page]


def verify(room: str | None, position: LogPosition, ask: Ask) -> Verification:
    """Read a log up to `position`, where this client has read, and compare. `ask` gets pages of it. 16 bytes of memory an event."""
    page = ask(Wish(0, after=0))
    first = max(1, page.first)  # an empty log has no first event
    digests = [page.before if page.events else position.digest or EMPTY]
    """Behind each event from `first` - 1 on, as they follow from the events."""
    last = first - 1
    has_hole = first == 1 and digests[0] != EMPTY and bool(page.events)
    while page.events and not has_hole and last < position.seq:
        for stored in page.events:
            has_hole = stored.seq != last + 1
            if has_hole or last == position.seq:
                break
            last += 1
            digests.append(extend(digests[-1], stored.event))
        if last < position.seq and not has_hole:
            page = ask(Wish(0, after=last))
    differs = None
    if has_hole or max(last, first - 1) < position.seq >= first:
        differs = last + 1
    elif position.digest not in (b"", digests[-1]):
        differs = _first_difference(first, digests, ask)
    return Verification(room, position.epoch, first, last, digests[-1], differs)


def _first_difference(first: int, digests: list[bytes], ask: Ask) -> int:
    """Return the first event behind which the broker keeps another digest: a chain that differs once differs ever after."""

    def differs(place: int) -> bool:
        seq = first - 1 + place
        return ask(Wish(0, after=seq, limit=1)).before != digests[place]

    places = range(1, len(digests) - 1)  # behind the last there is no event whose page would tell
    return first + bisect_left(places, True, key=differs)
