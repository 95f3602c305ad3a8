"""What the app is shown: updates out of what was read, one's own writes recognised, and never more than it can hold. Pure."""

from collections.abc import Callable, Sequence
from typing import Final, assert_never

from hubbub.client.effects import Effect, Emit
from hubbub.client.logs import Found, Hole, LogReader, Mismatch, Read
from hubbub.client.narrator import narrate
from hubbub.client.outbox import Entry, Outbox
from hubbub.client.updates import Diverged, Missed, Update
from hubbub.common.codec import encode
from hubbub.common.commands import Post, Tell, Write
from hubbub.common.events import MessagePosted, MessageTold

FULL: Final = 10_000
"""Updates that wait for the app before no more are taken."""
ROOM_AGAIN: Final = FULL // 2
LAG_SECONDS: Final = 1.0
"""For so long the app may be behind by that many before what is published is passed over, and fetched later: it may just be a burst."""

_MESSAGES: Final = (MessagePosted, MessageTold)


class Showing:
    """The stream of updates of one client. `me` is one's own name as the broker writes it."""

    def __init__(self, outbox: Outbox, do: Callable[[Effect], None]) -> None:
        self.me = ""
        self.is_full = False
        self._outbox = outbox
        self._do = do
        self._unread = 0
        self._had_room = 0.0

    def emit(self, *updates: Update) -> None:
        """Show updates to the app."""
        if updates:
            self._do(Emit(updates))
            self._unread += len(updates)
            self.is_full = self.is_full or self._unread >= FULL

    def takes_events(self, now: float) -> bool:
        """Whether what is published is to be read, if only to pass over it; else it can wait where it is."""
        return not self.is_full or now - self._had_room >= LAG_SECONDS

    def unread(self, count: int, now: float) -> bool:
        """So many updates wait for the app. True: there is room again."""
        self._unread = count
        was_full = self.is_full
        self.is_full = count >= FULL or (was_full and count > ROOM_AGAIN)
        if not self.is_full:
            self._had_room = now
        return was_full and not self.is_full

    def show(self, name: str | None, reader: LogReader, found: Sequence[Found]) -> None:
        """Show what was read of the room `name`; None: of the inbox."""
        updates = [self._told(name, reader, item) for item in found]
        self.emit(*[update for update in updates if update is not None])

    def _told(self, room: str | None, reader: LogReader, item: Found) -> Update | None:
        match item:
            case Read():
                own = self._is_own(reader, item)
                return narrate(item.event, room or "", item.seq, own, item.earlier)
            case Hole(first=first, last=last):
                return Missed(room, first, last)
            case Mismatch(seq=seq):
                return Diverged(room, seq)
            case _:
                assert_never(item)

    def _is_own(self, reader: LogReader, read: Read) -> bool:
        event = read.event
        if not isinstance(event, _MESSAGES) or event.sender != self.me:
            return False
        return reader.mine.take(read.seq) or self._outbox.claim(
            lambda write: _would_be(write, reader.log, event)
        )

    def acked(self, reader: LogReader, seq: int, settled: Sequence[tuple[int, Entry]]) -> None:
        """Writes became events seq + offset of a log: recognise those that are still to come."""
        for offset, entry in settled:
            if isinstance(entry.write, (Post, Tell)) and seq + offset > reader.seq:
                reader.mine.add(seq + offset, 1)


def _would_be(write: Write, log: bytes, event: MessagePosted | MessageTold) -> bool:
    """Whether the event looks like what this write becomes."""
    match write, event:
        case Post(room=room), MessagePosted() if room == log:
            pass
        case Tell(), MessageTold():
            pass
        case _:
            return False
    assert isinstance(write, Post | Tell)
    if (write.text, write.action) != (event.text, event.action):
        return False
    return encode(write.data) == encode(event.data)
