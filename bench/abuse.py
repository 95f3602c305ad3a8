"""What each abuse costs an honest member and the broker: `python bench/abuse.py [name …] [--seconds 4]`; all, if none is named.

The broker, who abuses it and who measures are processes of their own, on loopback only. Each abuse is measured beside its own quiet time just before,
and is bounded: it ends with its measurement. Where it meets a bound of the broker, it begins anew; so what is measured is the bound at work.

To add one: a generator that does a little at each step, and its row in ABUSES; floods within the protocol are in `bench.floods`.
"""

import argparse
import multiprocessing
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from multiprocessing.synchronize import Event
from pathlib import Path
from statistics import median, quantiles
from typing import Final

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.floods import FLOODS, Victim
from bench.results import machine
from bench.servers import ROOT, BenchError, Target, broker
from bench.wire import TEXT, Session, new_context
from tests.threats.scene import DOOR, RawMember, new_routing_id
from tests.zmtp import LONG, Closed, KeyPair, Peer

MIB: Final = 2**20
PROBE_SECONDS: Final = 0.002
"""Between two round trips of the honest member."""
POST_SECONDS: Final = 0.01
"""The same when it posts: half of what a member may."""
SETTLED_SECONDS: Final = 1.0
"""After an abuse, until the memory that is left is taken."""
SILENT: Final = 1_500
"""Connections held open: below the bound of one address, so that all of them are borne."""
COLUMNS: Final = ("median", "p99", "median'", "p99'", "before", "at end", "after", "CPU")
WIDTH: Final = 9


def garbage(victim: Victim) -> Iterator[None]:
    """Connections that send 200 random bytes to each port, and leave."""
    while True:
        for offset in (0, 1, DOOR):
            with suppress(OSError, Closed), Peer(victim.port + offset) as peer:
                peer.raw(os.urandom(200))
            yield


def silence(victim: Victim) -> Iterator[None]:
    """Connections that send nothing; each is made anew when it is closed for that."""
    with ExitStack() as stack:
        while True:
            for number in range(SILENT):
                with suppress(OSError):
                    stack.enter_context(Peer(victim.port + number % 3))
                yield
            stack.close()


def denied(victim: Victim) -> Iterator[None]:
    """Whole handshakes by keys of one's own, with subscriptions before any login: each costs the broker what it costs us."""
    while True:
        with suppress(OSError, Closed), Peer(victim.port + 1) as peer:
            peer.greet("CURVE")
            short = peer.curve_hello(victim.key)
            peer.curve_initiate(victim.key, KeyPair.new(), "SUB", b"", short)
        yield


def handshakes(victim: Victim) -> Iterator[None]:
    """Whole handshakes on commands, let in or denied for their number."""
    while True:
        with suppress(OSError, Closed), Peer(victim.port) as peer:
            peer.curve(victim.key, KeyPair.new(), "DEALER", new_routing_id())
        yield


def endless(victim: Victim) -> Iterator[None]:
    """A message without an end, in frames of 60,000 bytes."""
    while True:
        with suppress(OSError, Closed), Peer(victim.port) as peer:
            peer.curve(victim.key, KeyPair.new(), "DEALER", new_routing_id())
            peer.send_endless(bytes(60_000), 256 * MIB)
        yield


def many_frames(victim: Victim) -> Iterator[None]:
    """Messages of 50,000 empty frames."""
    while True:
        with suppress(OSError, Closed), Peer(victim.port) as peer:
            peer.curve(victim.key, KeyPair.new(), "DEALER", new_routing_id())
            peer.send(*[b""] * 50_000)
            peer.is_closed()
        yield


def many_parts(victim: Victim) -> Iterator[None]:
    """The same on events, by members, who log in again when they are cut for it."""
    while True:
        with (
            suppress(OSError, Closed),
            RawMember.enter(victim.port, victim.key, f"Mallory-{os.urandom(6).hex()}") as member,
            member.listen(victim.key) as sub,
        ):
            sub.send(*[b""] * 50_000)
            sub.is_closed()
        yield


def oversized(victim: Victim) -> Iterator[None]:
    """Frames that say they are 2^40 bytes long."""
    while True:
        with suppress(OSError, Closed), Peer(victim.port) as peer:
            peer.curve(victim.key, KeyPair.new(), "DEALER", new_routing_id())
            peer.raw(bytes((LONG,)) + (2**40).to_bytes(8, "big"))
            peer.is_closed()
        yield


def user_messages(victim: Victim) -> Iterator[None]:
    """A member whose SUB sends what no SUB sends, and who logs in again when it is banned for that."""
    while True:
        with (
            suppress(OSError, Closed),
            RawMember.enter(victim.port, victim.key, f"Mallory-{os.urandom(6).hex()}") as member,
            member.listen(victim.key) as sub,
        ):
            sub.raw(b"".join(sub.part(b"\2") for _ in range(1000)))
            sub.is_closed()
        yield


