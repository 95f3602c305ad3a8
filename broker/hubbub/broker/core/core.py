"""The core: commands and records in, effects and changes out.

It owns the shared state, the sessions and the roster; it never waits, reads a clock or touches a socket. The loop calls, in this order for each batch:

    handle(peer, payload) → effects, among them Submit        while a commit is in flight, this only gathers
    apply(submissions) → Batch                                decides; nothing of it may be told yet
    committed(batch) → effects   or   failed(batch) → effects

To add a command, see `rules`.
"""

from collections.abc import Callable, Sequence
from logging import WARNING
from math import inf
from typing import Final

from hubbub.broker.core import apply as applying
from hubbub.broker.core.bans import bars, holding, key_ban
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.buckets import Bucket
from hubbub.broker.core.changes import Snapshot
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, Settings
from hubbub.broker.core.effects import (
    Answer,
    Cut,
    CutNetwork,
    Effect,
    Grant,
    LogEntry,
    Revoke,
    Send,
    Strike,
)
from hubbub.broker.core.frames import Frames
from hubbub.broker.core.handlers.connection import joined
from hubbub.broker.core.handlers.login import kept_out
from hubbub.broker.core.handlers.passwords import hashed
from hubbub.broker.core.handlers.reading import fetched
from hubbub.broker.core.hashing import HashResult
from hubbub.broker.core.outcomes import committed, failed, unwritten
from hubbub.broker.core.reads import ReadResult
from hubbub.broker.core.records import Decree, Submission, Tidy
from hubbub.broker.core.sessions import Peer, Session
from hubbub.broker.core.state import Account, State
from hubbub.broker.entries import Entry
from hubbub.common.commands import Order
from hubbub.common.errors import Code, WireError
from hubbub.common.limits import (
    CODE_BYTES,
    PRODUCER_LIFETIME_DAYS,
    ROOM_ID_BYTES,
    SILENT_SECONDS,
)
from hubbub.common.replies import Closing, Subscribed

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


