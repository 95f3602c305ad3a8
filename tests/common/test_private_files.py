import os
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import pytest

from hubbub.common.private_files import (
    create_private,
    make_private_folder,
    read_guarded,
    read_private,
    replace_private,
)

NOBODY = 65534


@pytest.fixture(params=[0o000, 0o777, 0o022], ids=oct)
def umask(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[None]:
    # tmp_path is made before, with pytest's own umask.
    before = os.umask(request.param)
    yield
    os.umask(before)


def names(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.usefixtures("umask")
def test_files_and_folders_are_private_whatever_the_umask(tmp_path: Path) -> None:
    folder = tmp_path / "one" / "two"
    make_private_folder(folder)
    create_private(folder / "created", b"c")
    replace_private(folder / "replaced", b"r")
    assert [mode(folder.parent), mode(folder)] == [0o700, 0o700]
    assert [mode(folder / "created"), mode(folder / "replaced")] == [0o600, 0o600]
    assert sorted(path.name for path in folder.iterdir()) == ["created", "replaced"]


def test_a_file_is_read_as_it_was_created(tmp_path: Path) -> None:
    assert create_private(tmp_path / "key", b"\0\xff\n") == b"\0\xff\n"
    assert read_private(tmp_path / "key") == b"\0\xff\n"


def test_a_file_that_is_there_is_kept_and_returned(tmp_path: Path) -> None:
    create_private(tmp_path / "key", b"first")
    assert create_private(tmp_path / "key", b"second") == b"first"
    assert read_private(tmp_path / "key") == b"first"
    assert names(tmp_path) == ["key"]


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    replace_private(tmp_path / "pins", b"a longer old content")
    replace_private(tmp_path / "pins", b"new")
    assert read_private(tmp_path / "pins") == b"new"
    assert names(tmp_path) == ["pins"]


def test_a_file_that_others_could_read_becomes_private_when_replaced(tmp_path: Path) -> None:
    (tmp_path / "pins").write_bytes(b"old")
    (tmp_path / "pins").chmod(0o644)
    replace_private(tmp_path / "pins", b"new")
    assert mode(tmp_path / "pins") == 0o600


def test_a_failed_write_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "pins").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_private(tmp_path / "pins", b"new")
    assert names(tmp_path) == ["pins"]


def test_a_file_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_private(tmp_path / "key")


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o620, 0o602, 0o610, 0o601])
def test_a_file_that_others_may_use_is_refused(tmp_path: Path, loose: int) -> None:
    key = tmp_path / "my key"
    create_private(key, b"secret")
    key.chmod(loose)
    for attempt in (read_private, partial(create_private, content=b"other")):
        with pytest.raises(PermissionError) as refusal:
            attempt(key)
        assert refusal.value.strerror == (
            f"others can read or change it; if nobody did, run: chmod 600 '{key}'"
        )
        assert refusal.value.filename == str(key)


def test_a_folder_and_a_fifo_are_no_private_files(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    os.mkfifo(tmp_path / "fifo", 0o600)
    with pytest.raises(IsADirectoryError):
        read_private(tmp_path / "folder")
    with pytest.raises(OSError, match="not a regular file"):
        read_private(tmp_path / "fifo")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_what_belongs_to_another_user_is_refused(tmp_path: Path) -> None:
    create_private(tmp_path / "key", b"secret")
    os.chown(tmp_path / "key", NOBODY, NOBODY)
    (tmp_path / "folder").mkdir(mode=0o700)
    os.chown(tmp_path / "folder", NOBODY, NOBODY)
    with pytest.raises(PermissionError, match="belongs to another user"):
        read_private(tmp_path / "key")
    with pytest.raises(PermissionError, match="belongs to another user"):
        make_private_folder(tmp_path / "folder")


def test_a_folder_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "parent").mkdir(mode=0o755)
    (tmp_path / "parent" / "folder").mkdir(mode=0o755)
    make_private_folder(tmp_path / "parent" / "folder")
    assert mode(tmp_path / "parent" / "folder") == mode(tmp_path / "parent") == 0o755


@pytest.mark.parametrize("loose", [0o770, 0o707, 0o1777])
def test_a_folder_that_others_can_write_in_is_refused(tmp_path: Path, loose: int) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    folder.chmod(loose)
    with pytest.raises(PermissionError, match=f"others can write in it; run: chmod 700 {folder}"):
        make_private_folder(folder)
    assert mode(folder) == loose


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="it is not a folder"):
        make_private_folder(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make_private_folder(tmp_path / "file" / "below")


def test_the_root_and_relative_folders_can_be_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_private_folder(Path("/"))
    monkeypatch.chdir(tmp_path)
    make_private_folder(Path("here"))
    assert create_private(Path("here/key"), b"k") == read_private(Path("here/key"))


def test_threads_that_create_at_once_all_get_the_first_ones_content(tmp_path: Path) -> None:
    start = threading.Barrier(8)

    def create(number: int) -> bytes:
        start.wait()
        return create_private(tmp_path / "key", b"%d" % number * 1000)

    for _ in range(8):
        with ThreadPoolExecutor(8) as threads:
            contents = set(threads.map(create, range(8)))
        assert contents == {read_private(tmp_path / "key")}
        assert names(tmp_path) == ["key"]
        (tmp_path / "key").unlink()


def create_numbered(path: Path, number: int) -> bytes:
    return create_private(path, b"%d" % number * 1000)


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644])
def test_a_guarded_file_may_be_read_by_others(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"1234")
    file.chmod(mode)
    assert read_guarded(file, 4) == b"1234"
    with pytest.raises(OSError, match="more than 3 bytes"):
        read_guarded(file, 3)


@pytest.mark.parametrize("mode", [0o602, 0o620, 0o666])
def test_a_guarded_file_is_refused_when_others_can_change_it(tmp_path: Path, mode: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"")
    file.chmod(mode)
    with pytest.raises(PermissionError, match="run: chmod go-w"):
        read_guarded(file, 4)


@pytest.mark.slow
def test_processes_that_create_at_once_all_get_the_first_ones_content(tmp_path: Path) -> None:
    key = tmp_path / "key"
    with get_context("spawn").Pool(4) as processes:
        contents = set(processes.starmap(create_numbered, [(key, n) for n in range(32)], 1))
    assert contents == {read_private(key)}
    assert names(tmp_path) == ["key"]


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    pins = tmp_path / "pins"
    contents = [b"a" * 100_000, b"b" * 50_000]
    replace_private(pins, contents[0])
    done = threading.Event()
    seen = set()

    def read() -> None:
        while not done.is_set():
            seen.add(read_private(pins))

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(50):
        replace_private(pins, contents[turn % 2])
    done.set()
    reader.join()
    assert seen <= set(contents)
