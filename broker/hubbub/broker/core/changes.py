"""What one batch changes, and the whole shared state as it is loaded: the values that pass between core and store.

The core fills one `Changes` for each batch; the store writes it in one transaction, one statement for each table. `Snapshot` is what the core
starts from, and what it goes back to when a commit has failed. Numbers of accounts, rooms and messages are given by the core, 1, 2, 3 …
"""

from dataclasses import dataclass, field
from typing import Final

INBOX: Final = 0
"""Stands for an account's inbox where logs go by the numbers of rooms, which begin at 1."""


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One person or program. `key` is the hex of the device key that owns the name, `created` Unix milliseconds."""

    account: int
    name: str
    key: str
    created: int


@dataclass(frozen=True, slots=True)
class RoomRow:
    """One room. `room` is its 16-byte id; `fold` is `names.fold(name)`, by which it is looked up and sorted."""

    number: int
    room: bytes
    name: str
    fold: str
    description: str
    created: int


@dataclass(frozen=True, slots=True)
class ProducerRow:
    """A producer's last number, its last use (Unix milliseconds) and the encoded outcomes of its last 512 numbers."""

    n: int
    used: int
    outcomes: bytes


@dataclass(slots=True)
class Changes:
    """All that one batch changes. Tuples are rows in the order of their table's columns; a dict's None deletes the row."""

    accounts: list[AccountRow] = field(default_factory=list)
    rooms: list[RoomRow] = field(default_factory=list)
    members: dict[tuple[int, int], int | None] = field(default_factory=dict)
    """(room number, account) → seq of the event that made the account a member."""
    events: list[tuple[int, int, bytes, bytes]] = field(default_factory=list)
    """(room number, seq, event, digest up to and with it), seqs of a room without holes."""
    messages: list[tuple[int, bytes]] = field(default_factory=list)
    """(message number, event): each private message once."""
    inbox: list[tuple[int, int, int, int, bytes]] = field(default_factory=list)
    """(account, seq, message number, the other party's account, digest)."""
    markers: dict[tuple[int, int], int | None] = field(default_factory=dict)
    """(account, room number or INBOX) → seq up to which the account has read."""
    producers: dict[tuple[int, bytes], ProducerRow | None] = field(default_factory=dict)
    """(account, producer id) → its row."""
    position: int = 0
    """The log's own position after this batch: the number of records ever applied."""


@dataclass(frozen=True, slots=True)
class LogHead:
    """The last seq of a log and its digest; seq 0 and 16 zero bytes before the first event."""

    seq: int
    digest: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The whole shared state, as committed."""

    epoch: bytes
    position: int
    accounts: list[AccountRow]
    rooms: list[RoomRow]
    room_heads: dict[int, LogHead]
    """By room number; a room without events is absent."""
    inbox_heads: dict[int, LogHead]
    """By account; an empty inbox is absent."""
    members: list[tuple[int, int, int]]
    """(room number, account, since)."""
    markers: dict[int, dict[int, int]]
    """By account: room number or INBOX → seq up to which the account has read."""
    producers: dict[tuple[int, bytes], ProducerRow]
    last_message: int
    """The highest message number, 0 if none."""
