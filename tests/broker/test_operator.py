"""What the operator's commands print, and how they end."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.broker.chronicle import Chronicle, small_town
from tests.broker.store.files import run_sql

from hubbub.broker.cli import main
from hubbub.broker.verify import verify


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data"


def run(data: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--data", str(data)])


def test_an_operator_is_told_what_a_backup_holds_and_that_it_is_secret(
    data: Path, tmp_path: Path
) -> None:
    result = run(data, "backup", tmp_path / "b")
    size = (tmp_path / "b").stat().st_size / 1e6
    epoch = verify(data).epoch.hex()
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        f"Backup written and checked: {tmp_path / 'b'}",
        f"14 messages, 3 rooms, 3 names, {size:.1f} MB, epoch {epoch}.",
        "It is a secret: it holds the broker's key and all private messages. Keep it where nobody else can read it.",
    ]
    again = run(data, "backup", tmp_path / "b")
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.endswith("exists: name another file, or say --force to replace it\n")
    assert run(data, "backup", tmp_path / "b", "--force").exit_code == 0


def test_an_operator_is_told_what_was_restored_and_where_the_rest_is(
    data: Path, tmp_path: Path
) -> None:
    run(data, "backup", tmp_path / "b")
    before = verify(data).epoch.hex()
    result = run(data, "restore", tmp_path / "b")
    assert (result.exit_code, result.stderr) == (0, "")
    first, second, third = result.stdout.splitlines()
    [kept] = data.glob("replaced-*")
    assert first.startswith(f"Restored {tmp_path / 'b'}, of 20")
    assert first.endswith(f" UTC, into {data}")
    assert second == (
        "14 messages, 3 rooms, 3 names."
        f" The log's epoch was {before} and is now {verify(data).epoch.hex()}."
    )
    assert third == f"What was there is in {kept}: remove it when you need it no more."


def test_an_operator_is_warned_of_a_backup_that_others_can_read(data: Path, tmp_path: Path) -> None:
    run(data, "backup", tmp_path / "b")
    (tmp_path / "b").chmod(0o644)
    result = run(tmp_path / "new", "restore", tmp_path / "b")
    assert result.exit_code == 0
    assert result.stderr == (
        f"hubbub-broker: others can read {tmp_path / 'b'}, which holds the key: chmod 600\n"
    )


def test_an_operator_sees_a_line_for_each_log(data: Path) -> None:
    report = verify(data)
    result = run(data, "verify", "--logs")
    *lines, summary = result.stdout.splitlines()
    assert result.exit_code == 0
    assert [line.split("  ")[0].strip() for line in lines] == [log.where for log in report.logs]
    assert [line.split()[-1] for line in lines] == [log.digest.hex() for log in report.logs]
    assert "room lobby              1..7          7  " in lines[0]
    assert summary == (f"All is well: 14 messages, 3 rooms, 3 names, epoch {report.epoch.hex()}.")


def test_an_operator_sees_each_fault_and_exit_code_1(data: Path) -> None:
    run_sql(data / "hubbub.db", "DELETE FROM events WHERE room = 1 AND last IN (2, 5)")
    result = run(data, "verify")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[:2] == [
        "FAULT: room lobby, seq 2: is missing",
        "FAULT: room lobby, seq 5: is missing",
    ]
    assert result.stdout.splitlines()[2].startswith("2 faults: 12 messages, ")


def test_a_program_reads_the_same_as_json(data: Path) -> None:
    report = verify(data)
    told = json.loads(run(data, "verify", "--json").stdout)
    assert (told["ok"], told["epoch"], told["faults"]) == (True, report.epoch.hex(), [])
    assert told["logs"][0] == {
        "log": "room lobby",
        "first": 1,
        "last": 7,
        "count": 7,
        "digest": report.logs[0].digest.hex(),
    }
    run_sql(data / "hubbub.db", "DELETE FROM events WHERE room = 1 AND last = 2")
    result = run(data, "verify", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"] == [
        {"where": "room lobby", "seq": 2, "last": 2, "fault": "is missing"}
    ]


def test_a_name_cannot_draw_on_the_operator_s_screen(data: Path) -> None:
    run_sql(data / "hubbub.db", "UPDATE rooms SET name = char(27) || '[2J' WHERE name = 'den'")
    result = run(data, "verify", "--logs")
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    assert r"room '\x1b[2J'" in result.stdout


@pytest.mark.parametrize("command", ["restore", "verify"])
def test_a_file_that_is_not_there_is_told(command: str, data: Path, tmp_path: Path) -> None:
    result = run(data, command, tmp_path / "nowhere")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1
    assert str(tmp_path / "nowhere") in result.stderr


def test_a_folder_in_use_is_no_place_to_restore(data: Path, tmp_path: Path) -> None:
    run(data, "backup", tmp_path / "b")
    with Chronicle(data):
        result = run(data, "restore", tmp_path / "b")
    assert result.exit_code == 1
    assert "in use by another broker" in result.stderr


def test_an_operator_is_told_of_damage_that_left_no_log(data: Path) -> None:
    run_sql(data / "hubbub.db", "DELETE FROM rooms")
    run_sql(data / "hubbub.db", "DELETE FROM accounts")
    result = run(data, "verify", "--logs")
    assert result.exit_code == 1
    assert "FAULT: " in result.stdout
    assert isinstance(result.exception, SystemExit), "no traceback"


@pytest.mark.parametrize("command", [("backup", "--force"), ("restore",), ("verify",)])
def test_no_command_waits_at_a_fifo(data: Path, tmp_path: Path, command: tuple[str, ...]) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    result = run(data, *command, fifo)
    assert result.exit_code == 1
    assert result.stderr == f"hubbub-broker: {fifo} is no regular file: name another\n"
    assert fifo.is_fifo()
