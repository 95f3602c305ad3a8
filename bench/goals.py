"""What hubbub should reach, as data; and whether a run reached it.

A goal compares two rows of one run by their ratio, or by how far one is above the other; or it compares a row with a number. To add one: an entry in GOALS, with the
names that its scenario gives to the rows. A goal whose rows have no figures (a scenario not asked for, a server not installed) says that it was not measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from bench.results import HUBBUB, RELAY, Results, Row, number, ratio
from bench.scenarios import connect, fanout, history, idle, ingest, latency, library
from tabulate import tabulate

NOT_MEASURED, MISSED, MET, AIM_MET = "not measured", "MISSED", "met", "aim met"


@dataclass(frozen=True, slots=True)
class Of:
    """Which row of a run: of a system, in a case."""

    scenario: str
    case: str
    measure: str
    system: str = HUBBUB
    encryption: str = "none"

    def find(self, results: Results) -> Row | None:
        """Return it if it has figures."""
        return results.find(self.scenario, self.case, self.system, self.measure, self.encryption)


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A bound that must be kept and one that is aimed at; None: there is none of the two."""

    what: str
    ours: Of
    other: Of | None = None
    above: bool = False
    """Whether what counts is how far ours is above the other, and not their ratio."""
    more: bool = False
    """Whether the bound is the least that is wanted, and not the most."""
    unit: str = ""
    must: float | None = None
    aim: float | None = None

    def figure(self, results: Results) -> float | None:
        """Return what is held against the bounds; None: it was not measured."""
        ours = self.ours.find(results)
        if ours is None:
            return None
        if self.other is None:
            return ours.median
        other = self.other.find(results)
        if other is None:
            return None
        if self.above:
            return median(a - b for a, b in zip(ours.figures, other.figures, strict=False))
        return ratio(ours, other)

    def keeps(self, figure: float, bound: float | None) -> bool:
        """Whether a figure is within a bound; it is within one that there is not."""
        return bound is None or (figure >= bound if self.more else figure <= bound)

    def verdict(self, figure: float | None) -> str:
        """Say what came of it."""
        if figure is None:
            return NOT_MEASURED
        if not self.keeps(figure, self.must):
            return MISSED
        if self.aim is None:
            return MET
        if self.keeps(figure, self.aim):
            return AIM_MET
        return MET if self.must is not None else "aim missed"

    def line(self, results: Results) -> list[str]:
        """Return what a table says of it."""
        figure, sign = self.figure(results), "≥ " if self.more else "≤ "
        bounds = [
            sign + number(bound) if bound is not None else "" for bound in (self.must, self.aim)
        ]
        measured = "" if figure is None else f"{number(figure)} {self.unit}"
        return [self.what, measured, *bounds, self.verdict(figure)]


def _fan_out(
    other: str, theirs: str, must: float, aim: float, encryption: str = "none"
) -> Iterator[Goal]:
    """Return the goals of fan-out beside another server, by what it and we are encrypted with."""
    for size in (100, 1000):
        names = fanout.NAME, fanout.case(size), fanout.DELIVERIES
        yield Goal(
            what=f"fan-out to {size:,} subscribers{', encrypted' * (encryption != 'none')}",
            ours=Of(*names, encryption=encryption),
            other=Of(*names, other, theirs),
            more=True,
            unit=f"times {other}",
            must=must,
            aim=aim,
        )


def _ingest(producers: int, kind: str, system: str = HUBBUB) -> Of:
    return Of(ingest.NAME, ingest.case(producers, kind), ingest.POSTS, system)


def _received(measure: str, system: str) -> Of:
    return Of(latency.NAME, latency.RECEIVED, measure, system)


def _flat(what: str, small: Of, large: Of) -> Goal:
    """Return the goal that a cost does not grow."""
    return Goal(what=what, ours=large, other=small, unit="times", must=1.25, aim=1.1)


def _delivery(size: int, encryption: str) -> Of:
    return Of(fanout.NAME, fanout.case(size), fanout.COST, encryption=encryption)


