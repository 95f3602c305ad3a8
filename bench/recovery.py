"""How many clients at once get through what goes wrong: a broker that restarts, publications that are lost, a member that freezes, a full disk.

    python bench/recovery.py [restart] [loss] [frozen] [full] [pages] [--clients 500] [--messages 200]          all, if none is named

Broker and clients are processes of their own; the clients are those of the library, encrypted, in a few rooms each. At the end of each measurement all clients
have the same digest of every room as the broker, or the bench fails.
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.crowd import crowd, possible
from bench.people import Group, group
from bench.results import machine
from bench.servers import ROOT, BenchError, Target, broker
from bench.systems import Ours
from bench.wire import Driver, Session, new_context

from hubbub.broker.broker import Broker
from hubbub.client import Client
from hubbub.common.limits import PAGE_ITEMS

PROCESSES = 5
ROOMS = ("first", "second", "third")
TEXT = "x" * 80
LOSS = 0.2
LOSERS = 50
RATE = 200.0
"""Messages a second to each room: about as many frames, so that there is much to lose."""
RATE_FACTOR = 5
MEMBERS = 50
WATCHERS = 4
"""Of the members these are clients of the library, one is stopped, and the others plain sockets: 49 clients in Python would wait for each other."""
FROZEN_MESSAGES = 1000
FROZEN_RATE = 100.0
FROZEN_TEXT = "x" * 4000
FULL_SECONDS = 5.0
FULL_PAGES = 2000
"""8 MiB of messages, with what goes around them."""
FULL_WRITERS = 10
FULL_POSTS = 150
DESCRIPTORS_EACH = 32
"""File descriptors of one client: two sockets, their monitors, a context."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    clients: int
    messages: int
    folder: Path


class Town:
    """A broker, whoever posts, and groups of clients in the same rooms."""

    def __init__(self, plan: Plan, stack: ExitStack, rooms: Sequence[str]) -> None:
        self.heads = dict.fromkeys(rooms, 0)
        self.groups: list[Group] = []
        self._plan = plan
        self._data = plan.folder / f"data-{time.monotonic_ns()}"
        self._running = stack.enter_context(ExitStack())
        self.start_broker(0)
        home = plan.folder / "poster"
        self.poster = stack.enter_context(
            Client(self.broker.address, name="Poster", home=home, timeout=60)
        )

    def start_broker(self, port: int) -> None:
        """Start the broker on its data."""
        where = broker(self._plan.folder, encrypted=True, data=self._data, port=port)
        self.broker: Target = self._running.enter_context(where)

    def restart_broker(self, number: signal.Signals) -> None:
        """End the broker by a signal and start it again; return when it listens."""
        port = int(self.broker.address.rpartition(":")[2])
        if number != signal.SIGTERM:
            os.kill(self.broker.pid, number)
        self._running.close()  # by SIGTERM, if it still runs
        self.start_broker(port)

    def post(self, count: int, *, rate: float = 0.0, text: str = TEXT) -> None:
        """Post so many messages to each room, as fast as may be or so many a second; they carry their time."""
        started = time.monotonic()
        futures: dict[str, list[Future[int]]] = {room: [] for room in self.heads}
        for number in range(count):
            if rate:
                time.sleep(max(0.0, started + number / rate - time.monotonic()))
            for room, sent in futures.items():
                sent.append(self.poster.post_nowait(room, f"{time.monotonic()} {text}"))
        for room, sent in futures.items():
            if sent:
                self.heads[room] = sent[-1].result(120)

    def reach(self, groups: Sequence[Group] = ()) -> list[tuple[float, float]]:
        """Wait until all have read everything; return when each was back and complete."""
        groups = groups or self.groups
        for each in groups:
            each.tell("reach", self.heads)
        return [tuple(times) for each in groups for times in each.answer()]

    def check(self) -> None:
        """Fail unless everybody holds the same as the broker."""
        found = set()
        for each in self.groups:
            found.update(each.ask("positions", list(self.heads)))
        for room in self.heads:
            position = self.poster.position(room)
            found.add(f"{room} {position.seq} {position.digest.hex()}")
        if len(found) != len(self.heads):
            raise BenchError(f"clients differ: {sorted(found)}")

    def cpu(self) -> float:
        """Return the seconds of CPU of all clients."""
        return sum(float(each.ask("cpu")) for each in self.groups)


