"""`make bench`: hubbub on this machine, beside a bare relay that stores nothing and beside compiled servers.

    make bench                                   all scenarios
    make bench ARGS="fanout latency --rounds 5"  some
    make bench ARGS="ingest --quick"             one short round: does it work, has anything collapsed?

Servers, producers and subscribers are processes of their own, on loopback. In each round every system is measured once, one after another, so that other
work on the machine hits all alike: the ratios say more than the figures.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import chart, goals
from bench.plan import Plan
from bench.results import Results, Row, machine, tables
from bench.scenarios import (
    budget,
    connect,
    fanout,
    history,
    idle,
    ingest,
    latency,
    library,
    relay,
    rooms,
)
from bench.servers import ROOT, BenchError
from bench.systems import SYSTEMS
from bench.wire import TEXT

SCENARIOS: Final[Mapping[str, Callable[[Plan], list[Row]]]] = {
    "fanout": fanout.measure,
    "ingest": ingest.measure,
    "latency": latency.measure,
    "history": history.measure,
    "connect": connect.measure,
    "idle": idle.measure,
    "rooms": rooms.measure,
    "library": library.measure,
    "budget": budget.measure,
    "relay": relay.measure,
}
ALONE: Final = {"budget", "history", "library", "relay"}
"""Scenarios that no other server is part of."""


def main() -> int:
    """Measure, print and write; return the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    try:
        if options.chart:
            chart.require()
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.data) as folder:
            plan = Plan(
                rounds=1 if options.quick else options.rounds,
                seconds=0.5 if options.quick else options.seconds,
                folder=Path(folder),
                quick=options.quick,
                big=options.big,
            )
            results = measure(plan, options.scenario or list(SCENARIOS))
        has_collapsed = conclude(results)
        if options.out:
            results.save(options.out)
            print(f"written to {options.out}")
        if options.chart:
            chart.write(results, options.chart)
            print(f"drawn into {options.chart}")
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 1 if has_collapsed else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument(
        "scenario", nargs="*", choices=[*SCENARIOS, []], help=f"of {', '.join(SCENARIOS)}"
    )
    parser.add_argument("--quick", action="store_true", help="one short round of the small cases")
    parser.add_argument("--big", action="store_true", help="cases that take minutes too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--out", type=Path, help="write the results as JSON")
    parser.add_argument("--chart", type=Path, help="draw them into an SVG file")
    parser.add_argument(
        "--data", type=Path, default=ROOT, help="a folder on the disk to measure with"
    )
    return parser


def measure(plan: Plan, names: Sequence[str]) -> Results:
    """Measure scenarios and print each one's tables."""
    results = Results(machine=machine(), rounds=plan.rounds)
    print(f"{results.machine}; {plan.rounds} rounds, medians; texts of {len(TEXT)} bytes")
    print("the brokers' limits are raised: by default one account may post 20,000 a second")
    for system in () if ALONE.issuperset(names) else SYSTEMS:
        if why := system.missing():
            print(f"{system.name}: {why}")
    for name in names:
        started = time.monotonic()
        rows = SCENARIOS[name](plan)
        results.rows += rows
        for table in tables(rows):
            print(f"\n{table}")
        print(f"\n{name}: {time.monotonic() - started:.0f} s", flush=True)
    return results


def conclude(results: Results) -> bool:
    """Print what came of the goals, and beside the relay; return whether something has collapsed."""
    if table := goals.table(results):
        print(f"\n{table}")
    shares = relay.shares(results.rows)
    if shares:
        print(f"\n{relay.table(shares)}")
    return any(share.is_collapse for share in shares)


if __name__ == "__main__":
    sys.exit(main())
