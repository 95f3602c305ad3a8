"""`hubbub-broker config`: what holds, and where each value is from."""

import json
import tomllib
from pathlib import Path

from click.testing import CliRunner, Result

from hubbub.broker.cli import main


def run(folder: Path, *arguments: str, before: tuple[str, ...] = (), **env: str) -> Result:
    return CliRunner().invoke(main, [*before, "config", "--data", str(folder), *arguments], env=env)


def test_what_is_printed_is_a_file_that_says_the_same(tmp_path: Path) -> None:
    flags = ("--bind", "[::1]:7000", "--advertise", "chat.example.org", "--name", 'the "Löwe"')
    first = run(tmp_path, before=flags, HUBBUB_LIMITS_DELAY_SECONDS="0.25")
    assert (first.exit_code, first.stderr) == (0, "")
    (tmp_path / "hubbub.toml").write_text(first.stdout, encoding="utf-8")
    again = run(tmp_path)
    assert (again.exit_code, again.stderr) == (0, "")
    assert tomllib.loads(again.stdout) == tomllib.loads(first.stdout)
    assert tomllib.loads(first.stdout)["broker"]["name"] == 'the "Löwe"'


def test_each_value_has_its_source_behind_it(tmp_path: Path) -> None:
    (tmp_path / "hubbub.toml").write_text("[log]\ntimes = true\n")
    flags = ("--name", "lab", "--no-announce")
    lines = run(tmp_path, before=flags, HUBBUB_LIMITS_POSTS_BURST="5").stdout.splitlines()
    assert lines[0] == f"# Read from {tmp_path / 'hubbub.toml'}"
    for line in (
        'bind = "127.0.0.1:5000"  # default',
        'name = "lab"  # --name',
        "# advertise is not set  # default",
        "announce = false  # --no-announce",
        "posts_burst = 5  # HUBBUB_LIMITS_POSTS_BURST",
        "bot_posts_burst = 100_000  # default",
        "times = true  # file",
    ):
        assert line in lines


def test_it_is_said_when_loopback_lifts_limits(tmp_path: Path) -> None:
    note = "# Listening on this machine only: everybody has the budgets of bots; names_per_key and the bounds on registrations do not count.\n"
    assert note in run(tmp_path).stdout
    assert note not in run(tmp_path, before=("--bind", "0.0.0.0")).stdout


def test_a_program_reads_values_and_sources(tmp_path: Path) -> None:
    (tmp_path / "lab.toml").write_text("[limits]\nconnections = 100\n")
    told = json.loads(run(tmp_path, "--json", "--config", str(tmp_path / "lab.toml")).stdout)
    assert told["file"] == str(tmp_path / "lab.toml")
    config = told["config"]
    assert config["limits"]["connections"] == {"value": 100, "source": "file"}
    assert config["broker"]["bind"] == {"value": "127.0.0.1:5000", "source": "default"}
    assert config["broker"]["advertise"] == {"value": None, "source": "default"}
    assert json.loads(run(tmp_path, "--json").stdout)["file"] is None


def test_file_and_folder_are_taken_before_the_command_too_and_from_variables(
    tmp_path: Path,
) -> None:
    file = tmp_path / "hubbub.toml"
    file.write_text('[broker]\nname = "lab"\n')
    results = [
        CliRunner().invoke(main, arguments, env=env)
        for arguments, env in (
            (["--data", str(tmp_path), "config"], {}),
            (["--config", str(file), "config"], {}),
            (["config"], {"HUBBUB_DATA": str(tmp_path)}),
            (["config"], {"HUBBUB_CONFIG": str(file)}),
        )
    ]
    assert all('name = "lab"  # file' in result.stdout for result in results)
    other = run(tmp_path / "other", HUBBUB_DATA=str(tmp_path))
    assert 'name = "hubbub"  # default' in other.stdout, "a flag wins"


def test_a_wrong_configuration_is_one_line_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "hubbub.toml").write_text("[log]\nlevel = 5\n")
    result = run(tmp_path)
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith(f"hubbub-broker: {tmp_path / 'hubbub.toml'}: log.level: 5 is")
    assert result.stderr.count("\n") == 1


def test_registration_follows_from_the_address_unless_somebody_says(tmp_path: Path) -> None:
    def registration(*flags: str) -> str:
        lines = run(tmp_path, before=flags).stdout.splitlines()
        [line] = [line for line in lines if line.startswith("registration =")]
        return line

    assert registration() == 'registration = "open"  # default, by bind'
    assert registration("--bind", "[::1]:0") == 'registration = "open"  # default, by bind'
    assert registration("--bind", "0.0.0.0") == 'registration = "invite"  # default, by bind'
    loud = registration("--bind", "0.0.0.0", "--registration", "open")
    assert loud == 'registration = "open"  # --registration'
