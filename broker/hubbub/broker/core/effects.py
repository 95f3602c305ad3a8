"""Effects: what the core asks of the loop, which performs them in order."""

from dataclasses import dataclass
from logging import INFO

from msgspec import Struct

from hubbub.broker.core.hashing import Hash, Verify
from hubbub.broker.core.reads import Read
from hubbub.broker.core.records import Submission
from hubbub.broker.core.sessions import Peer
from hubbub.broker.entries import Entry
from hubbub.common.replies import Reply


class Send(Struct, frozen=True, gc=False):
    """Send replies to one session by its routing id. Replies of one turn are gathered into one frame.

    A `push` that cannot be sent is dropped (the client catches up); any other reply that cannot be sent ends the session.
    """

    routing_id: bytes
    replies: tuple[Reply, ...]
    push: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request of the operator's, by the routing id that it came from on the operator's socket. Dropped if that takes nothing any more."""

    routing_id: bytes
    reply: Struct


class Publish(Struct, frozen=True, gc=False):
    """Publish the bytes of events under a topic, in order, in as few frames as the bound allows."""

    topic: bytes
    events: list[bytes]


class Submit(Struct, frozen=True, gc=False):
    """Give a record to the sequencer."""

    submission: Submission


@dataclass(frozen=True, slots=True)
class Fetch:
    """Let the reader answer `query`, then call `Core.fetched` with the same ticket. `is_final`: the answer will never be another."""

    query: Read
    ticket: int
    is_final: bool = False


@dataclass(frozen=True, slots=True)
class Grant:
    """Grant the subscription that is being read from XPUB, now."""

    topic: bytes


@dataclass(frozen=True, slots=True)
class Revoke:
    """Take back the subscription whose end is being read from XPUB, now."""

    topic: bytes


@dataclass(frozen=True, slots=True)
class Cut:
    """Shut the connection down; its number comes from the connection watch."""

    connection: int


@dataclass(frozen=True, slots=True)
class Strike:
    """A connection is cut for abuse: charge its address for that, once. `network`: whom to charge if the connection is not known any more; "": nobody."""

    connection: int
    network: str = ""


@dataclass(frozen=True, slots=True)
class CutNetwork:
    """Shut down every connection from an address, or from a network as `ipaddress` writes it: 203.0.113.0/24."""

    network: str


@dataclass(frozen=True, slots=True)
class Resume:
    """Call `Core.resume`, apart from all else: what fails in it shall cost that peer its connection, and nobody else anything."""

    peer: Peer


@dataclass(frozen=True, slots=True)
class LogPeer:
    """Log where the connection comes from: it logs in. Health checks and scans do not."""

    connection: int


@dataclass(frozen=True, slots=True)
class LogEntry:
    """Log what happened, behind what was logged before it."""

    entry: Entry
    level: int = INFO


Effect = (
    Answer
    | Send
    | Publish
    | Submit
    | Fetch
    | Verify
    | Hash
    | Grant
    | Revoke
    | Cut
    | Strike
    | CutNetwork
    | Resume
    | LogPeer
    | LogEntry
)
