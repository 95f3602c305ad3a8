"""Single figures of a broker, the relay or a disk. Nothing here repeats, compares or prints."""

import os
import tempfile
import time
from pathlib import Path

import zmq
from bench.producing import UNACKED, saturate
from bench.servers import Target
from bench.wire import Driver, Socket

Context = zmq.Context[Socket]


def posts(context: Context, target: Target, seconds: float, *, batched: bool) -> float:
    """Return acknowledged posts a second of one producer; nobody listens."""
    driver = Driver(context, target)
    together = min(driver.posts_per_frame, UNACKED) if batched else 1
    try:
        started = time.perf_counter()
        count = saturate(driver, seconds, together, lambda _posts: True)
        return count / (time.perf_counter() - started)
    finally:
        driver.close()


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
