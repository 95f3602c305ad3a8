"""The client library, as programs use it, beside plain sockets that do the same work with nothing around it.

Reading: `Client.events()` beside a SUB socket whose loop decodes each event into a dict, both fed by `bench.fountain` as fast as they take it; the library checks seqs and
digests, and hands on through a queue to another thread. Writing: `post_nowait` beside a driver that sends prepared frames, to a broker; then one post at a time, idle,
which must not wait for others.
"""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

import msgpack
import zmq
from bench.fountain import ROOM
from bench.measures import latencies, posts
from bench.plan import Plan
from bench.results import HUBBUB, SYNCED, Row
from bench.servers import BenchError, Target, broker, process
from bench.wire import TEXT, KeyPair, new_context, secure
from zmq.utils import z85

from hubbub.client.client import Client
from hubbub.client.updates import Message
from hubbub.common.addresses import parse
from hubbub.common.links import JoinLink
from hubbub.common.names import LOBBY

NAME: Final = "library"
BARE, DRIVER = "bare SUB loop", "prepared frames"
EVENTS: Final = "messages/s"
POSTS: Final = "posts/s"
LATENCY: Final = "ms p50, idle"
SINGLE, FULL = "one message a publication", "400 messages a publication"
WRITING, ONE_BY_ONE = "posts under load", "one post, idle"
PUBLISHED: Final = {SINGLE: (1, 100_000), FULL: (400, 400_000)}
"""How many messages a publication holds, and how many are read in a round."""
PATIENCE_SECONDS: Final = 20.0
TOGETHER: Final = 100
IDLE_POSTS: Final = 100
BREATH_SECONDS: Final = 0.002
"""Between two posts of an idle client: by then everything has come to rest."""


def measure(plan: Plan) -> list[Row]:
    """Measure without encryption and with it."""
    rows: list[Row] = []
    for encrypted in (False, True):
        for case in PUBLISHED:
            rows += _reading(plan, case, encrypted=encrypted)
        rows += _writing(plan, encrypted=encrypted)
    return rows


# Reading.


@dataclass(frozen=True, slots=True)
class Fountain:
    """A process that publishes `count` messages to whoever listens, each time that it is asked to."""

    target: Target
    count: int
    child: subprocess.Popen[str]

    def play(self) -> None:
        """Begin, as soon as somebody listens."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        if self.child.stdout.readline() != "subscribed\n":
            raise BenchError("nobody listens to the fountain")
        self.child.stdin.write("\n")
        self.child.stdin.flush()


@contextmanager
def fountain(count: int, each: int, *, encrypted: bool) -> Iterator[Fountain]:
    """Run one, with `each` messages a publication."""
    options = [str(count), str(each), *(["--encrypted"] if encrypted else [])]
    with process("bench.fountain", *options) as child:
        assert child.stdout is not None
        commands, events, key = json.loads(child.stdout.readline())
        raw = z85.decode(key.encode()) if key else b""
        yield Fountain(Target(commands, events, raw, True, child.pid), count, child)


def _reading(plan: Plan, case: str, *, encrypted: bool) -> list[Row]:
    each, count = PUBLISHED[case]
    ours, bare = _rows(case, EVENTS, HUBBUB, BARE, encrypted=encrypted)
    with fountain(count, each, encrypted=encrypted) as source:
        for _ in range(plan.rounds):
            bare.figures.append(bare_events(source))
            ours.figures.append(library_events(source, plan.folder))
    return [ours, bare]


def bare_events(source: Fountain) -> float:
    """Return messages a second of a plain SUB socket that decodes them."""
    with new_context() as context, closing(context.socket(zmq.SUB)) as socket:
        socket.linger = 0
        socket.rcvtimeo = int(PATIENCE_SECONDS * 1000)
        secure(socket, KeyPair.new(), source.target)
        socket.connect(source.target.events)
        socket.subscribe(ROOM)
        source.play()
        _topic, payload = socket.recv_multipart()
        started, count = time.perf_counter(), 0
        while True:
            for event in msgpack.unpackb(payload):
                message = msgpack.unpackb(event)
                count += 1
            if message[1] == source.count:
                break
            _topic, payload = socket.recv_multipart()
        return count / (time.perf_counter() - started)


def library_events(source: Fountain, folder: Path) -> float:
    """Return messages a second that `Client.events` yields. Raises BenchError if any were missed, or had to be fetched."""
    with _client(source.target, folder) as chat:
        source.play()
        count, earlier, started = 0, 0, 0.0
        for event in chat.events(PATIENCE_SECONDS):
            started = started or time.perf_counter()
            if not isinstance(event, Message):
                raise BenchError(f"the library was told: {event}")
            count += 1
            earlier += event.earlier
            if count == source.count:
                break
        took = time.perf_counter() - started
        if count < source.count or earlier:
            raise BenchError(f"the library read {count} messages, {earlier} of them by catching up")
        return count / took


# Writing.


def _writing(plan: Plan, *, encrypted: bool) -> list[Row]:
    ours, raw = _rows(WRITING, POSTS, HUBBUB, DRIVER, encrypted=encrypted)
    idle, raw_idle = _rows(ONE_BY_ONE, LATENCY, HUBBUB, DRIVER, encrypted=encrypted)
    for row in (ours, raw, idle, raw_idle):
        row.durability = SYNCED
    idle.better = raw_idle.better = "less"
    with ExitStack() as stack:
        context = stack.enter_context(new_context())
        target = stack.enter_context(broker(plan.folder, encrypted=encrypted))
        for _ in range(plan.rounds):
            raw.figures.append(posts(context, target, plan.seconds, batched=True))
            raw_idle.figures.append(median(latencies(context, target, IDLE_POSTS)) * 1000)
            with _client(target, plan.folder) as chat:
                ours.figures.append(library_posts(chat, plan.seconds))
                idle.figures.append(median(library_latencies(chat, IDLE_POSTS)) * 1000)
    return [ours, raw, idle, raw_idle]


def library_posts(chat: Client, seconds: float) -> float:
    """Return acknowledged posts a second by `post_nowait`; the client reads its own posts too, and its app reads nothing."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for _ in range(TOGETHER):
            last = chat.post_nowait(LOBBY, TEXT)
        count += TOGETHER
    last.result(PATIENCE_SECONDS)
    return count / (time.perf_counter() - started)


def library_latencies(chat: Client, count: int) -> list[float]:
    """Return the seconds from `post_nowait` to its outcome, one at a time, nothing else going on."""
    times = []
    for _ in range(count):
        time.sleep(BREATH_SECONDS)
        started = time.perf_counter()
        chat.post_nowait(LOBBY, TEXT).result(PATIENCE_SECONDS)
        times.append(time.perf_counter() - started)
    return times


def _rows(case: str, measure: str, *systems: str, encrypted: bool) -> list[Row]:
    encryption = "CURVE" if encrypted else "none"
    case = f"{case}, encrypted" if encrypted else case  # each is compared with its like
    return [
        Row(scenario=NAME, case=case, system=system, measure=measure, encryption=encryption)
        for system in systems
    ]


def _client(target: Target, folder: Path) -> Client:
    """Log in under a name of its own, from a home of its own."""
    address = parse(target.address)
    return Client(
        JoinLink(address, target.key) if target.encrypted else address,
        name=f"library-{os.urandom(6).hex()}",
        home=Path(tempfile.mkdtemp(dir=folder)),
        insecure=not target.encrypted,
    )
