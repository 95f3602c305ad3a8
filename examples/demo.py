"""`make demo`: a broker and two people, each a real process, and in a terminal you among them.

Everything lives in a temporary folder that is removed at the end, with the processes. Nothing here is part of hubbub: it starts the programs
`hubbub-broker` and `hubbub` as anybody would, types into them and prints what they print.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

BROKER: Final = "broker"
HOST: Final = "127.0.0.1"
FIRST_PORT: Final = 5000
PORTS: Final = 3
"""A broker's commands, events and door."""

PATIENCE: Final = 20.0
PAUSE: Final = 1.5
"""Seconds before each typed line: time to read. The whole conversation takes about ten."""

CONVERSATION: Final = (
    ("Alice", "Hello, everyone!", "Bob", "Alice: Hello, everyone!"),
    ("Alice", "@Bob: Hi Bob!", "Bob", "Private message from Alice: Hi Bob!"),
    ("Bob", "@Alice: Hi Alice!", "Alice", "Private message from Bob: Hi Alice!"),
)
"""Who types what, and who sees it how."""

FAREWELL: Final = (
    ("Bob", "/exit", "Alice", "Bob has left the chat."),
    ("Alice", "/exit", BROKER, "Alice has left the chat."),
)


class DemoFailed(Exception):
    """Something did not happen that always happens."""


