"""Backups as files: what is in one, who can read it, and what is left behind when it fails."""

import os
import re
import shutil
import signal
import sqlite3
import stat
import tempfile
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.chronicle import KEY, Chronicle, small_town
from tests.broker.store.files import damage, run_sql, small_disk

from hubbub.broker.backup import back_up
from hubbub.broker.broker import Broker
from hubbub.broker.errors import BrokerError, FolderError
from hubbub.broker.store import migrations
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.verify import verify
from hubbub.common.commands import Post
from hubbub.common.limits import KIB

NOBODY = 65534


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder / "monday.hubbub"


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_an_operator_gets_one_private_file_with_everything(data: Path, file: Path) -> None:
    before = os.umask(0)
    try:
        made = back_up(data, file)
    finally:
        os.umask(before)
    assert names(file.parent) == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.size == file.stat().st_size
    assert (made.holds.messages, made.holds.rooms, made.holds.people) == (14, 3, 3)
    assert run_sql(file, "SELECT format, key FROM backup") == [(1, KEY)]
    assert run_sql(file, "PRAGMA journal_mode") == [("delete",)]
    there = verify(data)
    here = verify(data, file)
    assert (here.faults, here.epoch, here.logs) == ([], there.epoch, there.logs)


def test_a_file_that_exists_is_replaced_only_by_force(data: Path, file: Path) -> None:
    file.write_text("precious")
    with pytest.raises(BrokerError, match="exists: name another file, or say --force"):
        back_up(data, file)
    assert file.read_text() == "precious"
    back_up(data, file, force=True)
    assert verify(data, file).faults == []
    assert names(file.parent) == [file.name]


def test_a_backup_holds_one_moment_while_a_store_is_written(data: Path, file: Path) -> None:
    """Several hundred pages, so that many commits fall between its beginning and its end."""
    with Chronicle(data) as town:
        room = town.room("lobby")
        town.writes("Alice", *(Post(0, room, "x" * 4000) for _ in range(500)))
        at_least = town.state.rooms[1].log.seq
        done = threading.Event()
        written: list[int] = []

        def write() -> None:
            while not done.is_set() or not written:
                town.writes("Bob", Post(0, room, "busy"))
                written.append(town.state.rooms[1].log.seq)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            made = back_up(data, file)
        finally:
            done.set()
            writer.join()
    [lobby] = [log for log in made.holds.logs if log.where == "room lobby"]
    assert at_least <= lobby.last <= written[-1]


