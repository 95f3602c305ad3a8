"""The broker as the kit runs it: the real one, in a process of its own, whose clock, disk and high-water marks obey the kit.

    python -m tests.chaos.broker --data DIR --port PORT --tally FILE --hwm FRAMES [--clock MILLIS] [--break NAME]

It prints the port that it listens on, then obeys lines on stdin: `clock MILLIS` (so far from the true time), `disk full`, `disk free`. When stdin
ends, so does it: nothing of the kit outlives the kit. What it changes in the product is all in this file, and (to prove that the checker
can fail) in `tests.chaos.breaking`.
"""

import argparse
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Final

import zmq
from tests.chaos.breaking import BREAKS
from tests.chaos.patching import patch
from tests.chaos.tally import Count, Tally

import hubbub.broker.broker as whole
from hubbub.broker import loop, sockets
from hubbub.broker.core import apply as applying
from hubbub.broker.core.batch import Batch, Writer
from hubbub.broker.core.changes import Changes, Snapshot
from hubbub.broker.core.clock import Now
from hubbub.broker.core.producers import Producer
from hubbub.broker.errors import StorageError
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.addresses import Address

COMMANDS_HWM: Final = 8
SMALL_BUFFER: Final = 16 * 1024
NO_PAGE_MORE: Final = 1
"""SQLite takes a bound below the present size for the present size."""
ALL_PAGES: Final = 2**30


class Orders:
    """What stdin says: how far the wall clock is off, and whether the disk is full."""

    def __init__(self, clock: int) -> None:
        self.clock = clock
        self.is_full = False

    def obey(self) -> None:
        """Read stdin; at its end, end the process."""
        for line in sys.stdin:
            match line.split():
                case ["clock", millis]:
                    self.clock = int(millis)
                case ["disk", state]:
                    self.is_full = state == "full"
        os._exit(3)


def bend_clock(orders: Orders) -> None:
    """Let the wall clock be off. The monotonic one is true."""
    read_clock = loop.read_clock

    def read() -> Now:
        now = read_clock()
        return Now(now.monotonic, now.wall + orders.clock)

    for module in (loop, whole):
        patch(module, read_clock=read)


def bound_disk(orders: Orders, tally: Tally) -> None:
    """Move SQLite's own bound on the file while the broker runs; both functions are called in the writer's thread."""
    commit, recover = SqliteStore.commit, SqliteStore.recover

    def bounded_commit(store: SqliteStore, changes: Changes) -> None:
        pages = NO_PAGE_MORE if orders.is_full else ALL_PAGES
        store._writer.execute(f"PRAGMA max_page_count = {pages}")
        tally.add(Count.COMMITS)
        try:
            commit(store, changes)
        except StorageError:
            tally.add(Count.REFUSED_COMMITS)
            raise

    def bounded_recover(store: SqliteStore) -> Snapshot:
        store.max_pages = NO_PAGE_MORE if orders.is_full else None
        return recover(store)

    patch(SqliteStore, commit=bounded_commit, recover=bounded_recover)


def lower_marks(events_hwm: int) -> None:
    """Let PUB drop after so many frames, and ROUTER fail soon, for a client that does not read."""
    events, commands = sockets._events, sockets._commands

    def small_events(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
        socket = events(context)
        socket.sndhwm = events_hwm
        socket.sndbuf = SMALL_BUFFER
        return socket

    def small_commands(context: "zmq.Context[zmq.Socket[bytes]]") -> "zmq.Socket[bytes]":
        socket = commands(context)
        socket.sndhwm = COMMANDS_HWM
        socket.sndbuf = SMALL_BUFFER
        return socket

    patch(sockets, _events=small_events, _commands=small_commands)


def count_repeats(tally: Tally) -> None:
    """Count the writes that were sent again and recognised."""
    repeat = applying._repeat

    def counted(batch: Batch, producer: Producer, writer: Writer, n: int) -> None:
        tally.add(Count.SENT_AGAIN)
        repeat(batch, producer, writer, n)

    patch(applying, _repeat=counted)


def main() -> None:
    """Run until SIGTERM."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--tally", type=Path, required=True)
    parser.add_argument("--hwm", type=int, required=True)
    parser.add_argument("--clock", type=int, default=0)
    parser.add_argument("--break", dest="broken", choices=BREAKS)
    options = parser.parse_args()
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    tally = Tally(options.tally)
    orders = Orders(options.clock)
    bend_clock(orders)
    bound_disk(orders, tally)
    lower_marks(options.hwm)
    count_repeats(tally)
    if options.broken:
        BREAKS[options.broken]()
    advertise = Address("127.0.0.1", options.port)
    with whole.Broker(Address("127.0.0.1", 0), data=options.data, advertise=advertise) as broker:
        threading.Thread(target=orders.obey, daemon=True).start()
        print(broker.address.port, flush=True)
        broker.run_until_signal()


if __name__ == "__main__":
    main()
