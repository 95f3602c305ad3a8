"""Broker and relay as processes of their own: started, asked where they listen, ended by their ids."""

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zmq
from zmq.utils import z85

from hubbub.common.codec import QUESTION, decode_door
from hubbub.common.limits import MIB

ROOT = Path(__file__).parents[1]
START_SECONDS = 20.0
UNLIMITED = {
    "bot_posts_burst": 10_000_000,
    "bot_posts_a_second": 10_000_000,
    "bot_bytes_burst": 4096 * MIB,
    "bot_bytes_a_second": 4096 * MIB,
    "connections": 100_000,
    "connections_per_address": 100_000,
    "handshakes_burst": 100_000,
    "pages_burst": 1_000_000,
}
"""What one account and one address may do, where the broker's speed is measured and not its patience."""


class BenchError(Exception):
    """A measurement could not be made; the text says why."""


class Process:
    """A process that is measured from outside."""

    __slots__ = ()
    pid: int

    def cpu(self) -> float:
        """Return the seconds of CPU that the process has taken; on other systems than Linux, to the second or the hundredth."""
        if platform.system() == "Linux":
            return time.clock_gettime(~self.pid << 3 | 2)  # clock_getcpuclockid(3), to the ns
        shown = _ps("time", self.pid)
        minutes, _, seconds = shown.replace("-", ":").rpartition(":")
        hours, _, minutes = minutes.rpartition(":")
        return (int(hours or 0) * 60 + int(minutes or 0)) * 60 + float(seconds)

    def memory(self) -> int:
        """Return the resident memory of the process, in bytes."""
        return int(_ps("rss", self.pid)) * 1024


@dataclass(frozen=True, slots=True)
class Target(Process):
    """Where a broker or the relay listens. `key`: its CURVE key, raw; empty without encryption."""

    commands: str
    events: str
    key: bytes
    is_broker: bool
    pid: int
    log: Path | None = None
    """Where a broker writes its log."""

    @property
    def encrypted(self) -> bool:
        """Whether its sockets speak CURVE."""
        return bool(self.key)

    @property
    def address(self) -> str:
        """HOST:PORT, as the client library takes it."""
        return self.commands.removeprefix("tcp://")

    def logged(self, text: str) -> int:
        """Count what stands in a broker's log."""
        return self.log.read_text().count(text) if self.log else 0


def _ps(field: str, pid: int) -> str:
    command = ["ps", "-o", f"{field}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@contextmanager
def process(
    module: str, *options: str, output: int | None = None, env: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a module of ours in a process of its own, with `env` beside our own, while the `with` block runs. Its stdin stays open until then."""
    roots = [str(ROOT / name) for name in ("broker", "client", "common")]
    child = subprocess.Popen(
        [sys.executable, "-m", module, *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots), **(env or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE if output is None else output,
        text=True,
        start_new_session=True,  # Ctrl-C is for us; we end them in order
    )
    with ended(child):
        yield child


@contextmanager
def ended(child: "subprocess.Popen[Any]") -> Iterator[None]:
    """End a process when the `with` block is left, by force after ten seconds."""
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(10)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        for pipe in (child.stdin, child.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def relay(*, encrypted: bool) -> Iterator[Target]:
    """Run the relay."""
    with process("bench.relay", *(["--encrypted"] if encrypted else [])) as child:
        assert child.stdout is not None
        commands, events, key = json.loads(child.stdout.readline())
        raw = z85.decode(key.encode()) if key else b""
        yield Target(commands, events, raw, False, child.pid)


@contextmanager
def broker(
    folder: Path,
    *,
    encrypted: bool,
    data: Path | None = None,
    port: int = 0,
    limits: Mapping[str, int] = UNLIMITED,
) -> Iterator[Target]:
    """Run `python -m hubbub.broker` with its data in a new folder below `folder`, or in `data`; its log is `folder/broker-….log`. Of its limits `limits` are other than by default."""
    log = folder / f"broker-{time.monotonic_ns()}.log"
    data = data or log.with_suffix("")
    options = ["--bind", f"127.0.0.1:{port}", "--data", str(data)]
    with (
        log.open("w") as output,
        process(
            "hubbub.broker",
            *options,
            *([] if encrypted else ["--insecure"]),
            output=output.fileno(),
            env={f"HUBBUB_LIMITS_{name.upper()}": str(value) for name, value in limits.items()},
        ) as child,
    ):
        port = _port(log, child)
        key = _ask_door(port + 2) if encrypted else b""
        where = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{port + 1}"
        yield Target(*where, key, True, child.pid, log)


def _port(log: Path, child: "subprocess.Popen[str]") -> int:
    """Wait until the broker's log says where it listens."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and child.poll() is None:
        first = log.read_text().partition("\n")
        if first[1] and "Server running on" in first[0]:
            return int(first[0].rpartition(":")[2])
        time.sleep(0.02)
    raise BenchError(f"the broker did not start: {log.read_text().strip() or 'it said nothing'}")


def _ask_door(port: int) -> bytes:
    with zmq.Context() as context, context.socket(zmq.DEALER) as door:
        door.linger = 0
        door.connect(f"tcp://127.0.0.1:{port}")
        door.send(QUESTION)
        if not door.poll(5000):
            raise BenchError("the broker's door does not answer")
        return decode_door(door.recv()).key
