"""Durable ingest: how many posts a second are acknowledged, each of them on disk by then? Nobody listens.

Every producer has a connection of its own and as many posts under way as its share of 512, always: for each that is acknowledged it sends another. hubbub takes
one post in each frame, as from people, or many, as its client library sends them under load. Other servers know no frames, so their figures stand beside both. JetStream and
Redis sync before each answer, as hubbub does; the bare relay stores nothing.

One process is all producers: over plain TCP, or with encryption over libzmq, which is dearer to hubbub. Where that process hardly ever waited, a note says so: the server could do more.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.peers.dialect import PRODUCER
from bench.plan import Plan
from bench.producing import UNACKED, ingest
from bench.results import Row
from bench.systems import (
    CURVE_HUBBUB,
    CURVE_RELAY,
    JETSTREAM,
    OPEN_HUBBUB,
    OPEN_RELAY,
    STREAMS,
    Served,
    System,
    row_of,
    started,
)

NAME = "durable ingest"
POSTS, COST = "posts/s", "µs of CPU a post"
PRODUCERS = (1, 50)
SINGLE, FULL = "single posts", "frames of many"
ROOM = "bench"
MOST_IN_A_FRAME = UNACKED // 2
"""One frame is under way while the one before it is answered."""
BUSY = 0.9
"""The share of its time from which on the producers' process is what holds up."""
SYSTEMS: Sequence[tuple[System, Sequence[str]]] = (
    (OPEN_HUBBUB, [SINGLE]),
    (OPEN_HUBBUB, [FULL]),
    (OPEN_RELAY, [SINGLE]),
    (STREAMS, [SINGLE, FULL]),
    (JETSTREAM, [SINGLE, FULL]),
    (CURVE_HUBBUB, [SINGLE]),
    (CURVE_HUBBUB, [FULL]),
    (CURVE_RELAY, [SINGLE]),
)
"""What is measured, in this order, and the cases in which its figures stand."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A server that is measured, with so many posts in a frame, and the rows of its figures."""

    served: Served
    producers: int
    in_a_frame: int
    rates: list[Row] = field(default_factory=list)
    costs: list[Row] = field(default_factory=list)

    def measure(self, seconds: float) -> None:
        """Add a round to its rows."""
        share = UNACKED // self.producers
        producers = [
            self.served.producer(ROOM, PRODUCER + number) for number in range(self.producers)
        ]
        try:
            cpu, working = self.served.cpu(), time.thread_time()
            posts, elapsed = ingest(producers, seconds, self.in_a_frame, share)
            busy = (time.thread_time() - working) / elapsed
            cost = (self.served.cpu() - cpu) / posts * 1e6
        finally:
            for producer in producers:
                producer.close()
        for row in self.rates:
            row.figures.append(posts / elapsed)
            if busy > BUSY:
                row.notes.append(
                    f"the producers worked for {busy:.0%} of a round: it could do more"
                )
        for row in self.costs:
            row.figures.append(cost)


def measure(plan: Plan) -> list[Row]:
    """Measure every server with one producer and with many."""
    return [row for count in PRODUCERS for row in _with(plan, count)]


def case(producers: int, kind: str) -> str:
    """Name the case of so many producers of posts of one kind."""
    return f"{producers} producer{'s' * (producers > 1)}, {kind}"


def _with(plan: Plan, count: int) -> list[Row]:
    tables: dict[str, list[Row]] = {SINGLE: [], FULL: []}
    with ExitStack() as stack:
        systems = list(dict.fromkeys(system for system, _ in SYSTEMS))
        servers = dict(stack.enter_context(started(systems, plan.folder)))
        there: list[Measured] = []
        for system, kinds in SYSTEMS:
            served = servers[system]
            if served is None:
                for kind in kinds:
                    tables[kind].append(system.row(NAME, case(count, kind), POSTS))
                continue
            in_a_frame = min(UNACKED // count, MOST_IN_A_FRAME) if kinds == [FULL] else 1
            measured = Measured(served, count, in_a_frame)
            there.append(measured)
            for kind in kinds:
                rate, cost = (row_of(served, NAME, case(count, kind), it) for it in (POSTS, COST))
                cost.better = "less"
                measured.rates.append(rate)
                measured.costs.append(cost)
                tables[kind] += [rate, cost]
        for _ in range(plan.rounds):
            for measured in there:
                measured.measure(plan.seconds)
    return [*tables[SINGLE], *tables[FULL]]
