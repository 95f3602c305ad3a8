"""Frames from clients: whose they are, what they cost, and what carries out their commands.

A frame is paid for from the budget of its account, its bytes before anything of it is decoded. Who is over it is first delayed (the frame is held, and everything
behind it, so that the order of what a client sends never changes), then told `slow_down`, and who goes on regardless is cut.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby
from logging import DEBUG, WARNING
from typing import Final, cast

from hubbub.broker.core.budgets import Budget, Costs, add_up, rounded_up
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import BUSY_SECONDS, Context, refuse
from hubbub.broker.core.effects import Cut, Effect, LogEntry, Resume, Send, Strike
from hubbub.broker.core.handlers.bans import spared
from hubbub.broker.core.holding import PAUSE_SECONDS, Frame, Holding, Sender
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.records import Decree, Writes
from hubbub.broker.core.rules import LEGAL, PRICES, QUERIES, WRITES
from hubbub.broker.core.sessions import Peer, Session, SessionState
from hubbub.broker.entries import Entry
from hubbub.common.codec import decode_commands
from hubbub.common.commands import Command, Order, Query, Write
from hubbub.common.errors import Code, WireError
from hubbub.common.limits import CODE_BYTES, KIB, QUERIES_PER_FRAME
from hubbub.common.replies import Closing, Error, Resend

RESUMED_FRAMES: Final = 16
RESUMED_BYTES: Final = 64 * KIB
"""Of one sender at once, then it is the others' turn: as many as are read from the socket."""
REST_SECONDS: Final = 10.0
"""Until an account may come back of which a session was cut for flooding: longer than its budget takes to fill, and a login costs more than a refusal."""
_TOO_MANY_QUERIES: Final = Error(
    code=Code.MALFORMED, text=f"a frame holds at most {QUERIES_PER_FRAME} queries"
)
_WRITES: Final = frozenset(WRITES)
_SLOW_DOWN: Final = "you send more than this broker takes of one account; wait"

Commands = Sequence[Command | WireError]


