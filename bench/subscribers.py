"""Many subscribers in few processes: one XSUB socket with a connection for each, and each connection under its session's own events key.

(libzmq takes the keys at `connect`, so sockets need not be polled one by one; to the broker each connection is a subscriber like any other.)

python -m bench.subscribers COUNTERS INDEX COUNT ROOM COMMANDS EVENTS KEY IS_BROKER     prints a line when all listen; ends with its stdin
"""

import mmap
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO

import zmq
from bench.servers import BenchError, Target, process
from bench.wire import RELAY_ROOM, KeyPair, Session, new_context, secure

from hubbub.common.limits import PING_SECONDS

PROCESSES = 2
ROOM = "bench"
DESCRIPTORS_EACH = 4
"""File descriptors that one session takes in our process; in the broker it takes fewer."""
_SHORT, _LONG = 0xDC, 0xDD
"""msgpack: arrays with a 16-bit and a 32-bit count; smaller ones are 0x90 + count."""


class Crowd:
    """The subscribers of one server, seen from the process that measures: how many events they got together."""

    def __init__(self, size: int, counters: memoryview) -> None:
        self.size = size
        self._counters = counters

    def received(self) -> int:
        """Return how many events all of them have received so far."""
        return sum(self._counters)


@contextmanager
def crowd(target: Target, size: int) -> Iterator[Crowd]:
    """Let `size` subscribers listen to the room while the `with` block runs."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shared = folder / "counters"
        shared.write_bytes(bytes(8 * PROCESSES))
        shares = [size // PROCESSES + (index < size % PROCESSES) for index in range(PROCESSES)]
        outputs: list[IO[str] | None] = []
        for index, share in enumerate(shares):
            where = [target.commands, target.events, target.key.hex(), str(int(target.is_broker))]
            child: subprocess.Popen[str] = stack.enter_context(
                process("bench.subscribers", str(shared), str(index), str(share), ROOM, *where)
            )
            outputs.append(child.stdout)
        for output in outputs:
            if output is None or output.readline() != "listening\n":
                raise BenchError("the subscribers could not be set up")
        yield Crowd(size, _map(shared))


def possible(size: int, descriptors: int = DESCRIPTORS_EACH) -> int:
    """Return how many of those that take so many descriptors the limit on open files allows, at most `size`."""
    with suppress(ValueError, OSError):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if limit == resource.RLIM_INFINITY:
        return size
    return max(PROCESSES, min(size, (limit - 200) // descriptors))


def _map(path: Path) -> memoryview:
    with path.open("r+b") as file:
        return memoryview(mmap.mmap(file.fileno(), 0)).cast("Q")


def main(arguments: Sequence[str]) -> None:
    """Log in, listen, say so, and count until stdin ends."""
    counters, index, count, room, commands, events, key, is_broker = arguments
    target = Target(commands, events, bytes.fromhex(key), bool(int(is_broker)), 0)
    possible(0)
    context = new_context()
    socket = context.socket(zmq.XSUB)
    socket.rcvhwm = 2000
    if target.is_broker:
        sessions = _log_in(
            context, target, [f"reader-{os.getpid()}-{i}" for i in range(int(count))]
        )
        topic = _join(sessions, room)
    else:
        sessions, topic = [], RELAY_ROOM
    socket.send(b"\x01" + topic)
    for keys in [session.events_keys for session in sessions] or [KeyPair.new()] * int(count):
        secure(socket, keys, target)
        socket.connect(target.events)
    for session in sessions:
        session.until("subscribed")
    print("listening", flush=True)
    _count(socket, sessions, _map(Path(counters)), int(index))
    context.destroy(linger=0)


def _log_in(
    context: "zmq.Context[zmq.Socket[bytes]]", target: Target, names: Sequence[str]
) -> list[Session]:
    sessions = [Session(context, target, name) for name in names]
    for session in sessions:
        session.until("welcome")
    return sessions


def _join(sessions: Sequence[Session], room: str) -> bytes:
    for session in sessions:
        session.write(type="join", name=room)
    return [bytes(session.until("joined")["room"]) for session in sessions][-1]


def _count(
    socket: "zmq.Socket[bytes]", sessions: Sequence[Session], counters: memoryview, index: int
) -> None:
    """Count the events of every publication, by the header of its array; the rest of it is read and dropped."""
    poller = zmq.Poller()
    poller.register(socket, zmq.POLLIN)
    poller.register(sys.stdin.fileno(), zmq.POLLIN)
    topic, head = bytearray(16), bytearray(5)
    total, frames, ping_at = 0, 0, time.monotonic() + PING_SECONDS
    while True:
        try:
            socket.recv_into(topic, flags=zmq.NOBLOCK)
            socket.recv_into(head)
            total += _events(head)
            counters[index] = total
            frames += 1
            if frames % 4096:
                continue
        except zmq.Again:
            if sys.stdin.fileno() in dict(poller.poll(100)):
                return
        if time.monotonic() > ping_at:
            ping_at = time.monotonic() + PING_SECONDS
            for session in sessions:
                session.ping()


def _events(head: bytearray) -> int:
    if head[0] == _SHORT:
        return int.from_bytes(head[1:3])
    if head[0] == _LONG:
        return int.from_bytes(head[1:5])
    return head[0] & 0x0F


if __name__ == "__main__":
    main(sys.argv[1:])