def _stored(size: int, measure: str) -> Of:
    return Of(history.NAME, history.case(size), measure, encryption="CURVE")


def _connected(case: str, system: str = HUBBUB) -> Of:
    return Of(connect.NAME, case, connect.COST, system, "CURVE")


def _idle(size: int, system: str = HUBBUB) -> Of:
    return Of(idle.NAME, idle.case(size), idle.EACH, system, "CURVE")


GOALS: Sequence[Goal] = (
    *_fan_out("NATS core", "none", 1.5, 2),
    *_fan_out("Redis pub/sub", "none", 1, 1.5),
    *_fan_out("ngIRCd", "none", 4, 5),
    *_fan_out("NATS core", "TLS", 2, 3, "CURVE"),
    *(
        Goal(
            what=f"durable posts of {count} in frames of many",
            ours=_ingest(count, ingest.FULL),
            other=_ingest(count, ingest.FULL, other),
            more=True,
            unit=f"times {other}",
            must=must,
            aim=aim,
        )
        for count in ingest.PRODUCERS
        for other, must, aim in (("Redis streams", 0.4, 1), ("NATS JetStream", 5, None))
    ),
    Goal(
        what="durable single posts of 50",
        ours=_ingest(50, ingest.SINGLE),
        other=_ingest(50, ingest.SINGLE, RELAY),
        more=True,
        unit="times the bare relay",
        must=0.3,
        aim=0.45,
    ),
    Goal(
        what="latency until the last of 100 has it, p99",
        ours=_received("ms p99", HUBBUB),
        other=_received("ms p99", "NATS JetStream"),
        unit="times NATS JetStream",
        must=1,
    ),
    Goal(
        what="the same, p50",
        ours=_received("ms p50", HUBBUB),
        other=_received("ms p50", latency.DISK),
        above=True,
        unit="ms above the disk's sync",
        aim=1,
    ),
    *(
        Goal(
            what=f"{case}, CPU",
            ours=_connected(case),
            other=_connected(case, RELAY),
            unit="times bare handshakes",
            must=3,
            aim=2,
        )
        for case in connect.cases(connect.CLIENTS)
    ),
    *(
        Goal(
            what=f"a subscriber of the library, {case}",
            ours=Of(library.NAME, case, library.EVENTS),
            other=Of(library.NAME, case, library.EVENTS, library.BARE),
            more=True,
            unit="times a bare SUB loop",
            must=0.5,
        )
        for case in library.PUBLISHED
    ),
    *(
        Goal(
            what=f"memory of {idle.case(size)}, encrypted",
            ours=_idle(size),
            other=_idle(size, RELAY),
            above=True,
            unit="KiB each above a bare pair",
            must=20,
            aim=10,
        )
        for size in (idle.SIZE, idle.MANY)
    ),
    Goal(
        what="the latest page (1,000 messages) of a million, p99",
        ours=_stored(1_000_000, history.LATEST_P99),
        unit="ms",
        must=5,
        aim=2,
    ),
    _flat(
        "the latest page of a million, p50, to that of 10,000",
        _stored(10_000, history.LATEST_P50),
        _stored(1_000_000, history.LATEST_P50),
    ),
    _flat(
        "a delivery to 5,000 subscribers, CPU, to one of 100",
        _delivery(100, "none"),
        _delivery(5000, "none"),
    ),
    _flat(
        "the same, encrypted",
        _delivery(100, "CURVE"),
        _delivery(5000, "CURVE"),
    ),
    _flat(
        "a post with a million stored, CPU, to one with 10,000",
        _stored(10_000, history.COST),
        _stored(1_000_000, history.COST),
    ),
)


def table(results: Results) -> str:
    """Return what came of the goals of the scenarios that were run; empty if none has any."""
    scenarios = {row.scenario for row in results.rows}
    lines = [goal.line(results) for goal in GOALS if goal.ours.scenario in scenarios]
    heads = ["goal", "measured", "must", "aim", ""]
    return tabulate(lines, heads, tablefmt="simple", disable_numparse=True) if lines else ""