class Frames:
    """Takes frames, and lets those go on that were held."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._holding = Holding()
        self._senders: dict[int, Sender] = {}
        """By connection."""

    def configure(self, limits: Limits) -> None:
        """Let other limits hold from now on, for what is held too."""
        self._context.budgets.configure(limits)
        for sender in self._senders.values():
            sender.budget.configure(limits, is_bot=False)

    def take(self, peer: Peer, payload: bytes, now: Now) -> list[Effect]:
        """Carry out a frame; or hold it, or refuse it."""
        if peer.connection in self._context.cut_by:
            return []  # it was told why it has to go
        session, effects = self._session(peer, now)
        if session is None:
            return effects
        sender = self._sender(peer)
        frame = Frame(payload, now.monotonic)
        if not sender.held:
            return effects + self._attempt(sender, session, frame, now)
        is_within_window = sender.is_within_window(frame)
        if is_within_window and self._holding.has_room(sender, frame):
            self._holding.append(sender, frame)
            return effects
        sender.refusals += not is_within_window
        return effects + self._refuse(sender, session, frame, 0.0, now)

    def resume(self, peer: Peer, now: Now) -> list[Effect]:
        """Carry out what was held of a connection, as far as it can be paid for."""
        sender = self._senders.get(peer.connection)
        if sender is None:
            return []
        effects: list[Effect] = []
        size = 0
        for _ in range(RESUMED_FRAMES):
            session = self._context.sessions.get(peer.routing_id)
            if peer.connection in self._context.cut_by or (session and session.peer != peer):
                self._holding.drop(sender)  # it has to go; or has come back on another connection
            if not sender.held or size > RESUMED_BYTES:
                break
            frame = self._holding.take(sender)
            size += len(frame.payload)
            session = session or self._context.sessions.open(peer, now.monotonic)
            effects += self._attempt(sender, session, frame, now)
            if sender.held and sender.held[0] is frame:
                return effects  # it waits on
        if sender.held:
            self._holding.schedule(sender, now.monotonic)
        return effects

    def due(self, now: Now) -> list[Effect]:
        """Let those go on whose time has come."""
        return [Resume(sender.peer) for sender in self._holding.due(now.monotonic)]

    def deadline(self) -> float:
        """Return the monotonic time of the next `due`; infinity: nothing is held."""
        return self._holding.deadline()

    @property
    def held_bytes(self) -> int:
        """What is held of all connections."""
        return self._holding.bytes

    def lost(self, connection: int) -> None:
        """A connection is gone, and with it what was held of it: not acknowledged, so its client sends it again."""
        sender = self._senders.pop(connection, None)
        if sender is not None:
            self._holding.drop(sender)

    def refuse_frame(self, peer: Peer, error: WireError, now: Now) -> list[Effect]:
        """Answer a message that is no frame."""
        if peer.connection in self._context.cut_by:
            return []
        session, effects = self._session(peer, now)
        if session is None:
            return effects
        return effects + self._unreadable(self._sender(peer), session, error, now.monotonic, now)

    # Whose it is.

    def _session(self, peer: Peer, now: Now) -> tuple[Session | None, list[Effect]]:
        """Find or begin the session of a frame; None: its routing id belongs to another key, which is cut."""
        effects: list[Effect] = []
        session = self._context.sessions.get(peer.routing_id)
        if session is not None:
            if session.peer.key != peer.key:
                text = "A client that claimed another's place is disconnected."
                entry = Entry("place_claimed", text)
                strike = Strike(peer.connection, peer.address)
                return None, [LogEntry(entry, WARNING), strike, Cut(peer.connection)]
            if session.peer.connection == peer.connection:
                session.heard = now.monotonic
                return session, effects
            effects = self._context.end(session, now)
        return self._context.sessions.open(peer, now.monotonic), effects

    def _current(self, session: Session) -> Session:
        """Return the session that stands in its place after a `hello` began it anew."""
        return self._context.sessions.get(session.peer.routing_id) or session

    def _sender(self, peer: Peer) -> Sender:
        sender = self._senders.get(peer.connection)
        if sender is None:
            budget = Budget(self._context.settings.limits, is_bot=False)
            sender = Sender(peer, budget)
            if peer.connection:  # of one that is not known nobody would tell the end
                self._senders[peer.connection] = sender
        return sender

    def _budget(self, sender: Sender, session: Session, now: Now) -> Budget:
        """Return what a session is paid from: its account's budget, before the login its connection's."""
        if session.account is None:
            return sender.budget
        return self._context.budgets.of(session.account, now.monotonic)

    # What it costs.

    def _attempt(self, sender: Sender, session: Session, frame: Frame, now: Now) -> list[Effect]:
        """Carry out a frame if it can be paid for; or else hold it before the others of its sender, or refuse it."""
        budget = self._budget(sender, session, now)
        if not frame.is_paid:
            wait = budget.take_frame(len(frame.payload), now.monotonic)
            if wait:
                return self._delay(sender, session, frame, wait, now)
            frame.is_paid = True
        try:
            commands = decode_commands(frame.payload)
        except WireError as error:
            return self._unreadable(sender, session, error, frame.arrived, now)
        if sender.is_sent_away and _is_stale(session, commands):
            sender.went_on(frame.arrived)
            return self._cut_if_enough(sender, session, now)
        sender.came(frame.arrived)
        wait = budget.take(_costs(commands), now.monotonic)
        if wait:
            return self._delay(sender, session, frame, wait, now)
        return self._carry_out(session, commands, len(frame.payload), budget, now)

    def _delay(
        self, sender: Sender, session: Session, frame: Frame, wait: float, now: Now
    ) -> list[Effect]:
        """Hold a frame that can be paid for in `wait` seconds, unless that is too long or its client was told to wait."""
        at = now.monotonic + max(wait, PAUSE_SECONDS)
        too_late = frame.arrived + self._context.settings.limits.delay_seconds < at
        if too_late or sender.is_told(now.monotonic) or not self._holding.has_room(sender, frame):
            return self._refuse(sender, session, frame, wait, now)
        self._holding.put_first(sender, frame, at)
        return []

    def _refuse(
        self, sender: Sender, session: Session, frame: Frame, wait: float, now: Now
    ) -> list[Effect]:
        """Let the client come again with what is in a frame, in `wait` seconds."""
        after = rounded_up(max(wait, BUSY_SECONDS))
        self._context.slowed_down += 1
        sender.refused(frame.arrived, now.monotonic, after)
        effects = self._cut_if_enough(sender, session, now)
        if effects:
            return effects
        try:
            commands = decode_commands(frame.payload)
        except WireError as error:
            commands = [error]
        for is_write, run in _runs(commands):
            if not is_write:
                for command in run:
                    effects += _slow_down(session, command, after)
            elif not _is_stale(session, run):
                effects += self._send_back(
                    session, cast(Sequence[Write], run), Code.SLOW_DOWN, after
                )
        return effects

    def _unreadable(
        self, sender: Sender, session: Session, error: WireError, arrived: float, now: Now
    ) -> list[Effect]:
        """Answer a frame of which nothing can be read. It is not held, being no use later either."""
        wait = self._budget(sender, session, now).take((PRICES[WireError],), now.monotonic)
        if wait:
            sender.refused(arrived, now.monotonic, wait)
            sender.unreadable += 1
        reply = Error(code=error.code, text=str(error))
        return self._cut_if_enough(sender, session, now) or [
            Send(session.peer.routing_id, (reply,))
        ]

    def _cut_if_enough(self, sender: Sender, session: Session, now: Now) -> list[Effect]:
        """End the session of whoever goes on regardless, cut its connection, and let its account rest."""
        most = self._context.settings.limits.refusals_before_cut
        if max(sender.refusals, sender.unreadable) < most:
            return []
        self._holding.drop(sender)
        self._context.flooded += 1
        text = "A client that did not slow down is disconnected."
        closing = Closing(code=Code.FLOODING, text=_SLOW_DOWN, retry_after=REST_SECONDS)
        if session.account is not None:
            budget = self._context.budgets.of(session.account, now.monotonic)
            budget.rests_until = now.monotonic + REST_SECONDS
        self._context.see_off(sender.peer.connection, now)
        return [
            # Of strangers there may be any number.
            LogEntry(Entry("client_flooded", text), WARNING if session.account else DEBUG),
            Strike(sender.peer.connection, sender.peer.address),
            Send(session.peer.routing_id, (closing,), push=True),
            *self._context.end(session, now),
        ]

    # What carries it out.

    def _carry_out(
        self,
        session: Session,
        commands: Commands,
        size: int,
        payer: Budget,
        now: Now,
    ) -> list[Effect]:
        """Answer queries, submit runs of writes."""
        effects: list[Effect] = []
        share = size // len(commands)
        queries = 0
        for is_write, run in _runs(commands):
            if is_write:
                writes = cast(Sequence[Write], run)
                effects += self._write(self._current(session), writes, share * len(run), payer, now)
                continue
            for command in run:
                queries += isinstance(command, Query)
                if queries <= QUERIES_PER_FRAME:
                    effects += self._answer(self._current(session), command, now)
        if queries > QUERIES_PER_FRAME:
            effects.append(Send(session.peer.routing_id, (_TOO_MANY_QUERIES,)))
        return effects

    def _answer(self, session: Session, command: Command | WireError, now: Now) -> list[Effect]:
        if isinstance(command, WireError):
            return _not_understood(session, command)
        assert isinstance(command, Query), "a command is a Query or a Write"
        if type(command) in LEGAL[session.state]:
            if isinstance(command, Order):
                return self._order(session, command, now)
            return QUERIES[type(command)].answer(self._context, session, command, now)
        if session.state is SessionState.LIVE:
            return refuse(session, command, Code.WRONG_STATE, "this session is logged in already")
        return refuse(session, command, Code.LOGIN_REQUIRED, "log in first: hello, then login")

    def _order(self, session: Session, order: Order, now: Now) -> list[Effect]:
        """Submit an order as a decree, whose outcome answers it."""
        assert session.account is not None, "orders are legal in a live session only"
        unavailable = self._context.unavailable()
        if unavailable is not None:
            code, after = unavailable
            return refuse(session, order, code, "nothing is taken just now; try again", after)
        secret, safe = self._context.random(CODE_BYTES), spared(self._context, session, order)
        key = session.peer.key
        decree = Decree(session.account.number, order, now.wall, secret, safe, key)
        return [self._context.submit(decree, session.peer.routing_id)]

    def _write(
        self, session: Session, run: Sequence[Write], size: int, payer: Budget, now: Now
    ) -> list[Effect]:
        """Submit a run of writes as one record; or let the client send them again later."""
        if session.account is None or type(run[0]) not in LEGAL[session.state]:
            return self._send_back(session, run, Code.LOGIN_REQUIRED, 0.0)
        unavailable = self._context.unavailable()
        if unavailable is not None:
            return self._send_back(session, run, *unavailable)
        if self._context.is_ahead(session):
            return self._send_back(session, run, Code.BUSY, BUSY_SECONDS)
        if _is_stale(session, run):
            # Sent before the client was told to go back. To a producer that has no write yet these would look like those of one long forgotten.
            return self._send_back(session, run, Code.OUT_OF_ORDER, 0.0)
        budget = self._context.budgets.of(session.account, now.monotonic)
        if budget is not payer:  # it has logged in with the same frame
            wait = budget.take(_costs(run), now.monotonic)
            if wait:
                return self._send_back(session, run, Code.SLOW_DOWN, wait)
        session.resend_from = None
        refusals = {
            index: refusal
            for index, write in enumerate(run)
            if (refusal := WRITES[type(write)].check(write)) is not None
        }
        account, key = session.account.number, session.peer.key
        record = Writes(account, session.producer, now.wall, run, key, refusals)
        return [self._context.submit(record, session.peer.routing_id, count=len(run), size=size)]

    def _send_back(
        self, session: Session, run: Sequence[Write], code: Code, after: float
    ) -> list[Effect]:
        if session.account is None or type(run[0]) not in LEGAL[session.state]:
            reply = Resend(n=run[0].n, code=Code.LOGIN_REQUIRED)
            return [Send(session.peer.routing_id, (reply,))]
        return self._context.send_back(session, run[0].n, code, after)


def _costs(commands: Commands) -> Costs:
    """Return what commands cost together."""
    if len(commands) == 1:
        return (PRICES[type(commands[0])],)
    return add_up((PRICES[kind], n) for kind, n in Counter(map(type, commands)).items())


def _runs(commands: Commands) -> Iterator[tuple[bool, Commands]]:
    """Yield runs of writes (True), and of what lies between them."""
    if _WRITES.issuperset(map(type, commands)):
        yield True, commands
        return
    for is_write, run in groupby(commands, _is_write):
        yield is_write, list(run)


def _is_write(command: Command | WireError) -> bool:
    return isinstance(command, Write)


def _is_stale(session: Session, commands: Commands) -> bool:
    """Whether these are writes behind one that the client was told to send again, and that has not come yet."""
    first, n = commands[0], session.resend_from
    return (
        n is not None and isinstance(first, Write) and first.n > n and all(map(_is_write, commands))
    )


def _slow_down(session: Session, command: Command | WireError, after: float) -> list[Effect]:
    """Refuse what is no write."""
    if isinstance(command, Query):
        return refuse(session, command, Code.SLOW_DOWN, _SLOW_DOWN, after)
    assert isinstance(command, WireError), "a command is a Query or a Write"
    return _not_understood(session, command)


def _not_understood(session: Session, error: WireError) -> list[Effect]:
    reply = Error(code=error.code, text=str(error), id=error.id, n=error.n)
    return [Send(session.peer.routing_id, (reply,))]
