"""Files of other programs and of other versions, damaged ones and new ones."""

import contextlib
from pathlib import Path

import pytest
from tests.broker.store.files import read_all, run_sql
from tests.broker.store.scribe import LOBBY, Scribe

from hubbub.broker.core.changes import INBOX, AccountRow, DeviceRow, LogHead, ProducerRow, RoomRow
from hubbub.broker.core.roles import Role
from hubbub.broker.errors import FolderError
from hubbub.broker.store import connections, migrations
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import KIB


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hubbub.db"


def assert_refused(path: Path, match: str) -> None:
    before = path.read_bytes()
    with pytest.raises(FolderError, match=match) as refusal:
        SqliteStore.open(path)
    assert "\n" not in str(refusal.value)
    assert path.read_bytes() == before


def test_a_newer_schema_is_refused(path: Path) -> None:
    SqliteStore.open(path).close()
    known = len(migrations.MIGRATIONS)
    run_sql(path, f"PRAGMA user_version = {known + 1}")
    assert_refused(
        path, f"has schema {known + 1}, this hubbub knows {known}: a newer hubbub made it"
    )


@pytest.mark.parametrize(
    "script",
    [
        "CREATE TABLE theirs (x)",
        "PRAGMA application_id = 7",
        "PRAGMA application_id = 7; CREATE TABLE theirs (x)",
        "PRAGMA user_version = 1",
        "PRAGMA journal_mode = WAL; CREATE TABLE theirs (x)",
    ],
)
def test_another_programs_database_is_refused(path: Path, script: str) -> None:
    run_sql(path, script)
    path.chmod(0o600)
    assert_refused(path, "another program's database")


@pytest.mark.parametrize(
    "content", [b"x", b"Dear diary,\n" * 1000, b"SQLite format 3\0" + b"\xff" * 5000]
)
def test_a_file_that_is_no_database_is_refused(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)
    assert_refused(path, "not a database")


def test_a_database_that_was_cut_off_is_refused(path: Path) -> None:
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).posts(LOBBY, *[bytes(KIB)] * 100).write()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)
    assert_refused(path, "damaged")


def test_a_database_with_a_damaged_schema_is_refused(path: Path) -> None:
    SqliteStore.open(path).close()
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xa5" * 3996)
    assert_refused(path, "damaged")


def test_an_empty_file_becomes_a_new_store(path: Path) -> None:
    path.touch(mode=0o600)
    with contextlib.closing(SqliteStore.open(path)) as store:
        assert [room.name for room in store.load().rooms] == ["lobby"]


def test_a_start_that_was_cut_off_behind_the_schema_is_completed(path: Path) -> None:
    connections.create(path, None)
    assert run_sql(path, "PRAGMA user_version") == [(len(migrations.MIGRATIONS),)]
    assert run_sql(path, "PRAGMA application_id") == [(migrations.APPLICATION_ID,)]
    with contextlib.closing(SqliteStore.open(path)) as store:
        assert [room.number for room in store.load().rooms] == [LOBBY]


@pytest.mark.parametrize("version", range(len(migrations.MIGRATIONS)))
def test_a_database_of_any_older_schema_is_brought_to_the_newest(
    path: Path, version: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:version])
        connections.create(path, None)
    assert run_sql(path, "PRAGMA user_version") == [(version,)]
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).posts(LOBBY, b"hi").write()
    assert run_sql(path, "PRAGMA user_version") == [(len(migrations.MIGRATIONS),)]


def test_whoever_was_there_before_markers_has_read_everything(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:1])
        connections.create(path, None)
    run_sql(
        path,
        """
        INSERT INTO meta VALUES (1, x'0e', 0, 0);
        INSERT INTO accounts VALUES (1, 'Alice', 'alice', 'a', 0), (2, 'Bob', 'bob', 'b', 0);
        INSERT INTO rooms VALUES (1, x'01', 'lobby', 'lobby', '', 0), (2, x'02', 'den', 'den', '', 0);
        INSERT INTO members VALUES (2, 2, 1);
        INSERT INTO events VALUES (1, 1, x'', x''), (1, 2, x'', x''), (2, 1, x'', x'');
        INSERT INTO events VALUES (2, 2, x'', x''), (2, 3, x'', x'');
        INSERT INTO messages VALUES (1, x'');
        INSERT INTO inbox VALUES (2, 1, 1, 2, x'')
        """,
    )
    SqliteStore.open(path).close()
    markers = run_sql(path, "SELECT account, room, seq FROM markers ORDER BY 1, 2")
    assert markers == [(1, LOBBY, 2), (2, INBOX, 1), (2, LOBBY, 2), (2, 2, 3)]
    assert run_sql(path, "SELECT events, entries FROM meta") == [(5, 1)]


