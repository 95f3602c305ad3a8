"""The broker's log on stdout, written by a thread of its own: whoever reads it slowly, or not at all, holds nobody else up.

Lines wait in a queue with a bound. Beyond it they are dropped and counted, and the count takes their place once there is room again. The thread writes
to the descriptor itself: the buffer of `sys.stdout` has a lock, and Python aborts at its end when a daemon thread still holds it.
"""

import contextlib
import logging
import os
import select
import sys
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final

MOST_LINES: Final = 10_000
DRAIN_SECONDS: Final = 1.0
"""How long the end of the broker waits for whoever reads the log."""


class LogThread(logging.Handler):
    """Writes log lines to a descriptor, which stays the caller's to close and which nobody else writes to. `close` it at the end."""

    def __init__(self, descriptor: int, encoding: str) -> None:
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        self._news = threading.Condition()
        self._lines: deque[str] = deque()
        self._lost = 0
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="hubbub-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record to the thread, or count it as lost."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a line that cannot be written as meant is no reason to stop
            line = f"{record.msg!r} {record.args!r}"
        with self._news:
            if len(self._lines) >= MOST_LINES:
                self._lost += 1
                return
            self._tell_lost()
            self._lines.append(line)
            self._news.notify()

    def close(self) -> None:
        """Write what waits, for a second at most. May be called twice."""
        with self._news:
            self._closing = True
            self._news.notify()
        self._thread.join(DRAIN_SECONDS)
        super().close()

    def _run(self) -> None:
        while (line := self._next()) is not None:
            with contextlib.suppress(OSError):  # nobody reads it any more: no reason to stop
                self._write(f"{line}\n".encode(self._encoding, "backslashreplace"))

    def _next(self) -> str | None:
        """Wait for a line and take it; None: the end."""
        with self._news:
            while not self._lines and not self._lost and not self._closing:
                self._news.wait()
            if not self._lines:
                self._tell_lost()
            return self._lines.popleft() if self._lines else None

    def _tell_lost(self) -> None:
        if self._lost:
            self._lines.append(f"WARNING: {self._lost} lines of the log are lost: nobody read it.")
            self._lost = 0

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # a terminal or pipe that somebody else made non-blocking
                select.select([], [self._descriptor], [])


class _Lines(logging.Formatter):
    """What happens in the chat stands alone; all else says how grave it is."""

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        return line if record.levelno == logging.INFO else f"{record.levelname}: {line}"


@contextlib.contextmanager
def log_to_stdout(level: int) -> Iterator[None]:
    """Show what `hubbub.broker` logs, from this level on, while the `with` block runs. Without a stdout there is no log."""
    logger = logging.getLogger("hubbub.broker")
    logger.setLevel(level)
    handler: logging.Handler = logging.NullHandler()
    if sys.stdout is not None:
        sys.stdout.flush()
        handler = LogThread(sys.stdout.fileno(), sys.stdout.encoding)
        handler.setFormatter(_Lines())
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        handler.close()