class Core:
    """The broker's decisions. All calls come from one thread."""

    def __init__(
        self, settings: Settings, snapshot: Snapshot, now: Now, random: Callable[[int], bytes]
    ) -> None:
        """`random` returns so many bytes that nobody can guess."""
        self.context = Context(settings, State(snapshot), started=now.monotonic, random=random)
        self._frames = Frames(self.context)
        self._next_check = now.monotonic + CHECK_SECONDS
        # Not at once: after a clock that jumped, those who come back now are not to be forgotten.
        self._next_tidy = now.monotonic + TIDY_SECONDS

    def reconfigure(self, settings: Settings) -> None:
        """Go by other settings from now on. What they forbid and is there already stays."""
        self.context.settings = settings
        self.context.tries.configure(settings.limits)
        self._frames.configure(settings.limits)

    # Frames from clients.

    def handle(self, peer: Peer, payload: bytes, now: Now) -> list[Effect]:
        """Take one frame: carry it out, hold it, or refuse it."""
        return self._submitting(peer.routing_id, lambda: self._frames.take(peer, payload, now))

    def resume(self, peer: Peer, now: Now) -> list[Effect]:
        """Go on with the frames that are held of a connection."""
        return self._submitting(peer.routing_id, lambda: self._frames.resume(peer, now))

    def _submitting(self, of: bytes, take: Callable[[], list[Effect]]) -> list[Effect]:
        """Count nothing as gathered if it fails: what was submitted goes nowhere then, and would count for ever."""
        context = self.context
        gathered, records = context.gathered_bytes, context.gathered_records
        try:
            return take()
        except BaseException:
            context.count_for(of, records - context.gathered_records)
            context.gathered_bytes, context.gathered_records = gathered, records
            raise

    def refuse_frame(self, peer: Peer, error: WireError, now: Now) -> list[Effect]:
        """Answer a message that is no frame."""
        return self._frames.refuse_frame(peer, error, now)

    def decree(self, order: Order, routing_id: bytes, now: Now) -> list[Effect]:
        """Submit an order of the operator's, whose outcome is told by `Answer`.

        It does not wait behind the bound on what clients have gathered: it may be what ends their flood, and the operator is one.
        """
        if self.context.storage_failed:
            return [Answer(routing_id, unwritten(order))]
        decree = Decree(None, order, now.wall, self.context.random(CODE_BYTES))
        return [self.context.submit(decree, routing_id)]

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
        """Go on from what is committed; sessions stay, but for those whose account never came to be, or whose device is gone.

        A commit may be on disk though it failed, and then nobody was told: who was put out by it is cut now, as is who was put out of a room, and learns the rest by coming back.
        """
        context = self.context
        context.state = State(snapshot)
        context.storage_failed = False
        effects: list[Effect] = [
            CutNetwork(subject)
            for (kind, subject), ban in context.state.bans.items()
            if kind in ("address", "network") and holding(ban, now.wall)
        ]
        for session in context.sessions:
            if session.account is None:
                continue
            account = context.state.accounts.get(session.account.number)
            if account is None or not self._may_stay(session, account, now):
                effects += context.end(session, now, cut=True)
            else:
                session.account = account
                effects += self._tell_rooms(session, account)
        return effects

    def _may_stay(self, session: Session, account: Account, now: Now) -> bool:
        state, key = self.context.state, session.peer.key
        if key not in account.devices or key_ban(state, key, now.wall):
            return False
        rooms = (state.room_by_id.get(log) for log in session.told.keys() - {account.inbox.id})
        if not all(room and room.shows(account.number) for room in rooms):
            return False
        return kept_out(self.context, account, now) is None

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

    def hashed(self, result: HashResult, now: Now) -> list[Effect]:
        """Go on with what waited for the hasher."""
        return hashed(self.context, result, now)

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
            return self._flooded(session, connection, now)
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
        burst, rate = limits.subscriptions_burst, limits.subscriptions_a_second
        bucket = session.subscriptions
        if bucket is None:
            bucket = session.subscriptions = Bucket(burst, rate)
        bucket.burst, bucket.rate = burst, rate  # they may have changed since
        return not bucket.take(1, now.monotonic)

    def _flooded(self, session: Session, connection: int, now: Now) -> list[Effect]:
        """End a session whose SUB changes its subscriptions too often."""
        strike = Strike(connection, session.peer.address)
        return [strike, *self.context.end(session, now, cut=True), Cut(connection)]

    def unsubscribe(self, events_key: str, topic: bytes, connection: int, now: Now) -> list[Effect]:
        """Take back the subscription whose end is being read."""
        session = self.context.sessions.announced(events_key)
        if session is not None and self._floods(session, now):
            return [Revoke(topic), *self._flooded(session, connection, now)]
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

    @property
    def held_bytes(self) -> int:
        """What the frames take that wait because their senders are over their budgets."""
        return self._frames.held_bytes

    def lost(self, connection: int, now: Now) -> list[Effect]:
        """A DEALER's connection is gone, and with it its session."""
        self._frames.lost(connection)
        self.context.cut_by.pop(connection, None)
        session = self.context.sessions.on_connection(connection)
        return self._drop_session(session, now, cut=False) if session is not None else []

    def is_heard(self, connection: int) -> bool:
        """Whether a connection of events is a live session's."""
        return self.context.sessions.listening_on(connection) is not None

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
        context = self.context
        times = [self._next_check, self._frames.deadline()]
        if (presence := context.roster.deadline()) is not None:
            times.append(presence)
        for waiting in (context.unsubscribe_by, context.cut_by):
            if waiting:
                times += waiting.values()
        return min(times)

    def tick(self, now: Now) -> list[Effect]:
        """Do what is due: frames that were held, presence, time-outs, tidying."""
        effects = self._frames.due(now)
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
            self.context.cut_by[connection] = inf
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