def test_keys_from_before_devices_are_the_first_devices_of_their_names(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And whoever made a room, its first member, owns it."""
    with monkeypatch.context() as older:
        older.setattr(migrations, "MIGRATIONS", migrations.MIGRATIONS[:3])
        connections.create(path, None)
    alices, bobs = "a1" * 32, "b0" * 32
    joined, told, posted = bytes([1]), bytes([2]), bytes([3])
    heads = [EMPTY, extend(EMPTY, joined), extend(extend(EMPTY, joined), posted)]
    inbox = extend(EMPTY, told)
    run_sql(
        path,
        f"""
        INSERT INTO meta VALUES (1, x'{"0e" * 16}', 0, 7, 3, 2);
        INSERT INTO accounts VALUES (1, 'Alice', 'alice', '{alices}', 5), (2, 'Bob', 'bob', '{bobs}', 6);
        INSERT INTO rooms VALUES (1, x'{"01" * 16}', 'lobby', 'lobby', '', 0), (2, x'{"02" * 16}', 'den', 'den', 'quiet', 9);
        INSERT INTO members VALUES (2, 2, 1), (2, 1, 2);
        INSERT INTO events VALUES (2, 1, x'{heads[1].hex()}', x'{joined.hex()}'), (2, 2, x'{heads[2].hex()}', x'{posted.hex()}');
        INSERT INTO events VALUES (1, 1, x'{heads[1].hex()}', x'{joined.hex()}');
        INSERT INTO messages VALUES (1, x'{told.hex()}');
        INSERT INTO inbox VALUES (1, 1, 1, 2, x'{inbox.hex()}'), (2, 1, 1, 1, x'{inbox.hex()}');
        INSERT INTO markers VALUES (1, 1, 1), (2, 1, 0), (2, 2, 2), (1, 2, 2), (1, 0, 1);
        INSERT INTO producers VALUES (1, x'{"0a" * 16}', 3, 8, x'90')
        """,
    )
    with contextlib.closing(SqliteStore.open(path)) as store:
        state = store.load()
    assert state.accounts == [AccountRow(1, "Alice", 5), AccountRow(2, "Bob", 6)]
    assert state.devices == {
        (1, 1): DeviceRow(alices, "", 5, 5),
        (2, 1): DeviceRow(bobs, "", 6, 6),
    }
    assert state.rooms == [
        RoomRow(1, b"\1" * 16, "lobby", "lobby", "", 0),
        RoomRow(2, b"\2" * 16, "den", "den", "quiet", 9, creator=2),
    ]
    assert state.members == [(2, 1, 2, Role.MEMBER), (2, 2, 1, Role.OWNER)]
    assert state.room_heads == {1: LogHead(1, heads[1]), 2: LogHead(2, heads[2])}
    assert state.inbox_heads == {1: LogHead(1, inbox), 2: LogHead(1, inbox)}
    assert state.markers == {1: {LOBBY: 1, 2: 2, INBOX: 1}, 2: {LOBBY: 0, 2: 2}}
    assert state.producers == {(1, b"\x0a" * 16): ProducerRow(3, 8, b"\x90")}
    assert (state.position, state.last_message, state.lockdown) == (7, 1, "normal")
    assert [state.restraints, state.invited, state.bans, state.invites] == [{}, [], {}, {}]


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).posts(LOBBY, b"hi").write()
    with monkeypatch.context() as newer:
        broken = "CREATE TABLE fresh (x) STRICT; INSERT INTO nowhere VALUES (1);"
        newer.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, broken))
        assert_refused(path, "no such table: nowhere|unknown datatype|SQLite failed")
    with contextlib.closing(SqliteStore.open(path)) as store:
        assert read_all(store) == [(1, b"hi")]
