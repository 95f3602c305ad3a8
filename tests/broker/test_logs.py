"""The log's two forms, and the log when nobody reads it."""

import ast
import contextlib
import json
import logging
import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import BROKER, PATIENCE, ROOT, environment
from tests.test_documents import rows

from hubbub.broker.entries import Entry
from hubbub.broker.logs import MOST_LINES, JsonLines, Lines, LogThread
from hubbub.client import Client


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(end)


def record(said: str | Entry, level: int = logging.INFO) -> logging.LogRecord:
    record = logging.LogRecord("hubbub.broker", level, "", 0, said, None, None)
    record.created = 1_751_371_200.0625
    return record


def failure() -> logging.LogRecord:
    """The record of an exception that quotes a message."""
    try:
        raise ValueError(WRITTEN)
    except ValueError:
        info = sys.exc_info()
    entry = Entry("frame_failed", "It failed.")
    return logging.LogRecord("hubbub.broker", logging.ERROR, "", 0, entry, None, info)


WRITTEN = "what somebody wrote"
LEFT = Entry("user_left", "{name} has left the chat.", name="J\u00fcrgen {n}")


def test_lines_say_plainly_what_happens_and_how_grave_all_else_is() -> None:
    lines = Lines()
    assert lines.format(record(LEFT)) == "J\u00fcrgen {n} has left the chat."
    assert lines.format(record(LEFT, logging.DEBUG)) == "DEBUG: J\u00fcrgen {n} has left the chat."
    assert lines.format(record("100 %", logging.WARNING)) == "WARNING: 100 %"


def test_lines_have_the_time_when_it_is_wanted() -> None:
    lines = Lines(times=True)
    assert lines.format(record("so", logging.ERROR)) == "2025-07-01T12:00:00.062Z ERROR: so"
    assert lines.format(record("\nso\n")) == "2025-07-01T12:00:00.062Z\nso\n"


def test_json_has_time_level_event_text_and_the_event_s_own_fields() -> None:
    line = JsonLines().format(record(LEFT))
    assert line.isascii()
    assert "\n" not in line
    assert json.loads(line) == {
        "time": "2025-07-01T12:00:00.062Z",
        "level": "info",
        "event": "user_left",
        "text": "J\u00fcrgen {n} has left the chat.",
        "name": "J\u00fcrgen {n}",
    }


def test_json_keeps_many_lines_in_one() -> None:
    entry = Entry("invitation", "\n  so\n  {n}\n", n=3, addresses=["a", "b"])
    line = JsonLines().format(record(entry))
    assert "\n" not in line
    said = json.loads(line)
    assert (said["text"], said["n"], said["addresses"]) == ("so\n  3", 3, ["a", "b"])


def test_a_traceback_tells_where_and_what_but_quotes_nothing() -> None:
    lines, said = Lines().format(failure()), json.loads(JsonLines().format(failure()))
    assert lines.startswith("ERROR: It failed.\n")
    assert said["text"] == "It failed."
    for trace in (lines, said["traceback"]):
        assert "test_logs.py" in trace
        assert trace.endswith("ValueError")
        assert WRITTEN not in trace


@pytest.mark.parametrize("form", [Lines(), JsonLines()])
def test_an_entry_that_cannot_be_written_is_named_and_stops_nothing(
    pipe: tuple[int, int], form: logging.Formatter
) -> None:
    reading, writing = pipe
    log = LogThread(writing, "ascii")
    log.setFormatter(form)
    log.emit(record(Entry("broken", "{missing}")))
    log.emit(record(LEFT))
    log.close()
    os.close(writing)
    bad, good = read_to_the_end(reading).splitlines()
    assert "An entry of the log cannot be written." in bad
    assert "has left the chat." in good


def calls_of_the_log() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "broker").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name("log" | "_log"))):
                    yield path.name, node


def entries_of_the_broker() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "broker").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_bytes())):
            match node:
                case ast.Call(func=ast.Name("Entry")):
                    yield path.name, node


