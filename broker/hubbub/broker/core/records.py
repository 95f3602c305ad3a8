"""Records: what the sequencer orders and `apply` carries out. They hold all that `apply` needs, time included, so that the same log always gives
the same state.

A record may stand for several writes of one session (`Writes`): a frame of 500 posts stays one record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from msgspec import Struct

from hubbub.common.commands import Order, Write
from hubbub.common.errors import Code


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a write is refused for good. `text` is for people."""

    code: Code
    text: str


@dataclass(frozen=True, slots=True)
class Register:
    """Claim a name for a key."""

    name: str
    key: str
    time: int
    label: str = ""
    """What its device calls itself."""
    invite: bytes = field(default=b"", repr=False)
    """The hash of the code that lets it in; empty: none is needed."""
    may_be_new: bool = True
    """False: it waits for a name that was being registered by the same key, and gets nothing else."""


@dataclass(frozen=True, slots=True)
class AddDevice:
    """Let a key use an account from now on: it had the password, or a code made for it."""

    account: int
    key: str
    time: int
    label: str = ""
    by_code: bool = False
    made_by: str = ""
    """The key (hex) of the device that had the code made; empty: the operator, or it came by the password."""
    verified: str = field(default="", repr=False)
    renewed: str = field(default="", repr=False)
    """If it is not empty: the hash of the same password as `verified`, whose place it takes."""


@dataclass(frozen=True, slots=True)
class UseDevice:
    """Note that a key was used today."""

    account: int
    key: str
    time: int


class Writes(Struct, frozen=True, gc=False):
    """Writes of one producer, in the order of the frame."""

    account: int
    producer: bytes
    time: int
    writes: Sequence[Write]
    key: str = ""
    """Of the device that sent them, in hex; empty: it counts for whichever the account has."""
    refusals: Mapping[int, Refusal] = MappingProxyType({})
    """By index: those that broke a rule of shape. They use up their numbers."""


@dataclass(frozen=True, slots=True)
class EndSession:
    """A clean logout, ordered behind the session's writes. `close` forgets the producer."""

    account: int
    producer: bytes
    close: bool
    id: int
    """Of the logout: a session that began anew in its place has another."""


@dataclass(frozen=True, slots=True)
class Tidy:
    """Forget what has run out: producers last used before a time (Unix milliseconds), but for those of live sessions; bans, restraints, invites."""

    before: int
    keep: frozenset[tuple[int, bytes]] = frozenset()
    """(account, producer): in use, whatever the clock says."""
    time: int = 0
    """Now: bans, restraints and invites that end before it have run out."""


@dataclass(frozen=True, slots=True)
class Decree:
    """An order, of an account or (`actor` None) of the operator. `secret`: random bytes that its carrying out needs, told with the answer and kept as a hash."""

    actor: int | None
    order: Order
    time: int
    secret: bytes = field(default=b"", repr=False)
    spared: frozenset[str] = frozenset()
    """Networks, as `Peer` has them, from which people are connected whom the actor may not put out, the actor among them. For a ban."""
    key: str = ""
    """Of the device that gave the order, in hex; empty: the operator's, who has none."""


Record = Register | AddDevice | UseDevice | Writes | EndSession | Tidy | Decree


class Submission(Struct, frozen=True, gc=False):
    """A record on its way through the sequencer, with the session that waits for it (b"": none)."""

    record: Record
    routing_id: bytes
    count: int
    """Records it counts for in a batch: the writes in it, else 1."""
    size: int
    """Bytes it counts for: those of its frame."""
