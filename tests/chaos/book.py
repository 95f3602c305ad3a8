"""What the broker's database holds, read from the file without the broker: rooms, inboxes, members."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos import naming

from hubbub.common.codec import decode_events
from hubbub.common.events import MessageTold, RoomEvent


@dataclass(frozen=True, slots=True)
class Row:
    """One event of a log, as stored. `parties`: who may see it; None: whoever is in the room."""

    seq: int
    event: bytes
    digest: bytes | None
    """None: inside a run, of which only that behind the last is stored."""
    what: str
    time: int
    own_seq: int | None
    """The seq that the event itself carries, if it does."""
    parties: frozenset[str] | None = None


@dataclass(slots=True)
class Book:
    """One log of a broker, from one epoch. Rooms and inboxes are by name; their rows by seq."""

    epoch: str
    rooms: dict[str, list[Row]] = field(default_factory=dict)
    inboxes: dict[str, list[Row]] = field(default_factory=dict)
    members: set[tuple[str, str]] = field(default_factory=set)
    """(room, person); the lobby holds everybody and has none."""

    def logs(self) -> Iterator[tuple[str, list[Row]]]:
        """Yield every log and its name for people."""
        for name, rows in self.rooms.items():
            yield f"room {name}", rows
        for name, rows in self.inboxes.items():
            yield f"inbox of {name}", rows

    def log(self, reader: str, room: str | None) -> list[Row]:
        """The rows of a room, or of the reader's inbox."""
        return self.inboxes.get(reader, []) if room is None else self.rooms.get(room, [])

    def heads(self, reader: str) -> dict[str, int]:
        """The last seq of each room, and of the reader's inbox as ""."""
        last = {name: rows[-1].seq if rows else 0 for name, rows in self.rooms.items()}
        inbox = self.inboxes.get(reader)
        return last | {"": inbox[-1].seq if inbox else 0}


def row(seq: int, raw: bytes, digest: bytes | None) -> Row:
    """Make a row of what is stored."""
    event = naming.decode(raw)
    own_seq = event.seq if isinstance(event, RoomEvent) else None
    parties = frozenset({event.sender, event.to}) if isinstance(event, MessageTold) else None
    time = getattr(event, "time", 0)
    return Row(seq, raw, digest, naming.of_event(event), time, own_seq, parties)


def read(database: Path) -> Book:
    """Read a whole database. A broker may be running on it, or have been killed over it."""
    # Not "ro": that could not take in what a killed broker left beside the file.
    uri = f"{database.absolute().as_uri()}?mode=rw"
    with closing(sqlite3.connect(uri, uri=True, isolation_level=None)) as connection:
        connection.execute("PRAGMA query_only = ON")
        connection.execute("BEGIN")
        [epoch] = connection.execute("SELECT epoch FROM meta").fetchone()
        book = Book(epoch.hex())
        book.rooms = {name: [] for [name] in connection.execute("SELECT name FROM rooms")}
        book.inboxes = {name: [] for [name] in connection.execute("SELECT name FROM accounts")}
        for name, first, last, run, digest in connection.execute(
            "SELECT name, first, last, events, digest FROM events JOIN rooms ON number = events.room"
            " ORDER BY number, last"
        ):
            for seq, event in enumerate([run] if first == last else decode_events(run), first):
                book.rooms[name].append(row(seq, event, digest if seq == last else None))
        for name, *stored in connection.execute(
            "SELECT name, seq, event, digest FROM inbox JOIN messages USING (message)"
            " JOIN accounts USING (account) ORDER BY account, seq"
        ):
            book.inboxes[name].append(row(*stored))
        book.members = set(
            connection.execute(
                "SELECT rooms.name, accounts.name FROM members"
                " JOIN rooms ON number = members.room JOIN accounts USING (account)"
            )
        )
    return book
