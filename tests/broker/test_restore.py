"""What is restored is what was backed up, whole or not at all, under another epoch; and what is no whole backup changes nothing."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.broker.chronicle import KEY, Chronicle, small_town
from tests.broker.store.files import run_sql, small_disk

from hubbub.broker import replacing
from hubbub.broker.backup import back_up
from hubbub.broker.core.changes import Snapshot
from hubbub.broker.core.producers import Outcome
from hubbub.broker.core.state import State
from hubbub.broker.errors import BrokerError
from hubbub.broker.folder import DataFolder, read_server_key
from hubbub.broker.restore import restore
from hubbub.broker.store import migrations
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.verify import verify
from hubbub.common.commands import Create, Join, Leave, Mark, Post, Tell, Write
from hubbub.common.limits import KIB

RIGHTS = ("devices", "restraints", "invited", "bans", "invites")
TABLES = ("accounts", "rooms", "members", "events", "messages", "inbox", "markers", *RIGHTS)
"""Of which every row stays."""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data"


@pytest.fixture
def file(data: Path, tmp_path: Path) -> Path:
    back_up(data, tmp_path / "backup")
    return tmp_path / "backup"


def loaded(data: Path) -> Snapshot:
    with closing(SqliteStore.open(data / "hubbub.db")) as store:
        return store.load()


def rows(data: Path) -> dict[str, list[tuple[object, ...]]]:
    return {table: run_sql(data / "hubbub.db", f"SELECT * FROM {table}") for table in TABLES}


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "hubbub.lock"
    }


# What is restored


NAMES = ("Alice", "Bob", "Carol")
ROOMS = ("den", "attic")
people = st.sampled_from(NAMES)
rooms = st.sampled_from(ROOMS)


def _writes(town: Chronicle) -> dict[str, Callable[[str, str, int], Write]]:
    def id_of(room: str) -> bytes:
        there = town.state.room_named(room)
        return there.log.id if there else town.room("lobby")

    return {
        "post": lambda _who, room, n: Post(0, id_of(room), f"text {n}"),
        "say": lambda _who, _room, n: Post(0, town.room("lobby"), f"text {n}", {"n": n}),
        "tell": lambda who, _room, n: Tell(0, who, f"text {n}"),
        "create": lambda _who, room, _n: Create(0, room, "a headline"),
        "join": lambda _who, room, _n: Join(0, room),
        "leave": lambda _who, room, _n: Leave(0, id_of(room)),
        "mark": lambda _who, room, n: Mark(0, id_of(room), 1 + n % 5),
    }


KINDS = ("post", "say", "tell", "create", "join", "leave", "mark")
steps = st.lists(st.tuples(people, st.sampled_from(KINDS), people, rooms), max_size=40)


@pytest.mark.slow
@given(steps)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_was_said_is_as_before_under_another_epoch(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str, str]]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    data, other, file = folder / "data", folder / "other", folder / "backup"
    with Chronicle(data) as town:
        town.enters(*NAMES)
        makers = _writes(town)
        for n, (who, kind, whom, room) in enumerate(steps):
            town.writes(who, makers[kind](whom, room, n))
    back_up(data, file)
    done = restore(file, other)
    before, after = loaded(data), loaded(other)
    assert after.epoch == done.epoch != before.epoch
    assert rows(other) == rows(data)
    assert read_server_key(other) == read_server_key(data) == KEY
    assert verify(other).faults == []
    for part in ("position", "accounts", "rooms", "room_heads", "inbox_heads", "members"):
        assert getattr(after, part) == getattr(before, part)
    assert (after.markers, after.last_message) == (before.markers, before.last_message)
    old, new = State(before), State(after)
    moved = {a.inbox.id: new.accounts[n].inbox.id for n, a in old.accounts.items()}
    assert not moved.keys() & set(moved.values())
    assert _outcomes(after) == {
        key: (n, used, [(*run[:2], moved.get(run[2], run[2]), *run[3:]) for run in runs])
        for key, (n, used, runs) in _outcomes(before).items()
    }
    with Chronicle(other) as town:  # and it goes on
        town.writes("Alice", Post(0, town.room("lobby"), "again"), Tell(0, "Bob", "again"))
    assert verify(other).faults == []
    shutil.rmtree(folder)


def _outcomes(state: Snapshot) -> dict[object, tuple[int, int, list[tuple[Any, ...]]]]:
    decoder = msgspec.msgpack.Decoder(list[Outcome])
    return {
        key: (
            row.n,
            row.used,
            [msgspec.structs.astuple(run) for run in decoder.decode(row.outcomes)],
        )
        for key, row in state.producers.items()
    }


def test_what_was_there_is_kept_beside_it(data: Path, file: Path) -> None:
    with Chronicle(data) as town:
        town.writes("Alice", Post(0, town.room("lobby"), "after the backup"))
        shutil.copytree(data, data.parent / "killed")
    before = content(data.parent / "killed")
    shutil.rmtree(data)
    (data.parent / "killed").rename(data)
    assert before["hubbub.db-wal"]
    done = restore(file, data)
    assert done.kept is not None
    assert content(done.kept) == before
    assert done.kept.parent == data
    assert done.kept.stat().st_mode & 0o777 == 0o700
    assert loaded(data).room_heads[1].seq == 7
    again = restore(file, data)
    assert again.kept not in {None, done.kept}
    assert loaded(data).epoch == again.epoch != done.epoch


def test_a_new_folder_is_made_private(file: Path, tmp_path: Path) -> None:
    done = restore(file, tmp_path / "deep" / "new")
    assert done.kept is None
    modes = {p.name: p.stat().st_mode & 0o777 for p in (tmp_path / "deep" / "new").iterdir()}
    assert modes == {"hubbub.db": 0o600, "hubbub.lock": 0o600, "server.key": 0o600}


@pytest.mark.parametrize("lost", ["hubbub.db", "server.key"])
def test_a_folder_that_lost_a_file_is_whole_again(data: Path, file: Path, lost: str) -> None:
    (data / lost).unlink()
    restore(file, data)
    assert verify(data).faults == []


def test_a_damaged_database_gives_way(data: Path, file: Path) -> None:
    (data / "hubbub.db").write_bytes(b"\xa5" * 10_000)
    done = restore(file, data)
    assert done.kept is not None
    assert (done.kept / "hubbub.db").read_bytes() == b"\xa5" * 10_000
    assert verify(data).faults == []


def test_the_key_is_not_left_in_the_database(data: Path, file: Path) -> None:
    assert KEY in file.read_bytes()
    restore(file, data)
    assert KEY not in (data / "hubbub.db").read_bytes()


def test_a_backup_of_an_older_schema_is_brought_to_the_newest(
    data: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rows(data)
    add_a_column = "ALTER TABLE meta ADD COLUMN topic TEXT NOT NULL DEFAULT 'none';"
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS, add_a_column))
    restore(file, data)
    assert verify(data).faults == []
    assert rows(data) == before
    assert run_sql(data / "hubbub.db", "SELECT topic FROM meta") == [("none",)]


# What is refused


def _garbage(file: Path) -> None:
    file.write_bytes(b"Dear diary,\n" * 1000)


def _nothing(file: Path) -> None:
    file.write_bytes(b"")


def _half(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def _flipped(file: Path) -> None:
    raw = bytearray(file.read_bytes())
    raw[raw.index(b"psst 2")] ^= 1
    file.write_bytes(raw)


def _sql(script: str) -> Callable[[Path], object]:
    return lambda file: run_sql(file, script)


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        (_garbage, "is no backup, or it is damaged"),
        (_nothing, "neither hubbub's database nor a backup"),
        (_half, "is no backup, or it is damaged"),
        (_flipped, r"is damaged \(inbox of Alice, seq 3: the event is not what was written\)"),
        (_sql("DELETE FROM events WHERE last = 2"), r"is damaged \(.*seq 2: is missing\): see"),
        (
            _sql("UPDATE events SET events = x'c1' WHERE room = 2 AND last = 3"),
            "seq 2 to 3: no events can be read",
        ),
        (_sql("UPDATE backup SET key = x'00'"), "is a damaged backup: it has no key"),
        (_sql("DELETE FROM backup"), "is a damaged backup: it has no key"),
        (_sql(f"UPDATE backup SET taken = {2**62}"), "is a damaged backup: it says no time"),
        (_sql("UPDATE backup SET format = 2"), "a newer hubbub made it"),
        (_sql("PRAGMA user_version = 99"), "a newer hubbub made it"),
        (_sql("PRAGMA user_version = 5"), "a hubbub from before the first release made it"),
        (_sql("PRAGMA application_id = 7"), "neither hubbub's database nor a backup"),
        (_sql("PRAGMA application_id = 1752523362"), "is a broker's database and no backup"),
        (Path.unlink, "No such file"),
    ],
)
def test_what_is_no_whole_backup_changes_nothing(
    data: Path, file: Path, spoil: Callable[[Path], object], error: str
) -> None:
    spoil(file)
    before = content(data)
    with pytest.raises(BrokerError, match=error) as refusal:
        restore(file, data)
    assert "\n" not in str(refusal.value)
    assert content(data) == before


def test_a_folder_with_a_running_broker_is_refused(data: Path, file: Path) -> None:
    with Chronicle(data):
        before = content(data)
        with pytest.raises(BrokerError, match="in use by another broker"):
            restore(file, data)
        assert content(data) == before


def test_a_folder_of_somebody_else_s_things_is_refused(file: Path, tmp_path: Path) -> None:
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "thesis.txt").touch()
    with pytest.raises(BrokerError, match="not empty and not hubbub's"):
        restore(file, folder)
    assert [path.name for path in folder.iterdir()] == ["thesis.txt"]


# Killed in the middle

KILLED_AT_EACH_STEP = """
import os, shutil, signal, sys
from pathlib import Path
from hubbub.broker.folder import DataFolder
from hubbub.broker.restore import restore

