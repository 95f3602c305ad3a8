"""A terminal on which nothing that arrives breaks the line being typed.

A thread of its own, `hubbub-screen`, runs prompt-toolkit: it alone reads keys and writes to the terminal, until `close`. What is to be shown is
handed to it and drawn at most 20 times a second, above the live part (`hubbub.client.line.editing`); too many lines a second are thinned out. All
methods may be called from any thread.
"""

import asyncio
import contextlib
import os
import queue
import sys
import termios
import threading
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.input import create_input
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import print_formatted_text
from prompt_toolkit.styles import Style as NoStyles

from hubbub.client.line.completion import Vocabulary
from hubbub.client.line.editing import Secret, new_application, new_buffer, secret_buffer
from hubbub.client.line.lines import Line, Span, Style
from hubbub.client.line.palette import look
from hubbub.client.line.screen import harmless
from hubbub.client.line.terminal import Standing
from hubbub.client.line.thinning import Thinning
from hubbub.client.line.wrapping import wrapped

DRAW_SECONDS: Final = 0.05
"""Between two drawings, so that the terminal has time for keys."""
LINES_AHEAD: Final = 1000
"""Lines that wait to be drawn; then whoever shows more waits too, and in the end the broker does."""
PENDING_SECONDS: Final = 0.5
"""What is unanswered for so long is marked as waiting, and later as sent."""
WAITING_ROWS: Final = 5
WAITING_CHARACTERS: Final = 200
END_SECONDS: Final = 3.0
"""Until a terminal that takes nothing is left as it is."""


@dataclass(slots=True)
class _Unanswered:
    line: Line
    since: float
    is_late: bool = False
    """Shown as waiting; stays so."""

    def wait(self, connected: bool) -> None:
        late = time.monotonic() - self.since > PENDING_SECONDS
        self.is_late = self.is_late or late or not connected


