"""The session on which every client stands: what was written, what is read, and the connection that carries both. Pure.

No socket, thread, clock or random number: `now` (seconds, monotonic) is an argument and random bytes come from a callable. The driver tells
what happens (`connected`, `received`, `published` …) and what the app calls, and after any of these performs what `take` returns, in
order. It calls `tick` no later than `wake_at`. Every ticket comes back exactly once.

    writing     `hubbub.client.writing`: exactly once, in order, in full frames
    reading     `hubbub.client.reading`: every event once, in order, none missing unnoticed
    connection  `hubbub.client.link`: hello, login, pings, silence

To add a call of the app: a function in `hubbub.client.calls`. To add a reply: its line in `_take_reply`.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import count
from typing import Final, assert_never, cast

from hubbub.client.effects import Complete, Effect, Emit, End, Fail, Reconnect, Send, Ticket
from hubbub.client.errors import Closed, login_refused, put_out, refused
from hubbub.client.link import Credentials, Link, Phase
from hubbub.client.outbox import Keeping
from hubbub.client.reading import Reading
from hubbub.client.results import LoggedIn
from hubbub.client.showing import Showing
from hubbub.client.updates import ConnectionLost, ConnectionRestored, Ended
from hubbub.client.writing import Writing
from hubbub.common.commands import Logout
from hubbub.common.errors import TRANSIENT, Code, HubbubError
from hubbub.common.names import fold
from hubbub.common.replies import (
    Acked,
    AnyReply,
    BanList,
    Bye,
    Closing,
    Delivered,
    DeviceList,
    Done,
    Error,
    Greeted,
    InviteMade,
    Joined,
    Left,
    LinkMade,
    Marked,
    MemberList,
    Noted,
    Page,
    Pong,
    Reply,
    Resend,
    RoomList,
    Roster,
    Subscribed,
    Welcome,
)

OPEN_SECONDS: Final = 3.0
"""After `welcome`, how long the first login waits for subscriptions and roster before it counts as done without them."""

BYE_SECONDS: Final = 2.0
"""How long the answer to `logout` may take: everything is answered by then, so a broker that hangs keeps nobody."""


_COME_BACK: Final = frozenset({Code.SHUTTING_DOWN, Code.FLOODING})
"""Why the broker ends a session that may begin anew later; any other is over for good."""


class Session:
    """One client's session with one broker, from construction to `End`, over all reconnects.

    `opening` is the ticket of the first login: it completes, with `LoggedIn`, as soon as whatever happens will be seen.
    `credentials` are said in the first login only. `new_events_key` makes a key pair for the connection of events and returns its public half.
    """

    def __init__(
        self,
        name: str,
        *,
        random_bytes: Callable[[int], bytes],
        new_events_key: Callable[[], bytes],
        opening: Ticket = None,
        client: str = "",
        credentials: Credentials | None = None,
        keeping: Keeping | None = None,
    ) -> None:
        self.name = name
        self._effects: list[Effect] = []
        self._ids = count(1)
        self.writing = Writing(random_bytes, self.do, keeping)
        self._showing = Showing(self.writing.outbox, self.do)
        share = self.writing.outbox.producer[0] / 256  # random, so each client has another
        self.reading = Reading(self._showing, self.do, share)
        self._link = Link(
            name, client, new_events_key, self._ids, self.do, credentials or Credentials()
        )
        self._opening: Ticket = opening
        self._created = False
        self._open_by: float | None = None
        self._lost = False
        self._closing: Ticket = None
        self._logout: int | None = None
        self._bye_by = 0.0

    def do(self, effect: Effect) -> None:
        """Ask the driver for something, at the next `take`."""
        self._effects.append(effect)

    @property
    def is_over(self) -> bool:
        """Whether `End` was asked for."""
        return self._link.phase is Phase.OVER

    @property
    def is_live(self) -> bool:
        """Whether the broker has let us in, on the present connection."""
        return self._link.phase is Phase.LIVE

    @property
    def is_full(self) -> bool:
        """Whether it takes nothing in until the app has read."""
        return self._showing.is_full

    def takes_events(self, now: float) -> bool:
        """Whether frames of events are to be read. Not while the app has just got too much to read; but a connection that is never read is lost."""
        return self._showing.takes_events(now)

    # What happens to the connections.

    def connected(self, now: float) -> None:
        """The connection of commands stands, encrypted."""
        if self._link.phase is Phase.OFFLINE:
            self._greet(now)

    def disconnected(self, now: float) -> None:
        """The connection of commands is lost; the driver is making it again."""
        if self._link.phase in (Phase.GREETING, Phase.LIVE):
            self._drop(now)

    def events_lost(self, now: float) -> None:
        """The connection of events is lost; ZeroMQ makes it again by itself."""
        if self.is_live:
            self.reading.expect_grants(now)

    def _greet(self, now: float) -> None:
        if self._logout is not None:
            self.end(None)  # the broker has forgotten the session that was to end
            return
        self.reading.closed()
        self._link.greet(now, self.writing.outbox.producer)

    def _drop(self, now: float, absence: float = 0.0) -> None:
        if self._link.resuming and not self._lost:
            self._lost = True
            self._showing.emit(ConnectionLost())
        self.reading.closed()
        self._link.lost(now + absence)
        if self._logout is not None:
            self.end(None)  # the broker may have gone before its `bye` arrived

    # What the broker says.

    def received(self, replies: Iterable[Reply], now: float) -> None:
        """Take a frame from the connection of commands."""
        if self.is_over:
            return
        self._link.heard(now)
        for reply in cast(Iterable[AnyReply], replies):
            self._take_reply(reply, now)

    def published(self, topic: bytes, events: Sequence[bytes], now: float) -> None:
        """Take a frame from the connection of events."""
        if self.is_live:
            self.reading.published(topic, events, now)

    def _take_reply(self, reply: AnyReply, now: float) -> None:  # noqa: PLR0912 - a table, one line a reply
        if not (self.is_live or isinstance(reply, Welcome | Error | Closing)):
            return  # meant for an earlier session of ours
        match reply:
            case Greeted():
                pass  # its version is the only one we speak
            case Welcome():
                self._welcome(reply, now)
            case Error():
                self._error(reply, now)
            case Closing():
                self._broker_closes(reply, now)
            case Acked():
                self.reading.acked(reply.room, reply.seq, self.writing.acked(reply, now))
            case Resend():
                self._begin_anew_if(self.writing.resend(reply, now), now)
            case Pong():
                self.reading.heads(reply.heads, now)
            case Joined():
                self.reading.joined(reply, now)
            case Left():
                self.reading.left(reply.room, reply.by, reply.reason)
            case Marked():
                self.reading.marked(reply)
            case Subscribed():
                self.reading.subscribed(reply, now)
            case Delivered():
                self.reading.delivered(reply, now)
            case Page() | RoomList() | MemberList() | Roster() | Noted():
                self.reading.answer(reply, now)
            case Done() | LinkMade() | InviteMade() | DeviceList() | BanList():
                self.reading.answer(reply, now)
            case Bye():
                self.end(None)
            case _:
                assert_never(reply)

    def _begin_anew_if(self, needed: bool, now: float) -> None:
        if needed:
            self._greet(now)

    def _welcome(self, welcome: Welcome, now: float) -> None:
        if not self._link.is_greeting(welcome.id):
            return
        if self.writing.enters(welcome.epoch):
            rooms = {fold(joined.name): joined.room for joined in welcome.rooms}
            self.writing.outbox.move(rooms, welcome.inbox.room)
        self._created = self._created or welcome.created
        self.name = self._showing.me = welcome.name
        self._link.welcomed(welcome, now)
        if self._lost:
            self._lost = False
            self._showing.emit(ConnectionRestored())
        self.reading.opened(welcome, now)
        self.writing.outbox.reconnected()
        self._open_by = now + OPEN_SECONDS

    def _error(self, error: Error, now: float) -> None:
        if error.id is not None and self._link.is_greeting(error.id):
            tried_too_often = error.code == Code.SLOW_DOWN and self._link.is_proving
            if error.code in TRANSIENT and not tried_too_often:
                self._link.greet_later(now, error.retry_after)
            else:
                self.end(login_refused(error.code, error.text, error.retry_after))
        elif not self.is_live:
            pass  # meant for an earlier session of ours
        elif error.n is not None:
            self._begin_anew_if(self.writing.refused(error.n, error, now), now)
        elif error.code == Code.LOGIN_REQUIRED:
            self._greet(now)
        elif error.id is not None:
            self.reading.refused(error.id, error, now)
        else:
            self.end(refused(error.code, f"the broker refused a whole frame: {error.text}"))

    def _broker_closes(self, closing: Closing, now: float) -> None:
        if closing.code in _COME_BACK:
            self._drop(now, closing.retry_after)
            self.do(Reconnect(closing.retry_after))
        else:  # whenever it comes: also while a session begins anew that was put out just now
            self.end(put_out(closing.code, closing.text))

    # The app.

    def unread(self, count: int, now: float) -> None:
        """So many updates wait to be read by the app. To be told before anything is taken in."""
        self.reading.unread(count, now)

    def close(self, ticket: Ticket) -> None:
        """Log out as soon as everything written is answered. The ticket completes then; the driver may lose patience and `give_up`."""
        if self.is_over:
            self.do(Complete(ticket))
        else:
            self._closing = ticket

    def give_up(self) -> None:
        """End now; the broker keeps the producer's numbers."""
        if self.is_live:
            self.do(Send((Logout(next(self._ids), close_producer=False),)))
        self.end(None)

    def end(self, error: HubbubError | None) -> None:
        """Be over: fail everything that waits. With an error: not by the user's wish."""
        if self.is_over:
            return
        self._link.phase = Phase.OVER
        why = "the client was closed" if error is None else str(error)
        if self._opening is not None:
            self.do(Fail(self._opening, error or Closed(why)))
            self._opening = None
        self.writing.abandon(why)
        self.reading.abandon(why)
        if self._closing is not None:
            self.do(Complete(self._closing))
        if error is not None:
            self.do(Emit((Ended(error),)))
        self.do(End(error))

    # Time, and what is to be done.

    def tick(self, now: float) -> None:
        """Time has passed."""
        if self._link.is_silent(now):
            self._drop(now)
            self.do(Reconnect())
        if self._logout is not None and now >= self._bye_by:
            self.end(None)
        self._link.tick(now, self.writing.outbox.producer)
        if self.is_live:
            self.writing.outbox.tick(now)
            self.reading.tick(now)
            if not self.reading.check_grants(now):
                self._link.connect_events()
                self.reading.resubscribe(now)

    def take(self, now: float) -> list[Effect]:
        """Return what is to be done now, in this order."""
        if self.is_live:
            self.writing.take(now)
            while (query := self.reading.next_query(self._ids, now)) is not None:
                self.do(Send((query,)))
        self._check_opening(now)
        self.writing.check_flushes()
        self._check_closing(now)
        effects = self._effects[:]
        self._effects.clear()
        return effects

    def _check_opening(self, now: float) -> None:
        if self._opening is None or self._open_by is None or not self.is_live:
            return
        if self.reading.is_settled or now >= self._open_by:
            self.do(Complete(self._opening, LoggedIn(self.name, self._created)))
            self._opening = None

    def _check_closing(self, now: float) -> None:
        if self._closing is None or len(self.writing.outbox) or self._logout is not None:
            return
        if self.is_live:
            self._logout = next(self._ids)
            self._bye_by = now + BYE_SECONDS
            self.do(Send((Logout(self._logout),)))
        else:
            self.end(None)

    def wake_at(self, now: float) -> float | None:
        """When `tick` and `take` have something to do, if nothing happens before; None: never."""
        times = [self._link.wake_at()]
        if self.is_live:
            times += [self.writing.outbox.wake_at(now), self.reading.wake_at(now)]
            if self._opening is not None:
                times.append(self._open_by)
            if self._logout is not None:
                times.append(self._bye_by)
        return min((time for time in times if time is not None), default=None)
