"""The broker's log on stdout, written by a thread of its own: whoever reads it slowly, or not at all, holds nobody else up.

Lines wait in a queue with a bound. Beyond it they are dropped and counted, and the count takes their place once there is room again. The thread writes
to the descriptor itself: the buffer of `sys.stdout` has a lock, and Python aborts at its end when a daemon thread still holds it.

Two forms: lines for people, and one JSON object a line for programs:

    {"time": "2026-07-01T12:00:00.000Z", "level": "info", "event": "user_left", "text": "Alice has left the chat.", "name": "Alice"}

A traceback, in whatever form, tells where and what kind of exception, not its text: that may quote what somebody wrote.
"""

import contextlib
import json
import logging
import os
import select
import sys
import threading
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

from hubbub.broker.entries import Entry

MOST_LINES: Final = 10_000
PAUSE_SECONDS: Final = 0.02
"""Between the last line that there is and a look for the next: to wake the thread for each took whoever logs about 40 µs, and the thread 70, while a thousand logged in (measured)."""
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
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="hubbub-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Hand a record to the thread, or count it as lost."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - a line that cannot be written as meant is no reason to stop
            line = self._line(Entry("unreadable_entry", "An entry of the log cannot be written."))
        with self._news:
            if len(self._lines) >= MOST_LINES:
                self._lost += 1
                return
            self._tell_lost()
            self._lines.append(line)
            self._news.notify()

    def say(self, text: str) -> None:
        """Show a text to whoever started the program, behind what was logged before. It is no entry: in JSON it would be none of the objects."""
        with self._news:
            self._lines.append(text)
            self._news.notify()

    def close(self) -> None:
        """Write what waits, for a second at most. May be called twice."""
        with self._news:
            self._closing.set()
            self._news.notify()
        self._thread.join(DRAIN_SECONDS)
        super().close()

    def _run(self) -> None:
        while (line := self._next()) is not None:
            with contextlib.suppress(OSError):  # nobody reads it any more: no reason to stop
                self._write(f"{line}\n".encode(self._encoding, "backslashreplace"))
            if not self._lines:
                self._closing.wait(PAUSE_SECONDS)

    def _next(self) -> str | None:
        """Wait for a line and take it; None: the end."""
        with self._news:
            while not self._lines and not self._lost and not self._closing.is_set():
                self._news.wait()
            if not self._lines:
                self._tell_lost()
            return self._lines.popleft() if self._lines else None

    def _tell_lost(self) -> None:
        if self._lost:
            text = "{count} lines of the log are lost: nobody read it."
            self._lines.append(self._line(Entry("log_lost", text, count=self._lost)))
            self._lost = 0

    def _line(self, entry: Entry) -> str:
        """Format a warning of the log's own."""
        return self.format(
            logging.LogRecord("hubbub.broker", logging.WARNING, "", 0, entry, None, None)
        )

    def _write(self, data: bytes) -> None:
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:  # a terminal or pipe that somebody else made non-blocking
                select.select([], [self._descriptor], [])


_ExceptionInfo = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class _Form(logging.Formatter):
    def formatException(self, ei: _ExceptionInfo) -> str:  # noqa: N802 - logging's name
        kind, _, trace = ei
        where = "".join(traceback.format_tb(trace))
        return f"{where}{kind.__qualname__ if kind else ''}"

    def time(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        return moment.replace("+00:00", "Z")


class Lines(_Form):
    """Lines for people: information is said plainly, anything worse, and what only debugging wants, begins with its level. `times`: and all with the time, in UTC."""

    def __init__(self, *, times: bool = False) -> None:
        super().__init__()
        self._times = times

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        if record.levelno != logging.INFO:
            line = f"{record.levelname}: {line}"
        if not self._times:
            return line
        return f"{self.time(record)}{'' if line.startswith(chr(10)) else ' '}{line}"


class JsonLines(_Form):
    """One JSON object a line, in ASCII: time, level, event and text, then the event's own fields, then a traceback if there is one."""

    def format(self, record: logging.LogRecord) -> str:
        said = record.msg if isinstance(record.msg, Entry) else None
        line: dict[str, object] = {
            "time": self.time(record),
            "level": record.levelname.lower(),
            "event": said.event if said else "other",
            "text": record.getMessage().strip(),
        }
        line |= said.fields if said else {}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)


def level_number(name: str) -> int:
    """Return logging's number of a level: debug, info, warning or error."""
    return logging.getLevelNamesMapping()[name.upper()]


def set_level(name: str) -> None:
    """Show what `hubbub.broker` logs from this level on, from now on. Safe from any thread."""
    logging.getLogger("hubbub.broker").setLevel(level_number(name))


def _say_nothing(_text: str) -> None:
    """There is nobody to say it to."""


@contextlib.contextmanager
def log_to_stdout(level: int, form: logging.Formatter) -> Iterator[Callable[[str], None]]:
    """Show what `hubbub.broker` logs, from this level on, while the `with` block runs. Gives what shows a text there that is not logged. Without a stdout there is no log."""
    logger = logging.getLogger("hubbub.broker")
    logger.setLevel(level)
    handler: logging.Handler = logging.NullHandler()
    say: Callable[[str], None] = _say_nothing
    if sys.stdout is not None:
        sys.stdout.flush()
        handler = LogThread(sys.stdout.fileno(), sys.stdout.encoding)
        handler.setFormatter(form)
        say = handler.say
    logger.addHandler(handler)
    try:
        yield say
    finally:
        logger.removeHandler(handler)
        handler.close()
