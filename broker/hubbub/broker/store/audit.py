"""Every row of a database read and checked: by SQLite, by the digests of all logs, and by what one table says of another.

Finds what was changed, lost, added or put in another place, and names it. What no digest covers (people's keys, bans, the outcomes of writes) is checked
for its form only. Against accidents and tampering with files, not against somebody who computes new digests.
"""

import contextlib
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.event_runs import taken_apart
from hubbub.broker.core.producers import unpacked
from hubbub.broker.core.roles import Role
from hubbub.broker.core.state import LOBBY_NUMBER
from hubbub.broker.store.chains import Chain, Row
from hubbub.broker.store.connections import DAMAGE
from hubbub.broker.store.findings import Fault, Log, Report, shown
from hubbub.broker.store.rights import People, rights_faults, whose
from hubbub.broker.store.rows import stored_fold
from hubbub.broker.store.told import Told, decoded, parties, seq_of
from hubbub.common.events import AnyEvent, MessagePosted, MessageTold
from hubbub.common.limits import EPOCH_BYTES
from hubbub.common.names import fold

SQLITE_FAULTS: Final = 100
"""Of SQLite's own findings so many are told."""

_ROOM_ROWS: Final = "SELECT first, last, digest, events FROM events WHERE room = ? ORDER BY last"
_INBOX_ROWS: Final = """
    SELECT seq, digest, event, message, peer FROM inbox LEFT JOIN messages USING (message)
    WHERE account = ? ORDER BY seq
"""
_PARTIES: Final = """
    SELECT message, event, accounts, peers FROM messages LEFT JOIN
    (SELECT message, group_concat(account) AS accounts, group_concat(peer) AS peers FROM inbox GROUP BY message)
    USING (message)
"""


def audit(connection: sqlite3.Connection) -> Report:
    """Read all of a database of ours as it is at one moment. Raises sqlite3.Error only where nothing can be read at all."""
    connection.text_factory = _text  # a damaged text is one that does not fit, no exception
    # 50 bytes for each private message; in a file, the lack of room for it would look like a fault.
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("BEGIN")
    try:
        return _Audit(connection).run()
    finally:
        with contextlib.suppress(sqlite3.Error):  # a damaged file does not let go in peace
            connection.execute("ROLLBACK")


def _text(data: bytes) -> str:
    return data.decode(errors="replace")


def _seen(where: str, row: Row, events: Sequence[AnyEvent | None]) -> Fault | None:
    """Return what is wrong with a row of a room, as one sees by the events that were read of it."""
    if row.events is None:
        return Fault(where, row.first, "no events can be read", row.last)
    for seq, event in enumerate(events, row.first):
        if event is None:
            return Fault(where, seq, "no event can be read")
        if (own := seq_of(event)) != seq:
            return Fault(where, seq, f"the event of seq {own} stands here")
    return None


