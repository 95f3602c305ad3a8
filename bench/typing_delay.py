"""How long a key takes from the keyboard to the screen of the line client, while a room is silent and while it pours.

    python bench/typing_delay.py [--rate 500] [--keys 200]

A real client on a pseudo-terminal; each key is a character that stands nowhere else, so that its first sight is its echo. Rounds alternate between both.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median, quantiles

import pexpect

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.servers import ROOT, BenchError, broker

from hubbub.client import Client

FIRST_KEY = 0x3400
"""CJK Extension A: nothing else on the screen is written in it."""
KEYS_A_SECOND = 12
ROUNDS = 4


class Typist:
    """The line client on a terminal, somebody who types, and what came to the screen when."""

    def __init__(self, address: str, home: Path) -> None:
        env = os.environ | {"HUBBUB_HOME": str(home), "TERM": "xterm-256color"}
        roots = os.pathsep.join(str(ROOT / name) for name in ("broker", "client", "common"))
        self._client = pexpect.spawn(
            sys.executable,
            ["-m", "hubbub.client", "chat", address, "--name", "Typist"],
            env=env | {"PYTHONPATH": roots},
            dimensions=(40, 100),
            encoding="utf-8",
        )
        self._client.expect_exact("/help")
        self._client.delaybeforesend = None
        self._seen: dict[str, float] = {}
        self._next = FIRST_KEY
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        try:
            while True:
                data = self._client.read_nonblocking(65536, timeout=None)
                now = time.perf_counter()
                for character in data:
                    if ord(character) >= FIRST_KEY:
                        self._seen.setdefault(character, now)
        except (pexpect.EOF, OSError):
            pass

    def types(self, keys: int) -> list[float]:
        """Press so many keys; return how long each took to be seen, in milliseconds."""
        pressed: dict[str, float] = {}
        for count in range(keys):
            if count % 20 == 0:
                self._client.send("\x15")  # empties the line
            key = chr(self._next)
            self._next += 1
            pressed[key] = time.perf_counter()
            self._client.send(key)
            time.sleep(1 / KEYS_A_SECOND)
        time.sleep(0.5)
        unseen = [key for key in pressed if key not in self._seen]
        if unseen:
            raise BenchError(f"{len(unseen)} keys never came to the screen")
        return [(self._seen[key] - at) * 1000 for key, at in pressed.items()]

    def close(self) -> None:
        """Hang up."""
        self._client.close(force=True)


def pour(bot: Client, rate: int, stop: threading.Event) -> None:
    """Post so many messages a second until told to stop."""
    started, sent = time.monotonic(), 0
    while not stop.wait(0.01):
        while sent < (time.monotonic() - started) * rate:
            bot.post_nowait("lobby", f"message {sent} of many, about as long as people write")
            sent += 1


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description="Measure the delay from key to screen.")
    parser.add_argument("--rate", type=int, default=500, help="messages a second")
    parser.add_argument("--keys", type=int, default=200, help="keys for each of both")
    options = parser.parse_args()
    delays: dict[bool, list[float]] = {False: [], True: []}
    with (
        tempfile.TemporaryDirectory(prefix=".bench-") as folder,
        broker(Path(folder), encrypted=True) as target,
        Client(target.address, name="Bot", home=Path(folder) / "bot") as bot,
    ):
        typist = Typist(target.address, Path(folder) / "typist")
        try:
            for round_ in range(ROUNDS * 2):
                stop = threading.Event()
                pourer = threading.Thread(target=pour, args=(bot, options.rate, stop))
                if pours := bool(round_ % 2):
                    pourer.start()
                delays[pours] += typist.types(options.keys // ROUNDS)
                stop.set()
                if pours:
                    pourer.join()
        except BenchError as error:
            print(f"bench: {error}", file=sys.stderr)
            return 1
        finally:
            typist.close()
    print("key to screen, milliseconds        median      99 %   slowest")
    for pours, label in ((False, "room silent"), (True, f"{options.rate} messages a second")):
        figures = delays[pours]
        slow = quantiles(figures, n=100)[98]
        print(f"  {label:<30}{median(figures):>9.1f}{slow:>10.1f}{max(figures):>10.1f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