class Participant:
    """A process behind pipes. What it prints is printed with its name before it while `loud`, and handed to `reacts`."""

    def __init__(self, name: str, command: Sequence[str], home: Path) -> None:
        self.name = name
        self.loud = True
        self.reacts: Callable[[str], None] = lambda _line: None
        self._lines: list[str] = []
        self._news = threading.Condition()
        self._ended = False
        # A session of its own: Ctrl-C in your terminal is meant for you, not for Alice.
        self._process = subprocess.Popen(
            [sys.executable, "-m", *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            bufsize=1,
            env=os.environ | {"HUBBUB_HOME": str(home)},
            start_new_session=True,
        )
        threading.Thread(target=self._read, daemon=True).start()

    def types(self, line: str, *, shown: bool = True) -> None:
        """Type a line, and show that it was typed."""
        if self.loud and shown:
            show(self.name, ">", line)
        assert self._process.stdin is not None
        with suppress(
            BrokenPipeError, ValueError
        ):  # an answer to somebody who has just ended the demo
            self._process.stdin.write(f"{line}\n")

    def sees(self, text: str) -> str:
        """Wait until a line that begins with `text` has been shown; return it."""

        def there() -> bool:
            return self._ended or any(line.startswith(text) for line in self._lines)

        with self._news:
            self._news.wait_for(there, PATIENCE)
            for line in self._lines:
                if line.startswith(text):
                    return line
            said = "\n  ".join(self._lines) or "(nothing)"
        raise DemoFailed(f"{self.name} did not see {text!r} but:\n  {said}")

    def stop(self) -> None:
        """End the process: people leave at the end of their input, the broker when told; by force if they do not."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        if self.name == BROKER:
            self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for text in self._process.stdout:
            line = text.rstrip("\n")
            if self.loud:
                show(self.name, "|", line)
            with self._news:
                self._lines.append(line)
                self._news.notify_all()
            self.reacts(line)
        with self._news:
            self._ended = True
            self._news.notify_all()


def show(name: str, mark: str, line: str) -> None:
    """Print what somebody typed (>) or saw (|)."""
    with suppress(BrokenPipeError):  # nobody reads any more: `main` will notice
        print(f"  {name:>6} {mark} {line}", flush=True)


def free_port() -> int:
    """Return the first port from 5000 on that is free with the two above it."""
    for port in range(FIRST_PORT, FIRST_PORT + 300 * PORTS, PORTS):
        if all(is_free(port + offset) for offset in range(PORTS)):
            return port
    raise DemoFailed(f"no three free ports in a row from {FIRST_PORT} on")


def is_free(port: int) -> bool:
    """Whether one can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def greet(person: Participant) -> Callable[[str], None]:
    """Return what makes a participant answer its guest: a welcome, and a reply to each private message."""

    def react(line: str) -> None:
        if (
            joined := re.fullmatch(r"(\S+) has joined the chat\.", line)
        ) and person.name == "Alice":
            person.types(f"Welcome, {joined[1]}! Everybody sees this; try @Bob: hello")
        elif private := re.match(r"Private message from (\S+): ", line):
            person.types(f"@{private[1]}: Hi {private[1]}! Only you see this.")

    return react


@contextmanager
def started(name: str, command: Sequence[str], folder: Path) -> Iterator[Participant]:
    """Run a participant while the block runs."""
    participant = Participant(name, command, folder / f"home-{name}")
    try:
        yield participant
    finally:
        participant.stop()


def perform(
    lines: Sequence[tuple[str, str, str, str]], cast: dict[str, Participant], pause: float
) -> None:
    """Let the cast type their lines, each when the one before has been seen."""
    for speaker, line, listener, seen in lines:
        time.sleep(pause)
        cast[speaker].types(line)
        cast[listener].sees(seen)


def invite(address: str, folder: Path, cast: dict[str, Participant]) -> None:
    """Give you the line client, with Alice and Bob still there."""
    print(
        "\nNow you. Alice and Bob are still there and answer a little. Say something, try\n"
        "`@Bob: hello` and /help; /exit ends the demo.\n",
        flush=True,
    )
    for person in ("Alice", "Bob"):
        cast[person].reacts = greet(cast[person])
    for participant in cast.values():
        participant.loud = False
    you = [sys.executable, "-m", "hubbub.client", "chat", address]
    # Ctrl-C is the line client's. Not SIG_IGN: that it would inherit.
    interrupt = signal.signal(signal.SIGINT, lambda _number, _frame: None)
    try:
        subprocess.run(you, env=os.environ | {"HUBBUB_HOME": str(folder / "home-you")}, check=False)
    finally:
        signal.signal(signal.SIGINT, interrupt)


def play(folder: Path, pause: float) -> None:
    """Start everything, hold the conversation, end everything."""
    terminal = sys.stdin.isatty() and sys.stdout.isatty()
    port = free_port()
    address = f"{HOST}:{port}"
    if port != FIRST_PORT:
        print(f"Port {FIRST_PORT} or one of the two above it is taken; this demo uses {port}.\n")
    print(
        "A broker and two people, each a process of its own; > is typed, | is what they see.\n",
        flush=True,
    )
    with ExitStack() as stack:
        broker_command = ("hubbub.broker", "--bind", address, "--data", str(folder / "data"))
        cast = {BROKER: stack.enter_context(started(BROKER, broker_command, folder))}
        cast[BROKER].sees(f"Server running on {address}")
        for name in ("Alice", "Bob"):
            person = stack.enter_context(started(name, ("hubbub.client",), folder))
            cast[name] = person
            for answer in (HOST, str(port), name):
                person.types(answer, shown=False)  # it prints its answers itself
            person.sees("Registration successful.")
        cast["Alice"].sees("Bob has joined the chat.")
        perform(CONVERSATION, cast, pause)
        if terminal:
            invite(address, folder, cast)
        else:
            perform(FAREWELL, cast, pause)
    programs = os.path.relpath(Path(sys.executable).parent)
    print(
        f"\nThat was all, and it is gone. For your own chat start {programs}/hubbub-broker, then {programs}/hubbub in other terminals.",
        flush=True,
    )


def end(number: int, _frame: FrameType | None) -> NoReturn:
    """Leave through every `finally`: nothing stays running."""
    sys.exit(128 + number)


def main() -> int:
    """Play the demo; return its exit code."""
    parser = argparse.ArgumentParser(
        description="Start a broker, let Alice and Bob talk, and join them."
    )
    parser.add_argument("--pause", type=float, default=PAUSE, help="seconds before each typed line")
    pause: float = parser.parse_args().pause
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    folder = Path(tempfile.mkdtemp(prefix="hubbub-demo-"))
    try:
        play(folder, pause)
    except DemoFailed as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print()
        return 128 + signal.SIGINT
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
