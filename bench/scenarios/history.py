"""History: what does a store with many messages cost: a page of it, a post to it, its disk, its start?

Each size is filled once, by full frames. In a round a broker is started on each, and they are asked in turn for full pages (1,000 messages of 100 bytes), one at a
time by one client, and posted to in turn. The smallest store is copied for every round: else the posts of the rounds before would make it a larger one.

The page in the middle is another one each time: who reads back asks for what nobody has just read.
"""

import os
import random
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import Final

import msgpack
from bench.crowd import join, log_in
from bench.plan import Plan
from bench.producing import UNACKED, post_all
from bench.results import Row
from bench.servers import BenchError, Target, broker
from bench.systems import Ours, row_of
from bench.wire import ANSWER_SECONDS, Driver, Session, new_context

from hubbub.common.limits import PAGE_ITEMS

NAME: Final = "history"
LATEST_P50: Final = "ms p50 of the latest page"
LATEST_P99: Final = "ms p99 of the latest page"
COST: Final = "µs of CPU a post"
MEASURES: Final = (
    LATEST_P50,
    LATEST_P99,
    "ms p50 of a page in the middle",
    "ms p99 of a page in the middle",
    COST,
    "seconds until it listens",
    "bytes on disk a message",
)
SIZES: Final = (10_000, 1_000_000)
QUICK_SIZES: Final = (10_000, 100_000)
BIG_SIZES: Final = (*SIZES, 10_000_000)
PAGES: Final = 300
POSTS: Final = 4_000
"""To a store, before it is the next one's turn."""
TURNS: Final = 6
"""With which it is a few checkpoints' worth, and few beside what is stored."""
TOGETHER: Final = UNACKED // 2
ROOM: Final = "bench"


def case(size: int) -> str:
    """Name the case of a store with so many messages."""
    return f"{size:,} messages stored"


@dataclass(frozen=True, slots=True)
class Store:
    """The data of a broker, filled once, and what was measured with it."""

    data: Path
    size: int
    rows: Sequence[Row]

    @contextmanager
    def lent(self, plan: Plan) -> Iterator[Path]:
        """Lend the data for one round; of the smallest store a copy, which goes afterwards."""
        if self.size > min(SIZES):
            yield self.data
            return
        copy = plan.folder / "copy"
        shutil.copytree(self.data, copy)
        yield copy
        shutil.rmtree(copy)


def measure(plan: Plan) -> list[Row]:
    """Fill a store of each size, and measure all of them in each round."""
    sizes = QUICK_SIZES if plan.quick else BIG_SIZES if plan.big else SIZES
    stores = [_filled(plan, size) for size in sizes]
    for number in range(plan.rounds):
        _round(plan, stores, random.Random(number))
    return [row for store in stores for row in store.rows]


def _filled(plan: Plan, size: int) -> Store:
    data = plan.folder / f"{size}-messages"
    with broker(plan.folder, encrypted=True, data=data) as target:
        producer = Driver(new_context(), target, ROOM)
        post_all(producer, size, TOGETHER)
        producer.close()
        rows = [row_of(Ours(target), NAME, case(size), what) for what in MEASURES]
    for row in rows:
        row.better = "less"
    on_disk = sum(file.stat().st_size for file in data.rglob("*") if file.is_file())
    rows[-1].figures = [on_disk / size]
    return Store(data, size, rows)


@dataclass(slots=True)
class Shelf:
    """A store whose broker runs, for one round."""

    store: Store
    target: Target
    seconds: float
    """Until the broker listened."""
    latest: list[float] = field(default_factory=list)
    middle: list[float] = field(default_factory=list)
    """Milliseconds of pages."""
    cpu: float = 0.0
    """Seconds that the posts took."""

    @classmethod
    @contextmanager
    def started(cls, plan: Plan, store: Store) -> "Iterator[Shelf]":
        """Start a broker on the store."""
        with store.lent(plan) as data:
            asked = time.perf_counter()
            with broker(plan.folder, encrypted=True, data=data) as target:
                yield cls(store, target, time.perf_counter() - asked)

    def note(self) -> None:
        """Add what the round showed to the rows."""
        cost = self.cpu / (POSTS * TURNS) * 1e6
        figures = [*_spread(self.latest), *_spread(self.middle), cost, self.seconds]
        for row, figure in zip(self.store.rows, figures, strict=False):
            row.figures.append(figure)


def _round(plan: Plan, stores: Sequence[Store], chance: random.Random) -> None:
    with ExitStack() as stack:
        shelves = [stack.enter_context(Shelf.started(plan, store)) for store in stores]
        _read(shelves, chance)
        _post(shelves)
        for shelf in shelves:
            shelf.note()


def _read(shelves: Sequence[Shelf], chance: random.Random) -> None:
    """Ask for the latest page, and for others far from both ends."""
    context, name = new_context(), f"reader-{os.urandom(6).hex()}"
    sessions = [log_in(context, shelf.target, [name])[0] for shelf in shelves]
    rooms = [join([session], ROOM) for session in sessions]
    for _ in range(PAGES):
        for shelf, session, room in zip(shelves, sessions, rooms, strict=True):
            size = shelf.store.size
            shelf.latest.append(_page(session, room, None))
            shelf.middle.append(_page(session, room, chance.randrange(size // 4, size * 3 // 4)))
    for session in sessions:
        session.close()


def _page(session: Session, room: bytes, before: int | None) -> float:
    """Ask for a full page and return the milliseconds until it is here; it is looked at afterwards. Raises BenchError when it is not whole."""
    started = time.perf_counter()
    session.send({"type": "history", "id": 6, "room": room, "before": before})
    if not session.socket.poll(round(ANSWER_SECONDS * 1000)):
        raise BenchError("no page from the broker")
    payload = session.socket.recv()
    took = (time.perf_counter() - started) * 1000
    [reply] = msgpack.unpackb(payload)
    if reply["type"] != "page" or len(reply["events"]) != PAGE_ITEMS:
        raise BenchError(f"not a full page but {reply['type']}, of {len(reply.get('events', ()))}")
    return took


def _post(shelves: Sequence[Shelf]) -> None:
    """Post to each in turn; a first turn, which does not count, makes all of them warm."""
    context = new_context()
    producers = [Driver(context, shelf.target, ROOM) for shelf in shelves]
    for turn in range(TURNS + 1):
        for shelf, producer in zip(shelves, producers, strict=True):
            before = shelf.target.cpu()
            post_all(producer, POSTS, TOGETHER)
            if turn:
                shelf.cpu += shelf.target.cpu() - before
    for producer in producers:
        producer.close()


def _spread(times: Sequence[float]) -> tuple[float, float]:
    """Return p50 and p99."""
    return median(times), quantiles(times, n=100)[98]
