"""One batch on its way to the disk: what `apply` decided, kept until the commit has returned.

Replies are gathered by session, outcomes as runs, events by room: a batch is not taken apart into per-message work.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hubbub.broker.core.changes import Changes
from hubbub.broker.core.event_runs import cut
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.producers import Outcome, Producer, Runs
from hubbub.broker.core.records import AddDevice, Refusal, Register, Submission
from hubbub.broker.core.state import Account, Log, Room
from hubbub.common.digest import extend
from hubbub.common.errors import Code
from hubbub.common.replies import Delivered, Reply


class Writer(NamedTuple):
    """Who waits for the outcomes of writes: a session, as long as it goes on as the same account and producer."""

    routing_id: bytes
    account: int
    producer: bytes


@dataclass(frozen=True, slots=True)
class Registered:
    """A name was claimed, or a device added to one; or it could not be."""

    routing_id: bytes
    record: Register | AddDevice
    account: Account | None
    created: bool
    refusal: Refusal | None


@dataclass(frozen=True, slots=True)
class MembershipChanged:
    """An account became a member of a room, or ceased to be one: put out `by` somebody, or of its own will."""

    account: Account
    room: Room
    joined: bool
    by: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Expelled:
    """Sessions that end once the batch is on disk: those of an account, of a key (hex), or of both together; each is told why."""

    account: int | None
    key: str | None
    code: Code
    text: str


@dataclass(slots=True)
class Batch:
    """What one batch of records changes and, once that is on disk, says."""

    submissions: Sequence[Submission]
    limits: Limits
    """Those that hold for all of it, whatever is configured meanwhile."""
    changes: Changes = field(default_factory=Changes)
    published: dict[Room, list[bytes]] = field(default_factory=dict)
    """The bytes of each room's new events, in order."""
    logs: set[Log] = field(default_factory=set)
    """Logs whose head moved."""
    runs: dict[Writer, Runs] = field(default_factory=dict)
    """The outcomes to tell."""
    behind: dict[Writer, Producer] = field(default_factory=dict)
    """Sessions that sent a later write than the next one, and their producers: they shall go back to what is next when all is done."""
    marked: dict[tuple[int, int], bytes] = field(default_factory=dict)
    """Markers that were moved by `mark`: (account, room number or INBOX) → log id."""
    delivered: dict[int, list[Delivered]] = field(default_factory=dict)
    """By account: private messages for its sessions."""
    registered: list[Registered] = field(default_factory=list)
    memberships: list[MembershipChanged] = field(default_factory=list)
    ended: list[tuple[bytes, int]] = field(default_factory=list)
    """Sessions that said goodbye: routing id, and the id of the logout."""
    touched: dict[tuple[int, bytes], Producer] = field(default_factory=dict)
    answers: list[tuple[Submission, Reply]] = field(default_factory=list)
    """What became of decrees, for whoever submitted them."""
    expelled: list[Expelled] = field(default_factory=list)
    links: dict[int, bytes] = field(default_factory=dict)
    """By account: the hash of a one-time code that the operator had made for it."""
    released: list[Account] = field(default_factory=list)
    """Accounts whose names are free now."""
    hushed: list[int] = field(default_factory=list)
    """Accounts that may not speak to everybody any longer."""
    cut_off: list[str] = field(default_factory=list)
    """Networks whose connections are cut."""

    def runs_for(self, writer: Writer) -> Runs:
        """Return where the outcomes for a session are gathered."""
        runs = self.runs.get(writer)
        if runs is None:
            runs = self.runs[writer] = Runs()
        return runs

    def append_event(self, room: Room, event: bytes) -> int:
        """Append an event to a room and return its seq; the event was encoded with it."""
        self.append_events(room, [event])
        return room.log.seq

    def append_events(self, room: Room, events: Sequence[bytes]) -> None:
        """Append events to a room; they were encoded with their seqs. The log's digest follows when the batch is closed."""
        room.log.seq += len(events)
        self.published.setdefault(room, []).extend(events)

    def close(self) -> None:
        """Say that all its records are applied: what was appended to rooms is cut into runs and proved by digests, whosever writes they are."""
        for room, events in self.published.items():
            log = room.log
            self.logs.add(log)
            for run in cut(room.number, log.seq - len(events), log.digest, events):
                self.changes.events.append(run)
                log.digest = run.digest
        for key, producer in self.touched.items():
            self.changes.producers[key] = producer.row()

    def append_private(self, account: Account, message: int, event: bytes, peer: int) -> int:
        """Append a private message to an account's inbox and return its seq there."""
        log = account.inbox
        log.seq += 1
        log.digest = extend(log.digest, event)
        self.logs.add(log)
        self.changes.inbox.append((account.number, log.seq, message, peer, log.digest))
        self.delivered.setdefault(account.number, []).append(Delivered(seq=log.seq, event=event))
        return log.seq

    def refused(self, writer: Writer, n: int, refusal: Refusal) -> Outcome:
        """Tell a session that a write is refused for good."""
        outcome = Outcome(n, 1, b"", 0, refusal.code, refusal.text)
        self.runs_for(writer).append(outcome)
        return outcome
