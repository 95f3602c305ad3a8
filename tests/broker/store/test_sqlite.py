"""What is SQLite's: settings, crashes, full and broken disks. Other files and versions: `test_migrations`."""

import contextlib
import os
import re
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.broker.store.files import damage, read_all, run_sql, small_disk
from tests.broker.store.scribe import ALICE, LOBBY, Scribe, digest_after

from hubbub.broker.core.changes import Changes
from hubbub.broker.core.event_runs import cut
from hubbub.broker.core.reads import EventsPage, ReadEvents, ReadMembers
from hubbub.broker.errors import BrokerError, FolderError, StorageError
from hubbub.broker.store import connections, queries, writes
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import KIB

BATCH = 50


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hubbub.db"


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    with contextlib.closing(SqliteStore.open(path)) as store:
        yield store


# Settings


@pytest.mark.parametrize(("durability", "synchronous"), [("disk", 2), ("process", 1)])
def test_the_writer_syncs_each_commit_into_the_wal_or_what_is_moved_from_it(
    path: Path, store: SqliteStore, durability: connections.Durability, synchronous: int
) -> None:
    with contextlib.closing(connections.connect_writer(path, None, durability)) as writer:
        assert writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert writer.execute("PRAGMA synchronous").fetchone() == (synchronous,)
        assert writer.execute("PRAGMA fullfsync").fetchone() == (1,)
        assert writer.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_the_wal_is_cut_back_when_a_long_reading_has_ended(path: Path, store: SqliteStore) -> None:
    wal = path.with_name("hubbub.db-wal")
    scribe = Scribe(store)
    with contextlib.closing(connections.connect_outsider(path)) as outsider:
        outsider.execute("BEGIN")
        outsider.execute("SELECT * FROM meta").fetchall()
        while wal.stat().st_size <= connections.WAL_BYTES:
            scribe.posts(LOBBY, *[bytes(100 * KIB)] * 10).write()
    for _ in range(12):
        scribe.posts(LOBBY, *[bytes(100 * KIB)] * 10).write()
    assert wal.stat().st_size <= connections.WAL_BYTES


def test_the_reader_cannot_write(path: Path, store: SqliteStore) -> None:
    with (
        contextlib.closing(connections.connect_reader(path)) as reader,
        pytest.raises(sqlite3.OperationalError, match="readonly"),
    ):
        reader.execute("UPDATE meta SET position = 7")


def test_the_files_are_private_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        with contextlib.closing(SqliteStore.open(path)) as store:
            store.commit(Changes())
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(["hubbub.db", "hubbub.db-shm", "hubbub.db-wal"], 0o600)


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o620, 0o602, 0o644])
@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_files_that_others_can_read_or_change_are_refused(
    path: Path, store: SqliteStore, ending: str, loose: int
) -> None:
    store.commit(Changes())
    file = path.with_name(f"hubbub.db{ending}")
    file.chmod(loose)
    advice = f"others can read or change {file}; if nobody did, run: chmod 600 {file}"
    with pytest.raises(FolderError, match=re.escape(advice)):
        SqliteStore.open(path)
    assert file.stat().st_mode & 0o777 == loose
    file.chmod(0o600)
    SqliteStore.open(path).close()


@pytest.mark.parametrize("log", ["events", "inbox"])
def test_the_heads_are_found_by_index(path: Path, store: SqliteStore, log: str) -> None:
    texts = [text for text in vars(queries).values() if isinstance(text, str)]
    [heads] = [text for text in texts if f"JOIN {log}\n" in text]
    plan = [str(row[3]) for row in run_sql(path, f"EXPLAIN QUERY PLAN {heads}")]
    steps = [step for step in plan if re.search(rf"\b{log}\b", step)]
    assert len(steps) == 2
    assert [step for step in steps if step.startswith(f"SEARCH {log} USING")] == steps


def test_an_sqlite_that_is_too_old_is_refused() -> None:
    with pytest.raises(
        BrokerError, match=r"needs SQLite 3\.37\.0 or later and this Python has 3\.36\.0"
    ):
        connections.check_sqlite((3, 36, 0))


def test_all_that_a_batch_can_change_is_written() -> None:
    lists, keyed = [row[0] for row in writes._LISTS], [row[0] for row in writes._KEYED]
    fields = sorted([*lists, *keyed, "lockdown", "position"])
    assert fields == sorted(Changes.__dataclass_fields__)


