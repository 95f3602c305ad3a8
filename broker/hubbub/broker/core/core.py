"""The core: commands and records in, effects and changes out.

It owns the shared state, the sessions and the roster; it never waits, reads a clock or touches a socket. The loop calls, in this order for each batch:

    handle(peer, commands) → effects, among them Submit       while a commit is in flight, this only gathers
    apply(submissions) → Batch                                decides; nothing of it may be told yet
    committed(batch) → effects   or   failed(batch) → effects

To add a command, see `rules`.
"""

from collections.abc import Callable, Sequence
from itertools import chain, groupby
from logging import WARNING
from typing import Final, cast

from hubbub.broker.core import apply as applying
from hubbub.broker.core.bans import bars
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import Snapshot
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, Settings, refuse
from hubbub.broker.core.effects import Cut, Effect, Grant, LogEntry, Revoke, Send
from hubbub.broker.core.handlers.bans import spared
from hubbub.broker.core.handlers.connection import joined
from hubbub.broker.core.handlers.reading import fetched
from hubbub.broker.core.outcomes import committed, failed
from hubbub.broker.core.reads import ReadResult
from hubbub.broker.core.records import Decree, Refusal, Submission, Tidy, Writes
from hubbub.broker.core.rules import LEGAL, QUERIES, WRITES
from hubbub.broker.core.sessions import Peer, Session, SessionState
from hubbub.broker.core.state import Account, State
from hubbub.broker.entries import Entry
from hubbub.common.commands import Command, Order, Query, Write
from hubbub.common.errors import Code, WireError
from hubbub.common.limits import (
    CODE_BYTES,
    PRODUCER_LIFETIME_DAYS,
    QUERIES_PER_FRAME,
    ROOM_ID_BYTES,
    SILENT_SECONDS,
)
from hubbub.common.replies import Closing, Error, Resend, Subscribed

LATE_SECONDS: Final = 2.0
"""A check so late says nothing of the sessions: the broker itself was stopped."""
CHECK_SECONDS: Final = 1.0
"""How often silent sessions are looked for."""
TIDY_SECONDS: Final = 3600.0
RETURN_SECONDS: Final = 1.0
"""After a shutdown, when the first clients shall come back: what a restart takes."""
RETURNS_A_SECOND: Final = 250
"""And so many a second from then on: each costs the broker about 4 ms, handshakes, login and catching up together (`bench/recovery.py`)."""
RETURNED_SECONDS: Final = 20.0
"""Until all shall have begun to, however many they are: within the time in which whoever comes back is no news (QUIET_START_SECONDS)."""
_DAY_MILLIS: Final = 24 * 3600 * 1000
_TOO_MANY_QUERIES: Final = Error(
    code=Code.MALFORMED, text=f"a frame holds at most {QUERIES_PER_FRAME} queries"
)


def _is_write(command: Command | WireError) -> bool:
    return isinstance(command, Write)