STEPS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "os.truncate", "os.chmod", "sqlite3.connect"}
data, file, work = map(Path, sys.argv[1:])

def killed_before(step, do):
    "Fork a child that does it and is killed before the step; return whether it came so far."
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    left = step
    def hook(event, arguments):
        nonlocal left
        if event in STEPS and str(work) in repr(arguments):
            left -= 1
            if left < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)
    do()
    os._exit(0)

step = 0
while True:
    place = work / str(step)
    shutil.copytree(data, place)
    if not killed_before(step, lambda: restore(file, place)):
        break
    # Whoever opens the folder next may be killed as well.
    again = 0
    while killed_before(again, lambda: DataFolder.open(place).close()):
        again += 3
    step += 1
"""


@pytest.mark.slow
def test_a_restore_that_is_killed_anywhere_leaves_the_old_or_the_new(
    data: Path, file: Path, tmp_path: Path
) -> None:
    with Chronicle(data) as town:
        town.writes("Alice", Post(0, town.room("lobby"), "after the backup"))
        shutil.copytree(data, tmp_path / "killed")  # with a -wal, which belongs to the old database
    data = tmp_path / "killed"
    (data / "server.key").write_text("aa" * 32)
    old = content(data)
    work = tmp_path / "work"
    work.mkdir()
    subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, str(data), str(file), str(work)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        check=True,
    )
    places = sorted(work.iterdir(), key=lambda place: int(place.name))
    assert len(places) > 20
    outcomes = [_old_or_new(place, old) for place in places]
    assert outcomes == sorted(outcomes)
    assert {outcomes[0], outcomes[-1]} == {"1 old", "2 new"}
    assert outcomes.count("2 new") > 5  # also after the decisive one there were steps


def _old_or_new(place: Path, old: dict[str, bytes]) -> str:
    """Return which of both is in a folder, after checking that all of it is, and nothing else."""
    now = content(place)
    kept = {name.partition("/")[2] for name in now if name.startswith("replaced-")}
    if not kept:
        assert now == old
        return "1 old"
    assert kept == set(old)
    [before] = place.glob("replaced-*")
    assert content(before) == old
    assert now.keys() - {f"{before.name}/{name}" for name in kept} == {"hubbub.db", "server.key"}
    assert now["server.key"] == KEY.hex().encode() + b"\n"
    assert verify(place).faults == []
    assert loaded(place).room_heads[1].seq == 7
    return "2 new"


@pytest.mark.parametrize("reader", ["verify", "backup"])
def test_who_reads_completes_what_was_cut_off(
    data: Path, file: Path, reader: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Chronicle(data) as town:
        town.writes("Alice", Post(0, town.room("lobby"), "after the backup"))
    with monkeypatch.context() as cut:
        cut.setattr(replacing, "complete", lambda _folder: None)
        restore(file, data)
    assert replacing.is_cut_off(data)
    report = verify(data) if reader == "verify" else back_up(data, file, force=True).holds
    assert (report.faults, report.logs[0].last) == ([], 7)
    assert not replacing.is_cut_off(data)


def test_what_an_earlier_restore_left_is_removed(data: Path) -> None:
    (data / ".restore.abcdefgh").mkdir()
    (data / ".restore.abcdefgh" / "hubbub.db").write_bytes(b"half")
    DataFolder.open(data).close()
    assert not (data / ".restore.abcdefgh").exists()


def test_a_disk_without_room_is_told_and_changes_nothing(data: Path, file: Path) -> None:
    before = content(data)
    with (
        small_disk(40 * KIB),
        pytest.raises(BrokerError, match=rf"cannot restore {re.escape(str(file))}: File too large"),
    ):
        restore(file, data)
    assert content(data) == before
