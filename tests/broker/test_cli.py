"""`hubbub-broker` as it presents itself; what it does is tested with real processes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.processes import ROOT, environment

from hubbub.broker.cli import main


def test_help_names_every_option() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for option in (
        "--bind",
        "--data",
        "--name",
        "--advertise",
        "--no-announce",
        "--insecure",
        "--log-level",
        "--log-format",
        "--log-times",
    ):
        assert option in result.output


def test_help_names_the_folder_of_the_data() -> None:
    assert "~/.local/share/hubbub/broker" in CliRunner().invoke(main, ["--help"]).output


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
    assert result.exit_code == 2
    assert "1 to 64 characters that can be printed" in result.stderr


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
