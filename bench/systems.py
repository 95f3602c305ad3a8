"""What is measured: hubbub, the bare relay, and compiled servers beside them, each as it is meant to be run."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import zmq
from bench.crowd import Listeners, Members
from bench.peers import mosquitto, nats, ngircd, redis
from bench.peers.dialect import PRODUCER
from bench.peers.process import find
from bench.producing import UNDELIVERED, Producer
from bench.results import HUBBUB, NOTHING_STORED, RELAY, SYNCED, Row
from bench.servers import Target, broker, relay
from bench.wire import Driver, Socket, new_context

Context = zmq.Context[Socket]


class Served(Protocol):
    """A server that runs."""

    @property
    def system(self) -> str:
        """Its name in tables."""

    @property
    def version(self) -> str:
        """As it tells it."""

    @property
    def durability(self) -> str:
        """What has become of a message when its post is answered."""

    @property
    def encryption(self) -> str:
        """What protects it on the way."""

    @property
    def undelivered(self) -> int:
        """How many posts may be on their way to the subscribers."""

    @property
    def answers(self) -> bool:
        """Whether it answers posts."""

    def cpu(self) -> float:
        """Return the seconds of CPU that its process has taken."""

    def memory(self) -> int:
        """Return the resident memory of its process, in bytes."""

    def listeners(self, numbers: range, room: str) -> Listeners:
        """Return as many subscribers of a room."""

    def producer(self, room: str, number: int = PRODUCER) -> Producer:
        """Return a producer for a room; several have numbers that differ, and no subscriber's."""


@dataclass(frozen=True, slots=True)
class Ours:
    """A broker, or the relay."""

    target: Target
    undelivered: int = UNDELIVERED
    answers: bool = True
    context: Context = field(default_factory=new_context)
    """Its producers'."""

    @property
    def system(self) -> str:
        """Which of the two."""
        return HUBBUB if self.target.is_broker else RELAY

    @property
    def version(self) -> str:
        """The package's."""
        return version("hubbub")

    @property
    def durability(self) -> str:
        """The broker answers what is on disk."""
        return SYNCED if self.target.is_broker else NOTHING_STORED

    @property
    def encryption(self) -> str:
        """CURVE, with the checks of keys that come with it."""
        return "CURVE" if self.target.encrypted else "none"

    def cpu(self) -> float:
        """See `Process`."""
        return self.target.cpu()

    def memory(self) -> int:
        """See `Process`."""
        return self.target.memory()

    def listeners(self, numbers: range, room: str) -> Members:
        """Return as many members of a room, which a producer must have made."""
        return Members(self.target, len(numbers), room)

    def producer(self, room: str, number: int = PRODUCER) -> Driver:
        """Return a member of the room, which it makes if it is missing, by whatever name."""
        return Driver(self.context, self.target, room, plain=not self.target.encrypted)


@dataclass(frozen=True, slots=True)
class System:
    """A server that can be run, if it is there."""

    name: str
    encryption: str
    start: Callable[[Path], AbstractContextManager[Served]]
    program: str = ""
    install: str = ""
    most: int = 1_000_000
    """Subscribers that it takes within a minute or so."""

    def missing(self) -> str:
        """Say why it cannot be run; empty if it can."""
        if self.program and find(self.program) is None:
            return f"not installed ({self.install})"
        return ""

    def row(self, scenario: str, case: str, measure: str, missing: str = "") -> Row:
        """Return the row that says why there are no figures: that it is missing, or something else."""
        return Row(
            scenario=scenario,
            case=case,
            system=self.name,
            measure=measure,
            encryption=self.encryption,
            missing=missing or self.missing(),
        )


@contextmanager
def _ours(folder: Path, *, encrypted: bool) -> Iterator[Served]:
    with broker(folder, encrypted=encrypted) as target:
        yield from _until_done(Ours(target))


@contextmanager
def _relay(folder: Path, *, encrypted: bool) -> Iterator[Served]:
    with relay(encrypted=encrypted) as target:
        yield from _until_done(Ours(target))


def _until_done(ours: Ours) -> Iterator[Served]:
    try:
        yield ours
    finally:
        ours.context.destroy(linger=0)


OPEN_HUBBUB = System(HUBBUB, "none", partial(_ours, encrypted=False))
CURVE_HUBBUB = System(HUBBUB, "CURVE", partial(_ours, encrypted=True))
OPEN_RELAY = System(RELAY, "none", partial(_relay, encrypted=False))
CURVE_RELAY = System(RELAY, "CURVE", partial(_relay, encrypted=True))
NATS = System("NATS core", "none", nats.nats, nats.PROGRAM, nats.INSTALL)
TLS_NATS = System("NATS core", "TLS", partial(nats.nats, tls=True), nats.PROGRAM, nats.INSTALL)
JETSTREAM = System("NATS JetStream", "none", nats.jetstream, nats.PROGRAM, nats.INSTALL)
REDIS = System("Redis pub/sub", "none", redis.redis, redis.PROGRAM, redis.INSTALL)
STREAMS = System(
    "Redis streams", "none", partial(redis.redis, durable=True), redis.PROGRAM, redis.INSTALL
)
MOSQUITTO = System("Mosquitto", "none", mosquitto.mosquitto, mosquitto.PROGRAM, mosquitto.INSTALL)
IRC = System("ngIRCd", "none", ngircd.ngircd, ngircd.PROGRAM, ngircd.INSTALL, ngircd.MOST)

SYSTEMS: Sequence[System] = (NATS, TLS_NATS, JETSTREAM, REDIS, STREAMS, MOSQUITTO, IRC)
"""All that may be missing."""


@contextmanager
def started(
    systems: Sequence[System], folder: Path
) -> Iterator[list[tuple[System, Served | None]]]:
    """Run all of these that are there while the `with` block runs; None: it is missing."""
    with ExitStack() as stack:
        yield [
            (system, None if system.missing() else stack.enter_context(system.start(folder)))
            for system in systems
        ]


def row_of(served: Served, scenario: str, case: str, measure: str) -> Row:
    """Return an empty row of a server."""
    return Row(
        scenario=scenario,
        case=case,
        measure=measure,
        system=served.system,
        version=served.version,
        durability=served.durability,
        encryption=served.encryption,
    )
