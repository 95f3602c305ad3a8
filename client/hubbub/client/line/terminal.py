"""Where people type and read: lines in, lines out, questions.

`ChatTerminal` is what the chat asks of it. `Terminal` is the plain one, a pipe or the simplest of terminals; `hubbub.client.line.live` the one for people.
Nothing that others wrote reaches a terminal but through `show`, which escapes what a terminal would execute.
"""

import codecs
import io
import os
import shutil
import sys
from collections import deque
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

from hubbub.client.line.lines import Line
from hubbub.client.line.screen import harmless
from hubbub.client.line.unseen import Unseen
from hubbub.common.names import LOBBY

TYPED_BYTES: Final = 4095
"""What Linux keeps of a line typed into a terminal (N_TTY_BUF_SIZE, less the line's end); it drops the rest and says nothing."""

LINE_CHARACTERS: Final = 65536
"""What is kept of a typed line; more than any message may have, so that a longer one is refused by the usual rule."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand: where one talks, how many are online (0: not known), whether the broker is in reach, whether one is away."""

    room: str = LOBBY
    online: int = 0
    connected: bool = True
    away: bool = False


class ChatTerminal(Protocol):
    """What the chat asks of a terminal. `interactive`: a person types. Every typed line is answered by one of `echo`, `wait` and `give_back`."""

    @property
    def interactive(self) -> bool: ...

    @property
    def columns(self) -> int:
        """How many characters fit in a row."""

    def read(self) -> str | None:
        """Wait for what is typed next; None: nothing more will be."""

    def may_have_cut(self, text: str) -> bool:
        """Whether more was typed than came in."""

    def show(self, line: Line) -> None:
        """Show a line."""

    def complain(self, reason: str) -> None:
        """Say in one line why something typed was not done."""

    def echo(self, line: Line) -> None:
        """Something typed was carried out."""

    def wait(self, number: int, line: Line) -> None:
        """Something typed was written and waits for its acknowledgement."""

    def stored(self, number: int) -> None:
        """That was acknowledged. From any thread."""

    def refused(self, number: int) -> None:
        """That was refused."""

    def give_back(self, text: str) -> None:
        """Something typed was not carried out: let it be typed again, or changed."""

    def ask_unseen(self, question: str | None) -> None:
        """Put a question whose answer, the line read next, is not shown, and not remembered; None: what is typed is seen again."""

    def stands(self, standing: Standing) -> None:
        """How things stand has changed."""

    def close(self) -> None:
        """Nothing more will be read. Showing goes on to work. May be called twice."""


class TypedLines:
    """The lines of a file descriptor.

    Not `sys.stdin`: a thread that waits inside of its buffer aborts the interpreter's end, and the questions before the chat and the
    chat's own thread must share what was read ahead.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._lines: deque[str] = deque()
        self._rest = ""
        self._ended = False

    def ahead(self) -> list[str]:
        """Return, and forget, the lines that were typed already."""
        lines = [*self._lines]
        self._lines.clear()
        return lines

    def next(self) -> str | None:
        """Wait for the next line, without its end; None when there are no more."""
        while not self._lines and not self._ended:
            self._read()
        return self._lines.popleft() if self._lines else None

    def _read(self) -> None:
        try:
            chunk = os.read(self.descriptor, 65536)
        except OSError:  # the terminal is gone, or there never was an input
            chunk = b""
        *lines, rest = (self._rest + self._decoder.decode(chunk, not chunk)).split("\n")
        self._lines.extend(lines)
        self._rest = rest[:LINE_CHARACTERS]
        if not chunk:
            self._ended = True
            if self._rest:
                self._lines.append(self._rest)


class Terminal:
    """One input, one output and a place for errors. `interactive` says that a person types, who can be asked again."""

    def __init__(
        self, typed: TypedLines, output: TextIO, errors: TextIO, *, interactive: bool
    ) -> None:
        self._typed = typed
        self._output = output
        self._errors = errors
        self._unseen = Unseen(typed.descriptor if interactive else None)
        self._asks_unseen = False
        self.interactive = interactive

    @classmethod
    def of_process(cls) -> "Terminal":
        """Return the one of this process: its standard input and output."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="backslashreplace")
        # Python's own are None when the descriptors were closed before it started.
        output, errors = (stream or io.StringIO() for stream in (sys.stdout, sys.stderr))
        return cls(TypedLines(0), output, errors, interactive=os.isatty(0))

    def ask(self, question: str) -> str | None:
        """Put a question and wait for the line typed behind it; None at the end of the input.

        A pipe does not show what is written into it, so the answer is: both transcripts read the same.
        """
        self._write(question)
        answer = self._typed.next()
        if answer is None or not self.interactive:
            self._write(f"{harmless(answer or '')}\n")
        return answer

    def ask_secret(self, question: str) -> str | None:
        """The same for an answer that is shown nowhere."""
        with self._unseen:  # before the question: somebody may be quick
            self._write(question)
            answer = self._typed.next()
        self._write("\n")
        return answer

    def ask_unseen(self, question: str | None) -> None:
        if self._asks_unseen:
            self._write("\n")  # behind the question, as the answer's end was not shown
        self._asks_unseen = question is not None
        if question is None:
            self._unseen.end()
        else:
            self._unseen.begin()
            self._write(question)

    def read(self) -> str | None:
        """Wait for the next typed line; None at the end of the input."""
        return self._typed.next()

    def may_have_cut(self, line: str) -> bool:
        """Whether more was typed than came in; a line that just fits looks the same."""
        return self.interactive and len(line.encode()) >= TYPED_BYTES

    @property
    def columns(self) -> int:
        """How many characters fit in a row: of a pipe, as many as are wanted."""
        return shutil.get_terminal_size().columns if self.interactive else sys.maxsize

    def show(self, line: Line | str) -> None:
        """Print one line; further lines inside of it are indented, so that none can pass for somebody else's."""
        self._write(f"{harmless(str(line))}\n")

    def complain(self, reason: str) -> None:
        """Say in one line why something typed was not done: to a person where the chat is, to a program on stderr."""
        if self.interactive:
            self.show(reason)
        else:
            self._errors.write(f"hubbub: {harmless(reason)}\n")
            self._errors.flush()

    def typed_ahead(self) -> list[str]:
        """Return, and forget, the lines that were typed before anybody asked for them."""
        return self._typed.ahead()

    # A line stands here as it was typed, whatever becomes of it.

    def echo(self, line: Line) -> None: ...
    def wait(self, number: int, line: Line) -> None: ...
    def stored(self, number: int) -> None: ...
    def refused(self, number: int) -> None: ...
    def give_back(self, text: str) -> None: ...
    def stands(self, standing: Standing) -> None: ...

    def close(self) -> None:
        """Show again what is typed, if it was not."""
        self._unseen.end()

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