@contextmanager
def town(
    plan: Plan, sizes: Sequence[int], rooms: Sequence[str], loss: float = 0.0
) -> Iterator[Town]:
    """Start a broker and groups of clients of these sizes, all in these rooms."""
    with ExitStack() as stack:
        it = Town(plan, stack, rooms)
        for room in rooms:
            it.poster.create(room)
        for index, size in enumerate(sizes):
            home = plan.folder / f"home-{index}"
            each = group(it.broker.address, home, f"Person-{index}", size, rooms, loss)
            it.groups.append(stack.enter_context(each))
        for started in it.groups:
            started.answer()
        it.post(1)
        it.reach()
        yield it


def shares(count: int) -> list[int]:
    """Return the sizes of the processes for so many clients."""
    return [count // PROCESSES + (index < count % PROCESSES) for index in range(PROCESSES)]


def measure_restart(plan: Plan) -> None:
    """End the broker under all clients and start it again, posting meanwhile."""
    print(f"\nRestart under {plan.clients} clients in {len(ROOMS)} rooms; {plan.messages} messages")
    print("to each room while they come back. Seconds from the broker's end; seconds of CPU.\n")
    heads = ("listens", "first back", "half back", "all back", "complete", "broker's", "clients'")
    print(f"{'':<10}" + "".join(f"{head:>12}" for head in heads) + "   logins")
    with town(plan, shares(plan.clients), ROOMS) as it:
        for number, name in ((signal.SIGTERM, "SIGTERM"), (signal.SIGKILL, "kill -9")):
            figures, logins = _restart(plan, it, number)
            cells = "".join(f"{figure:>12.2f}" for figure in figures)
            print(f"{name:<10}{cells}{logins:>9}", flush=True)


def _restart(plan: Plan, it: Town, number: signal.Signals) -> tuple[list[float], int]:
    before = it.cpu()
    started = time.monotonic()
    it.restart_broker(number)
    listens = time.monotonic() - started
    it.post(plan.messages)
    times = it.reach()
    complete = time.monotonic() - started
    cpu = it.broker.cpu(), it.cpu() - before
    it.check()
    back = sorted(at - started for at, _ in times)
    logins = it.broker.logged("is connected again")
    return [listens, back[0], median(back), back[-1], complete, *cpu], logins


def measure_loss(plan: Plan) -> None:
    """Drop a share of what is published before the clients see it, and let them catch up."""
    clients = min(plan.clients, LOSERS)
    print(f"\n{LOSS:.0%} of published frames lost by each of {clients} clients (by a seed);")
    print(f"{plan.messages * RATE_FACTOR} messages to each of {len(ROOMS)} rooms\n")
    with town(plan, shares(clients), ROOMS, LOSS) as it:
        before = it.broker.cpu()
        started = time.monotonic()
        it.post(plan.messages * RATE_FACTOR, rate=RATE)
        posted = time.monotonic() - started
        it.reach()
        complete = time.monotonic() - started
        cpu = it.broker.cpu() - before
        it.check()
        told = [each.ask("traffic") for each in it.groups]
    total = {name: sum(traffic[name] for traffic in told) for name in told[0]}
    print(f"frames dropped        {total['dropped']} of {total['frames']}")
    print(f"bytes lost, fetched   {total['lost']:,}, {total['fetched']:,}")
    print(f"fetched : lost        {total['fetched'] / total['lost']:.2f}   (at most 2 is wanted)")
    print(f"pages                 {total['pages']}")
    print(f"posted, complete      {posted:.2f} s, {complete:.2f} s")
    print(f"broker's CPU          {cpu:.2f} s")


def measure_frozen(plan: Plan) -> None:
    """Stop one member of a room, and see what the others and the broker feel of it."""
    print(f"\n{FROZEN_MESSAGES} messages to a room of {MEMBERS}, one of them stopped by SIGSTOP\n")
    with (
        town(plan, (WATCHERS, 1), [ROOMS[0]]) as it,
        crowd(Ours(it.broker), MEMBERS - WATCHERS - 1, ROOMS[0]),
    ):
        others, frozen = it.groups
        delays: dict[bool, list[float]] = {False: [], True: []}

        def post(count: int, *, stopped: bool) -> None:
            others.ask("delays")
            it.post(count, rate=FROZEN_RATE, text=FROZEN_TEXT)
            it.reach([others])
            delays[stopped] += others.ask("delays")

        post(FROZEN_MESSAGES // 2, stopped=False)
        before = it.broker.memory()
        os.kill(frozen.pid, signal.SIGSTOP)
        try:
            post(FROZEN_MESSAGES, stopped=True)
            after = it.broker.memory()
        finally:
            os.kill(frozen.pid, signal.SIGCONT)
        woken = time.monotonic()
        it.reach([frozen])
        complete = time.monotonic() - woken
        post(FROZEN_MESSAGES // 2, stopped=False)
        it.reach()
        it.check()
    usual, then = (median(delays[stopped]) * 1000 for stopped in (False, True))
    print(
        f"others' median        {usual:.2f} ms, {then:.2f} ms while it is stopped: {then / usual:.2f}"
    )
    print(
        f"broker's memory       {before / 2**20:.1f} MiB, {after / 2**20:.1f} MiB at the end of it"
    )
    print(f"woken and complete    after {complete:.2f} s")


def measure_full(plan: Plan) -> None:
    """Let writers fill the disk, by SQLite's own limit, and give them room after a while."""
    print(
        f"\n{FULL_WRITERS} programs write {FULL_POSTS} messages of 8 KB each, to a disk full for {FULL_SECONDS:g} s\n"
    )
    with ExitStack() as stack:
        data = plan.folder / "full"
        server = stack.enter_context(Broker.temporary(data=data, max_pages=FULL_PAGES))
        writers = [
            stack.enter_context(
                Client(
                    str(server.address),
                    name=f"Writer-{n}",
                    home=plan.folder / "writers",
                    timeout=60,
                )
            )
            for n in range(FULL_WRITERS)
        ]
        posts = [
            [writer.post_nowait("lobby", f"{n} {'x' * 8000}") for n in range(FULL_POSTS)]
            for writer in writers
        ]
        before = _stalled(posts)
        time.sleep(FULL_SECONDS)
        meanwhile = _acked(posts) - before
        server.store.max_pages = None
        freed = time.monotonic()
        seqs = [[post.result(60) for post in mine] for mine in posts]
        took = time.monotonic() - freed
        stored = writers[0].history(
            "lobby", after=0, limit=2 * FULL_WRITERS * FULL_POSTS, timeout=60
        )
        found = {(m.sender, m.text.partition(" ")[0], m.seq) for m in stored}
        acked = {
            (writer.name, str(n), seq)
            for writer, mine in zip(writers, seqs, strict=True)
            for n, seq in enumerate(mine)
        }
    if len(found) != len(stored):
        raise BenchError("messages are doubled")
    print(f"acked before, while full   {before}, {meanwhile}")
    print(f"acked after it was freed   {len(acked) - before - meanwhile} within {took:.2f} s")
    print(f"lost, doubled              {len(acked - found)}, {len(found - acked)}")


def _acked(posts: Sequence[Sequence[Future[int]]]) -> int:
    return sum(post.done() for mine in posts for post in mine)


def _stalled(posts: Sequence[Sequence[Future[int]]]) -> int:
    """Return how many are acked, once that number stands still."""
    acked = -1
    while acked != (acked := _acked(posts)) or not acked:
        time.sleep(0.5)
    return acked


def measure_pages(plan: Plan) -> None:
    """Let many ask for the same page at once: one that is final, as all do who catch up, and one that is read anew for each."""
    print(f"\n{plan.clients} sessions ask for the same {PAGE_ITEMS} events at once\n")
    with new_context() as context, broker(plan.folder, encrypted=True) as target:
        sessions = [Session(context, target, f"reader-{n}") for n in range(plan.clients)]
        for session in sessions:
            room = session.until("welcome")["rooms"][0]["room"]
        driver = Driver(context, target)
        while driver.acked < PAGE_ITEMS:
            driver.post_one()
        driver.close()
        for what, span in (
            ("read once", {"after": 0, "before": PAGE_ITEMS + 1}),
            ("read for each", {"after": 0}),
        ):
            for session in sessions:
                session.ping()
                session.until("pong")
            before, started = target.cpu(), time.monotonic()
            for session in sessions:
                session.send({"type": "history", "id": 9, "room": room, **span})
            for session in sessions:
                session.until("page")
            took = time.monotonic() - started
            print(f"{what:<21} {took:.2f} s, broker's CPU {target.cpu() - before:.2f} s")
        context.destroy(linger=0)


MEASURES: dict[str, Callable[[Plan], None]] = {
    "restart": measure_restart,
    "loss": measure_loss,
    "frozen": measure_frozen,
    "full": measure_full,
    "pages": measure_pages,
}


def main() -> int:
    """Measure and print; return the exit code."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # what was started is ended
    try:
        with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.data) as folder:
            clients = possible(options.clients, DESCRIPTORS_EACH)
            plan = Plan(clients, options.messages, Path(folder))
            print(machine())
            for name in options.what or MEASURES:
                MEASURES[name](plan)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("what", nargs="*", choices=MEASURES, default=[])
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--messages", type=int, default=200)
    parser.add_argument("--data", type=Path, default=ROOT, help="a folder on the disk to use")
    return parser


if __name__ == "__main__":
    sys.exit(main())
