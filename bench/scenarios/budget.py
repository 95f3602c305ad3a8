"""Where the time of a post goes: the broker's core and store alone, on one thread, step by step; real records in a real file, no sockets.

Each batch is what one commit gathers. A step's figure is the lower quartile of its batches, since other work on the machine only ever adds; its rounds are runs of
their own. What the sockets take comes on top: see PERFORMANCE.md.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory
from typing import Final

import msgpack
from bench.plan import Plan
from bench.results import SYNCED, Row
from bench.servers import UNLIMITED
from bench.wire import TEXT
from msgspec.structs import replace

from hubbub.broker.core import effects as fx
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Settings
from hubbub.broker.core.core import Core
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.sessions import Peer
from hubbub.broker.sequencer import LocalSequencer
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.codec import array, decode_commands, encode, split
from hubbub.common.digest import EMPTY, extend
from hubbub.common.replies import Reply, Welcome

NAME: Final = "budget"
MICROSECONDS: Final = "µs a post"
CASES: Final = (
    ("one producer, 400 posts a frame", 1, 400, 1),
    ("50 producers, 16 posts a frame, 25 frames a commit", 50, 16, 25),
    ("50 producers, one post a frame, 50 frames a commit", 50, 1, 50),
)
"""What it is called; producers, posts a frame, frames a batch."""
BATCHES: Final = 60
WARM_UP: Final = 5
HANDLE, DECODE, TAKE, APPLY, DIGEST, COMMIT, TELL, PUBLISH = (
    "handle a frame",
    "  of it: decode",
    "gather a batch",
    "apply",
    "  of it: digest",
    "write, commit, sync",
    "tell what is done",
    "encode for publishing",
)
STEPS: Final = (HANDLE, DECODE, TAKE, APPLY, DIGEST, COMMIT, TELL, PUBLISH)
TOTAL: Final = "in all"


def measure(plan: Plan) -> list[Row]:
    """Return a row for each step in each case."""
    found: list[Row] = []
    for case, producers, per_frame, frames in CASES[: 1 if plan.quick else None]:
        rows = {step: _row(case, step) for step in (*STEPS, TOTAL)}
        for _ in range(plan.rounds):
            with TemporaryDirectory(dir=plan.folder) as folder:
                taken = Bench(Path(folder), producers).run(per_frame, frames)
            posts = per_frame * frames
            for step in STEPS:
                rows[step].figures.append(quantiles(taken[step], n=4)[0] / posts * 1e6)
            whole = [step for step in STEPS if not step.startswith(" ")]
            rows[TOTAL].figures.append(sum(rows[step].figures[-1] for step in whole))
        found += rows.values()
    return found


def _row(case: str, step: str) -> Row:
    return Row(
        scenario=NAME,
        case=case,
        system=step,
        measure=MICROSECONDS,
        better="less",
        durability=SYNCED,
    )


class Bench:
    """A core and a store, with producers that are logged in."""

    def __init__(self, folder: Path, producers: int) -> None:
        self._store = SqliteStore.open(folder / "budget.db")
        limits = replace(
            Limits().on_loopback(), **UNLIMITED, sessions_per_account=producers, queries_burst=10**6
        )
        self._now = Now(1000.0, 1_700_000_000_000)
        settings = Settings("bench", 5001, limits=limits)
        self._core = Core(settings, self._store.load(), self._now, os.urandom)
        self._sequencer = LocalSequencer()
        self._replies: list[Reply] = []
        self._taken: defaultdict[str, list[float]] = defaultdict(list)
        self._written = [0] * producers
        self._peers = [self._log_in(number) for number in range(producers)]
        [room, *_] = [reply.rooms for reply in self._replies if isinstance(reply, Welcome)][-1]
        self._post = {"type": "post", "room": room.room, "text": TEXT}

    def _log_in(self, number: int) -> Peer:
        peer = Peer(b"\x01" + os.urandom(31), os.urandom(32).hex(), number + 1, "127.0.0.1")
        hello = {"type": "hello", "id": 1, "versions": [1]}
        login = {"type": "login", "id": 2, "name": f"producer-{number}"}
        keys = {"producer": os.urandom(16), "events_key": os.urandom(32)}
        self._perform(self._core.handle(peer, msgpack.packb([hello, login | keys]), self._now))
        while submissions := self._sequencer.take():
            batch = self._core.apply(submissions)
            self._store.commit(batch.changes)
            self._perform(self._core.committed(batch, self._now))
        return peer

    def _perform(self, effects: Iterable[fx.Effect]) -> None:
        for effect in effects:
            match effect:
                case fx.Submit(submission=submission):
                    self._sequencer.submit(submission)
                case fx.Send(replies=replies):
                    self._replies += replies

    @contextmanager
    def _timed(self, step: str) -> Iterator[None]:
        started = time.perf_counter()
        yield
        self._taken[step].append(time.perf_counter() - started)

    def run(self, per_frame: int, frames: int) -> dict[str, list[float]]:
        """Return the seconds that each step took of each batch."""
        try:
            for number in range(WARM_UP + BATCHES):
                if number == WARM_UP:
                    self._taken.clear()
                self._now = Now(1000.0 + number / 100, 1_700_000_000_000 + number * 10)
                turn = (number * frames + place for place in range(frames))
                self._batch([self._frame(place % len(self._peers), per_frame) for place in turn])
        finally:
            self._store.close()
        return self._taken

    def _frame(self, producer: int, posts: int) -> tuple[Peer, bytes]:
        first = self._written[producer] + 1
        self._written[producer] += posts
        packed = [msgpack.packb(self._post | {"n": first + n}) for n in range(posts)]
        return self._peers[producer], array(packed)

    def _batch(self, frames: list[tuple[Peer, bytes]]) -> None:
        with self._timed(DECODE):
            for _, frame in frames:
                decode_commands(frame)
        with self._timed(HANDLE):
            effects = [self._core.handle(peer, frame, self._now) for peer, frame in frames]
        with self._timed(TAKE):
            for some in effects:
                self._perform(some)
            submissions = self._sequencer.take()
        with self._timed(APPLY):
            batch = self._core.apply(submissions)
        with self._timed(DIGEST):
            for events in batch.published.values():
                extend(EMPTY, *events)
        with self._timed(COMMIT):
            self._store.commit(batch.changes)
        with self._timed(TELL):
            told = self._core.committed(batch, self._now)
        with self._timed(PUBLISH):
            for effect in told:
                if isinstance(effect, fx.Publish):
                    for chunk in split(effect.events):
                        encode(chunk)
