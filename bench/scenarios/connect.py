"""Connect: many clients come at once, encrypted, and all return by themselves when the server has been started anew; what does that cost?

Of hubbub a client is complete when it is logged in (at first under a new name, which is on disk before its `welcome`), listens to the lobby and has been told who
is there. A broker that ends tells each client another time to return, 250 a second: so the time of a return says how many they are, and its CPU what they cost.

The floor is what libzmq takes for as many pairs of DEALER and SUB that come in the same rhythm: CURVE handshakes with a bare ROUTER and XPUB, whose ZAP
handler lets everybody in, and which answer nothing. NATS has one TLS connection a client. All clients are in one process, whose
handshakes cost it as much as they cost the server.
"""

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import zmq
from bench.crowd import possible
from bench.dials import open_all
from bench.logins import Logins
from bench.peers.process import Peer
from bench.plan import Plan
from bench.results import Row
from bench.servers import BenchError, broker, relay
from bench.systems import TLS_NATS, Ours, Served, row_of, started
from bench.wire import KeyPair, Socket, connect_many, new_context

NAME = "connect"
CLIENTS, FEW = 1000, 200
DESCRIPTORS_EACH = 6
TIME, COST = "s until all are complete", "ms of CPU a client"
HANDSHAKE_SECONDS = 20
SETTLING_SECONDS = 0.3
"""What a server does behind its last answer is its clients' cost too."""


class Costs:
    """The rows of one system and case, and how they are filled."""

    def __init__(self, case: str, count: int) -> None:
        self.rows: dict[str, Row] = {}
        self._case = case
        self._count = count

    @contextmanager
    def of(self, served: Served) -> Iterator[None]:
        """Measure what happens in the `with` block as one round."""
        cpu, begun = served.cpu(), time.monotonic()
        yield
        took = time.monotonic() - begun
        time.sleep(SETTLING_SECONDS)
        cost = (served.cpu() - cpu) / self._count * 1e3
        for measure, figure in ((TIME, took), (COST, cost)):
            if measure not in self.rows:
                self.rows[measure] = row_of(served, NAME, self._case, measure)
                self.rows[measure].better = "less"
            self.rows[measure].figures.append(figure)


def measure(plan: Plan) -> list[Row]:
    """Measure all in turn, each with a server of its own in each round."""
    count = possible(FEW if plan.quick else CLIENTS, DESCRIPTORS_EACH)
    first, again = cases(count)
    entering, returning = Costs(first, count), Costs(again, count)
    handshakes, same_rhythm = Costs(first, count), Costs(again, count)
    nats = Costs(first, count)
    for _ in range(plan.rounds):
        with new_context() as context:
            try:
                waits = _hubbub(context, plan, count, entering, returning)
                _bare(context, [0.0] * count, handshakes)
                _bare(context, waits, same_rhythm)
            finally:
                context.destroy(linger=0)
        _nats(plan, count, nats)
    every: Sequence[Costs] = (entering, handshakes, nats, returning, same_rhythm)
    rows = [costs.rows[kind] for kind in (COST, TIME) for costs in every if costs.rows]
    if TLS_NATS.missing():
        rows.append(TLS_NATS.row(NAME, first, COST))
    return rows


def cases(count: int) -> tuple[str, str]:
    """Name the two cases of so many."""
    return f"{count:,} log in at once", f"{count:,} return after a restart"


def _hubbub(
    context: "zmq.Context[Socket]", plan: Plan, count: int, entering: Costs, returning: Costs
) -> list[float]:
    """Let all come, end the broker, and let all come back; return in how many seconds each was told to."""
    data, guests = plan.folder / f"connect-{time.monotonic_ns()}", Logins(context, count)
    with (
        broker(plan.folder, encrypted=True, data=data) as target,
        entering.of(Ours(target)),
    ):
        guests.enter(target, [0.0] * count)
    ended = time.monotonic()
    waits = guests.told_to_return()
    port = int(target.address.rpartition(":")[2])
    with (
        broker(plan.folder, encrypted=True, data=data, port=port) as target,
        returning.of(Ours(target)),
    ):
        guests.enter(target, [ended + wait for wait in waits])
    guests.leave()
    return waits


def _bare(context: "zmq.Context[Socket]", waits: Sequence[float], floor: Costs) -> None:
    """Connect as many pairs, after as many seconds each, and wait for all handshakes."""
    keys = [KeyPair.new() for _ in waits]
    sockets = [context.socket(kind) for kind in (zmq.ROUTER, zmq.XSUB)]
    monitors = [it.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED) for it in sockets]
    with relay(encrypted=True) as target, floor.of(Ours(target)):
        begun = time.monotonic() - waits[0]
        for number, (key, wait) in enumerate(zip(keys, waits, strict=True)):
            time.sleep(max(0.0, begun + wait - time.monotonic()))
            for each in sockets:
                connect_many(each, target, [key], number)
        for monitor in monitors:
            _await(monitor, len(waits))
    for each in sockets:
        each.disable_monitor()
        each.close(linger=0)


def _await(monitor: Socket, count: int) -> None:
    for _ in range(count):
        if not monitor.poll(HANDSHAKE_SECONDS * 1000):
            raise BenchError("a bare handshake did not come to its end")
        monitor.recv_multipart()


def _nats(plan: Plan, count: int, nats: Costs) -> None:
    sockets: Sequence[socket.socket] = []
    with started([TLS_NATS], plan.folder) as [(_, served)]:
        if isinstance(served, Peer):
            with nats.of(served):
                sockets = open_all([served.dial(number, "lobby") for number in range(count)])
    for each in sockets:
        each.close()
