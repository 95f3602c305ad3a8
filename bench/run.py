"""`make bench`: what hubbub does on this machine, beside a bare relay that stores nothing. `make bench ARGS=--quick` takes a quarter of the time.

Broker, relay and subscribers are processes of their own, on loopback. Rounds are interleaved: each round measures everything once, so that other work on
the machine hits all alike; the ratios say more than the figures.
"""

import argparse
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench import measures
from bench.figures import MODES, Figures, machine, rates, row, shown, title
from bench.servers import ROOT, BenchError, Target, broker, relay
from bench.subscribers import crowd, possible
from bench.wire import TEXT, Driver, new_context

IDLE = 500
RELAY, SINGLE, BATCHED, LIBRARY = "relay", "single", "batched", "library"


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    rounds: int
    seconds: float
    subscribers: int
    latencies: int
    folder: Path


def main() -> int:
    """Measure and print; return the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.data) as folder:
            plan = Plan(
                rounds=1 if options.quick else options.rounds,
                seconds=0.5 if options.quick else options.seconds,
                subscribers=possible(options.subscribers),
                latencies=100 if options.quick else 400,
                folder=Path(folder),
            )
            print(f"{machine()}; {plan.rounds} rounds, medians; texts of {len(TEXT)} bytes")
            print("the brokers' limits are raised: by default one account may post 20,000 a second")
            measure_posts(plan)
            measure_deliveries(plan)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print(f"\n{time.monotonic() - started:.0f} s, load {machine().rpartition(' ')[2]} at the end")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="one short round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each measurement")
    parser.add_argument("--subscribers", type=int, default=1000)
    parser.add_argument(
        "--data", type=Path, default=ROOT, help="a folder on the disk to measure with"
    )
    return parser


def measure_posts(plan: Plan) -> None:
    """Durable posts a second, and how long one takes."""
    figures = Figures()
    with ExitStack() as stack:
        context = stack.enter_context(new_context())
        servers = {
            mode: (
                stack.enter_context(relay(encrypted=mode == "encrypted")),
                stack.enter_context(broker(plan.folder, encrypted=mode == "encrypted")),
            )
            for mode in MODES
        }
        for _ in range(plan.rounds):
            for mode, (bare, ours) in servers.items():
                for what, target, batched in (
                    (RELAY, bare, False),
                    (SINGLE, ours, False),
                    (BATCHED, ours, True),
                ):
                    rate = measures.posts(context, target, plan.seconds, batched=batched)
                    figures.add(what, mode, rate)
                rate = measures.library_posts(ours, plan.seconds, plan.folder)
                figures.add(LIBRARY, mode, rate)
        for mode, (_, ours) in servers.items():
            figures.add("latency", mode, *measures.latencies(context, ours, plan.latencies))
        figures.add("sync", MODES[0], *measures.syncs(plan.folder, plan.latencies))
    _show_posts(figures)
    _show_latency(figures)


def _show_posts(figures: Figures) -> None:
    title("Durable, acked posts a second, one client")
    rates(figures, RELAY, "bare relay, one post a frame, not stored")
    rates(figures, SINGLE, "hubbub, one post a frame", (RELAY, "relay (0.25 or more is wanted)"))
    rates(figures, BATCHED, "hubbub, full frames", (SINGLE, "one post a frame"))
    rates(figures, LIBRARY, "hubbub.client, post_nowait", (BATCHED, "full frames"))


def _show_latency(figures: Figures) -> None:
    title("Milliseconds, one at a time, idle: median, p99")

    def cell(what: str, mode: str) -> str:
        middle, late = figures.median(what, mode), figures.percentile(what, mode, 99)
        if middle is None or late is None:
            return "-"
        return f"{middle * 1000:.2f}, {late * 1000:.2f}"

    row("durable post until its ack", [cell("latency", mode) for mode in MODES])
    row("of this, a sync of this disk", [cell("sync", MODES[0]), ""])


def measure_deliveries(plan: Plan) -> None:
    """Deliveries a second to all subscribers of one room, and what idle clients cost the broker."""
    figures = Figures()
    for mode in MODES:
        with ExitStack() as stack:
            context = stack.enter_context(new_context())
            bare = stack.enter_context(relay(encrypted=mode == "encrypted"))
            ours = stack.enter_context(broker(plan.folder, encrypted=mode == "encrypted"))
            Driver(context, ours, "bench").close()
            _measure_memory(plan, figures, ours, mode)
            crowds = {
                target: stack.enter_context(crowd(target, plan.subscribers))
                for target in (bare, ours)
            }
            for target, people in crowds.items():
                measures.connect_all(context, target, people)
            for _ in range(plan.rounds):
                for what, target, batched in (
                    (RELAY, bare, False),
                    (SINGLE, ours, False),
                    (BATCHED, ours, True),
                ):
                    rate, lost = measures.deliveries(
                        context, target, crowds[target], plan.seconds, batched=batched
                    )
                    figures.add(what, mode, rate)
                    figures.add(f"{what} lost", mode, lost)
    _show_deliveries(figures, plan)
    _show_memory(figures)


def _measure_memory(plan: Plan, figures: Figures, target: Target, mode: str) -> None:
    """With a crowd of its own, which leaves again."""
    idle = min(IDLE, plan.subscribers)
    empty = target.memory()
    with crowd(target, idle):
        time.sleep(0.5)
        full = target.memory()
    figures.add("empty", mode, empty / 2**20)
    figures.add("full", mode, full / 2**20)
    figures.add("each", mode, (full - empty) / idle / 1024)


def _show_deliveries(figures: Figures, plan: Plan) -> None:
    title(f"Deliveries a second to {plan.subscribers:,} subscribers of a room")
    rates(figures, RELAY, "bare relay, one post a frame, not stored")
    rates(figures, SINGLE, "hubbub, durable, one post a frame", (RELAY, "relay"))
    rates(figures, BATCHED, "hubbub, durable, full frames", (RELAY, "relay"))
    for what in (RELAY, SINGLE, BATCHED):
        lost = [figures.median(f"{what} lost", mode) or 0.0 for mode in MODES]
        if any(lost):
            row(f"lost by slow readers: {what}", [shown(share, ".2%") for share in lost])


def _show_memory(figures: Figures) -> None:
    title("Memory of the broker's process")
    row("empty, MiB", [shown(figures.median("empty", mode), ".1f") for mode in MODES])
    row(f"with {IDLE} idle clients", [shown(figures.median("full", mode), ".1f") for mode in MODES])
    row("a client, KiB", [shown(figures.median("each", mode), ".0f") for mode in MODES])


if __name__ == "__main__":
    sys.exit(main())
