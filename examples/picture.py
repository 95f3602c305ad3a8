"""`make picture`: the picture in the README, made of a real session.

A broker, three people and a program talk; the screen of one of them, a pseudo-terminal that `pyte` keeps as a terminal would, is drawn as SVG by
`rich`. Nothing on it is written by hand.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from io import StringIO
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Final

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from hubbub.client import Client

COLUMNS: Final = 76
ROWS: Final = 19
ADDRESS: Final = "127.0.0.1:5000"
PATIENCE: Final = 20.0
DIM, GREY = "\x1b[0;2m", "\x1b[0;90m"
"""pyte knows no dim text; grey is what most terminals make of it."""
GREYS: Final = {"default": None, "brightblack": "#8a8e99"}
PICTURE: Final = Path(__file__).with_suffix(".svg")

THEME: Final = TerminalTheme(
    (30, 31, 36),
    (220, 222, 226),
    [(60, 62, 70), (215, 95, 95), (95, 175, 95), (190, 150, 60), (95, 135, 215), (175, 95, 215), (60, 160, 175), (220, 222, 226)],
)  # fmt: skip
"""Background, text, and the eight colours, of which the chat uses none."""

FRAME: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace; line-height: {line_height}px; }}
.{unique_id}-title {{ font: 18px system-ui, sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


class Screen:
    """Somebody's shell on a terminal of its own."""

    def __init__(self, home: Path) -> None:
        self.display = pyte.Screen(COLUMNS, ROWS)
        self._stream = pyte.Stream(self.display)
        self._news = threading.Condition()
        programs = str(Path(sys.executable).parent)
        env = {
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(home),
            "HUBBUB_HOME": str(home),
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "TZ": "UTC",
            "PS1": "$ ",
        }
        self._shell = pexpect.spawn(
            "sh", env=env, dimensions=(ROWS, COLUMNS), encoding="utf-8", echo=True
        )
        threading.Thread(target=self._read, daemon=True).start()

    def types(self, text: str, end: str = "\r") -> None:
        """Press keys."""
        self._shell.send(text + end)

    def shows(self, pattern: str) -> None:
        """Wait until this stands on the screen."""
        expression = re.compile(pattern, re.MULTILINE)
        with self._news:
            if not self._news.wait_for(lambda: expression.search(self.text()), PATIENCE):
                raise SystemExit(f"{pattern!r} is not on the screen:\n{self.text()}")

    def text(self) -> str:
        """Return what stands on the screen."""
        return "\n".join(line.rstrip() for line in self.display.display).rstrip()

    def close(self) -> None:
        """Hang up."""
        self._shell.close(force=True)

    def _read(self) -> None:
        with suppress(EOFError, OSError, pexpect.EOF):
            while True:
                data = self._shell.read_nonblocking(65536, timeout=None)
                with self._news:
                    self._stream.feed(data.replace(DIM, GREY))
                    self._news.notify_all()


@contextmanager
def broker(folder: Path, bind: str) -> Iterator[str]:
    """Run a broker while the block runs; yield its address."""
    command = [
        sys.executable,
        "-m",
        "hubbub.broker",
        "--bind",
        bind,
        "--data",
        str(folder / "data"),
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline()
            if not first:
                raise SystemExit("The broker did not start.")
            yield first.split()[-1]
        finally:
            process.terminate()


def play(folder: Path, bind: str) -> pyte.Screen:
    """Hold the conversation; return Alice's screen."""

    def home(name: str) -> Path:
        (folder / name).mkdir(exist_ok=True)
        return folder / name

    def enter(name: str) -> Client:
        return Client(address, name=name, home=home(name))

    alice = Screen(home("Alice"))
    try:
        with broker(folder, bind) as address, enter("Carol") as carol, enter("Builder") as builder:
            with enter("Alice") as earlier:
                carol.post("lobby", "The seminar moves to room 12.")
                earlier.mark_read("lobby", 1)
            carol.post("lobby", "And bring your laptops.")
            alice.types(f"hubbub chat {address} --name Alice")
            alice.shows("─── now ───")
            with enter("Bob") as bob:
                alice.shows("^Bob has joined")
                bob.post("lobby", "Morning! @Alice, did build 17 pass?")
                alice.shows("build 17 pass")
                builder.post("lobby", "Build 17 is done: 48 passed", {"build": 17, "failed": 0})
                alice.shows("^Builder")
                alice.types("It did 🎉")
                hears(carol, "It did 🎉")
                bob.tell("Alice", "Lunch at 12? Only you read this.")
                alice.shows("^Private message")
                bob.post("lobby", "waves and goes for coffee", action=True)
                alice.shows("goes for coffee")
                alice.types("@Bob: With pleasure")
                hears(bob, "With pleasure")
                alice.types("what others write never breaks the line I am typ", end="")
                alice.shows("I am typ$")
                return deepcopy(alice.display)  # before everybody leaves
    finally:
        alice.close()


def hears(client: Client, text: str) -> None:
    """Wait until a message is stored and has reached somebody."""
    for update in client.events(PATIENCE):
        if getattr(update, "text", "") == text:
            return
    raise SystemExit(f"{client.name} did not hear {text!r}.")


def draw(screen: pyte.Screen) -> str:
    """Return the screen as SVG."""
    console = Console(
        record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="truecolor"
    )
    last = max(y for y in range(ROWS) if screen.display[y].strip())
    for y in range(last + 1):
        row = Text(no_wrap=True)
        at = screen.cursor.x if y == screen.cursor.y else None
        cells = [
            (_style(cell := screen.buffer[y][x], cursor=x == at), cell.data) for x in range(COLUMNS)
        ]
        for style, run in groupby(cells, key=itemgetter(0)):
            row.append("".join(data for _, data in run), style)
        row.rstrip()
        console.print(row)
    title = "hubbub: a chat in a terminal"
    return console.export_svg(title=title, theme=THEME, code_format=FRAME, unique_id="hubbub")


def _style(cell: pyte.screens.Char, *, cursor: bool) -> Style:
    colour = GREYS.get(cell.fg, f"#{cell.fg}")
    return Style(color=colour, bold=cell.bold, reverse=cell.reverse != cursor)


def main() -> None:
    """Play and draw."""
    parser = argparse.ArgumentParser(description="Draw the README's picture from a real session.")
    parser.add_argument("--bind", default=ADDRESS, help="where the broker listens meanwhile")
    parser.add_argument("--output", type=Path, default=PICTURE)
    arguments = parser.parse_args()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="hubbub-picture-") as folder:
        screen = play(Path(folder), arguments.bind)
    arguments.output.write_text(draw(screen), encoding="utf-8")
    print(f"{arguments.output.name}: drawn in {time.monotonic() - started:.1f} s")


if __name__ == "__main__":
    main()
