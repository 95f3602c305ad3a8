"""Files of other programs and of other versions, damaged ones and new ones."""

import contextlib
from pathlib import Path

import pytest
from tests.broker.store.files import read_all, run_sql
from tests.broker.store.scribe import LOBBY, Scribe

from hubbub.broker.errors import FolderError
from hubbub.broker.store import connections, migrations
from hubbub.broker.store.sqlite import SqliteStore
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
    known = migrations.newest()
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
    assert run_sql(path, "PRAGMA user_version") == [(migrations.newest(),)]
    assert run_sql(path, "PRAGMA application_id") == [(migrations.APPLICATION_ID,)]
    with contextlib.closing(SqliteStore.open(path)) as store:
        assert [room.number for room in store.load().rooms] == [LOBBY]


NEXT = "ALTER TABLE rooms ADD COLUMN topic TEXT NOT NULL DEFAULT 'none';"


def test_a_database_of_the_schema_before_is_brought_to_the_newest(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).posts(LOBBY, b"hi").write()
    before = migrations.newest()
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, NEXT))
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).posts(LOBBY, b"ho").write()
        assert read_all(store) == [(1, b"hi"), (2, b"ho")]
    assert run_sql(path, "PRAGMA user_version") == [(before + 1,)]
    assert run_sql(path, "SELECT topic FROM rooms") == [("none",)]


def test_an_empty_file_gets_all_migrations(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, NEXT))
    SqliteStore.open(path).close()
    assert run_sql(path, "PRAGMA user_version") == [(migrations.newest(),)]
    assert run_sql(path, "SELECT topic FROM rooms") == [("none",)]


@pytest.mark.parametrize("version", [1, migrations.FIRST_SCHEMA - 1])
def test_a_database_from_before_the_first_release_is_refused(path: Path, version: int) -> None:
    SqliteStore.open(path).close()
    run_sql(path, f"PRAGMA user_version = {version}")
    assert_refused(
        path,
        f"has schema {version}: a hubbub from before the first release made it, .* begin with an empty folder",
    )


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