def subscriptions(victim: Victim) -> Iterator[None]:
    """A member who subscribes and unsubscribes in a loop, and logs in again when its session is ended for that."""
    while True:
        with (
            suppress(OSError, Closed),
            RawMember.enter(victim.port, victim.key, f"Mallory-{os.urandom(6).hex()}") as member,
            member.listen(victim.key) as sub,
        ):
            while True:
                sub.raw(b"".join(sub.part(it + member.lobby) for it in (b"\1", b"\0") * 100))
                yield
        yield


ABUSES: Final[dict[str, Callable[[Victim], Iterator[None]]]] = {
    "garbage": garbage,
    "silence": silence,
    "denied": denied,
    "handshakes": handshakes,
    "endless": endless,
    "many-frames": many_frames,
    "many-parts": many_parts,
    "oversized": oversized,
    "user-messages": user_messages,
    "subscriptions": subscriptions,
    **{name: flood.steps for name, flood in FLOODS.items()},
}


def main() -> int:
    """Measure and print; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(ABUSES))
    parser.add_argument("--seconds", type=float, default=4.0, help="of each, quiet and under abuse")
    parser.add_argument("--data", type=Path, default=ROOT, help="where the broker's folder is made")
    options = parser.parse_args()
    unknown = set(options.names) - ABUSES.keys()
    if unknown:
        parser.error(f"no such abuse: {', '.join(sorted(unknown))}")
    print(
        f"{machine()}\nRound trips of an honest member in ms, quiet and (') under abuse: pings, and posts beside {', '.join(FLOODS)}; the broker's memory in MiB and its CPU\n"
    )
    row("", COLUMNS)
    try:
        for name in options.names or ABUSES:
            with tempfile.TemporaryDirectory(prefix=".bench-", dir=options.data) as folder:
                measure(name, Path(folder), options.seconds)
    except BenchError as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def measure(name: str, folder: Path, seconds: float) -> None:
    """Measure one abuse on a broker of its own, and print its row."""
    flood = FLOODS.get(name)
    limits = flood.limits if flood else {}
    with broker(folder, encrypted=True, limits=limits) as target, new_context() as context:
        session = Session(context, target, "honest")
        lobby = session.until("welcome")["rooms"][0]["room"]
        round_trips = partial(posts, lobby) if flood else pings
        quiet = round_trips(session, seconds)
        before, cpu = target.memory(), target.cpu()
        with abused(name, target):
            under = round_trips(session, seconds)
            used, most = (target.cpu() - cpu) / seconds, target.memory()
        round_trips(session, SETTLED_SECONDS)
        after = target.memory()
        session.close()
    times = [f"{value * 1000:.2f}" for part in (quiet, under) for value in spread(part)]
    memory = [f"{value / MIB:.0f}" for value in (before, most, after)]
    row(name, [*times, *memory, f"{used:.0%}"])


def row(name: str, cells: Sequence[str]) -> None:
    """Print a row."""
    print(f"{name:<16}" + "".join(f"{cell:>{WIDTH}}" for cell in cells), flush=True)


def pings(session: Session, seconds: float) -> list[float]:
    """Return the seconds of each round trip, one after another, for so long."""
    times = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        session.ping()
        session.until("pong")
        times.append(time.perf_counter() - began)
        time.sleep(PROBE_SECONDS)
    return times


def posts(lobby: bytes, session: Session, seconds: float) -> list[float]:
    """The same from post to ack."""
    times = []
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        session.write(type="post", room=lobby, text=TEXT)
        session.until("acked")
        times.append(time.perf_counter() - began)
        time.sleep(POST_SECONDS)
    return times


def spread(times: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    return median(times), quantiles(times, n=100)[98]


@contextmanager
def abused(name: str, target: Target) -> Iterator[None]:
    """Abuse a broker, from a process of its own, while the `with` block runs."""
    spawn = multiprocessing.get_context("spawn")
    begun, stop = spawn.Event(), spawn.Event()
    victim = Victim(int(target.address.rpartition(":")[2]), target.key)
    process = spawn.Process(target=abuse, args=(name, victim, begun, stop), daemon=True)
    process.start()
    try:
        if not begun.wait(20):
            raise BenchError(f"{name} does not begin")
        yield
        if process.exitcode is not None:
            raise BenchError(f"{name} ended by itself")
    finally:
        stop.set()
        process.join(10)
        process.kill()


def abuse(name: str, victim: Victim, begun: Event, stop: Event) -> None:
    """Go on until we are told to stop."""
    for _ in ABUSES[name](victim):
        begun.set()
        if stop.is_set():
            return


if __name__ == "__main__":
    sys.exit(main())