class _Audit:
    """One reading. Rows that cannot be read end the log they are in, and are told."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._report = Report()
        self._names: dict[int, str] = {}
        self._released: set[int] = set()
        """Accounts whose names were given free: another may have the same."""
        self._rooms: dict[int, tuple[bytes, str, str]] = {}
        self._chains: dict[int, Chain] = {}
        self._inboxes: dict[int, Chain] = {}
        self._told: dict[int, Told] = {}
        """What the rooms' events say, by the room's number."""

    def run(self) -> Report:
        for line in self._sqlite_faults():
            self._fault("SQLite", line)
        for step in (
            self._read_names,
            self._check_rights,
            self._read_logs,
            self._compare_parties,
            self._compare_ends,
            self._compare_rooms,
            self._compare_members,
            self._compare_markers,
        ):
            try:
                step()
            except (
                *DAMAGE,
                AttributeError,
            ) as error:  # rows that SQLite reads, but with other things in them
                self._fault("the tables", f"cannot be compared: {error}")
        for chain in (*self._chains.values(), *self._inboxes.values()):
            self._report.logs.append(
                Log(chain.where, chain.first, chain.seq, chain.count, chain.digest)
            )
            self._report.faults += chain.faults
        return self._report

    def _rows(self, statement: str, *keys: object) -> sqlite3.Cursor:
        return self._connection.execute(statement, keys)

    def _table(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        """Return the rows of a small table, as far as they can be read."""
        rows: list[tuple[Any, ...]] = []
        try:
            rows.extend(self._rows(f"SELECT {columns} FROM {table}"))  # noqa: S608 - our own words
        except DAMAGE as error:
            self._fault(f"table {table}", f"cannot be read: {error}")
        return rows

    def _fault(self, where: str, what: str, seq: int | None = None) -> None:
        self._report.faults.append(Fault(where, seq, what))

    def _sqlite_faults(self) -> Iterable[str]:
        try:
            found = [str(row[0]) for row in self._rows(f"PRAGMA integrity_check({SQLITE_FAULTS})")]
            yield from (" ".join(line.split()) for line in found if line != "ok")
            lost = Counter((row[0], row[2]) for row in self._rows("PRAGMA foreign_key_check"))
        except DAMAGE as error:
            yield str(error)
            return
        for (table, parent), count in lost.items():
            yield f"{count} rows of {table} refer to {parent} that are not there"

    def _read_names(self) -> None:
        rows = self._table("meta", "epoch")
        if len(rows) != 1 or len(rows[0][0]) != EPOCH_BYTES:
            self._fault("table meta", "the epoch is missing")
        else:
            self._report.epoch = rows[0][0]
        for number, name, folded, when in self._table("accounts", "account, name, fold, released"):
            self._names[number] = name
            if when:
                self._released.add(number)
            if stored_fold(number, name, when) != folded:
                self._fault(self._account(number), "is not what was written")
        for number, id, name, folded, text in self._table(
            "rooms", "number, room, name, fold, description"
        ):
            self._rooms[number] = id, name, text
            if fold(name) != folded:
                self._fault(f"room {shown(name)}", "its name is not what was written")
        self._report.people, self._report.rooms = len(self._names), len(self._rooms)
        for what, numbers in (("account", self._names), ("room", self._rooms)):
            for number in set(range(1, len(numbers) + 1)) - set(numbers):
                self._fault(f"{what} {number}", "is missing")

    def _account(self, number: int) -> str:
        return whose(number, self._names)

    def _check_rights(self) -> None:
        """Find keys, roles, bans and invites that nothing could have written."""
        people = People(self._names, self._released)
        self._report.faults += rights_faults(self._table, people)

    # The logs.

    def _read_logs(self) -> None:
        for number, (_, name, _) in self._rooms.items():
            chain = self._chains[number] = Chain(f"room {shown(name)}")
            self._read(chain, self._read_room, number)
        for number, name in self._names.items():
            owner = self._account(number) if number in self._released else shown(name)
            chain = self._inboxes[number] = Chain(f"inbox of {owner}")
            self._read(chain, self._read_inbox, number)

    def _read(self, chain: Chain, read: Callable[[Chain, int], None], number: int) -> None:
        """Read a log as far as it can be read."""
        try:
            read(chain, number)
        except (*DAMAGE, AttributeError) as error:
            what = f"cannot be read from here on: {error}"
            chain.faults.append(Fault(chain.where, chain.seq + 1, what))

    def _read_room(self, chain: Chain, number: int) -> None:
        told = self._told[number] = Told()
        for first, last, digest, stored in self._rows(_ROOM_ROWS, number):
            raw: list[bytes] | None
            try:
                raw = taken_apart(first, last, stored)
            except ValueError:
                raw = None
            row, events = Row(first, last, digest, raw), [decoded(event) for event in raw or ()]
            chain.take(row, _seen(chain.where, row, events))
            for event in events:
                if isinstance(event, MessagePosted):
                    self._report.messages += 1
                elif event is not None:
                    told.follow(event)

    def _read_inbox(self, chain: Chain, number: int) -> None:
        for seq, digest, raw, message, peer in self._rows(_INBOX_ROWS, number):
            event, seen = decoded(raw), ""
            if raw is None:
                seen = f"message {message} is missing"
            elif event is None:
                seen = "no event can be read"
            elif parties(event) != {self._names[number], self._names.get(peer)}:
                seen = "it is between others than the table says"
            row = Row(seq, seq, digest, None if raw is None else [raw])
            chain.take(row, Fault(chain.where, seq, seen) if seen else None)

    # What one table says of another.

    def _compare_parties(self) -> None:
        """Find messages that are not in the inboxes of both parties: what one of them has tells how far the other's inbox went."""
        numbers: dict[str, set[int]] = {}
        for number, name in self._names.items():
            numbers.setdefault(name, set()).add(number)
        lacking: Counter[int] = Counter()
        for message, raw, accounts, peers in self._rows(_PARTIES):
            event = decoded(raw)
            self._report.messages += event is None or isinstance(event, MessageTold)
            if not accounts:
                self._fault(f"message {message}", "is in no inbox")
            elif event is not None:
                has = set(map(int, accounts.split(",")))
                for party in parties(event):
                    of_name = numbers.get(party, {0})
                    if not of_name & has:  # of those of a name, its peer tells which
                        lacking[max(of_name & set(map(int, peers.split(","))) or of_name)] += 1
        for number, chain in self._inboxes.items():
            chain.ends_at(chain.seq + lacking[number] - chain.holes)

    def _compare_ends(self) -> None:
        """Find logs whose last events are missing, by what others say of them and by the sums that are kept with each commit."""
        for room, since in self._table("members", "room, since"):
            self._goes_to(room, since)
        for account, room, seq in self._table("markers", "account, room, seq"):
            if room != INBOX:
                self._goes_to(room, seq)
            elif account in self._inboxes:
                self._inboxes[account].ends_at(seq)
        self._follow_producers()
        [(events, entries)] = self._table("meta", "events, entries") or [(0, 0)]
        for what, chains, total in (
            ("events of rooms", self._chains, events),
            ("entries of inboxes", self._inboxes, entries),
        ):
            found = sum(chain.end for chain in chains.values())
            if found < total:
                rest = "at the ends of logs: which, the database does not tell"
                self._fault(what, f"{total - found} more are missing {rest}")
            elif found > total:
                self._fault(what, f"there are {found - total} more than were ever written")

    def _goes_to(self, room: int, seq: int) -> None:
        if room in self._chains:
            self._chains[room].ends_at(seq)

    def _follow_producers(self) -> None:
        """What was answered to a write is there."""
        numbers = {id: number for number, (id, _, _) in self._rooms.items()}
        for account, n, packed in self._table("producers", "account, n, outcomes"):
            try:
                outcomes = unpacked(packed)
            except ValueError:
                who = shown(self._names.get(account, f"account {account}"))
                self._fault(f"producer of {who} at write {n}", "its outcomes cannot be read")
                continue
            for outcome in outcomes:
                if outcome.room in numbers and not outcome.code:
                    self._goes_to(numbers[outcome.room], outcome.last_seq)

    def _compare_members(self) -> None:
        """Find memberships, roles and mutes that are not what the rooms' events made."""
        stored: dict[int, dict[str, tuple[int, int]]] = {}
        for room, account, since, role in self._table("members", "room, account, since, role"):
            name = self._names.get(account, f"account {account}")
            stored.setdefault(room, {})[name] = since, role
        for number, told in self._followed():
            if number == LOBBY_NUMBER:
                continue
            kept = stored.get(number, {})
            made = {name: (since, told.role(name)) for name, since in told.members.items()}
            self._differ(f"members of {self._chains[number].where}", made, kept)
        self._compare_mutes()

    def _compare_mutes(self) -> None:
        stored: dict[int, dict[str, int]] = {}
        for room, account, muted in self._table("restraints", "room, account, muted"):
            if muted and account not in self._released:
                stored.setdefault(room, {})[self._names.get(account, "")] = muted
        for number, told in self._followed():
            kept = stored.get(number, {})
            # One that has passed is forgotten some time, and no event says so.
            made = {name: until for name, until in told.muted.items() if name in kept}
            self._differ(f"mutes in {self._chains[number].where}", made, kept)

    def _differ(self, where: str, made: Mapping[str, object], kept: Mapping[str, object]) -> None:
        for name in sorted(made.keys() | kept.keys()):
            if made.get(name) != kept.get(name):
                self._fault(where, f"the log tells otherwise of {shown(name)}")

    def _followed(self) -> Iterator[tuple[int, Told]]:
        """Yield the rooms whose log is whole, so that it tells how things are."""
        for number, chain in self._chains.items():
            if not chain.faults:
                yield number, self._told[number]

    def _compare_rooms(self) -> None:
        """Find settings of rooms, and roles in the whole chat, that are not what the rooms' events made."""
        columns = "number, private, read_only, since_joined, slow"
        rows = {number: row for number, *row in self._table("rooms", columns)}
        for number, told in self._followed():
            _, *written = self._rooms[number]
            if number == LOBBY_NUMBER:
                told.name = told.name or written[0]
            if written != [told.name, told.description]:
                self._fault(
                    f"room {shown(told.name)}", "its name or headline is not what was written"
                )
            names = ("private", "read_only", "since_joined", "slow")
            for setting in told.unlike(dict(zip(names, rows[number], strict=True))):
                self._fault(self._chains[number].where, f"the log tells otherwise of {setting}")
            if number == LOBBY_NUMBER:
                self._compare_roles(told)

    def _compare_roles(self, lobby: Told) -> None:
        for account, name, role in self._table("accounts", "account, name, role"):
            expected = Role.MEMBER if account in self._released else lobby.role(name)
            if role != expected:
                self._fault(self._account(account), "the log tells otherwise of the role")

    def _compare_markers(self) -> None:
        """Find members without a marker, and markers of others."""
        markers = set(self._table("markers", "account, room"))
        marked = {(account, room) for account, room in markers if room != INBOX}
        members = set(self._table("members", "account, room"))
        wanted = members | {(number, LOBBY_NUMBER) for number in self._names}
        gone = {(number, LOBBY_NUMBER) for number in self._released}  # there nobody looks
        for account, room in sorted((marked ^ wanted) - gone):
            name = shown(self._names.get(account, f"account {account}"))
            what = "is not a member's" if (account, room) in marked else "is missing"
            where = self._chains[room].where if room in self._chains else f"room number {room}"
            self._fault(f"marker of {name} in {where}", what)
