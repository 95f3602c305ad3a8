"""The log when nobody reads it."""

import contextlib
import logging
import os
import re
import select
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.processes import BROKER, PATIENCE, environment

from hubbub.broker.logs import MOST_LINES, LogThread
from hubbub.client import Client


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for end in (reading, writing):
        with contextlib.suppress(OSError):
            os.close(end)


def record(text: str) -> logging.LogRecord:
    return logging.LogRecord("hubbub.broker", logging.INFO, "", 0, text, None, None)


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
