"""Beside the bare relay: hubbub's speed as a share of what ZeroMQ and Python can do on this machine, in half a minute and without any other server.

Each change is held against what is EXPECTED, widely, on machines that others use as well: so both servers are measured in short turns, one after the other, the best turn of each
counts, and what looks like a collapse gets more turns before it is believed.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from statistics import median
from typing import Final

from bench.crowd import Crowd, crowd
from bench.measures import posts, syncs
from bench.plan import Plan
from bench.producing import TOGETHER, UNACKED, connected, fan_out
from bench.results import HUBBUB, RELAY, Row, number
from bench.servers import broker, relay
from bench.systems import Ours, row_of
from tabulate import tabulate

NAME: Final = "beside the bare relay"
POSTS: Final = "posts/s"
DELIVERIES: Final = "deliveries/s"
SINGLE, FULL, FAN_OUT = "single posts", "full frames", "fan-out to 100"
DISK, SYNC = "this disk", "ms a sync"
EXPECTED: Final[Mapping[str, float]] = {SINGLE: 0.45, FULL: 0.13, FAN_OUT: 0.75}
"""hubbub's figure for each of the relay's: what a few runs on 2 cores that others used too had in common, with encryption and without."""
COLLAPSED: Final = 0.5
"""Less than so much of what is expected is a collapse."""
SIZE: Final = 100
SECONDS: Final = 0.3
TURNS, MOST_TURNS = 4, 8
SYNCS: Final = 50
ROOM: Final = "bench"

Turn = Callable[[Ours], float]


def measure(plan: Plan) -> list[Row]:
    """Measure the disk, and both servers without encryption and with it."""
    disk = Row(scenario=NAME, case=SYNC, system=DISK, measure=SYNC, better="less")
    disk.figures = [median(syncs(plan.folder, SYNCS)) * 1000]
    pairs = [_pair(plan, disk, encrypted=encrypted) for encrypted in (False, True)]
    return [disk, *pairs[0], *pairs[1]]


def _pair(plan: Plan, disk: Row, *, encrypted: bool) -> list[Row]:
    with ExitStack() as stack:
        ours = Ours(stack.enter_context(broker(plan.folder, encrypted=encrypted)))
        bare = Ours(stack.enter_context(relay(encrypted=encrypted)))
        both = ours, bare
        people: dict[Ours, Crowd] = {}

        def single(served: Ours) -> float:
            return posts(served.context, served.target, SECONDS, batched=False)

        def full(served: Ours) -> float:
            return posts(served.context, served.target, SECONDS, batched=True)

        def deliveries(served: Ours) -> float:
            return _deliveries(served, people[served])

        rows = [*_case(both, disk, SINGLE, POSTS, single), *_case(both, disk, FULL, POSTS, full)]
        for served in both:
            served.producer(ROOM).close()  # somebody makes the room
            people[served] = stack.enter_context(crowd(served, SIZE, ROOM))
        return [*rows, *_case(both, disk, FAN_OUT, DELIVERIES, deliveries)]


def _case(both: Sequence[Ours], disk: Row, case: str, measure: str, turn: Turn) -> list[Row]:
    """Measure in turns until there are enough, and more as long as it looks like a collapse."""
    ours, bare = (row_of(served, NAME, case, measure) for served in both)
    for done in range(MOST_TURNS):
        if done >= TURNS and not share(ours, bare, disk).is_collapse:
            break
        for served, row in zip(both, (ours, bare), strict=True):
            row.figures.append(turn(served))
    return [ours, bare]


def _deliveries(served: Ours, people: Crowd) -> float:
    producer = served.producer(ROOM)
    try:
        connected(producer, people)
        return fan_out(producer, people, SECONDS, TOGETHER)[0]
    finally:
        producer.close()


@dataclass(frozen=True, slots=True)
class Share:
    """What hubbub reached of the relay's speed in one case."""

    case: str
    encryption: str
    found: float
    expected: float

    @property
    def is_collapse(self) -> bool:
        """Whether it is far less than expected."""
        return self.found < self.expected * COLLAPSED


def share(ours: Row, bare: Row, disk: Row) -> Share:
    """Compare the best turns. No more is expected than the disk allows: a sync for each half of the producer's window."""
    best = max(bare.figures)
    allowed = UNACKED / 2 / (disk.median / 1000) * (SIZE if ours.case == FAN_OUT else 1)
    expected = min(EXPECTED[ours.case], allowed / best)
    return Share(ours.case, ours.encryption, max(ours.figures) / best, expected)


def shares(rows: Sequence[Row]) -> list[Share]:
    """Return those of a run: of its rows that are of this scenario."""
    systems = (HUBBUB, RELAY, DISK)
    ours, bare, disks = (
        [row for row in rows if (row.scenario, row.system) == (NAME, system)] for system in systems
    )
    return [share(*pair, disk) for disk in disks for pair in zip(ours, bare, strict=True)]


def table(found: Sequence[Share]) -> str:
    """Return the shares beside what is expected."""
    lines = []
    for it in found:
        figures = [number(it.found), number(it.expected), number(it.expected * COLLAPSED)]
        lines.append([it.case, it.encryption, *figures, "COLLAPSED" if it.is_collapse else ""])
    heads = ["hubbub / bare relay", "encryption", "found", "expected", "a collapse below", ""]
    return tabulate(lines, heads, tablefmt="simple", disable_numparse=True)
