"""Writes down all that a client shows, and where each log is read from."""

import threading
from typing import Final

from tests.chaos import naming
from tests.chaos.journal import Journal, Left, Reading, Replaced, Saw, Trouble
from tests.chaos.tally import Count, Tally

from hubbub.client import Client, updates

CALL_SECONDS: Final = 10.0


class Watcher:
    """A thread that reads the client's updates until its end."""

    def __init__(self, chat: Client, journal: Journal, tally: Tally) -> None:
        self.rooms: set[str] = set()
        """Rooms that one is in and whose beginning is written down."""
        self.seen: dict[str | None, int] = {}
        """Up to where each log was shown; None: the private messages."""
        self._chat = chat
        self._journal = journal
        self._tally = tally
        self._epoch = b""
        self._catching_up: set[str | None] = set()
        self._note_logs()
        self.thread = threading.Thread(target=self._watch, daemon=True)
        self.thread.start()

    def _note_logs(self, room: str | None = None) -> None:
        """Write down where each log is read from, or only a room's. That cannot change meanwhile: see `Talker`.

        Unless the broker's log is replaced meanwhile: then the update that says so is still to come, and all is written down anew.
        """
        epoch = self._chat.position(timeout=CALL_SECONDS).epoch
        markers = self._chat.markers(timeout=CALL_SECONDS)
        is_replaced = epoch != self._chat.position(timeout=CALL_SECONDS).epoch
        if is_replaced or (room is not None and epoch != self._epoch):
            return
        self._epoch = epoch
        for marker in markers:
            if room in (None, marker.room):
                self._journal.write(Reading(epoch.hex(), marker.room, marker.start))
                self.seen[marker.room] = marker.start
                if marker.room is not None:
                    self.rooms.add(marker.room)

    def _watch(self) -> None:
        for update in self._chat.events():
            match update:
                case updates.PrivateMessage():
                    self._saw(None, update)
                case (
                    updates.Message()
                    | updates.RoomCreated()
                    | updates.MemberJoined()
                    | updates.MemberLeft()
                ):
                    self._saw(update.room, update)
                case updates.RoomJoined(room=room):
                    self._note_logs(room)
                case updates.RoomLeft(room=room):
                    self._journal.write(Left(room))
                    self.rooms.discard(room)
                    self.seen.pop(room, None)
                case updates.LogReplaced():
                    self._journal.write(Replaced())
                    self.rooms.clear()
                    self.seen.clear()
                    self._note_logs()
                case updates.Missed() | updates.Diverged() | updates.Ended():
                    self._journal.write(Trouble(repr(update)))
                case _:
                    pass  # who comes and goes, and connections

    def _saw(self, room: str | None, update: naming.Shown) -> None:
        self._journal.write(Saw(room, update.seq, naming.of_update(update), update.time))
        self.seen[room] = update.seq
        if not update.earlier:
            self._catching_up.discard(room)
        elif room not in self._catching_up:
            self._catching_up.add(room)
            self._tally.add(Count.GAPS)