def test_a_database_of_an_older_schema_is_backed_up_as_it_is(
    data: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a new hubbub is started for the first time."""
    version = migrations.newest()
    add_a_column = "ALTER TABLE rooms ADD COLUMN topic TEXT"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_a_column))
    back_up(data, file)
    assert run_sql(file, "PRAGMA user_version") == [(version,)]


# What fails leaves nothing behind.


def test_damaged_data_is_not_backed_up(data: Path, file: Path) -> None:
    run_sql(data / "hubbub.db", "DELETE FROM events WHERE room = 1 AND last = 3")
    command = re.escape(f"see hubbub-broker verify --data {data}")
    with pytest.raises(BrokerError, match=rf"\(room lobby, seq 3: is missing\): {command}"):
        back_up(data, file)
    assert names(file.parent) == []


def test_data_with_damaged_pages_is_not_backed_up(data: Path, file: Path) -> None:
    damage(data / "hubbub.db", from_page=1)
    with pytest.raises(BrokerError, match="damaged"):
        back_up(data, file)
    assert names(file.parent) == []


def test_a_folder_without_a_key_is_not_backed_up(data: Path, file: Path) -> None:
    (data / "server.key").unlink()
    with pytest.raises(BrokerError, match=r"server\.key is missing"):
        back_up(data, file)
    assert names(file.parent) == []


def test_a_folder_without_a_database_is_not_backed_up(tmp_path: Path, file: Path) -> None:
    with pytest.raises(BrokerError, match="there is no broker's data"):
        back_up(tmp_path, file)
    assert names(file.parent) == []


def test_a_place_that_does_not_exist_is_told(data: Path, file: Path) -> None:
    with pytest.raises(BrokerError, match=r"cannot write .*/nowhere/b: No such file"):
        back_up(data, file.parent / "nowhere" / "b")


@pytest.mark.parametrize("limit", [32 * KIB, 40 * KIB, 48 * KIB])
def test_a_disk_without_room_is_told(data: Path, file: Path, limit: int) -> None:
    size = (data / "hubbub.db").stat().st_size
    assert size > limit
    with small_disk(limit), pytest.raises(BrokerError) as refusal:
        back_up(data, file)
    assert str(refusal.value).startswith(f"{file}: the disk ")
    assert names(file.parent) == []


def test_a_name_that_was_taken_meanwhile_is_left_alone(
    data: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def slowly(source: Path, target: Path) -> None:
        file.write_text("precious")
        real(source, target)

    monkeypatch.setattr(os, "link", slowly)
    with pytest.raises(BrokerError, match="has come to exist meanwhile"):
        back_up(data, file)
    assert names(file.parent) == [file.name]
    assert file.read_text() == "precious"


def test_a_file_system_without_links_is_written_too(
    data: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_source: Path, _target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    back_up(data, file)
    assert names(file.parent) == [file.name]
    assert verify(data, file).faults == []


def test_an_interrupted_backup_leaves_nothing(
    data: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_numbers: int) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("hubbub.broker.store.backups._interruptible", interrupt)
    with pytest.raises(KeyboardInterrupt):
        back_up(data, file)
    assert names(file.parent) == []


# Odd places


@pytest.mark.parametrize("how", ["closed", "killed"])
def test_a_folder_that_cannot_be_written_is_backed_up(how: str, tmp_path: Path) -> None:
    """By an ordinary user: root may write everywhere. A killed broker leaves a -wal, whose commits count."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-test-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    data, running = folder / "data", folder / "running"
    try:
        with Chronicle(running) as town:
            town.enters("Alice")
            town.writes("Alice", *(Post(0, town.room("lobby"), f"{n}") for n in range(9)))
            if how == "killed":
                shutil.copytree(running, data)
        if how == "closed":
            running.rename(data)
        assert (data / "hubbub.db-wal").exists() == (how == "killed")
        data.chmod(0o500)
        made = back_up(data, folder / "backup")
        assert made.holds.messages == 9
        assert verify(data).messages == 9
    finally:
        data.chmod(0o700)
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_no_broker_runs_on_a_backup(data: Path, file: Path) -> None:
    back_up(data, file)
    file.replace(data / "hubbub.db")
    content = (data / "hubbub.db").read_bytes()
    command = re.escape(f"hubbub-broker restore FILE --data {data}")
    with pytest.raises(FolderError, match=rf"is a backup .*: move it elsewhere, then: {command}"):
        SqliteStore.open(data / "hubbub.db")
    assert (data / "hubbub.db").read_bytes() == content
    with closing(sqlite3.connect(data / "hubbub.db")) as connection:
        assert connection.execute("SELECT sum(last - first + 1) FROM events").fetchone() == (13,)


@pytest.mark.slow
def test_a_running_broker_is_backed_up(data: Path, file: Path) -> None:
    with Broker.temporary(data=data) as broker:
        back_up(data, file)
        assert broker.store.load().room_heads[1].seq == 7
    assert verify(data, file).faults == []


def test_nothing_is_left_beside_a_backup_whose_name_looks_like_a_pattern(
    data: Path, file: Path
) -> None:
    odd = file.with_name("chat [1].hubbub")
    back_up(data, odd)
    assert names(odd.parent) == [odd.name]


@pytest.mark.parametrize(
    "name", ["hubbub.db", "hubbub.db-wal", "server.key", "hubbub.lock", "hubbub.toml"]
)
def test_a_backup_never_takes_the_place_of_what_is_backed_up(data: Path, name: str) -> None:
    before = names(data)
    with pytest.raises(BrokerError, match="is the broker's own: name another file"):
        back_up(data, data / name, force=True)
    assert names(data) == before
    assert verify(data).faults == []
    back_up(data, data / "monday.hubbub")
