"""Another user of the host: reads files, and changes them where they may. What hubbub writes is nobody else's to read, and what others could read it refuses."""

import os
import re
import stat
import subprocess
from pathlib import Path

import pytest
from tests.broker.chronicle import small_town
from tests.processes import BROKER, ThroughPipes, Town, environment

from hubbub.client import Client


def modes(folder: Path) -> dict[str, str]:
    """Return the modes of a folder and of all that is in it, in words."""
    there = {path.name: path for path in folder.rglob("*")}
    return {name: stat.filemode(path.lstat().st_mode) for name, path in there.items()} | {
        ".": stat.filemode(folder.stat().st_mode)
    }


@pytest.mark.parametrize("umask", [0o000, 0o077], ids=oct)
def test_insider_reads_no_file_when_a_broker_runs_under_any_umask(town: Town, umask: int) -> None:
    before = os.umask(umask)
    try:
        town.broker()
        home = town.home("alice")
        with Client(town.address, name="Alice", home=home / "hubbub") as alice:
            alice.post("lobby", "hello")
            back_up = (*BROKER, "backup", str(town.data / "copy"), "--data", str(town.data))
            backup = town.start(ThroughPipes, *back_up)
            assert backup.ends() == 0, backup.transcript()
            written = modes(town.data) | modes(home / "hubbub")
    finally:
        os.umask(before)
    assert {"hubbub.db", "hubbub.db-wal", "hubbub.lock", "server.key", "copy", "device.key"} <= (
        written.keys()
    )
    assert {mode[4:] for mode in written.values()} == {"------"}


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o660, 0o606], ids=oct)
@pytest.mark.parametrize("name", ["hubbub.db", "server.key"])
def test_broker_does_not_start_when_an_insider_could_read_a_file(
    tmp_path: Path, name: str, loose: int
) -> None:
    data = tmp_path / "data"
    small_town(data)
    (data / name).chmod(loose)
    command = (*BROKER, "--bind", "127.0.0.1:0", "--data", str(data))
    started = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=environment(tmp_path), check=False
    )
    assert started.returncode == 1
    assert re.search(rf"others can read or change .*: chmod 600 \S*/{name}", started.stderr)
    assert started.stderr.count("\n") == 1
    assert (data / name).stat().st_mode & 0o777 == loose
