"""Many rooms: a thousand clients in rooms of ten, who all post in turn; then pairs of them, who write to each other alone.

A private message is a `tell` of hubbub, which is delivered to both sides and kept in both inboxes; a subject, channel or topic that is one client's own elsewhere; and
PRIVMSG to a nickname. hubbub has each post on disk before anybody gets it. With Redis a client that listens needs a second connection to post on. IRC does
not send people their own posts, so nine get one there and ten elsewhere. Clients wait until what they posted has come, so a server that is
faster than the two processes of clients is measured by its CPU alone.
"""

from collections.abc import Sequence
from contextlib import ExitStack

from bench.crowd import possible
from bench.plan import Plan
from bench.results import Row
from bench.scenarios.fanout import LOSS_TOLD, SYSTEMS
from bench.systems import CURVE_HUBBUB, NATS, OPEN_HUBBUB, REDIS, TLS_NATS, Served, row_of, started
from bench.talking import Company, company

NAME = "rooms"
DELIVERIES, POSTS, COST = "deliveries/s", "messages posted/s", "µs of CPU a message posted"
CLIENTS, FEW = 1000, 200
FEW_SYSTEMS = (OPEN_HUBBUB, NATS, CURVE_HUBBUB, TLS_NATS)
MEMBERS = 10
ROOMS, PRIVATE = "{:,} clients, rooms of 10", "{:,} clients in pairs, private"
DESCRIPTORS_EACH = 5


def measure(plan: Plan) -> list[Row]:
    """Measure every system in rooms and in pairs."""
    count = FEW if plan.quick else CLIENTS
    count = possible(count, DESCRIPTORS_EACH) // (2 * MEMBERS) * (2 * MEMBERS)
    in_rooms = _of(plan, count, ROOMS.format(count), MEMBERS)
    return [*in_rooms, *_of(plan, count, PRIVATE.format(count), 0)]


def _of(plan: Plan, count: int, case: str, members: int) -> list[Row]:
    measures = (DELIVERIES, POSTS, COST) if members else (POSTS, COST)
    rows: list[Row] = []
    with (
        ExitStack() as clients,
        started(FEW_SYSTEMS if plan.quick else SYSTEMS, plan.folder) as all_served,
    ):
        there: list[tuple[Served, Company, list[Row]]] = []
        for system, served in all_served:
            if served is None:
                rows.append(system.row(NAME, case, POSTS))
                continue
            own: list[Row] = [row_of(served, NAME, case, measure) for measure in measures]
            own[-1].better = "less"
            if system is REDIS:
                own[0].notes.append("two connections a client")
            # They outlive the server: whoever ends a connection keeps its port for a minute.
            there.append((served, clients.enter_context(company(served, count, members)), own))
            rows += own
        for _ in range(plan.rounds):
            for served, people, own in there:
                _round(plan, served, people, own)
    return rows


def _round(plan: Plan, served: Served, people: Company, rows: Sequence[Row]) -> None:
    cpu = served.cpu()
    said = people.talk(plan.seconds)
    spent = served.cpu() - cpu
    figures = {
        DELIVERIES: said.received / said.seconds,
        POSTS: said.posts / said.seconds,
        COST: spent / said.posts * 1e6,
    }
    for row in rows:
        row.figures.append(figures[row.measure])
    lost = 1 - said.received / said.expected
    if lost > LOSS_TOLD:
        rows[0].notes.append(f"{lost:.1%} not received in one round")
