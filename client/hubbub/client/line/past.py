"""What was said before: on coming in, on entering a room, on request; and how far the person has read.

How far was read goes to the broker now and then, so that the next visit, from whatever device, knows what is new.
"""

from collections.abc import Callable
from dataclasses import replace
from time import monotonic
from typing import Final

from hubbub.client import updates
from hubbub.client.client import Client
from hubbub.client.line import actions, authority, screen
from hubbub.client.line.dating import Dating
from hubbub.client.line.lines import Line, notice, rule
from hubbub.client.results import History, Marker
from hubbub.common.errors import HubbubError
from hubbub.common.names import LOBBY, fold

EARLIER: Final = 20
"""Messages of a room that are shown on coming in."""
UNREAD: Final = 100
"""So many if they are new."""
MARK_SECONDS: Final = 10.0
ARRIVAL_SECONDS: Final = 2.0
"""How long the broker may take to answer each question about the past, before the chat begins without it."""

Message = updates.Message | updates.PrivateMessage


class Past:
    """The past of one chat. `clock` tells milliseconds since 1970, UTC. `recalls`: for a person, who reads; a program is told what it asks for."""

    def __init__(
        self, client: Client, dating: Dating, clock: Callable[[], int], *, recalls: bool
    ) -> None:
        self._client = client
        self._dating = dating
        self._clock = clock
        self._recalls = recalls
        self._told: set[str] = set()  # rooms whose past was shown, folded
        self._caught_up: set[str | None] = set()
        """The logs (rooms folded; None: the private messages) of which all that is new was shown; of others, what comes now is not all to be read."""
        self._unmarked: dict[str | None, int] = {}  # None: the private messages
        self._mark_at: float | None = None

    # How far was read.

    def happens(self, update: updates.Update) -> None:
        """An update was shown: what it tells of has been read."""
        match update:
            case updates.RoomJoined(room=room):
                self._caught_up.add(fold(room))  # by `entry`, or by the session that joined it
            case updates.Message(room=room, seq=seq) | updates.RoomCreated(room=room, seq=seq):
                self._reach(room, seq)
            case updates.MemberJoined(room=room, seq=seq) | updates.MemberLeft(room=room, seq=seq):
                self._reach(room, seq)
            case updates.RoleChanged(room=room, seq=seq) | updates.MemberMuted(room=room, seq=seq):
                self._reach(room, seq)
            case updates.RoomChanged(room=room, seq=seq) | updates.Audited(room=room, seq=seq):
                self._reach(room, seq)
            case updates.PrivateMessage(seq=seq) | updates.Invited(seq=seq):
                self._reach(None, seq)
            case updates.MarkerMoved(room=room, read=read):
                if self._unmarked.get(room, read + 1) <= read:
                    del self._unmarked[room]
            case updates.LogReplaced():
                self._unmarked.clear()
            case _:
                pass

    def _reach(self, room: str | None, seq: int) -> None:
        if self._recalls:
            self._unmarked[room] = max(seq, self._unmarked.get(room, 0))
            self._mark_at = self._mark_at or monotonic() + MARK_SECONDS

    def _catch_up(self, marker: Marker) -> None:
        """All that was new in a log is shown, or there was nothing."""
        self._caught_up.add(marker.room and fold(marker.room))
        if marker.start > marker.read:
            self._reach(marker.room, marker.start)

    def mark_in(self) -> float | None:
        """In how many seconds `mark` is due; None: there is nothing to mark."""
        return None if self._mark_at is None else max(0.0, self._mark_at - monotonic())

    def mark(self) -> None:
        """Tell the broker how far was read: nothing of a room whose news are still to be shown."""
        self._mark_at = None
        for room in [room for room in self._unmarked if (room and fold(room)) in self._caught_up]:
            self._client.mark_read_nowait(room, self._unmarked.pop(room))

    # What was said.

    def arrival(self) -> list[Line]:
        """Return what one finds on coming in: the last of the lobby, new private messages, which other rooms have news."""
        if not self._recalls:
            return []
        try:
            markers = self._client.markers(timeout=ARRIVAL_SECONDS)
            lines = [line for m in markers if m.room == LOBBY for line in self._room(m)]
            lines += [line for m in markers if m.room is None for line in self._private(m)]
            news = [m.room for m in markers if m.room not in (None, LOBBY) and self._has_news(m)]
        except HubbubError:
            self._caught_up.clear()
            self._unmarked.clear()
            return [notice("What was said before cannot be shown: the broker does not answer.")]
        if lines:
            lines.append(rule("now"))
        if news:
            lines.append(notice(f"There is news in {', '.join(map(str, news))}; /join shows it."))
        return lines

    def _has_news(self, marker: Marker) -> bool:
        """Whether others wrote in a room meanwhile; who came and went is no news, nor is what one wrote oneself."""
        if marker.start > marker.read:
            page = self._client.history(
                marker.room, before=marker.start + 1, limit=UNREAD, timeout=ARRIVAL_SECONDS
            )
            if self._first_new(page, marker) < len(page):
                return True
        self._catch_up(marker)
        return False

    def _first_new(self, page: History, marker: Marker) -> int:
        """Return the place of the first message that others wrote and one has not read; behind the last if there is none."""
        me = self._client.name
        unread = (i for i, m in enumerate(page) if m.seq > marker.read and m.sender != me)
        return next(unread, len(page))

    def entry(self, room: str) -> list[Line]:
        """Return what one finds on entering a room for the first time in this chat."""
        if not self._recalls or fold(room) in self._told:
            return []
        lines = [
            line
            for marker in self._client.markers()
            if marker.room and screen.same_room(marker.room, room)
            for line in self._room(marker)
        ]
        return [*lines, rule("now")] if lines else []

    def request(self, wish: actions.ShowHistory, room: str) -> list[Line]:
        """Return what was asked for."""
        if wish.with_ is not None:
            page = self._client.history(with_=wish.with_, limit=wish.count)
            where = f"between {wish.with_} and you"
        else:
            page = self._client.history(room, limit=wish.count)
            where = f"in {room}"
            if not len(page) and (deeds := self._deeds(room, None, wish.count)):
                return [rule(f"the last entries of {room}"), *deeds, rule("now")]
        if not len(page):
            return [notice(f"Nothing was said {where} yet.")]
        messages = "message" if len(page) == 1 else f"{len(page)} messages"
        title = f"the last {messages} {where}" if page.more else f"all that was said {where}"
        return [rule(title), *(self._line(message, room) for message in page), rule("now")]

    def _room(self, marker: Marker) -> list[Line]:
        """Return the last messages of a room from before this chat, parted where they are new."""
        assert marker.room is not None
        page = self._client.history(
            marker.room, before=marker.start + 1, limit=UNREAD, timeout=ARRIVAL_SECONDS
        )
        self._told.add(fold(marker.room))
        self._catch_up(marker)
        if not len(page) and (deeds := self._deeds(marker.room, marker.start + 1, EARLIER)):
            return [rule(f"earlier in {marker.room}"), *deeds]
        first = self._first_new(page, marker)
        start = max(0, min(first, len(page) - EARLIER))
        lines: list[Line] = []
        if page.more and not first:
            lines.append(notice(f"More than {UNREAD} messages are new; /history 1000 shows more."))
        if start < first:
            more = "; /history shows more" if page.more or start else ""
            lines.append(rule(f"earlier in {marker.room}{more}"))
        for place, message in enumerate(page[start:], start):
            if place == first:
                lines.append(rule(self._new_since(page, first)))
            lines.append(self._line(message, marker.room, earlier=place < first))
        return lines

    def _deeds(self, room: str, before: int | None, count: int) -> list[Line]:
        """Return what the audit room tells, where nobody says anything; nothing of another room."""
        me, when = self._client.name, lambda time: self._dating.since(time, self._clock())
        deeds = self._client.moderation.audit(
            room, before=before, limit=count, timeout=ARRIVAL_SECONDS
        )
        lines = (authority.line(deed, me=me, room=room, when=when) for deed in deeds)
        return [replace(line, earlier=True) for line in lines if line is not None]

    def _new_since(self, page: History, first: int) -> str:
        if not first:
            return "new"
        return f"new since {self._dating.since(page[first - 1].time, self._clock())}"

    def _private(self, marker: Marker) -> list[Line]:
        """Return the private messages that came while one was away."""
        page = self._client.history(before=marker.start + 1, limit=UNREAD, timeout=ARRIVAL_SECONDS)
        self._catch_up(marker)
        new = [m for m in page if m.seq > marker.read and m.sender != self._client.name]
        if not new:
            return []
        lines = [rule("private messages while you were away")]
        if (before := len(new) - EARLIER) > 0:
            least = "At least " if page.more and page[0].seq > marker.read else ""
            lines.append(notice(f"{least}{before} before these; /history @NAME shows them."))
        return lines + [self._line(m, LOBBY, earlier=False) for m in new[-EARLIER:]]

    def _line(self, message: Message, room: str, *, earlier: bool = True) -> Line:
        me = self._client.name
        if isinstance(message, updates.Message):
            line = screen.spoken(message, me=me, room=room)
        else:
            line = screen.private(message, me=me)
        return replace(line, earlier=earlier, may_skip=False, rings=False)
