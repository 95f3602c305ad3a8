"""Latency: a producer sends 1,000 messages a second at an even pace into a room of 100; how long until the last of the 100 has one, and until it is acknowledged?

hubbub acknowledges and publishes what is on disk. So does of the others JetStream alone, but only acknowledges: its 100 subscribers are those of core NATS, who hear a message before it is
synced; so for it a message counts as received when it is acknowledged too. NATS core, Redis pub/sub, ngIRCd and Mosquitto store nothing.

One thread sends and reads all, see `pacing`. Two rows help to judge the others: what the disk takes for one sync, and what that thread takes to read a message from 100 connections,
which is in every figure. With encryption it is dearer: TLS is decrypted in it, CURVE by libzmq beside it. Two cores are busy with 100,000 receipts a second, so
that all figures grow with whatever else the machine does: compare those of one run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median

from bench.measures import syncs
from bench.pacing import Journal, pace, reading_alone
from bench.peers.dialect import PRODUCER
from bench.plan import Plan
from bench.results import Row
from bench.servers import BenchError
from bench.systems import (
    CURVE_HUBBUB,
    IRC,
    JETSTREAM,
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

NAME = "latency"
SYSTEMS: Sequence[System] = (
    OPEN_HUBBUB,
    JETSTREAM,
    NATS,
    REDIS,
    IRC,
    MOSQUITTO,
    CURVE_HUBBUB,
    TLS_NATS,
)
ROOM = "bench"
RATE, SUBSCRIBERS = 1000, 100
RECEIVED, ACKED = "until the last of 100 has it", "until it is acknowledged"
SHARES = {"ms p50": 0.5, "ms p99": 0.99, "ms p99.9": 0.999}
LONGER = 3
"""Times as long as other measurements: of 3,000 messages three are beyond p99.9."""
WARMING = RATE // 5
"""The first messages, which do not count."""
YARDSTICK_COUNT = 1000
DISK, READING = "(the disk, one sync)", "(reading 100 connections)"
LATER = "or the ack, if later"
LATE_SECONDS = 0.0005
"""Half of the messages sent later than this after they were due: the machine has too much to do."""


@dataclass(frozen=True, slots=True)
class Timed:
    """A server that is measured, and the rows of its figures."""

    system: System
    served: Served
    received: Sequence[Row]
    acked: Sequence[Row]

    def measure(self, number: int, seconds: float) -> None:
        """Add a round to its rows."""
        journal = Journal(WARMING + round(RATE * seconds), SUBSCRIBERS)
        producer = self.served.producer(ROOM, PRODUCER + number)
        try:
            numbers = range(SUBSCRIBERS * number, SUBSCRIBERS * (number + 1))
            ears = self.served.listeners(numbers, ROOM).open()
            try:
                pace(producer, ears, journal, RATE, answers=self.served.answers)
            finally:
                ears.close()
        finally:
            producer.close()
        self._note(journal)

    def _note(self, journal: Journal) -> None:
        received, acked = journal.received, journal.acked
        if self.system is JETSTREAM:
            received = {n: max(at, acked[n]) for n, at in received.items() if n < len(acked)}
        counted = range(WARMING, len(journal.sent))
        _add(self.received, [received[n] - journal.sent[n] for n in counted if n in received])
        if self.acked:
            _add(self.acked, [acked[n] - journal.sent[n] for n in counted if n < len(acked)])
        if (late := median(journal.lateness)) > LATE_SECONDS:
            for row in [*self.received, *self.acked]:
                row.notes.append(f"sent {late * 1000:.1f} ms late: too busy a machine")
        if lost := journal.count - len(received):
            for row in self.received:
                row.notes.append(f"{lost} did not reach all")


def measure(plan: Plan) -> list[Row]:
    """Measure every server, and beside them the disk and the reading alone."""
    tables: dict[str, list[Row]] = {RECEIVED: [], ACKED: []}
    with started(SYSTEMS, plan.folder) as servers:
        there = []
        for system, served in servers:
            if served is None:
                tables[RECEIVED] += [system.row(NAME, RECEIVED, it) for it in SHARES]
                continue
            timed = Timed(
                system,
                served,
                _rows(served, RECEIVED),
                _rows(served, ACKED) if served.answers else [],
            )
            there.append(timed)
            tables[RECEIVED] += timed.received
            tables[ACKED] += timed.acked
        disk, reading = ([_alone(name, it) for it in SHARES] for name in (DISK, READING))
        for number in range(plan.rounds):
            _add(disk, syncs(plan.folder, YARDSTICK_COUNT))
            _add(reading, reading_alone(SUBSCRIBERS, YARDSTICK_COUNT))
            for timed in there:
                timed.measure(number, LONGER * plan.seconds)
    return [*tables[RECEIVED], *disk, *reading, *tables[ACKED]]


def _rows(served: Served, case: str) -> list[Row]:
    rows = [row_of(served, NAME, case, it) for it in SHARES]
    for row in rows:
        row.better = "less"
        if (served.system, case) == (JETSTREAM.name, RECEIVED):
            row.notes.append(LATER)
    return rows


def _alone(name: str, measure: str) -> Row:
    return Row(
        scenario=NAME,
        case=RECEIVED,
        system=name,
        measure=measure,
        better="less",
        durability="",
    )


def _add(rows: Sequence[Row], seconds: Sequence[float]) -> None:
    if not seconds:
        raise BenchError(f"{rows[0].system}: nothing was {rows[0].case.removeprefix('until ')}")
    ordered = sorted(seconds)
    for row in rows:
        place = ceil(SHARES[row.measure] * len(ordered)) - 1
        row.figures.append(ordered[place] * 1000)