class LiveTerminal:
    """The chat's terminal while somebody types on a real one. `ahead` was typed before it began."""

    interactive = True

    def __init__(
        self, vocabulary: Vocabulary, ahead: Sequence[str] = (), *, bell: bool = False
    ) -> None:
        self._bell = bell
        self._typed: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        for text in ahead:
            self._typed.put(text)
        self._lock = threading.Condition()  # over what callers hand to the screen's thread
        self._lines: deque[Line] = deque()
        self._unanswered: dict[int, _Unanswered] = {}
        self._standing = Standing()
        # Not `sys.stdout`: a thread that a terminal holds up in it would hold up the interpreter's end.
        self._file = os.fdopen(
            os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors
        )
        self._modes = termios.tcgetattr(self._file)
        self._output = Vt100_Output.from_pty(self._file, term=os.environ.get("TERM"))
        self._output.enable_cpr = False  # nothing needs to know where the cursor is
        self._buffer = new_buffer(vocabulary, self._typed.put)
        self._secret = Secret(secret_buffer(self._typed.put))
        self._app = new_application(
            self._buffer,
            self._secret,
            self._waiting,
            self._status,
            self._leave,
            create_input(),
            self._output,
        )
        self._thinning = Thinning(time.monotonic())
        self._drawn = 0.0
        self._draw_planned = False
        self._running = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failure: BaseException | None = None
        self._abandoned = False
        self._thread = threading.Thread(target=self._run, name="hubbub-screen", daemon=True)

    def __enter__(self) -> Self:
        """Take the terminal over."""
        ready = threading.Event()
        self._app.after_render += lambda _: ready.set()
        self._thread.start()
        while not ready.wait(0.1) and self._thread.is_alive():
            pass
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Give the terminal back as it was; what still waits for an answer stands on it. May be called twice; showing goes on to work."""
        self._ask_for(self._leave)
        if self._thread.ident is not None and not self._abandoned:
            self._thread.join(END_SECONDS)
            if self._thread.is_alive():
                self._abandon()
        with self._lock:
            shown = self._thinning.take(self._lines, time.monotonic()) + self._thinning.release()
            left = [
                Line((Span("⋯ ", Style.QUIET), *late.line.spans))
                for late in self._unanswered.values()
            ]
            self._unanswered.clear()
            self._lines = deque([*shown, *left])
        self._draw_now()
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure

    # What the chat asks for.

    @property
    def columns(self) -> int:
        """How many characters fit in a row."""
        return self._output.get_size().columns

    def read(self) -> str | None:
        """Wait for the next typed text; None: the person leaves."""
        return self._typed.get()

    def may_have_cut(self, _text: str) -> bool:
        """Whether more was typed than came in: never here."""
        return False

    def show(self, line: Line) -> None:
        """Show a line above the one being typed. Waits while a terminal that takes nothing has many lines to show."""
        with self._lock:
            self._lock.wait_for(lambda: len(self._lines) < LINES_AHEAD or not self._is_drawing)
            self._lines.append(line)
        self._changed()

    def complain(self, reason: str) -> None:
        """Say why something typed was not done."""
        self.show(Line.of(reason, Style.TROUBLE))

    def echo(self, line: Line) -> None:
        """Let a typed line stand: it has been carried out."""
        self.show(line)

    def wait(self, number: int, line: Line) -> None:
        """Show a typed line that waits for its acknowledgement."""
        with self._lock:
            self._unanswered[number] = _Unanswered(line, time.monotonic())
        self._changed()

    def stored(self, number: int) -> None:
        """It is acknowledged: it stands now, marked if it had to wait."""
        self._settle(number, Span("  ✓ sent", Style.QUIET))

    def refused(self, number: int) -> None:
        """It was refused; why is said by `complain`."""
        self._settle(number, Span("  ✗ not sent", Style.TROUBLE), always=True)

    def _settle(self, number: int, mark: Span, *, always: bool = False) -> None:
        with self._lock:
            found = self._unanswered.pop(number, None)
            if found is not None:
                marks = (mark,) if always or found.is_late else ()
                self._lines.append(Line((*found.line.spans, *marks)))
        self._changed()

    def give_back(self, text: str) -> None:
        """Put a text that could not be sent back under the cursor, unless something else stands there by now."""

        def insert() -> None:
            if not self._buffer.text:
                self._buffer.insert_text(text)

        self._ask_for(insert)

    def ask_unseen(self, question: str | None) -> None:
        """Have what is typed masked, behind a question; None: no longer."""
        self._ask_for(lambda: self._secret.ask(self._app, self._buffer, question))

    def stands(self, standing: Standing) -> None:
        """Tell how things stand."""
        self._standing = standing
        self._changed()

    # In the screen's thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (EOFError, OSError):
            self._let_go()
        except BaseException as error:  # noqa: BLE001 - handed to whoever closes the terminal
            self._failure = error
        finally:
            with self._lock:
                self._loop = None
                self._lock.notify_all()
            self._typed.put(None)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._broken)
        await self._app.run_async(
            pre_run=self._begin, set_exception_handler=False, handle_sigint=False
        )

    def _begin(self) -> None:
        self._running = True
        self._plan()

    def _broken(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """A drawing or a key went wrong: the terminal is gone, or there is a fault of ours."""
        error = context.get("exception")
        if self._app.is_running and self._app.future is not None and not self._app.future.done():
            self._app.exit(exception=error or RuntimeError(context["message"]))

    def _leave(self) -> None:
        if self._app.future is not None and not self._app.future.done():
            self._running = False
            self._app.exit()

    @property
    def _is_drawing(self) -> bool:
        return self._loop is not None

    def _changed(self) -> None:
        if not self._is_drawing:
            self._draw_now()
        else:
            self._ask_for(self._plan)

    def _ask_for(self, act: Any) -> None:
        loop = self._loop
        if loop is not None:
            with contextlib.suppress(RuntimeError):  # it has just ended
                loop.call_soon_threadsafe(act)

    def _plan(self) -> None:
        """Draw soon, but not sooner than the last drawing allows."""
        if self._draw_planned or self._loop is None or not self._running:
            return
        self._draw_planned = True
        self._loop.call_later(max(0.0, self._drawn + DRAW_SECONDS - time.monotonic()), self._draw)

    def _draw(self) -> None:
        self._draw_planned = False
        if not self._running or self._loop is None:
            return
        now = self._drawn = time.monotonic()
        lines = self._take(now)
        if lines:
            self._app.renderer.erase(leave_alternate_screen=False)
            self._write(lines)
        self._app.invalidate()
        if self._unanswered:
            self._loop.call_later(PENDING_SECONDS, self._app.invalidate)
        if (wake_at := self._thinning.wake_at()) is not None:
            self._loop.call_later(max(0.0, wake_at - now), self._plan)

    def _take(self, now: float) -> list[Line]:
        with self._lock:
            lines = [*self._lines]
            self._lines.clear()
            self._lock.notify_all()
        return self._thinning.take(lines, now)

    def _abandon(self) -> None:
        """The terminal takes nothing, and the screen's thread waits in vain: it is left behind, and the terminal as a shell expects it."""
        with self._lock:
            self._abandoned = True
            self._loop = None
            self._lock.notify_all()
        with contextlib.suppress(termios.error):
            termios.tcsetattr(self._file, termios.TCSANOW, self._modes)

    def _let_go(self) -> None:
        """The terminal is gone. What is left in Python's buffers goes nowhere, or the interpreter's end would complain of it."""
        with Path(os.devnull).open("w") as nowhere:
            for stream in (self._file, sys.stdout):
                os.dup2(nowhere.fileno(), stream.fileno())

    def _draw_now(self) -> None:
        """Nobody types here any more, or yet."""
        with self._lock:
            try:
                if not self._abandoned:
                    self._write(self._lines)
            except OSError:
                self._let_go()
            self._lines.clear()

    def _write(self, lines: Sequence[Line] | deque[Line]) -> None:
        columns = self.columns
        fragments: StyleAndTextTuples = []
        for line in lines:
            parts = _fragments(line)
            fragments += parts if line.whole else wrapped(parts, columns)
            fragments.append(("", "\n"))
        print_formatted_text(self._output, fragments, _NO_STYLES, color_depth=self._app.color_depth)
        if self._bell and any(line.rings for line in lines):
            self._output.bell()
            self._output.flush()

    def _waiting(self) -> StyleAndTextTuples:
        with self._lock:
            waiting = list(self._unanswered.values())
        shown: StyleAndTextTuples = []
        if (more := len(waiting) - WAITING_ROWS) > 0:
            shown.append(("dim", f"⋯ {more} before these wait too\n"))
        for unanswered in waiting:
            unanswered.wait(self._standing.connected)
        for unanswered in waiting[-WAITING_ROWS:]:
            first, *rest = str(unanswered.line).split("\n", 1)
            cut = rest or len(first) > WAITING_CHARACTERS
            text = harmless(first[:WAITING_CHARACTERS]) + (" …" if cut else "")
            shown.append(("dim", f"⋯ {text}\n") if unanswered.is_late else ("", f"{text}\n"))
        if shown:  # the last line's end would be a row of its own
            style, text = shown[-1][:2]
            shown[-1] = (style, text.removesuffix("\n"))
        return shown

    def _status(self) -> StyleAndTextTuples:
        standing = self._standing
        if self._secret.question is not None:
            return [("dim", "nobody sees it; Enter alone gives up")]
        if (rows := self._buffer.text.count("\n") + 1) > 1:
            return [("dim", f"{rows} lines: Enter sends them as one message, Ctrl-C drops them")]
        parts = [standing.room]
        if standing.online:
            parts.append(f"{standing.online} online")
        if standing.away:
            parts.append("you are away")
        if not standing.connected:
            parts.append("no connection, trying again")
        if late := sum(unanswered.is_late for unanswered in list(self._unanswered.values())):
            parts.append(f"{late} not sent yet")
        parts.append("/help")
        return [("dim", harmless(" · ".join(parts)))]


_NO_STYLES: Final = NoStyles([])


def _fragments(line: Line) -> list[tuple[str, str]]:
    return [(look(span, earlier=line.earlier), harmless(span.text)) for span in line.spans]
