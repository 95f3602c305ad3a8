"""What is measured, a function each. Each returns a plain figure; nothing here repeats, compares or prints."""

import os
import tempfile
import time
from pathlib import Path

import zmq
from bench.servers import BenchError, Target
from bench.subscribers import ROOM, Crowd
from bench.wire import TEXT, Driver, Socket

from hubbub.client.client import Client
from hubbub.common.names import LOBBY

UNDELIVERED_POSTS = 500
"""Posts that are not yet with all subscribers, when they go one a frame: half of libzmq's default high-water mark, so that nothing is dropped."""
UNDELIVERED_FRAMES = 4
"""The same when they go by the frame."""
STALLED_SECONDS = 2.0
Context = zmq.Context[Socket]


def posts(context: Context, target: Target, seconds: float, *, batched: bool) -> float:
    """Return acknowledged posts a second of one producer; nobody listens."""
    driver = Driver(context, target)
    try:
        count, took = driver.run(driver.posts_per_frame if batched else 1, seconds)
    finally:
        driver.close()
    return count / took


def library_posts(target: Target, seconds: float, folder: Path) -> float:
    """Return acknowledged posts a second by the client library's `post_nowait`, which reads its own posts too."""
    home = Path(tempfile.mkdtemp(dir=folder))
    name = f"library-{os.urandom(6).hex()}"
    with Client(target.address, name=name, home=home, insecure=not target.encrypted) as chat:
        chat.post(LOBBY, TEXT)
        count, started = 0, time.perf_counter()
        while time.perf_counter() - started < seconds:
            for _ in range(100):
                last = chat.post_nowait(LOBBY, TEXT)
            count += 100
        last.result(60)
        took = time.perf_counter() - started
    return count / took


def deliveries(
    context: Context, target: Target, crowd: Crowd, seconds: float, *, batched: bool
) -> tuple[float, float]:
    """Return (events received a second by all subscribers together, the share that was lost)."""
    driver = Driver(context, target, ROOM)
    try:
        per_frame = driver.posts_per_frame if batched else 1
        ahead = UNDELIVERED_FRAMES * per_frame if batched else UNDELIVERED_POSTS
        before = _settled(crowd)
        started = time.perf_counter()

        def room_for(posts: int) -> bool:
            return (posts - ahead) * crowd.size < crowd.received() - before

        count, _ = driver.run(per_frame, seconds, room_for)
        expected = before + count * crowd.size
        arrived, at = crowd.received(), time.perf_counter()
        while arrived < expected and time.perf_counter() - at < STALLED_SECONDS:
            time.sleep(0.001)
            if (received := crowd.received()) != arrived:
                arrived, at = received, time.perf_counter()
    finally:
        driver.close()
    return (arrived - before) / (at - started), 1 - (arrived - before) / (expected - before)


def connect_all(context: Context, target: Target, crowd: Crowd) -> None:
    """Return when every subscriber gets what is posted."""
    driver = Driver(context, target, ROOM)
    try:
        for _ in range(100):
            before = _settled(crowd)
            driver.post_one()
            if _settled(crowd) - before == crowd.size:
                return
    finally:
        driver.close()
    raise BenchError(f"not all of the {crowd.size} subscribers get what is posted")


def _settled(crowd: Crowd) -> int:
    """Return what the subscribers have received, once nothing more comes."""
    received = -1
    while received != (received := crowd.received()):
        time.sleep(0.1)
    return received


def latencies(context: Context, target: Target, count: int) -> list[float]:
    """Return the seconds from post to ack, one post at a time, nothing else going on."""
    driver = Driver(context, target)
    try:
        driver.post_one()
        return [driver.post_one() for _ in range(count)]
    finally:
        driver.close()


def syncs(folder: Path, count: int) -> list[float]:
    """Return the seconds that a sync of 4 KiB more at the end of a file takes on the broker's disk, as SQLite does it."""
    sync = getattr(os, "fdatasync", os.fsync)
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(count):
            os.write(file.fileno(), bytes(4096))
            started = time.perf_counter()
            sync(file.fileno())
            times.append(time.perf_counter() - started)
    return times