class Core:
    """The broker's decisions. All calls come from one thread."""

    def __init__(
        self,
        settings: Settings,
        snapshot: Snapshot,
        now: Now,
        random: Callable[[int], bytes],
    ) -> None:
        """`random` returns so many bytes that nobody can guess."""
        self.context = Context(settings, State(snapshot), started=now.monotonic, random=random)
        self._next_check = now.monotonic + CHECK_SECONDS
        # Not at once: after a clock that jumped, those who come back now are not to be forgotten.
        self._next_tidy = now.monotonic + TIDY_SECONDS

    def reconfigure(self, settings: Settings) -> None:
        """Go by other settings from now on. What they forbid and is there already stays."""
        self.context.settings = settings

    # Frames from clients.

    def handle(
        self, peer: Peer, commands: Sequence[Command | WireError], size: int, now: Now
    ) -> list[Effect]:
        """Carry out one frame of `size` bytes: answer queries, submit runs of writes."""
        gathered = self.context.gathered_records, self.context.gathered_bytes
        try:
            return self._handle(peer, commands, size, now)
        except BaseException:
            # What was submitted goes nowhere now, and would count for ever.
            self.context.gathered_records, self.context.gathered_bytes = gathered
            raise

    def _handle(
        self, peer: Peer, commands: Sequence[Command | WireError], size: int, now: Now
    ) -> list[Effect]:
        session, effects = self._session(peer, now)
        if session is None:
            return effects
        share = size // len(commands)
        queries = 0
        for is_write, group in groupby(commands, _is_write):
            run = list(group)
            if is_write:
                writes = cast(list[Write], run)
                effects += self._write(self._current(session), writes, share * len(run), now)
                continue
            for command in run:
                queries += isinstance(command, Query)
                if queries <= QUERIES_PER_FRAME:
                    effects += self._answer(self._current(session), command, now)
        if queries > QUERIES_PER_FRAME:
            effects.append(Send(peer.routing_id, (_TOO_MANY_QUERIES,)))
        return effects

    def refuse_frame(self, peer: Peer, error: WireError, now: Now) -> list[Effect]:
        """Answer a frame that could not be read."""
        session, effects = self._session(peer, now)
        if session is None:
            return effects
        return [*effects, Send(peer.routing_id, (Error(code=error.code, text=str(error)),))]

    def _session(self, peer: Peer, now: Now) -> tuple[Session | None, list[Effect]]:
        """Find or begin the session of a frame; None: its routing id belongs to another key, which is cut."""
        effects: list[Effect] = []
        session = self.context.sessions.get(peer.routing_id)
        if session is not None:
            if session.peer.key != peer.key:
                text = "A client that claimed another's place is disconnected."
                entry = Entry("place_claimed", text)
                return None, [LogEntry(entry, WARNING), Cut(peer.connection)]
            if session.peer.connection == peer.connection:
                session.heard = now.monotonic
                return session, effects
            effects = self.context.end(session, now)
        return self.context.sessions.open(peer, now.monotonic), effects

    def _current(self, session: Session) -> Session:
        """Return the session that stands in its place after a `hello` began it anew."""
        return self.context.sessions.get(session.peer.routing_id) or session

    def _answer(self, session: Session, command: Command | WireError, now: Now) -> list[Effect]:
        if isinstance(command, WireError):
            reply = Error(code=command.code, text=str(command), id=command.id, n=command.n)
            return [Send(session.peer.routing_id, (reply,))]
        assert isinstance(command, Query), "a command is a Query or a Write"
        if type(command) in LEGAL[session.state]:
            if isinstance(command, Order):
                return self._order(session, command, now)
            return QUERIES[type(command)](self.context, session, command, now)
        if session.state is SessionState.LIVE:
            return refuse(session, command, Code.WRONG_STATE, "this session is logged in already")
        return refuse(session, command, Code.LOGIN_REQUIRED, "log in first: hello, then login")

    def _order(self, session: Session, order: Order, now: Now) -> list[Effect]:
        """Submit an order as a decree, whose outcome answers it."""
        assert session.account is not None, "orders are legal in a live session only"
        unavailable = self.context.unavailable()
        if unavailable is not None:
            code, after = unavailable
            return refuse(session, order, code, "nothing is taken just now; try again", after)
        secret, safe = self.context.random(CODE_BYTES), spared(self.context, session, order)
        decree = Decree(session.account.number, order, now.wall, secret, safe)
        return [self.context.submit(decree, session.peer.routing_id)]

    def _write(self, session: Session, run: list[Write], size: int, now: Now) -> list[Effect]:
        """Submit a run of writes as one record; or let the client send them again later."""
        if session.account is None or type(run[0]) not in LEGAL[session.state]:
            reply = Resend(n=run[0].n, code=Code.LOGIN_REQUIRED)
            return [Send(session.peer.routing_id, (reply,))]
        unavailable = self.context.unavailable()
        if unavailable is not None:
            return self.context.send_back(session, run[0].n, *unavailable)
        if session.resend_from is not None and run[0].n > session.resend_from:
            # Sent before the client was told to go back. To a producer that has no write yet these would look like those of one long forgotten.
            return self.context.send_back(session, run[0].n, Code.OUT_OF_ORDER, 0.0)
        session.resend_from = None
        checked: list[tuple[Write, Refusal | None]] = [
            (write, WRITES[type(write)].check(write)) for write in run
        ]
        record = Writes(session.account.number, session.producer, now.wall, checked)
        return [self.context.submit(record, session.peer.routing_id, count=len(run), size=size)]

    # Batches.

    def apply(self, submissions: Sequence[Submission]) -> Batch:
        """Carry out records on the shared state. The next batch may be applied only when this one is committed or failed."""
        self.context.taken(submissions)
        return applying.apply(self.context.state, submissions, self.context.settings.limits)

    def committed(self, batch: Batch, now: Now) -> list[Effect]:
        """Tell what is on disk now."""
        return committed(self.context, batch, now)

    def failed(self, submissions: Sequence[Submission], now: Now) -> list[Effect]:
        """Let those wait whose records, applied or only gathered, are not on disk; take no records until `restored`."""
        self.context.storage_failed = True
        return failed(self.context, submissions, now)

    def drop(self, submissions: Sequence[Submission], now: Now) -> list[Effect]:
        """The same for records that were gathered and never applied."""
        self.context.taken(submissions)
        return self.failed(submissions, now)

    def restored(self, snapshot: Snapshot, now: Now) -> list[Effect]:
        """Go on from what is committed; sessions stay, but for those whose account never came to be."""
        context = self.context
        context.state = State(snapshot)
        context.storage_failed = False
        effects: list[Effect] = []
        for session in context.sessions:
            if session.account is None:
                continue
            account = context.state.accounts.get(session.account.number)
            if account is None:
                effects += context.end(session, now, cut=True)
            else:
                session.account = account
                effects += self._tell_rooms(session, account)
        return effects

    def _tell_rooms(self, session: Session, account: Account) -> list[Effect]:
        """Tell the rooms that `welcome` left out because the person was about to leave them, in a batch that came to nothing."""
        missed = [
            room for room in self.context.state.rooms_of(account) if room.log.id not in session.told
        ]
        for room in missed:
            session.told[room.log.id] = room.log.published.seq
        replies = tuple(joined(account, room) for room in missed)
        return [Send(session.peer.routing_id, replies)] if replies else []

    def fetched(self, ticket: int, result: ReadResult | None) -> list[Effect]:
        """Answer the query that the reader worked on; None: the store could not be read."""
        return fetched(self.context, ticket, result)

    # Subscriptions and connections.

    def admits(self, events_key: str) -> bool:
        """Whether a SUB with this key may connect: a live session announced it."""
        return self.context.sessions.announced(events_key) is not None

    def bars(self, key: str, address: str, now: Now) -> bool:
        """Whether a key (hex), or whoever is at an address, may not connect at all."""
        return bars(self.context.state, key, address, now.wall)

    def subscribe(self, events_key: str, topic: bytes, connection: int, now: Now) -> list[Effect]:
        """Grant the subscription being read if its session's person is a member of the room; reply with the head in the same turn."""
        session = self.context.sessions.announced(events_key)
        if session is None or session.account is None or len(topic) != ROOM_ID_BYTES:
            return [Cut(connection)]
        if self._floods(session, now):
            return [*self.context.end(session, now, cut=True), Cut(connection)]
        effects: list[Effect] = []
        if session.events_connection != connection:
            # Only one can be watched, and one that is not watched would go on hearing rooms that were left.
            if session.events_connection is not None:
                effects.append(Cut(session.events_connection))
            self.context.sessions.listens(session, connection)
        room = self.context.state.room_by_id.get(topic)
        if room is None or not room.shows(session.account.number):
            return effects
        session.granted.add(topic)
        head = room.log.published
        return [
            *effects,
            Grant(topic),
            Send(
                session.peer.routing_id, (Subscribed(room=topic, seq=head.seq, digest=head.digest),)
            ),
        ]

    def _floods(self, session: Session, now: Now) -> bool:
        """Count a subscription, or the end of one; return whether these are too many."""
        limits = self.context.settings.limits
        passed = now.monotonic - session.subscribed_at
        session.subscribed_at = now.monotonic
        session.subscriptions = (
            max(0.0, session.subscriptions - passed * limits.subscriptions_a_second) + 1
        )
        return session.subscriptions > limits.subscriptions_burst

    def unsubscribe(self, events_key: str, topic: bytes, connection: int, now: Now) -> list[Effect]:
        """Take back the subscription whose end is being read."""
        session = self.context.sessions.announced(events_key)
        if session is not None and self._floods(session, now):
            return [Revoke(topic), *self.context.end(session, now, cut=True), Cut(connection)]
        if session is not None and session.events_connection == connection:
            session.granted.discard(topic)
        return [Revoke(topic)]

    def misbehaved(self, events_key: str, connection: int, now: Now) -> list[Effect]:
        """End the session whose SUB sent what no SUB sends."""
        text = "A client that sent what no SUB sends is disconnected and banned."
        warning = LogEntry(Entry("client_banned", text), WARNING)
        session = self.context.sessions.announced(events_key)
        ended = self.context.end(session, now, cut=True) if session is not None else []
        return [warning, *ended, Cut(connection)]

    def lost(self, connection: int, now: Now) -> list[Effect]:
        """A DEALER's connection is gone, and with it its session."""
        session = self.context.sessions.on_connection(connection)
        return self._drop_session(session, now, cut=False) if session is not None else []

    def lost_events(self, connection: int) -> None:
        """A SUB's connection is gone, and with it its grants."""
        session = self.context.sessions.listening_on(connection)
        if session is not None:
            self.context.sessions.deafen(session)

    def unreachable(self, routing_id: bytes, now: Now, *, is_gone: bool) -> list[Effect]:
        """A reply could not be sent: end the session; its client resumes.

        If the client `is_gone`, nothing is cut: its last frames may have been read from a descriptor that was somebody else's by then.
        """
        session = self.context.sessions.get(routing_id)
        return self._drop_session(session, now, cut=not is_gone) if session is not None else []

    def _drop_session(self, session: Session, now: Now, *, cut: bool) -> list[Effect]:
        effects: list[Effect] = []
        if session.account is not None:
            name = session.account.name
            entry = Entry("user_disconnected", "{name} is disconnected.", name=name)
            effects.append(LogEntry(entry))
        return effects + self.context.end(session, now, cut=cut)

    # Time.

    def deadline(self) -> float:
        """Return the monotonic time of the next `tick` that has something to do."""
        presence = self.context.roster.deadline()
        waiting = self.context.unsubscribe_by.values(), self.context.cut_by.values()
        times = [self._next_check, *chain.from_iterable(waiting)]
        return min(times if presence is None else [*times, presence])

    def tick(self, now: Now) -> list[Effect]:
        """Do what is due: presence, time-outs, tidying."""
        effects: list[Effect] = []
        effects += self.context.presence(now)  # first: a delta cannot name one as joined and left
        self.context.roster.expire(now.monotonic)
        effects += self.context.presence(now)
        effects += self._cut_listeners(now)
        if now.monotonic >= self._next_check:
            late = now.monotonic - self._next_check
            self._next_check = now.monotonic + CHECK_SECONDS
            if late > LATE_SECONDS:
                for session in self.context.sessions:
                    session.heard = min(session.heard + late, now.monotonic)
            for session in self.context.sessions:
                if session.heard + SILENT_SECONDS < now.monotonic:
                    effects += self._drop_session(session, now, cut=True)
        if now.monotonic >= self._next_tidy and self.context.unavailable() is None:
            self._next_tidy = now.monotonic + TIDY_SECONDS
            before = now.wall - PRODUCER_LIFETIME_DAYS * _DAY_MILLIS
            keep = frozenset(
                (session.account.number, session.producer)
                for session in self.context.sessions
                if session.account is not None
            )
            effects.append(self.context.submit(Tidy(max(before, 0), keep, now.wall)))
        return effects

    def _cut_listeners(self, now: Now) -> list[Effect]:
        """Cut those who were told to go, and the SUB of those who still listen to a room they have left."""
        unsubscribe_by = self.context.unsubscribe_by
        due = [left for left, by in unsubscribe_by.items() if by <= now.monotonic]
        effects: list[Effect] = []
        expelled = [number for number, by in self.context.cut_by.items() if by <= now.monotonic]
        for connection in expelled:
            del self.context.cut_by[connection]
            effects.append(Cut(connection))
        for session, topic in due:
            del unsubscribe_by[session, topic]
            if session.events_connection is not None and self._overhears(session, topic):
                effects.append(Cut(session.events_connection))
        return effects

    def _overhears(self, session: Session, topic: bytes) -> bool:
        assert session.account is not None, "only live sessions leave rooms"
        room = self.context.state.room_by_id[topic]
        return topic in session.granted and not room.shows(session.account.number)

    def closing(self) -> list[Effect]:
        """Tell every session that the broker shuts down, and when to come back: each at another moment, since only here is known how many they are."""
        sessions = list(self.context.sessions)
        window = min(len(sessions) / RETURNS_A_SECOND, RETURNED_SECONDS)
        effects: list[Effect] = []
        for place, session in enumerate(sessions):
            closing = Closing(
                code=Code.SHUTTING_DOWN,
                text="the broker is shutting down",
                retry_after=RETURN_SECONDS + window * place / len(sessions),
            )
            effects.append(Send(session.peer.routing_id, (closing,), push=True))
        return effects
