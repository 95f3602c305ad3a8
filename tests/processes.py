"""Real brokers and clients as child processes, through pseudo-terminals and through pipes.

Tests wait for what must be seen next and for nothing else: no sleeps. Ports are found by the system. Every child is ended by its own id when the
test is over; `tests/conftest.py` has the fixtures.
"""

import codecs
import contextlib
import os
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, NoReturn, TypeVar

import pexpect
import pyte
import pytest

ROOT: Final = Path(__file__).resolve().parents[1]
BROKER: Final = (sys.executable, "-m", "hubbub.broker")
CLIENT: Final = (sys.executable, "-m", "hubbub.client")

PATIENCE: Final = 15.0
"""Seconds until something that has to happen counts as failed; a busy machine needs more than an idle one."""

COLUMNS: Final = 120
ROWS: Final = 400

_Found = TypeVar("_Found")
_Kind = TypeVar("_Kind", bound="Program")


def environment(home: Path) -> dict[str, str]:
    """What a child gets: our sources, a home of its own, and nothing that changes how it behaves."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    roots = os.pathsep.join(str(ROOT / root) for root in ("broker", "client", "common"))
    own = dict.fromkeys(("HOME", "HUBBUB_HOME", "TMPDIR"), str(home))
    # No question leaves this machine: whoever tests the search for brokers does it on loopback.
    return kept | own | {"PYTHONPATH": roots, "TERM": "dumb", "HUBBUB_BROWSE": "0"}


def left_running(home: Path) -> list[str]:
    """Return the processes that still have this home, or a folder in it, in their environment."""
    if Path("/proc/self/environ").exists():
        processes = []
        for environ in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):  # it has ended, or is somebody else's
                processes.append(environ.read_text(errors="replace"))
    else:
        listed = subprocess.run(["ps", "axeww"], capture_output=True, text=True, check=True)
        processes = listed.stdout.splitlines()
    return [process for process in processes if str(home) in process]


class Program:
    """A child, what it shows and what is typed into it.

    A thread reads all that it writes, so that a child whose output nobody looks at is never held up.
    """

    def __init__(self, process_id: int, output: int) -> None:
        self.process_id = process_id
        self.exit_code: int | None = None
        self._output = output
        self._shown = ""
        self._seen_to = 0
        self._ended = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._drain, daemon=True)
        self._thread.start()

    def sees(self, *texts: str) -> None:
        """Wait until each of these has been shown, in this order, behind what was waited for last."""
        for text in texts:
            self.sees_match(re.escape(text))

    def sees_match(self, pattern: str) -> re.Match[str]:
        """Wait for a regular expression."""
        expression = re.compile(pattern)
        match = self._await(lambda: expression.search(self._shown, self._seen_to), pattern)
        self._seen_to = match.end()
        return match

    def types(self, *lines: str) -> None:
        """Type lines, each with Enter."""
        for line in lines:
            self._send(f"{line}\n")

    def transcript(self) -> str:
        """Return what has been shown so far."""
        with self._news:
            return self._shown.rstrip("\n")

    @property
    def lines(self) -> list[str]:
        """The transcript's lines."""
        return self.transcript().split("\n")

    def signal(self, number: signal.Signals) -> None:
        os.kill(self.process_id, number)

    def ends(self) -> int:
        """Wait for the end of the output and of the process; return its exit code."""
        with self._news:
            if not self._news.wait_for(lambda: self._ended, PATIENCE):
                self._fail("still running")
        self.exit_code = self._wait()
        return self.exit_code

    def kill(self) -> None:
        """End it as a power cut does."""
        self.signal(signal.SIGKILL)
        self.exit_code = self._wait()

    def close(self) -> None:
        """End it if it still runs, and give everything back."""
        if self.exit_code is None:
            self.kill()
        self._thread.join(PATIENCE)
        self._close()

    def _drain(self) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while chunk := self._read():
            with self._news:
                self._shown += decoder.decode(chunk)
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _read(self) -> bytes:
        try:
            return os.read(self._output, 65536)
        except OSError:  # how Linux reports the end of a pseudo-terminal
            return b""

    def _await(self, find: Callable[[], _Found | None], sought: str) -> _Found:
        found: _Found | None = None

        def there() -> bool:
            nonlocal found
            found = find()
            return found is not None or self._ended

        with self._news:
            self._news.wait_for(there, PATIENCE)
        if found is None:
            self._fail(f"{sought!r} is not on the screen")
        return found

    def _fail(self, reason: str) -> NoReturn:
        pytest.fail(f"process {self.process_id}: {reason}:\n{self.transcript()}", pytrace=False)

    def _send(self, text: str) -> None:
        raise NotImplementedError

    def _wait(self) -> int:
        raise NotImplementedError

    def _close(self) -> None:
        raise NotImplementedError


