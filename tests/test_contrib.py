"""`contrib/hubbub-broker.service`: systemd accepts it, finds it well closed, and the broker lives within what it allows, as far as one can try that
without systemd.
"""

import re
import resource
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from tests.processes import BROKER, ROOT, ThroughPipes, Town

from hubbub.client import Client

UNIT: Final = ROOT / "contrib" / "hubbub-broker.service"
EXPOSURE: Final = 15
"""`systemd-analyze security` counts from 0 to 100; what is left is mostly that a broker needs the network."""

needs_systemd: Final = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def settings(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(encoding="utf-8"), re.MULTILINE)


def setting(name: str) -> str:
    [value] = settings(name)
    return value


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with a program that is there: systemd looks for it."""
    copy = tmp_path / UNIT.name
    program = shlex.split(setting("ExecStart"))[0]
    copy.write_text(UNIT.read_text("utf-8").replace(f"={program}", f"={sys.executable}"), "utf-8")
    return copy


def systemd_analyze(*arguments: str | Path) -> str:
    """Run it; return its complaints if it has any."""
    command = ["systemd-analyze", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 and not done.stderr else done.stderr + done.stdout


@needs_systemd
def test_systemd_accepts_the_unit(unit: Path) -> None:
    assert systemd_analyze("verify", unit) == ""


@needs_systemd
def test_systemd_complains_of_a_unit_with_an_unknown_setting(unit: Path) -> None:
    unit.write_text(unit.read_text("utf-8").replace("ProtectHome=", "ProtectHouse="), "utf-8")
    assert "ProtectHouse" in systemd_analyze("verify", unit)


@needs_systemd
def test_systemd_finds_the_unit_well_closed(unit: Path) -> None:
    options = ("--offline=true", "--no-pager", f"--threshold={EXPOSURE}")
    assert systemd_analyze("security", *options, unit) == ""


def test_unit_comes_back_whatever_ended_it() -> None:
    assert setting("Restart") == "always"
    assert setting("StartLimitIntervalSec") == "0"


def test_unit_lets_libzmq_set_the_scheduling_of_its_threads() -> None:
    """Tried under systemd 252: without @resources libzmq aborts the broker at its first thread."""
    allowed, denied = settings("SystemCallFilter")
    assert allowed == "@system-service"
    assert denied == "~@privileged"


def test_unit_leaves_room_for_ten_thousand_clients() -> None:
    assert int(setting("LimitNOFILE")) >= 2 * 2 * 10_000


@pytest.mark.slow
def test_broker_lives_within_the_limits_of_the_unit(town: Town) -> None:
    """As systemd starts it: the folder made before, 0700; the umask; a limit of descriptors that it cannot raise."""
    town.data.mkdir(mode=int(setting("StateDirectoryMode"), 8))
    assert settings("Environment") == [], "what the file says holds"
    (town.data / "hubbub.toml").write_text('[broker]\nbind = "127.0.0.1:0"\n')
    (town.data / "hubbub.toml").chmod(0o600)
    replaced = {f"%S/{setting('StateDirectory')}": str(town.data)}
    _program, *options = shlex.split(setting("ExecStart"))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    files = min(int(setting("LimitNOFILE")), most)
    shell = f'umask {setting("UMask")}; ulimit -n {files}; exec "$@"'
    command = [*BROKER, *(replaced.get(option, option) for option in options)]
    broker = town.start(ThroughPipes, "/bin/sh", "-c", shell, "sh", *command)
    town.address = broker.sees_match(r"Server running on (\S+)\n")[1]
    with Client(town.address, name="Alice", home=town.home("Alice")) as chat:
        assert chat.post("lobby", "hi") == 1
        if sys.platform == "linux":
            # What the unit's TasksMax is judged by.
            threads = list(Path(f"/proc/{broker.process_id}/task").iterdir())
            assert len(threads) * 4 <= int(setting("TasksMax"))
    assert setting("ExecReload") == "/bin/kill -HUP $MAINPID"
    broker.signal(signal.SIGHUP)
    broker.sees("The configuration was read again; changed: nothing")
    assert {file.stat().st_mode & 0o077 for file in town.data.iterdir()} == {0}
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
