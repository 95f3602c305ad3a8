"""The commands of `hubbub` as they present themselves; what they do is tested with real processes."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from hubbub.client.cli import main


@pytest.mark.parametrize("command", [(), *((name,) for name in main.commands)])
def test_help_tells_what_a_command_is_for(command: tuple[str, ...]) -> None:
    result = CliRunner().invoke(main, [*command, "--help"], prog_name="hubbub")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: {' '.join(('hubbub', *command))} ")
    assert "..." not in result.output.partition("Commands:")[2]


@pytest.mark.parametrize("command", [(), *((name,) for name in main.commands)])
def test_help_fits_a_terminal(command: tuple[str, ...]) -> None:
    output = CliRunner().invoke(main, [*command, "--help"], terminal_width=80).output
    assert max(map(len, output.splitlines())) <= 80


@pytest.mark.parametrize("command", ["chat", "ping"])
def test_help_tells_the_exit_codes(command: str) -> None:
    assert "Exit codes: 0 " in CliRunner().invoke(main, [command, "--help"]).output


@pytest.mark.parametrize("command", sorted(set(main.commands) - {"completion"}))
def test_help_names_the_folder_of_the_keys(command: str) -> None:
    assert "~/.config/hubbub" in CliRunner().invoke(main, [command, "--help"]).output


def test_the_version_is_the_package_s() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("hubbub, version ")


@pytest.mark.parametrize("command", ["chat", "forget", "ping"])
@pytest.mark.parametrize("address", ["nowhere:port", "127.0.0.1:99999", "[::1", "a b", ""])
def test_an_address_that_is_none_is_refused(command: str, address: str) -> None:
    result = CliRunner().invoke(main, [command, address])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("hubbub: ")
    assert result.stderr.count("\n") == 1


def test_a_broker_that_was_not_known_cannot_be_forgotten(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["forget", "127.0.0.1", "--home", str(tmp_path)])
    assert (result.exit_code, result.output) == (0, "No broker at 127.0.0.1:5000 was known.\n")
