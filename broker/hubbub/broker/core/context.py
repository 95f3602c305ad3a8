"""What handlers work on: the shared state, the sessions, the roster, and the broker's settings. One loop owns it; there are no locks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final, Literal

from hubbub.broker.core.budgets import Budgets
from hubbub.broker.core.clock import Now
from hubbub.broker.core.effects import Cut, Effect, Publish, Send, Submit
from hubbub.broker.core.limits import LIMITS, PASSWORDS, Limits, Passwords
from hubbub.broker.core.link_codes import LinkCodes
from hubbub.broker.core.presence import Roster
from hubbub.broker.core.records import Record, Submission
from hubbub.broker.core.sessions import Session, Sessions
from hubbub.broker.core.state import State
from hubbub.broker.core.tries import Tries
from hubbub.common.commands import Query
from hubbub.common.errors import Code
from hubbub.common.limits import MIB, WINDOW_COMMANDS
from hubbub.common.replies import Error, Resend

GATHERED_RECORDS: Final = 16_384
GATHERED_BYTES: Final = 8 * MIB
"""Submitted and not yet applied; beyond it writes get `busy`."""
GATHERED_RECORDS_OF_ONE: Final = 2 * WINDOW_COMMANDS
"""Of one session: a client's window, twice in case it was sent again. Without it one that keeps to no window would have the others' writes get `busy`."""
BUSY_SECONDS: Final = 0.1
"""How long a client waits after `busy`: a few commits."""
HASHING_SECONDS: Final = 1.0
"""How long when too many passwords wait to be hashed: about as long as those before it take."""
UNAVAILABLE_SECONDS: Final = 1.0
"""How long after `storage_unavailable`: the pace at which the broker probes."""
FAREWELL_SECONDS: Final = 0.1
"""Between a `closing` and the cut: time for it to leave. The session is gone before."""


Registration = Literal["open", "invite", "closed"]
"""Who may take a new name: anybody; who has an invite code; nobody."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator decided. `events_host` empty: clients take the host they connected to. `software`: what program this is, and its version.

    `limits`, `passwords` and `registration` may change while the broker runs: read them here each time.
    """

    broker_name: str
    events_port: int
    events_host: str = ""
    software: str = ""
    limits: Limits = LIMITS
    passwords: Passwords = PASSWORDS
    registration: Registration = "open"


@dataclass(frozen=True, slots=True)
class Hashing:
    """A session waits for the hasher: to log in as `account` (None: nobody has that name) by its password, or to set one."""

    session: Session
    query: int
    """The id of its query."""
    account: int | None
    name: str = ""
    """Of the account, folded."""
    phc: str = field(default="", repr=False)
    """The hash that its password was compared with."""


@dataclass(slots=True)
class Context:
    """All that the core holds."""

    settings: Settings
    state: State
    started: float
    """Monotonic time of the broker's start."""
    random: Callable[[int], bytes]
    """Returns so many bytes that nobody can guess: codes are made of them."""
    sessions: Sessions = field(default_factory=Sessions)
    roster: Roster = field(default_factory=Roster)
    storage_failed: bool = False
    gathered_records: int = 0
    gathered_bytes: int = 0
    gathered_of: dict[bytes, int] = field(default_factory=dict)
    """By routing id: the records among them."""
    links: LinkCodes = field(default_factory=LinkCodes)
    hashing: dict[int, Hashing] = field(default_factory=dict)
    """By ticket: whose password the hasher has before it, those of ended sessions included."""
    reads: dict[int, tuple[Session, Query]] = field(default_factory=dict)
    """By ticket: who waits for the reader, or did until its session ended, and for what."""
    unsubscribe_by: dict[tuple[Session, bytes], float] = field(default_factory=dict)
    """Sessions and topics of rooms they left: when they are cut if they listen still (monotonic)."""
    slowed_down: int = 0
    """Frames refused, since the start, because their sender was over its budget."""
    flooded: int = 0
    """Sessions cut, since the start, because their client went on regardless."""
    cut_by: dict[int, float] = field(default_factory=dict)
    """Connections that were told why they are ended, and of which nothing more is heard: when they are cut (monotonic). Infinity: they are, and what they
    sent before may still be read."""
    budgets: Budgets = field(init=False)
    """Of accounts; those of connections are in `frames`."""
    tries: Tries = field(init=False)
    _tickets: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.budgets = Budgets(self.settings.limits)
        self.tries = Tries(self.settings.limits)

    def ticket(self) -> int:
        """Return a number not used before."""
        return next(self._tickets)

    def unavailable(self) -> tuple[Code, float] | None:
        """Return why no record is taken now, and when to try again; None if records are taken."""
        if self.storage_failed:
            return Code.STORAGE_UNAVAILABLE, UNAVAILABLE_SECONDS
        if self.gathered_records >= GATHERED_RECORDS or self.gathered_bytes >= GATHERED_BYTES:
            return Code.BUSY, BUSY_SECONDS
        return None

    def is_ahead(self, session: Session) -> bool:
        """Whether so much of a session is gathered that no client that keeps to its window has sent it."""
        return self.gathered_of.get(session.peer.routing_id, 0) >= GATHERED_RECORDS_OF_ONE

    def send_back(self, session: Session, n: int, code: Code, after: float) -> list[Effect]:
        """Take nothing from write n on, nor from an earlier one that the client was sent back to; it waits `after` seconds."""
        session.resend_from = min(n, session.resend_from or n)
        reply = Resend(n=session.resend_from, code=code, retry_after=after)
        return [Send(session.peer.routing_id, (reply,))]

    def submit(
        self, record: Record, routing_id: bytes = b"", *, count: int = 1, size: int = 256
    ) -> Submit:
        """Return the effect that hands a record to the sequencer, and count it as gathered."""
        self.gathered_records += count
        self.gathered_bytes += size
        self.count_for(routing_id, count)
        return Submit(Submission(record, routing_id, count, size))

    def count_for(self, routing_id: bytes, records: int) -> None:
        """Count so many records more of a session, or fewer."""
        gathered = self.gathered_of.get(routing_id, 0) + records
        if gathered:
            self.gathered_of[routing_id] = gathered
        else:
            self.gathered_of.pop(routing_id, None)

    def taken(self, submissions: Sequence[Submission]) -> None:
        """Count these as gathered no longer."""
        for submission in submissions:
            self.gathered_records -= submission.count
            self.gathered_bytes -= submission.size
            self.count_for(submission.routing_id, -submission.count)

    def end(self, session: Session, now: Now, *, cut: bool = False) -> list[Effect]:
        """End a session and shut its SUB; `cut`: its DEALER too. Its person is online for the time of grace still."""
        effects: list[Effect] = []
        if session.events_connection is not None:
            effects.append(Cut(session.events_connection))
        if cut:
            effects.append(Cut(session.peer.connection))
        self.sessions.close(session)
        if session.account is not None and not self.sessions.of(session.account.number):
            self.roster.lose(session.account.number, now.monotonic)
        return effects

    def see_off(self, connection: int, now: Now) -> None:
        """Hear nothing more of a connection that was told why it is ended, and cut it when that has had time to leave."""
        if connection:  # of one that is not known nobody would tell the end
            self.cut_by[connection] = now.monotonic + FAREWELL_SECONDS

    def presence(self, now: Now, *, at_once: bool = False) -> list[Effect]:
        """Return the publication of the pending presence delta, if it is due."""
        events = self.roster.flush(now.monotonic, at_once=at_once)
        return [Publish(self.state.lobby.log.id, events)] if events else []


def refuse(
    session: Session, query: Query, code: Code, text: str, retry_after: float = 0.0
) -> list[Effect]:
    """Answer a query by an error."""
    error = Error(id=query.id, code=code, text=text, retry_after=retry_after)
    return [Send(session.peer.routing_id, (error,))]
