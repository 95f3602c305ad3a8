"""Runs broker and clients, does the plan's faults to them, brings everything back, and hands journals and database to the checker."""

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from pathlib import Path
from typing import Final

from tests.chaos import book, checker, journal, plan
from tests.chaos.checker import INCOMPLETE, TROUBLE, Verdict
from tests.chaos.child import Child, operate
from tests.chaos.plan import Fault, Kind
from tests.chaos.proxy import Proxy
from tests.chaos.tally import Count, Tally, tally_of

from hubbub.broker.folder import DATABASE
from hubbub.common.limits import PING_SECONDS

TICK_SECONDS: Final = 0.02
LONGEST_LAG: Final = 0.25
JUMPS: Final = (-400, -1, 1, 60)
"""Days that the wall clock is moved."""
DAY_MILLIS: Final = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is. `posts`: at full speed until so many are acked, which must come within `seconds`; None: at ease for `seconds`.

    `kills` of the broker, spread over posts or time, are in place of those of the plan. `loss`: the share of event frames that each client
    loses. `hwm`: frames that PUB keeps for a client that does not read, where the product has 128. `ping`: seconds between two pings of a client: a lost end is found by the second. `patience`: seconds until all must be answered and
    complete when the faults are over.
    """

    seed: int
    seconds: float = 60.0
    clients: int = 6
    posts: int | None = None
    kills: int | None = None
    loss: float = 0.0
    hwm: int = 3
    ping: float = PING_SECONDS
    kinds: Sequence[Kind] = tuple(Kind)
    broken: str | None = None
    patience: float = 60.0


@dataclass(slots=True)
class Person:
    """A client in all its lives. `keeps`: it has an outbox file."""

    name: str
    keeps: bool
    tally: Tally
    life: int = -1
    child: Child | None = None


def _names(count: int) -> list[str]:
    return [f"Client{number}" for number in range(count)]


@dataclass(slots=True)
class Report:
    """What a run came to."""

    options: Options
    verdict: Verdict
    faults: Counter[str]
    counts: Counter[Count]
    seconds: float


@dataclass(order=True)
class Due:
    """Something to be done later."""

    at: float
    number: int
    act: Callable[[], None] = field(compare=False)


class Director:
    """One run, in a folder of its own. Whatever happens, `close` ends every process."""

    def __init__(self, options: Options, folder: Path) -> None:
        self._options = options
        self._folder = folder
        self._data = folder / "data"
        self._chance = random.Random(f"director {options.seed}")
        self._proxy = Proxy()
        self._tally = Tally(tally_of(folder, "broker"))
        self._broker: Child | None = None
        self._people = [
            Person(name, number % 2 == 1, Tally(tally_of(folder, name)))
            for number, name in enumerate(_names(options.clients))
        ]
        self._due: list[Due] = []
        self._numbers = count()
        self._done: Counter[str] = Counter()
        self._troubles: list[str] = []
        self._clock = 0
        self._is_over = False
        self._end = 0.0

    def run(self) -> Report:
        """Run it all; return what came of it."""
        started = time.monotonic()
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._proxy)
            stack.callback(self._end_all)
            self._start_broker()
            for person in self._people:
                self._start(person)
            self._disturb()
            self._calm_down()
            self._drain()
            self._settle()
        verdict = self._judge()
        return Report(
            self._options, verdict, self._done, self._counts(), time.monotonic() - started
        )

    # Processes.

    def _start_broker(self) -> None:
        """Start it on the ports that are free now, and lead the clients there; nothing happens if it runs."""
        if self._broker is not None:
            return
        self._broker = Child(
            "tests.chaos.broker",
            *("--data", str(self._data), "--port", str(self._proxy.port)),
            *("--tally", str(tally_of(self._folder, "broker")), "--clock", str(self._clock)),
            *("--hwm", str(self._options.hwm)),
            *(("--break", self._options.broken) if self._options.broken else ()),
            home=self._folder,
            log=self._folder / "broker.log",
        )
        port = self._broker.says()
        if port:
            self._proxy.opens(int(port))
        else:
            self._trouble(f"the broker did not start, see {self._broker.log}")

    def _start(self, person: Person) -> None:
        person.life += 1
        posts = self._options.posts
        share = () if posts is None else ("--posts", str(-(-posts // self._options.clients)))
        person.child = Child(
            "tests.chaos.client",
            *("--address", self._proxy.address, "--name", person.name),
            *("--life", str(person.life), "--seed", str(self._options.seed)),
            *("--loss", str(self._options.loss), "--ping", str(self._options.ping), *share),
            *(["--keep"] if person.keeps else []),
            *("--folder", str(self._folder)),
            home=self._folder,
            log=self._folder / f"{person.name}.log",
        )

    def _children(self) -> Iterator[tuple[str, Child]]:
        if self._broker is not None:
            yield "the broker", self._broker
        for person in self._people:
            if person.child is not None:
                yield person.name, person.child

    def _trouble(self, text: str) -> None:
        if text not in self._troubles:
            self._troubles.append(text)

    def _end_all(self) -> None:
        for _, child in self._children():
            child.kill()

    # Faults.

    def _disturb(self) -> None:
        """Do the plan until there is enough, or something ended that was not killed."""
        kinds = set(self._options.kinds) - ({Kind.KILL_BROKER} if self._options.kills else set())
        planned = plan.faults(self._options.seed, sorted(kinds))
        kills = self._planned_kills()
        start = time.monotonic()
        fault = next(planned, None)
        while not self._is_enough(time.monotonic() - start, kills) and not self._troubles:
            now = time.monotonic() - start
            if fault is not None and now >= fault.at:
                self._do(fault)
                fault = next(planned, None)
            if kills and self._progress(now) >= kills[0]:
                kills.pop(0)
                self._kill_broker(0.0)
            self._do_due()
            self._look_for_dead()
            time.sleep(TICK_SECONDS)

    def _planned_kills(self) -> list[float]:
        options = self._options
        total = float(options.posts or options.seconds)
        return plan.kills(options.seed, options.kills or 0, total)

    def _progress(self, now: float) -> float:
        return now if self._options.posts is None else self._acked()

    def _is_enough(self, now: float, kills: list[float]) -> bool:
        posts, is_late = self._options.posts, now >= self._options.seconds
        if posts is None:
            return is_late
        if is_late:
            self._trouble(f"only {self._acked()} of {posts} messages are acked after {now:.0f} s")
        return self._acked() >= posts and not kills

    def _acked(self) -> int:
        return sum(person.tally[Count.ACKED] for person in self._people)

    def _look_for_dead(self) -> None:
        for name, child in self._children():
            if child.exit_code is not None:
                self._trouble(f"{name} ended by itself ({child.exit_code}), see {child.log}")

    def _do(self, fault: Fault) -> None:
        person = self._people[int(fault.whom * len(self._people))]
        match fault.kind:
            case Kind.KILL_BROKER:
                self._kill_broker(fault.lasts)
            case Kind.KILL_CLIENT:
                self._kill_client(person, fault.lasts)
            case Kind.FREEZE_BROKER:
                self._freeze(self._broker, fault)
            case Kind.FREEZE_CLIENT:
                self._freeze(person.child, fault)
            case Kind.CUT:
                self._proxy.cut(fault.amount, self._chance)
                self._done[fault.kind] += 1
            case Kind.DELAY:
                self._proxy.lag = fault.amount * LONGEST_LAG
                self._done[fault.kind] += 1
                self._later(fault.lasts, self._no_lag)
            case Kind.FULL_DISK:
                self._tell_broker("disk full", fault)
                self._later(fault.lasts, lambda: self._tell_broker("disk free"))
            case Kind.RESTORE:
                self._back_up(fault)
            case Kind.CLOCK:
                self._clock += JUMPS[int(fault.amount * len(JUMPS))] * DAY_MILLIS
                self._tell_broker(f"clock {self._clock}", fault)

    def _later(self, seconds: float, act: Callable[[], None]) -> None:
        heappush(self._due, Due(time.monotonic() + seconds, next(self._numbers), act))

    def _do_due(self, *, all_of_it: bool = False) -> None:
        while self._due and (all_of_it or self._due[0].at <= time.monotonic()):
            heappop(self._due).act()

    def _kill_broker(self, away: float) -> None:
        if self._broker is None:
            return
        self._done[Kind.KILL_BROKER] += 1
        self._proxy.closes()
        self._broker.kill()
        self._broker = None
        self._later(away, self._start_broker)

    def _kill_client(self, person: Person, away: float) -> None:
        if person.child is None:
            return
        self._done[Kind.KILL_CLIENT] += 1
        person.child.kill()
        person.child = None
        self._later(away, lambda: self._start(person))

    def _freeze(self, child: Child | None, fault: Fault) -> None:
        if child is None or child.is_frozen:
            return
        self._done[fault.kind] += 1
        child.freeze()
        self._later(fault.lasts, child.thaw)

    def _back_up(self, fault: Fault) -> None:
        """Make a backup, online, to be restored later. Not before all have settled: what is not in it is refused, and nobody may hear of that."""
        if self._is_over:
            return
        if not all(person.tally[Count.ACKED] for person in self._people):
            self._later(TICK_SECONDS, lambda: self._back_up(fault))
            return
        file = self._folder / f"backup-{next(self._numbers)}"
        if self._operate("backup", file):
            self._later(fault.lasts, lambda: self._restore(file))

    def _restore(self, file: Path) -> None:
        """Put an older log in the place of the present one, of which the operator keeps a copy."""
        if self._broker is not None:
            self._proxy.closes()
            self._broker.kill()
            self._broker = None
        if self._operate("restore", file):
            self._done[Kind.RESTORE] += 1
        self._start_broker()

    def _operate(self, command: str, file: Path) -> bool:
        """Run a command of the operator's on the broker's folder."""
        said = operate(command, str(file), "--data", str(self._data), home=self._folder)
        if said:
            self._trouble(f"hubbub-broker {command}: {said}")
        return not said

    def _no_lag(self) -> None:
        self._proxy.lag = 0.0

    def _tell_broker(self, order: str, fault: Fault | None = None) -> None:
        if self._broker is not None:
            self._broker.tell(order)
            if fault is not None:
                self._done[fault.kind] += 1

    # The end.

    def _calm_down(self) -> None:
        """Undo every fault; all are back then."""
        self._is_over = True
        self._do_due(all_of_it=True)
        self._end = time.monotonic() + self._options.patience

    def _drain(self) -> None:
        """Let all be answered."""
        for person in self._people:
            if person.child is not None:
                person.child.tell("drain")
        self._wait(lambda: all(self._has_drained(person) for person in self._people))

    def _has_drained(self, person: Person) -> bool:
        return bool(person.tally[Count.DRAINED])

    def _settle(self) -> None:
        """Let all be complete, and end."""
        if self._broker is None:
            return
        stored = book.read(self._data / DATABASE)
        for person in self._people:
            if person.child is not None:
                person.child.tell(f"reach {json.dumps(stored.heads(person.name))}")
        children = [person.child for person in self._people if person.child is not None]
        self._wait(lambda: all(child.exit_code is not None for child in children))
        for person in self._people:
            if person.child is not None and person.child.exit_code != 0:
                self._trouble(f"{person.name} did not come to its end, see {person.child.log}")
        code = self._broker.terminate()
        if code != 0:
            self._trouble(f"the broker did not end well ({code}), see {self._broker.log}")

    def _wait(self, is_done: Callable[[], bool]) -> None:
        while not is_done() and time.monotonic() < self._end:
            if self._broker is not None and self._broker.exit_code is not None:
                return
            time.sleep(TICK_SECONDS)

    def _judge(self) -> Verdict:
        journals = {
            journal.whose(path): journal.read(path) for path in self._folder.glob("*.journal")
        }
        replaced = sorted(self._data.glob(f"replaced-*/{DATABASE}"))
        books = [book.read(database) for database in (*replaced, self._data / DATABASE)]
        last = {person.name: person.life for person in self._people}
        verdict = checker.check(journals, books, last)
        for trouble in self._troubles:
            verdict.add(TROUBLE, trouble)
        missing = [name for name, life in last.items() if (name, life) not in journals]
        for name in missing:
            verdict.add(INCOMPLETE, f"{name} has no journal of its last life")
        return verdict

    def _counts(self) -> Counter[Count]:
        tallies = [self._tally, *(person.tally for person in self._people)]
        counts = Counter({kind: sum(tally[kind] for tally in tallies) for kind in Count})
        for tally in tallies:
            tally.close()
        return counts
