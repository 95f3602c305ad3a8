"""`hubbub-broker` as it presents itself; what it does is tested with real processes."""

import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.processes import ROOT, ThroughPipes, environment

from hubbub.broker.cli import main

COUNTING = """
import atexit, gc
from hubbub.broker.cli import main
atexit.register(lambda: print(gc.get_freeze_count(), "objects are left alone"))
main()
"""


def test_the_program_looks_for_no_garbage_in_what_it_began_with(tmp_path: Path) -> None:
    options = ["--bind", "127.0.0.1:0", "--data", str(tmp_path / "data")]
    command = [sys.executable, "-c", COUNTING, *options]
    with closing(ThroughPipes(command, environment(tmp_path))) as broker:
        broker.sees("Server running on")
        broker.signal(signal.SIGTERM)
        assert int(broker.sees_match(r"(\d+) objects are left alone")[1]) > 10_000
        assert broker.ends() == 0


def test_help_names_every_option() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for option in (
        "--bind",
        "--data",
        "--config",
        "--name",
        "--advertise",
        "--no-announce",
        "--durability",
        "--insecure",
        "--registration",
        "--log-level",
        "--log-format",
        "--log-times",
    ):
        assert option in result.output


COMMANDS = [(), *((name,) for name in main.commands)]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_the_folder_of_the_data(command: tuple[str, ...]) -> None:
    output = CliRunner().invoke(main, [*command, "--help"], prog_name="hubbub-broker").output
    assert output.startswith(f"Usage: {' '.join(('hubbub-broker', *command))} ")
    assert "~/.local/share/hubbub/broker" in output


@pytest.mark.parametrize("command", COMMANDS)
def test_help_fits_a_terminal(command: tuple[str, ...]) -> None:
    output = CliRunner().invoke(main, [*command, "--help"], terminal_width=80).output
    assert max(map(len, output.splitlines())) <= 80
    assert "..." not in output.partition("Commands")[2].partition("Examples:")[0]


WITH_A_FILE = ("backup", "restore", "verify")


@pytest.mark.parametrize("command", WITH_A_FILE)
def test_an_option_of_a_running_broker_is_refused_before_a_command(command: str) -> None:
    result = CliRunner().invoke(main, ["--bind", "127.0.0.1:0", command, __file__])
    assert result.exit_code == 2
    assert f"--bind is for running a broker, not for {command}" in result.stderr


@pytest.mark.parametrize("command", WITH_A_FILE)
def test_a_command_takes_the_folder_before_its_name_or_behind_it(
    command: str, tmp_path: Path
) -> None:
    file = tmp_path / "file"
    if command != "backup":
        file.write_bytes(b"no backup")
    folder = ["--data", str(tmp_path / "data")]
    results = [
        CliRunner().invoke(main, arguments)
        for arguments in ([*folder, command, str(file)], [command, str(file), *folder])
    ]
    assert {result.exit_code for result in results} == {1}
    [line] = {result.stderr for result in results}
    assert line.startswith("hubbub-broker: ")
    assert line.count("\n") == 1


def test_help_waits_for_nothing_that_only_a_running_broker_needs() -> None:
    slow = "{'zmq', 'msgspec', 'sqlite3', 'zeroconf', 'asyncio', 'ifaddr'}"
    check = f"import sys, hubbub.broker.cli; sys.exit(str({slow} & sys.modules.keys()))"
    child = subprocess.run(
        [sys.executable, "-c", check],
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.stderr == "set()\n"


@pytest.mark.parametrize("name", ["", "  ", "two\nlines", "\x1b[2J", "n" * 65])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    result = CliRunner().invoke(main, ["--name", name])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("hubbub-broker: --name: ")
    assert result.stderr.endswith("a text of 1 to 64 characters that can be printed\n")
    assert result.stderr.count("\n") == 1


def test_the_version_is_the_package_s() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("hubbub-broker, version ")


@pytest.mark.parametrize("option", ["--bind", "--advertise"])
@pytest.mark.parametrize("address", ["nowhere:port", "127.0.0.1:99999", "[::1", "a b"])
def test_an_address_that_is_none_is_refused(tmp_path: Path, option: str, address: str) -> None:
    arguments = ["--bind", "127.0.0.1:0", "--data", str(tmp_path), option, address]
    result = CliRunner().invoke(main, arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("hubbub-broker: ")
    assert result.stderr.count("\n") == 1
