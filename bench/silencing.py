"""From a ban to silence: `python bench/silencing.py [--times 30]`.

Mallory posts 250 times a second, and listens to what Alice posts just as fast. The chat's moderator bans Mallory. How long after the order was given
did Alice still hear something by Mallory, and Mallory something by Alice? Broker, people and this script share the machine; connections are encrypted.
"""

import argparse
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.results import machine
from bench.servers import ROOT, Target, broker, process

from hubbub.client import Client, HubbubError, Message

PAUSE_SECONDS: Final = 0.004
"""Between two posts: faster than a member may go on for long, and within their budget for the seconds that it takes."""
TALK_SECONDS: Final = 1.0
"""Of both talking before the ban, and of listening after it."""


class Talker:
    """Somebody who posts all the time, and notes when they last heard the other."""

    def __init__(self, target: Target, name: str, other: str, home: Path) -> None:
        self.client = Client(target.address, name=name, home=home)
        self.heard = 0.0
        self._other = other
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=it, daemon=True) for it in (self._talk, self._listen)
        ]
        for thread in self._threads:
            thread.start()

    def _talk(self) -> None:
        with suppress(HubbubError):
            while not self._is_over.wait(PAUSE_SECONDS):
                self.client.post_nowait("lobby", "on and on")

    def _listen(self) -> None:
        with suppress(HubbubError):
            for update in self.client.events():
                if isinstance(update, Message) and update.sender == self._other:
                    self.heard = time.monotonic()

    def end(self) -> None:
        """Say no more, and leave."""
        self._is_over.set()
        with suppress(HubbubError):
            self.client.close(1)
        for thread in self._threads:
            thread.join()


def measure(
    target: Target, moderator: Client, number: int, homes: Path
) -> tuple[float, float, float]:
    """Return the seconds from the order until its answer, the last that Alice heard of Mallory, and the last that Mallory heard."""
    alice, mallory = f"Alice-{number}", f"Mallory-{number}"
    honest = Talker(target, alice, mallory, homes / alice)
    banned = Talker(target, mallory, alice, homes / mallory)
    time.sleep(TALK_SECONDS)
    ordered = time.monotonic()
    moderator.moderation.ban("account", mallory, reason="measured")
    answered = time.monotonic()
    time.sleep(TALK_SECONDS)
    honest.end()
    banned.end()
    return answered - ordered, honest.heard - ordered, banned.heard - ordered


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--times", type=int, default=30)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as folder,
        broker(Path(folder), encrypted=True, data=Path(folder) / "data") as target,
        Client(target.address, name="Moira", home=Path(folder) / "moira") as moderator,
    ):
        appoint = ("role", "Moira", "moderator", "--data", str(Path(folder) / "data"))
        with process("hubbub.broker", *appoint) as operator:
            operator.wait(20)
        runs = [measure(target, moderator, n, Path(folder)) for n in range(options.times)]
    sys.stdout.write(
        f"{machine()}\nMilliseconds after a ban was ordered, {options.times} times\n\n"
    )
    sys.stdout.write(f"{'':<40}{'median':>9}{'longest':>9}\n")
    names = (
        "until it was answered",
        "until Mallory was last heard by Alice",
        "until Mallory last heard Alice",
    )
    for name, times in zip(names, zip(*runs, strict=True), strict=True):
        sys.stdout.write(f"{name:<40}{median(times) * 1000:>9.1f}{max(times) * 1000:>9.1f}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
