"""Fan-out: one producer, one room, many subscribers; how many messages reach all of them together?

A producer sends as fast as its posts are answered and the subscribers follow, so that what is measured is what arrives. With it: the CPU of the server for
each message that arrived, which should not grow with the number of subscribers. What it takes for the same subscribers while nothing is said (heartbeats,
pings) is measured before each round, stands in rows of its own, and is not counted to the messages.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench.crowd import Crowd, crowd, possible
from bench.plan import Plan
from bench.producing import TOGETHER, connected, fan_out
from bench.results import Row
from bench.servers import BenchError
from bench.systems import (
    CURVE_HUBBUB,
    IRC,
    MOSQUITTO,
    NATS,
    OPEN_HUBBUB,
    REDIS,
    TLS_NATS,
    Served,
    System,
    row_of,
    started,
)

NAME = "fan-out"
DELIVERIES, COST, IDLE = "deliveries/s", "µs of CPU a delivery", "ms of CPU a second, idle"
MEASURES = (DELIVERIES, COST, IDLE)
SIZES = (1, 10, 100, 1000, 5000)
SYSTEMS: Sequence[System] = (OPEN_HUBBUB, NATS, REDIS, IRC, MOSQUITTO, CURVE_HUBBUB, TLS_NATS)
ROOM = "bench"
TOO_MANY = "not measured: it takes minutes to let so many in"
LOSS_TOLD = 0.0005


def measure(plan: Plan) -> list[Row]:
    """Measure every system at every size; a size that the limit on open files does not allow is left out."""
    sizes = (100,) if plan.quick else SIZES
    return [row for size in sizes if possible(size) == size for row in _at(plan, size)]


def case(subscribers: int) -> str:
    """Name the case of so many."""
    return f"{subscribers:,} subscriber{'s' * (subscribers > 1)}"


def _at(plan: Plan, size: int) -> list[Row]:
    rows: list[Row] = []
    with ExitStack() as stack:
        there: list[tuple[Served, Crowd, dict[str, Row]]] = []
        few = [system for system in SYSTEMS if system.most < size]
        rows += [system.row(NAME, case(size), DELIVERIES, TOO_MANY) for system in few]
        many = [system for system in SYSTEMS if system not in few]
        for system, served in stack.enter_context(started(many, plan.folder)):
            if served is None:
                rows.append(system.row(NAME, case(size), DELIVERIES))
                continue
            served.producer(ROOM).close()  # somebody makes the room
            people = stack.enter_context(crowd(served, size, ROOM))
            its = {what: row_of(served, NAME, case(size), what) for what in MEASURES}
            its[COST].better = its[IDLE].better = "less"
            there.append((served, people, its))
            rows += its.values()
        for _ in range(plan.rounds):
            for served, people, its in there:
                _round(plan, served, people, its)
    return rows


def _round(plan: Plan, served: Served, people: Crowd, its: dict[str, Row]) -> None:
    producer = served.producer(ROOM)
    deliveries = its[DELIVERIES]
    try:
        connected(producer, people)
        idle = _idle(served, plan.seconds)
        its[IDLE].figures.append(idle * 1000)
        before = people.received()
        together = min(TOGETHER, served.undelivered)
        started, cpu = time.perf_counter(), served.cpu()
        rate, lost = fan_out(producer, people, plan.seconds, together, served.undelivered)
        busy = served.cpu() - cpu - idle * (time.perf_counter() - started)
        deliveries.figures.append(rate)
        its[COST].figures.append(busy / (people.received() - before) * 1e6)
        if lost > LOSS_TOLD:
            deliveries.notes.append(f"{lost:.1%} not received in one round")
    except BenchError as error:
        raise BenchError(f"{served.system}: {error}") from error
    finally:
        producer.close()


def _idle(served: Served, seconds: float) -> float:
    """Return the seconds of CPU that a server takes in a second in which nobody says anything."""
    started, cpu = time.perf_counter(), served.cpu()
    time.sleep(seconds)
    return (served.cpu() - cpu) / (time.perf_counter() - started)