def test_an_event_of_an_unknown_room_fails_the_batch(store: SqliteStore) -> None:
    with pytest.raises(StorageError, match="FOREIGN KEY"):
        store.commit(Changes(events=[*cut(99, 0, EMPTY, [b"x"])], position=1))
    assert store.recover().position == 0


# Crashes

KILLED_WRITER = f"""
import sys
from pathlib import Path
from hubbub.broker.store.sqlite import SqliteStore
from tests.broker.store.scribe import LOBBY, Scribe

scribe = Scribe(SqliteStore.open(Path(sys.argv[1])))
number = 0
while True:
    scribe.posts(LOBBY, *[b"%d" % (number + place) for place in range({BATCH})]).write()
    number += {BATCH}
    sys.stdout.write(f"{{number}}\\n")
    sys.stdout.flush()
"""


@pytest.mark.slow
@pytest.mark.parametrize("acks", [1, 2, 7, 20])
def test_a_killed_writer_leaves_whole_batches_and_all_that_it_acked(path: Path, acks: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as writer:
        assert writer.stdout is not None
        for _ in range(acks):
            writer.stdout.readline()
        # It is in the middle of a later batch, or between two.
        writer.send_signal(signal.SIGKILL)
        acked = [acks * BATCH, *map(int, writer.stdout.read().split())][-1]

    with contextlib.closing(SqliteStore.open(path)) as store:
        state = store.load()
        events = read_all(store)
    assert len(events) % BATCH == 0
    assert len(events) >= acked
    assert events == [(number + 1, b"%d" % number) for number in range(len(events))]
    assert state.position == state.room_heads[LOBBY].seq == len(events)
    digest = EMPTY
    for _, event in events:
        digest = extend(digest, event)
    assert state.room_heads[LOBBY].digest == digest


def test_a_reader_sees_the_old_state_while_a_batch_is_written(
    path: Path, store: SqliteStore
) -> None:
    scribe = Scribe(store).posts(LOBBY, b"old")
    scribe.write()
    writing, seen = threading.Event(), threading.Event()
    pages = []

    def read() -> None:
        writing.wait()
        pages.append(store.read(ReadEvents(LOBBY, None, None, 10)))
        seen.set()

    reader = threading.Thread(target=read)
    reader.start()
    with (
        contextlib.closing(connections.connect_writer(path, None)) as writer,
        connections.transaction(writer, "IMMEDIATE"),
    ):
        writer.execute("DELETE FROM events")
        writing.set()
        assert seen.wait(10)
    reader.join()
    assert pages == [EventsPage([(1, b"old")], more=False, first=1, before=EMPTY)]


# Failures


def write_until_it_fails(store: SqliteStore, match: str) -> int:
    """Return the number of events that were acked."""
    scribe = Scribe(store)
    acked = 0
    with pytest.raises(StorageError, match=match) as failure:  # noqa: PT012 - which batch fails is SQLite's to say
        while True:
            scribe.posts(LOBBY, *[bytes(KIB)] * 20).write()
            acked += 20
    assert "\n" not in str(failure.value)
    return acked


def test_a_full_disk_refuses_writes_until_there_is_room_again(path: Path) -> None:
    with contextlib.closing(SqliteStore.open(path, max_pages=400)) as store:
        acked = write_until_it_fails(store, "disk is full: make room")
        with pytest.raises(StorageError, match="has not recovered yet"):
            store.commit(Changes(position=1))
        assert len(read_all(store)) == acked
        for _ in range(3):
            with pytest.raises(StorageError, match="disk is full"):
                store.recover()
        with pytest.raises(StorageError, match="has not recovered yet"):
            store.commit(Changes(position=1))

        store.max_pages = 2000
        state = store.recover()
        assert state.position == state.room_heads[LOBBY].seq == acked
        assert len(read_all(store)) == acked

        # After the probe there is room for a batch of the largest size.
        store.max_pages = 1
        scribe = Scribe(store).posts(LOBBY, *[bytes(KIB)] * 700)
        scribe.write()
        assert store.load().position == acked + 700


def test_an_io_error_refuses_writes_until_the_disk_is_well_again(
    path: Path, store: SqliteStore
) -> None:
    with small_disk(512 * KIB):
        acked = write_until_it_fails(store, "disk reports an error")
        assert len(read_all(store)) == acked > 0
        with pytest.raises(StorageError, match="disk reports an error"):
            store.recover()
    assert store.recover().position == acked
    Scribe(store).posts(LOBBY, b"on").write()
    assert read_all(store)[acked:] == [(acked + 1, b"on")]


def test_a_new_database_on_a_full_disk_is_refused(path: Path) -> None:
    with pytest.raises(FolderError, match="disk is full"):
        SqliteStore.open(path, max_pages=2)
    with contextlib.closing(SqliteStore.open(path)) as store:
        assert store.load().position == 0


def test_a_value_that_does_not_fit_is_undone_and_harms_nothing(store: SqliteStore) -> None:
    with pytest.raises(OverflowError):
        store.commit(Changes(events=[*cut(LOBBY, 0, EMPTY, [b"x"])], position=2**64))
    Scribe(store).posts(LOBBY, b"fine").write()
    assert read_all(store) == [(1, b"fine")]


def test_a_store_whose_file_is_gone_does_not_recover(path: Path, store: SqliteStore) -> None:
    path.unlink()
    with pytest.raises(StorageError, match="check that it is there"):
        store.recover()
    assert not path.exists()


def test_a_store_that_is_damaged_after_an_error_does_not_recover(path: Path) -> None:
    with contextlib.closing(SqliteStore.open(path)) as store:
        Scribe(store).adds(ALICE).posts(LOBBY, *[bytes(KIB)] * 100).write()
    store = SqliteStore.open(path)
    try:
        damage(path, from_page=20)
        with pytest.raises(StorageError, match="damaged"):
            read_all(store)
        # The writer notices by itself at a page that it has to change.
        with pytest.raises(StorageError, match="damaged"):
            Scribe(store).posts(LOBBY, b"x").write()
        with pytest.raises(StorageError, match=r"damaged: stop the broker and restore a backup"):
            store.recover()
    finally:
        store.close()


def test_a_reader_reads_again_after_an_error(path: Path, store: SqliteStore) -> None:
    Scribe(store).posts(LOBBY, b"hi").write()
    run_sql(path, "ALTER TABLE events RENAME TO away")
    with pytest.raises(StorageError, match="no such table"):
        read_all(store)
    run_sql(path, "ALTER TABLE away RENAME TO events")
    assert read_all(store) == [(1, b"hi")]


def test_a_lost_row_is_damage_to_whoever_reads_behind_it(path: Path, store: SqliteStore) -> None:
    Scribe(store).posts(LOBBY, b"1").posts(LOBBY, b"2", b"3").write()
    run_sql(path, "DELETE FROM events WHERE last = 1")
    for after in (1, 2):
        with pytest.raises(StorageError, match="is damaged: restore it from a backup"):
            store.read(ReadEvents(LOBBY, None, after, 10))
    assert store.read(ReadEvents(99, None, None, 10)) == EventsPage([], False, 0, EMPTY)


@pytest.mark.parametrize(
    "run",
    ["x''", "x'c1'", "x'a133'", "x'91c40133'", "x'93c40133c40134c40135'", "x'92a133a134'", "x'07'"],
    ids=["nothing", "garbage", "a text", "too few", "too many", "texts", "a number"],
)
def test_a_run_that_is_not_what_was_written_is_damage_to_whoever_reads_it(
    path: Path, store: SqliteStore, run: str
) -> None:
    Scribe(store).posts(LOBBY, b"1", b"2").posts(LOBBY, b"3", b"4").posts(LOBBY, b"5").write()
    run_sql(path, f"UPDATE events SET events = {run} WHERE last = 4")
    for before, after in ((None, 1), (None, 3), (5, None)):  # into it, inside it, back over it
        with pytest.raises(StorageError, match="events 3 to 4 of a log cannot be read"):
            store.read(ReadEvents(LOBBY, before, after, 10))
    assert store.read(ReadEvents(LOBBY, None, 4, 10)) == EventsPage(
        [(5, b"5")], more=False, first=1, before=digest_after([b"1", b"2", b"3", b"4"])
    )
    assert store.read(ReadEvents(LOBBY, 3, None, 10)) == EventsPage(
        [(1, b"1"), (2, b"2")], more=False, first=1, before=EMPTY
    )


def test_a_text_that_cannot_be_decoded_is_damage(path: Path, store: SqliteStore) -> None:
    Scribe(store).adds(ALICE).write()
    run_sql(path, "UPDATE accounts SET name = CAST(x'ff' AS TEXT)")
    for reading in (lambda: store.read(ReadMembers(None, "", 10)), store.load):
        with pytest.raises(StorageError, match="is damaged: restore it from a backup"):
            reading()
