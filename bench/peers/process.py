"""Compiled servers as processes of ours: found, started on a free port, asked for their version, ended by their ids."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.crowd import Dialled
from bench.dials import Dial
from bench.peers.dialect import PRODUCER, Dialect
from bench.producing import RawProducer
from bench.servers import BenchError, Process, ended

START_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Peer(Process):
    """A compiled server that runs."""

    system: str
    version: str
    durability: str
    encryption: str
    pid: int
    port: int
    dialect: Dialect
    undelivered: int = 2048
    """Posts under way that it bears; see `producing.UNDELIVERED`."""

    @property
    def answers(self) -> bool:
        """Whether it answers posts."""
        return bool(self.dialect.ack)

    def dial(self, number: int, room: str = "") -> Dial:
        """Return the connection of a client, by its number; it listens to the room if there is one."""
        return Dial(self.port, [self.dialect.enter(number, room)], tls=self.dialect.tls)

    def listeners(self, numbers: range, room: str) -> Dialled:
        """Return as many subscribers of a room."""
        return Dialled([self.dial(number, room) for number in numbers])

    def producer(self, room: str, number: int = PRODUCER) -> RawProducer:
        """Return a producer for a room, by its number."""
        dialect = self.dialect
        return RawProducer(self.dial(number), dialect.post(room, number), dialect.ack)


def find(name: str) -> str | None:
    """Return the path of a server's program: from this Python's environment, or installed with the system; None if there is none."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.exists() else shutil.which(name, path=_path())


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])


def version(program: str, *options: str) -> str:
    """Ask a program for its version; empty if it tells none."""
    said = subprocess.run([program, *options], capture_output=True, text=True, check=False)
    found = re.search(r"\d+\.\d+(\.\d+)*", said.stdout + said.stderr)
    return found[0] if found else ""


def free_port() -> int:
    """Return a port on which nobody listens now."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[int]:
    """Run a server while the `with` block runs; yield its process id once its port accepts. Raises BenchError with its log if it does not."""
    with log.open("w") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        with ended(child):
            _wait(child, port, log)
            yield child.pid


def _wait(child: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and child.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise BenchError(f"{Path(str(child.args)).name}: did not start: {log.read_text()[-500:]}")
