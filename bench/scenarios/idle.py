"""Idle cost: how much memory does a server's process take for clients that are there and say nothing?

Of hubbub a client is a logged-in member of one room, with a DEALER that pings and a SUB; of other servers it is a connection that listens to one room. The floor is
what libzmq takes: as many bare pairs of DEALER and SUB with a ROUTER and an XPUB, each answered as often; encrypted with a ZAP handler that lets everybody in,
for which libzmq keeps two pipes a connection, 21 KiB a pair, as long as it lasts. Each measurement has a server of its own, whose
process is looked at without clients and with them; the largest number is measured once, not in each round.
"""

import time
from collections.abc import Sequence
from contextlib import ExitStack

from bench.crowd import Server, crowd, possible
from bench.pairs import Bare
from bench.plan import Plan
from bench.results import Row
from bench.scenarios.fanout import TOO_MANY
from bench.systems import (
    CURVE_HUBBUB,
    CURVE_RELAY,
    IRC,
    MOSQUITTO,
    NATS,
    OPEN_HUBBUB,
    REDIS,
    TLS_NATS,
    Ours,
    Served,
    System,
    row_of,
    started,
)

from hubbub.common.limits import KIB, MIB

NAME = "idle"
EACH, WHOLE = "KiB a client", "MiB of the process"
FEW, SIZE, MANY = 200, 1000, 5000
NOBODY = "no clients"
SYSTEMS: Sequence[System] = (
    OPEN_HUBBUB,
    CURVE_HUBBUB,
    CURVE_RELAY,
    NATS,
    TLS_NATS,
    REDIS,
    IRC,
    MOSQUITTO,
)
FEW_SYSTEMS = (CURVE_HUBBUB, CURVE_RELAY, TLS_NATS)
ROOM = "bench"
SETTLING_SECONDS = 1.0


def measure(plan: Plan) -> list[Row]:
    """Measure every system; a number of clients that the limit on open files does not allow is left out."""
    rows = _Rows()
    systems = FEW_SYSTEMS if plan.quick else SYSTEMS
    for number in range(plan.rounds):
        sizes = (FEW,) if plan.quick else (SIZE, MANY) if number == 0 else (SIZE,)
        for size in sizes:
            if possible(size) == size:
                for system in systems:
                    _round(plan, system, size, rows)
    return rows.ordered()


def case(clients: int) -> str:
    """Name the case of so many."""
    return f"{clients:,} clients"


class _Rows:
    """All rows, found by what they are of."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, System], Row] = {}

    def of(self, served: Served, system: System, case: str, measure: str) -> Row:
        """Return the row, made if it is missing."""
        key = measure, case, system
        if key not in self._rows:
            self._rows[key] = row_of(served, NAME, case, measure)
            self._rows[key].better = "less"
        return self._rows[key]

    def missing(self, system: System, case: str, why: str = "") -> None:
        """Say why there are no figures."""
        self._rows[EACH, case, system] = system.row(NAME, case, EACH, why)

    def ordered(self) -> list[Row]:
        """Return them as they are shown: what a client takes first, then by the number of clients."""
        return [row for measure in (EACH, WHOLE) for row in self._of(measure)]

    def _of(self, measure: str) -> list[Row]:
        cases = [NOBODY, *(case(size) for size in (FEW, SIZE, MANY))]
        found = [(key, row) for key, row in self._rows.items() if key[0] == measure]
        return [row for key, row in sorted(found, key=lambda it: cases.index(it[0][1]))]


def _round(plan: Plan, system: System, size: int, rows: _Rows) -> None:
    with ExitStack() as clients, started([system], plan.folder) as [(_, served)]:
        if served is None or system.most < size:
            rows.missing(system, case(size), TOO_MANY if served else "")
            return
        server: Server = served
        if isinstance(served, Ours) and not served.target.is_broker:
            server = Bare(served.target)
        else:
            served.producer(ROOM).close()  # somebody makes the room
        before = served.memory()
        # They outlive the server: whoever ends a connection keeps its port for a minute, and there are 28,000.
        clients.enter_context(crowd(server, size, ROOM))
        time.sleep(SETTLING_SECONDS)
        after = served.memory()
        for name, memory in ((NOBODY, before), (case(size), after)):
            rows.of(served, system, name, WHOLE).figures.append(memory / MIB)
        rows.of(served, system, case(size), EACH).figures.append((after - before) / size / KIB)
