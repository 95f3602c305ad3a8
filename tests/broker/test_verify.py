"""`verify` finds what was done to a database behind the broker's back, and names it; and finds nothing where nothing was done."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.chronicle import Chronicle, small_town
from tests.broker.store.files import damage, read_all, run_sql
from tests.broker.store.scribe import digest_after

from hubbub.broker.errors import BrokerError
from hubbub.broker.store import migrations
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.verify import verify
from hubbub.common.commands import Post


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data"


def faults(data: Path) -> list[str]:
    return [str(fault) for fault in verify(data).faults]


def tampered(data: Path, script: str) -> list[str]:
    """Do something to the database, with foreign keys as SQLite has them by default: not enforced; return what `verify` finds."""
    with closing(sqlite3.connect(data / "hubbub.db")) as connection, connection:
        connection.create_function("said", 3, _said)
        for statement in script.split(";"):
            connection.execute(statement)
    return faults(data)


def _said(event: bytes, old: str, new: str) -> bytes:
    """Return an event with another text of the same length."""
    assert old.encode() in event
    return event.replace(old.encode(), new.encode())


def test_an_operator_hears_nothing_bad_of_what_a_broker_wrote(data: Path) -> None:
    report = verify(data)
    assert report.faults == []
    assert (report.people, report.rooms, report.messages) == (3, 3, 7 + 1 + 6)
    logs = {log.where: (log.first, log.last, log.count) for log in report.logs}
    assert logs == {
        "room lobby": (1, 7, 7),
        "room den": (1, 3, 3),
        "room attic": (1, 3, 3),
        "inbox of Alice": (1, 4, 4),
        "inbox of Bob": (1, 6, 6),
        "inbox of Carol": (1, 1, 1),
    }
    with closing(SqliteStore.open(data / "hubbub.db")) as store:
        assert report.logs[0].digest == digest_after([event for _, event in read_all(store)])


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "UPDATE events SET events = said(events, 'text 3', 'text X') WHERE room = 1 AND last = 3",
            ["room lobby, seq 3: the event is not what was written"],
        ),
        (
            "UPDATE events SET events = said(events, 'text 7', 'text X') WHERE room = 1 AND last = 7",
            ["room lobby, seq 7: the event or its digest is not what was written"],
        ),
        (
            "UPDATE events SET events = said(events, 'text', 'TEXT') WHERE room = 1 AND last IN (3, 4)",
            [
                "room lobby, seq 3: the event or its digest is not what was written",
                "room lobby, seq 4: the event is not what was written",
            ],
        ),
        (
            "UPDATE events SET digest = zeroblob(16) WHERE room = 1 AND last = 3",
            ["room lobby, seq 3: the digest is not what was written"],
        ),
        (
            "UPDATE events SET events = x'c1' WHERE room = 1 AND last = 3",
            ["room lobby, seq 3: no event can be read"],
        ),
        ("DELETE FROM events WHERE room = 1 AND last = 3", ["room lobby, seq 3: is missing"]),
        (
            "DELETE FROM events WHERE room = 1 AND last BETWEEN 3 AND 5",
            ["room lobby, seq 3 to 5: are missing"],
        ),
        ("DELETE FROM events WHERE room = 1 AND last = 1", ["room lobby, seq 1: is missing"]),
        (
            "DELETE FROM events WHERE room = 1 AND last >= 6",
            ["room lobby, seq 6 to 7: are missing"],  # Alice's producer was told of 7
        ),
        (
            "DELETE FROM producers; DELETE FROM events WHERE room = 1 AND last >= 6",
            [
                "events of rooms: 2 more are missing at the ends of logs: which, the database does not tell"
            ],
        ),
        (
            "INSERT INTO events SELECT room, 8, 8, digest, events FROM events WHERE room = 1 AND last = 7",
            [
                "events of rooms: there are 1 more than were ever written",
                "room lobby, seq 8: the event of seq 7 stands here",
            ],
        ),
        (
            """
            UPDATE events SET first = -last, last = -last WHERE room = 1 AND last IN (3, 4);
            UPDATE events SET first = 7 + last, last = 7 + last WHERE room = 1 AND last < 0
            """,
            [
                "room lobby, seq 3: the event of seq 4 stands here",
                "room lobby, seq 4: the event of seq 3 stands here",
            ],
        ),
    ],
)
def test_an_event_that_was_tampered_with_is_named(
    data: Path, script: str, expected: list[str]
) -> None:
    assert tampered(data, script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "UPDATE events SET events = said(events, 'text 300', 'text 3X0') WHERE last = 512",
            ["room lobby, seq 257 to 512: the events are not what was written"],
        ),
        (
            "UPDATE events SET events = said(events, 'text 599', 'text 5X9') WHERE last = 600",
            ["room lobby, seq 513 to 600: the events or their digest are not what was written"],
        ),
        (
            "UPDATE events SET digest = zeroblob(16) WHERE last = 512",
            ["room lobby, seq 257 to 512: the digest is not what was written"],
        ),
        ("DELETE FROM events WHERE last = 512", ["room lobby, seq 257 to 512: are missing"]),
        (
            "UPDATE events SET events = x'c1' WHERE last = 512",
            ["room lobby, seq 257 to 512: no events can be read"],
        ),
        (
            "UPDATE events SET events = (SELECT events FROM events WHERE last = 600) WHERE last = 512",
            ["room lobby, seq 257 to 512: no events can be read"],
        ),
        (
            "UPDATE events SET events = (SELECT events FROM events WHERE last = 256) WHERE last = 512",
            ["room lobby, seq 257: the event of seq 1 stands here"],
        ),
        (
            "UPDATE events SET first = 260 WHERE last = 512",
            [
                "room lobby, seq 257 to 259: are missing",
                "room lobby, seq 260 to 512: no events can be read",
            ],
        ),
        (
            "UPDATE events SET first = 256 WHERE last = 512",
            [
                "room lobby, seq 256 to 512: there is a second row",
                "room lobby, seq 257 to 512: are missing",
            ],
        ),
        (
            """
            UPDATE events SET events = x'c1' WHERE last = 256;
            UPDATE events SET events = said(events, 'text 300', 'text 3X0') WHERE last = 512
            """,
            [
                "room lobby, seq 1 to 256: no events can be read",
                "room lobby, seq 257 to 512: the events are not what was written",
            ],
        ),
    ],
)
def test_a_run_of_events_that_was_tampered_with_is_named(
    tmp_path: Path, script: str, expected: list[str]
) -> None:
    with Chronicle(tmp_path) as town:
        town.enters("Alice")
        lobby = town.room("lobby")
        town.writes("Alice", *(Post(0, lobby, f"text {number}") for number in range(1, 601)))
    assert faults(tmp_path) == []
    assert tampered(tmp_path, script) == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "UPDATE messages SET event = said(event, 'psst 2', 'psst X') WHERE message = 3",
            [
                "inbox of Alice, seq 3: the event is not what was written",
                "inbox of Bob, seq 3: the event is not what was written",
            ],
        ),
        (
            "DELETE FROM messages WHERE message = 3",
            [
                "SQLite: 2 rows of inbox refer to messages that are not there",
                "inbox of Alice, seq 3: message 3 is missing",
                "inbox of Bob, seq 3: message 3 is missing",
            ],
        ),
        (
            "UPDATE inbox SET digest = zeroblob(16) WHERE account = 2 AND seq = 2",
            ["inbox of Bob, seq 2: the digest is not what was written"],
        ),
        (
            "DELETE FROM inbox WHERE account = 2 AND seq = 2",
            ["inbox of Bob, seq 2: is missing"],
        ),
        (
            "DELETE FROM inbox WHERE account = 1 AND seq >= 3",
            ["inbox of Alice, seq 3 to 4: are missing"],  # Bob has them
        ),
        (
            "DELETE FROM inbox WHERE account = 2 AND seq = 6",
            ["message 6: is in no inbox", "entries of inboxes: 1 more are missing"],
        ),
        (
            "UPDATE inbox SET peer = 3 WHERE account = 1 AND seq = 2",
            ["inbox of Alice, seq 2: it is between others than the table says"],
        ),
        (
            "INSERT INTO inbox SELECT 3, 2, message, peer, digest FROM inbox WHERE account = 1 AND seq = 1",
            [
                "entries of inboxes: there are 1 more than were ever written",
                "inbox of Carol, seq 2: it is between others than the table says",
            ],
        ),
    ],
)
def test_a_private_message_that_was_tampered_with_is_named(
    data: Path, script: str, expected: list[str]
) -> None:
    found = [line.partition(" at the ends")[0] for line in tampered(data, script)]
    assert found == expected


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "UPDATE accounts SET name = 'Alíce' WHERE account = 1",
            "account 1, Alíce: is not what was written",
        ),
        (
            "UPDATE accounts SET name = CAST(x'ff' AS TEXT) WHERE account = 3",
            "account 3, \ufffd: is not what was written",
        ),
        ("DELETE FROM accounts WHERE account = 2", "account 2: is missing"),
        (
            "UPDATE rooms SET description = 'loud' WHERE name = 'den'",
            "room den: its name or headline is not what was written",
        ),
        (
            "UPDATE rooms SET name = 'hall' WHERE name = 'den'",
            "room hall: its name is not what was written",
        ),
        ("DELETE FROM rooms WHERE name = 'den'", "room 2: is missing"),
        (
            "DELETE FROM members WHERE room = 2 AND account = 2",
            "members of room den: the log tells otherwise of Bob",
        ),
        (
            "INSERT INTO members VALUES (3, 2, 2, 2)",
            "members of room attic: the log tells otherwise of Bob",
        ),
        (
            "UPDATE members SET since = 1 WHERE room = 2 AND account = 2",
            "members of room den: the log tells otherwise of Bob",
        ),
        (
            "INSERT INTO members VALUES (2, 9, 1, 2)",
            "SQLite: 1 rows of members refer to accounts that are not there",
        ),
        (
            "UPDATE markers SET seq = 9 WHERE account = 3 AND room = 1",
            "room lobby, seq 8 to 9: are missing",
        ),
        (
            "DELETE FROM markers WHERE account = 3 AND room = 1",
            "marker of Carol in room lobby: is missing",
        ),
        (
            "INSERT INTO markers VALUES (3, 2, 1)",
            "marker of Carol in room den: is not a member's",
        ),
        (
            "UPDATE producers SET outcomes = x'c1' WHERE account = 1",
            "producer of Alice at write 12: its outcomes cannot be read",
        ),
        ("UPDATE meta SET epoch = x'00'", "table meta: the epoch is missing"),
        ("DELETE FROM meta", "table meta: the epoch is missing"),
    ],
)
def test_a_row_of_any_other_table_that_was_tampered_with_is_named(
    data: Path, script: str, expected: str
) -> None:
    assert expected in tampered(data, script)


def test_an_index_that_lost_a_row_is_named(data: Path) -> None:
    """The row is in the table; whoever looks it up does not find it."""
    with closing(sqlite3.connect(data / "hubbub.db")) as connection, connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("CREATE TABLE other (room, seq, UNIQUE (room, seq))")
        connection.execute(
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_other_1')"
            " WHERE name = 'sqlite_autoindex_events_1'"
        )
    found = faults(data)
    assert any("missing from index sqlite_autoindex_events_1" in line for line in found)


def test_a_page_that_is_damaged_is_named(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Chronicle(data) as town:
        town.enters("Alice")
        town.writes("Alice", *(Post(0, town.room("lobby"), "x" * 4000) for _ in range(200)))
    damage(data / "hubbub.db", from_page=100)
    found = faults(data)
    assert any(line.startswith("SQLite: ") for line in found)
    assert any(line.startswith("room lobby, seq ") for line in found)


def test_a_database_of_the_schema_before_is_read_as_it_is(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = migrations.newest()
    add_a_column = "ALTER TABLE rooms ADD COLUMN topic TEXT"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_a_column))
    assert faults(data) == []
    assert run_sql(data / "hubbub.db", "PRAGMA user_version") == [(version,)]


def test_a_broker_that_runs_is_read_as_of_one_moment_and_goes_on(data: Path) -> None:
    with Chronicle(data) as town:
        for number in range(3):
            town.writes("Alice", Post(0, town.room("lobby"), f"more {number}"))
            report = verify(data)
            assert report.faults == []
            assert report.logs[0].last == 8 + number


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"", "neither hubbub's database nor a backup"),
        (b"Dear diary,\n" * 1000, "this is not a database"),
    ],
)
def test_a_file_that_is_none_of_ours_is_refused(tmp_path: Path, content: bytes, error: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(BrokerError, match=error):
        verify(tmp_path, file)


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BrokerError, match=r"there is no broker's data in .*: name its folder"):
        verify(tmp_path)


def test_a_database_of_a_newer_hubbub_is_refused(data: Path) -> None:
    run_sql(data / "hubbub.db", f"PRAGMA user_version = {migrations.newest() + 1}")
    with pytest.raises(BrokerError, match="a newer hubbub made it"):
        verify(data)


def test_a_database_from_before_the_first_release_is_refused(data: Path) -> None:
    run_sql(data / "hubbub.db", f"PRAGMA user_version = {migrations.FIRST_SCHEMA - 1}")
    with pytest.raises(BrokerError, match="a hubbub from before the first release made it"):
        verify(data)


def test_a_folder_whose_key_is_gone_is_refused(data: Path) -> None:
    (data / "server.key").unlink()
    with pytest.raises(BrokerError, match=r"server\.key is missing: restore it from a backup"):
        verify(data)