class OnTerminal(Program):
    """A child on a pseudo-terminal: what is typed is on its screen, Ctrl-C and Ctrl-D work."""

    def __init__(
        self,
        command: Sequence[str],
        env: Mapping[str, str],
        dimensions: tuple[int, int] = (ROWS, COLUMNS),
    ) -> None:
        self._child = pexpect.spawn(
            command[0], list(command[1:]), env=dict(env), dimensions=dimensions
        )
        self._child.delaybeforesend = None
        assert self._child.pid is not None
        super().__init__(self._child.pid, self._child.child_fd)

    def transcript(self) -> str:
        """Return what is on the screen, as a person sees it."""
        screen = pyte.Screen(COLUMNS, ROWS)
        pyte.Stream(screen).feed(super().transcript())
        return "\n".join(line.rstrip() for line in screen.display).rstrip("\n")

    @property
    def echoes(self) -> bool:
        """Whether the terminal is as a shell expects it: it edits lines and shows what is typed."""
        flags = termios.tcgetattr(self._output)[3]
        return bool(flags & termios.ECHO) and bool(flags & termios.ICANON)

    def presses(self, key: str) -> None:
        """Press Ctrl and a letter."""
        self._child.sendcontrol(key)

    def _send(self, text: str) -> None:
        self._child.send(text)

    def _wait(self) -> int:
        self._child.wait()
        return (
            self._child.exitstatus
            if self._child.exitstatus is not None
            else -(self._child.signalstatus or 0)
        )

    def _close(self) -> None:
        self._child.close(force=True)


class ThroughPipes(Program):
    """A child whose input and output are pipes; what it says on stderr stands in the transcript too."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=env,
            bufsize=0,
        )
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._input, self._pipe = self._child.stdin, self._child.stdout
        super().__init__(self._child.pid, self._pipe.fileno())

    def end_of_input(self) -> None:
        """Close the pipe into the child."""
        self._input.close()

    def _send(self, text: str) -> None:
        self._input.write(text.encode())

    def _wait(self) -> int:
        return self._child.wait(PATIENCE)

    def _close(self) -> None:
        self._input.close()
        self._pipe.close()


class Town:
    """Starts a broker and people, gives each a folder of its own, and ends them when the test is over."""

    def __init__(self, folder: Path, stack: contextlib.ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self.address = ""

    @property
    def data(self) -> Path:
        """The broker's data folder."""
        return self._folder / "data"

    def home(self, name: str) -> Path:
        """Return the folder that is a person's home, made if need be."""
        home = self._folder / f"home-{name}"
        home.mkdir(exist_ok=True)
        return home

    def broker(self, *options: str, bind: str = "127.0.0.1:0") -> ThroughPipes:
        """Start a broker and wait until it listens; from then on `address` is its address."""
        broker = self.start(
            ThroughPipes, *BROKER, "--bind", bind, "--data", str(self.data), *options
        )
        self.address = broker.sees_match(r"Server running on (\S+)\n")[1]
        return broker

    def on_terminal(self, who: str, *arguments: str) -> OnTerminal:
        """Start `hubbub` with these arguments on a pseudo-terminal, in the home of `who`."""
        return self.start(OnTerminal, *CLIENT, *arguments, who=who)

    def through_pipes(self, who: str, *arguments: str) -> ThroughPipes:
        """Start `hubbub` with these arguments through pipes, in the home of `who`."""
        return self.start(ThroughPipes, *CLIENT, *arguments, who=who)

    def start(
        self,
        kind: Callable[[Sequence[str], Mapping[str, str]], _Kind],
        *command: str,
        who: str = "broker",
    ) -> _Kind:
        """Start any program; it is ended after the test."""
        program = kind(command, environment(self.home(who)))
        self._stack.callback(program.close)
        return program

    def chats(self, kind: Callable[[Sequence[str], Mapping[str, str]], _Kind], name: str) -> _Kind:
        """Start the line client as `name`, answer its questions as a person does, and wait for the welcome."""
        person = self.start(kind, *CLIENT, who=name)
        host, _, port = self.address.rpartition(":")
        for question, answer in (
            ("Enter server IP: ", host),
            ("Enter server port: ", port),
            ("Enter your name: ", name),
        ):
            person.sees(question)
            person.types(answer)
        person.sees(f"Registration successful. Welcome to the chat, {name}!")
        return person
