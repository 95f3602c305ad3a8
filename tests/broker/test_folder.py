import os
import re
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from hubbub.broker.errors import FolderError
from hubbub.broker.folder import DataFolder, default_folder
from hubbub.broker.store.sqlite import SqliteStore

KEY = bytes(range(32))
NOBODY = 65534


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def folder(path: Path) -> Iterator[DataFolder]:
    with DataFolder.open(path) as folder:
        yield folder


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def never() -> bytes:
    raise AssertionError("a second key is made")


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(FolderError, match=match) as refusal:
        DataFolder.open(path)
    assert "\n" not in str(refusal.value)


# The folder


@pytest.mark.parametrize("umask", [0o000, 0o777], ids=oct)
def test_an_operator_gets_a_private_folder_with_private_files(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with DataFolder.open(tmp_path / "deep" / "data") as folder:
            folder.server_key(lambda: KEY)
            with closing(SqliteStore.open(folder.database)):
                modes = {file.name: mode(file) for file in folder.path.iterdir()}
    finally:
        os.umask(before)
    assert mode(tmp_path / "deep" / "data") == mode(tmp_path / "deep") == 0o700
    names = ["hubbub.db", "hubbub.db-shm", "hubbub.db-wal", "hubbub.lock", "server.key"]
    assert modes == dict.fromkeys(names, 0o600)


def test_an_operator_opens_a_folder_again(path: Path) -> None:
    for _ in range(2):
        with DataFolder.open(path) as folder:
            assert folder.server_key(lambda: KEY) == KEY
            SqliteStore.open(folder.database).close()


def test_an_operator_whose_key_is_gone_gets_no_new_one(path: Path, folder: DataFolder) -> None:
    with pytest.raises(FolderError, match=r"server\.key is missing: restore it from a backup: "):
        folder.server_key(None)
    assert names(path) == ["hubbub.lock"]


@pytest.mark.parametrize("content", [None, b""])
def test_an_operator_whose_database_is_gone_gets_no_new_one(
    path: Path, folder: DataFolder, content: bytes | None
) -> None:
    folder.check_database()
    folder.server_key(lambda: KEY)
    if content is not None:
        folder.database.write_bytes(content)
    command = re.escape(f"hubbub-broker restore FILE --data {path}")
    with pytest.raises(FolderError, match=rf"is gone: restore it from a backup: {command} "):
        folder.check_database()


def test_an_operator_may_close_twice(folder: DataFolder) -> None:
    folder.close()
    folder.close()


def test_a_start_that_was_cut_off_is_completed(path: Path) -> None:
    DataFolder.open(path).close()
    assert names(path) == ["hubbub.lock"]
    (path / ".server.key.abcdefgh").touch()
    with DataFolder.open(path) as folder:
        assert folder.server_key(lambda: KEY) == KEY


def test_a_restored_backup_is_opened_without_its_lock(path: Path, folder: DataFolder) -> None:
    SqliteStore.open(folder.database).close()
    folder.close()
    (path / "hubbub.lock").unlink()
    DataFolder.open(path).close()


def test_an_empty_folder_that_others_can_read_becomes_private(path: Path) -> None:
    path.mkdir(mode=0o755)
    (path / "lost+found").mkdir()
    DataFolder.open(path).close()
    assert mode(path) == 0o700


def test_a_folder_that_others_can_write_in_is_refused(path: Path) -> None:
    path.mkdir()
    path.chmod(0o777)
    assert_refused(path, f"others can write in it; run: chmod 700 {path}")
    assert names(path) == []


def test_a_file_in_place_of_the_folder_is_refused(path: Path) -> None:
    path.write_text("mine")
    assert_refused(path, "it is not a folder")
    assert path.read_text() == "mine"


def test_a_folder_with_other_things_in_it_is_refused_and_left_alone(path: Path) -> None:
    path.mkdir(mode=0o755)
    (path / "thesis.txt").touch()
    assert_refused(path, "is not empty and not hubbub's: name a new folder")
    assert names(path) == ["thesis.txt"]
    assert mode(path) == 0o755


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give folders away")
def test_another_users_folder_is_refused(path: Path) -> None:
    path.mkdir(mode=0o700)
    os.chown(path, NOBODY, NOBODY)
    assert_refused(path, "belongs to another user")


@pytest.fixture
def ordinary_folder() -> Iterator[Path]:
    """A folder of an ordinary user's: root, who may write everywhere, is nobody while it is used."""
    folder = Path(tempfile.mkdtemp(prefix="hubbub-test-"))
    is_root = os.geteuid() == 0
    if is_root:
        os.chown(folder, NOBODY, NOBODY)
        os.seteuid(NOBODY)
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_a_folder_that_cannot_be_written_is_refused(ordinary_folder: Path) -> None:
    path = ordinary_folder / "data"
    path.mkdir(mode=0o500)
    assert_refused(path, "Permission denied")
    assert_refused(path / "below", "Permission denied")


# One broker at a time


def test_a_folder_in_use_is_refused_with_the_process_that_uses_it(folder: DataFolder) -> None:
    assert_refused(folder.path, rf"in use by another broker \(process {os.getpid()}\)")
    folder.close()
    DataFolder.open(folder.path).close()


def test_a_folder_in_use_by_a_broker_that_is_just_starting_is_refused(folder: DataFolder) -> None:
    # Between its lock and its number the file is empty.
    (folder.path / "hubbub.lock").write_bytes(b"")
    assert_refused(folder.path, r"in use by another broker \(process just starting\)")


HOLDER = """
import sys
import tempfile
from pathlib import Path
from hubbub.broker.folder import DataFolder
with DataFolder.open(Path(sys.argv[1])):
    print("open", flush=True)
    sys.stdin.read()
"""


@pytest.mark.slow
def test_a_folder_is_free_again_when_its_broker_was_killed(path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"open\n"
        assert_refused(path, rf"\(process {holder.pid}\)")
        holder.kill()
        holder.wait()
    DataFolder.open(path).close()


# The key


def test_the_key_is_made_once_and_kept_as_text(path: Path) -> None:
    with DataFolder.open(path) as folder:
        assert folder.server_key(lambda: KEY) == KEY
        assert folder.server_key(never) == KEY
    with DataFolder.open(path) as folder:
        assert folder.server_key(never) == KEY
    assert (path / "server.key").read_text() == KEY.hex() + "\n"


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"00" * 31, b"00" * 33, b"zz" * 32, b"\xff" * 64, b"0" * 63]
)
def test_a_damaged_key_is_refused_and_never_replaced(folder: DataFolder, content: bytes) -> None:
    folder.server_key(lambda: KEY)
    (folder.path / "server.key").write_bytes(content)
    with pytest.raises(FolderError, match="is damaged: restore it from a backup"):
        folder.server_key(never)
    assert (folder.path / "server.key").read_bytes() == content


def test_a_key_that_others_can_read_is_refused(folder: DataFolder) -> None:
    folder.server_key(lambda: KEY)
    (folder.path / "server.key").chmod(0o644)
    advice = re.escape(f"run: chmod 600 {folder.path / 'server.key'}")
    with pytest.raises(FolderError, match=advice):
        folder.server_key(never)


def test_a_key_that_is_too_short_is_not_kept(folder: DataFolder) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        folder.server_key(lambda: b"short")
    assert not (folder.path / "server.key").exists()


def test_the_default_folder_is_the_users_own(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    default = default_folder()
    assert default.is_relative_to(tmp_path)
    assert default.parts[-2:] == ("hubbub", "broker")
    assert not default.exists()