def test_whatever_the_broker_logs_is_an_entry() -> None:
    calls = list(calls_of_the_log())
    assert len(calls) > 10
    for file, call in calls:
        said = call.args[-1]
        made = said.func if isinstance(said, ast.Call) else said
        is_entry = ast.unparse(made) in ("Entry", "invitation", "effect.entry")
        assert is_entry, f"{file}:{call.lineno}: log an Entry"
        assert not call.keywords


def test_each_event_has_one_place_good_fields_and_a_row_in_the_document() -> None:
    fields: dict[str, set[str | None]] = {}
    for file, call in entries_of_the_broker():
        event = call.args[0]
        place = f"{file}:{call.lineno}"
        assert isinstance(event, ast.Constant), f"{place}: a constant event"
        assert isinstance(event.value, str), f"{place}: a text for an event"
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", event.value), f"{place}: in snake case"
        assert event.value not in fields, f"{place}: this event is used twice"
        fields[event.value] = {keyword.arg for keyword in call.keywords}
    assert not {"time", "level", "event", "text", "traceback"} & set().union(*fields.values())
    assert sorted(fields) == sorted(event for _, event in rows("ARCHITECTURE.md", "event"))


def read_to_the_end(reading: int) -> str:
    with os.fdopen(os.dup(reading), encoding="ascii") as file:
        return file.read()


def test_lines_are_written_in_order_before_the_end(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    log = LogThread(writing, "ascii")
    for number in range(500):
        log.emit(record(f"line {number} ü"))
    log.close()
    os.close(writing)
    assert read_to_the_end(reading).splitlines() == [f"line {n} \\xfc" for n in range(500)]


@pytest.mark.slow
def test_lines_beyond_the_bound_are_counted_and_the_count_is_told(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    log = LogThread(writing, "ascii")
    log.setFormatter(Lines())
    log.emit(record("x" * (1 << 20)))  # more than a pipe takes
    select.select([reading], [], [])  # so the thread is busy with it
    for number in range(MOST_LINES + 15):
        log.emit(record(f"{number}"))
    shown = b""
    while b"WARNING" not in shown:
        shown += os.read(reading, 1 << 16)
    log.emit(record("again"))
    log.close()
    os.close(writing)
    _, *lines = (shown.decode() + read_to_the_end(reading)).splitlines()
    note = "WARNING: 15 lines of the log are lost: nobody read it."
    assert lines == [*map(str, range(MOST_LINES)), note, "again"]


@pytest.mark.slow
def test_the_end_does_not_wait_for_whoever_does_not_read(pipe: tuple[int, int]) -> None:
    log = LogThread(pipe[1], "ascii")
    log.emit(record("x" * (1 << 20)))
    before = time.monotonic()
    log.close()
    assert time.monotonic() - before < PATIENCE / 2
    os.close(pipe[0])


@pytest.mark.slow
def test_a_broker_whose_log_nobody_reads_answers_and_ends_at_sigterm(tmp_path: Path) -> None:
    fifo = tmp_path / "log"
    os.mkfifo(fifo)
    reading = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    # Opened twice: only the filler's end must not block.
    filling, stdout = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK), os.open(fifo, os.O_WRONLY)
    os.set_blocking(reading, True)
    broker = subprocess.Popen(
        [*BROKER, "--bind", "127.0.0.1:0", "--data", str(tmp_path / "data")],
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        env=environment(tmp_path),
    )
    try:
        shown = b""
        while not (address := re.search(rb"running on 127\.0\.0\.1:(\d+)\n", shown)):
            assert select.select([reading], [], [], PATIENCE)[0], "the broker does not start"
            shown += os.read(reading, 4096)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(filling, b".")
        for name in ("Alice", "Bob"):  # each is worth a line or more
            with Client(
                f"127.0.0.1:{int(address[1])}",
                name=name,
                home=tmp_path / name,
                timeout=PATIENCE,
            ) as client:
                client.post("lobby", "hi")
        broker.send_signal(signal.SIGTERM)
        assert broker.wait(PATIENCE) == 0
    finally:
        broker.kill()
        broker.wait()
        for descriptor in (reading, filling, stdout):
            os.close(descriptor)
