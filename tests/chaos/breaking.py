"""Brokers broken on purpose, to prove that the kit sees it. Each function breaks one promise in this process, whatever the cost.

To add one: a function, its row in `BREAKS`; `tests/test_chaos.py` runs every row.
"""

import time
from collections.abc import Callable
from itertools import count
from typing import Final

import msgspec
from tests.chaos.patching import patch

from hubbub.broker.core import apply as applying
from hubbub.broker.core import core, outcomes
from hubbub.broker.core.batch import Batch, Writer
from hubbub.broker.core.changes import Changes
from hubbub.broker.core.context import Context
from hubbub.broker.core.effects import Effect, Publish
from hubbub.broker.core.event_runs import EventRun, taken_apart
from hubbub.broker.core.producers import Producer
from hubbub.broker.core.records import Refusal, Writes
from hubbub.broker.core.rules import WRITES, WriteRow
from hubbub.broker.core.state import Account, State
from hubbub.broker.errors import StorageError
from hubbub.broker.loop import Loop
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.codec import decode_event, encode
from hubbub.common.commands import Tell
from hubbub.common.events import RoomEvent

ONE_IN: Final = 5
"""How often it does wrong."""
SLOW_SECONDS: Final = 0.1
"""A commit that the broker did not wait for takes so long, so that kills fall into it."""


def ack_before_commit() -> None:
    """Tell what a batch did as soon as it is applied."""
    commit, begin, tell = SqliteStore.commit, Loop._begin_commit, outcomes.committed

    def late(store: SqliteStore, changes: Changes) -> None:
        time.sleep(SLOW_SECONDS)
        commit(store, changes)

    def early(loop: Loop) -> bool:
        before = loop._in_flight
        began = begin(loop)
        if loop._in_flight is not None and loop._in_flight is not before:
            loop._perform(tell(loop._core.context, loop._in_flight, loop._now))
        return began

    patch(SqliteStore, commit=late)
    patch(Loop, _begin_commit=early)
    patch(core, committed=lambda context, batch, now: [])


def forget_producers() -> None:
    """Take every write for a new one; and lose every second ack, as a cut connection does, so that clients send again."""
    apply_writes, tell, turns = applying._apply_writes, outcomes._tell_outcomes, count(1)

    def forgetful(state: State, batch: Batch, record: Writes, writer: Writer) -> None:
        producer = state.producers.setdefault((record.account, record.producer), Producer())
        producer.unpack()
        producer.n = min(producer.n, record.writes[0].n - 1)
        apply_writes(state, batch, record, writer)

    def mute(context: Context, batch: Batch) -> list[Effect]:
        return [] if next(turns) % 2 else tell(context, batch)

    patch(applying, _apply_writes=forgetful)
    patch(outcomes, _tell_outcomes=mute)


def drop_stored() -> None:
    """Leave an event out of the database now and then, and acknowledge it."""
    commit, turns = SqliteStore.commit, count(1)

    def careless(store: SqliteStore, changes: Changes) -> None:
        if long_run(changes) and next(turns) % ONE_IN == 0:
            spoil(changes, lambda events: events[1:])
        commit(store, changes)

    patch(SqliteStore, commit=careless)


def long_run(changes: Changes) -> EventRun | None:
    """The first run of several events."""
    return next((run for run in changes.events if run.last > run.first), None)


def spoil(changes: Changes, how: Callable[[list[bytes]], list[bytes]]) -> None:
    """Do something to the events of the first run of several."""
    run = long_run(changes)
    assert run is not None
    events = how(taken_apart(run.first, run.last, run.events))
    changes.events[changes.events.index(run)] = run._replace(events=encode(events))


def drop_published() -> None:
    """Publish one event too few now and then, and number what follows so that no hole shows."""
    publish, missing = Loop._publish, dict[bytes, int]()
    turns = count(1)

    def careless(loop: Loop, effect: Publish) -> None:
        events = list(effect.events)
        if len(events) > 1 and next(turns) % ONE_IN == 0:
            del events[0]
            missing[effect.topic] = missing.get(effect.topic, 0) + 1
        shift = missing.get(effect.topic, 0)
        publish(loop, Publish(effect.topic, [renumbered(event, -shift) for event in events]))

    patch(Loop, _publish=careless)


def renumbered(raw: bytes, by: int) -> bytes:
    """An event with another seq; one that has none stays."""
    event = decode_event(raw)
    if not by or not isinstance(event, RoomEvent):
        return raw
    return encode(msgspec.structs.replace(event, seq=event.seq + by))


def publish_rolled_back() -> None:
    """Publish a batch before its commit, which fails now and then."""
    commit, begin, turns = SqliteStore.commit, Loop._begin_commit, count(1)

    def failing(store: SqliteStore, changes: Changes) -> None:
        if long_run(changes) and next(turns) % ONE_IN == 0:
            raise StorageError("broken on purpose")
        commit(store, changes)

    def early(loop: Loop) -> bool:
        before = loop._in_flight
        began = begin(loop)
        batch = loop._in_flight
        if batch is not None and batch is not before:
            for room, events in batch.published.items():
                loop._publish(Publish(room.log.id, events))
            batch.published.clear()
        return began

    patch(SqliteStore, commit=failing)
    patch(Loop, _begin_commit=early)


def swap_published() -> None:
    """Publish two events in each other's place now and then."""
    publish, turns = Loop._publish, count(1)

    def careless(loop: Loop, effect: Publish) -> None:
        events = list(effect.events)
        if len(events) > 1 and next(turns) % ONE_IN == 0:
            first, second = events[:2]
            events[:2] = [renumbered(second, -1), renumbered(first, 1)]
        publish(loop, Publish(effect.topic, events))

    patch(Loop, _publish=careless)


def swap_stored() -> None:
    """Store two events in each other's place now and then."""
    commit, turns = SqliteStore.commit, count(1)

    def careless(store: SqliteStore, changes: Changes) -> None:
        if long_run(changes) and next(turns) % ONE_IN == 0:
            spoil(changes, lambda events: [events[1], events[0], *events[2:]])
        commit(store, changes)

    patch(SqliteStore, commit=careless)


def let_others_hear() -> None:
    """Put a private message into a third person's inbox too, now and then."""
    row, turns = WRITES[Tell], count(1)

    def careless(
        state: State, batch: Batch, account: Account, command: Tell, time: int
    ) -> tuple[bytes, int] | Refusal:
        outcome = row.apply(state, batch, account, command, time)
        if not isinstance(outcome, Refusal) and next(turns) % ONE_IN == 0:
            number, event = batch.changes.messages[-1]
            for other in state.accounts.values():
                if other.name not in (account.name, command.to):
                    batch.append_private(other, number, event, account.number)
        return outcome

    WRITES[Tell] = WriteRow(row.check, careless)


BREAKS: Final[dict[str, Callable[[], None]]] = {
    "ack-before-commit": ack_before_commit,
    "forget-producers": forget_producers,
    "drop-stored": drop_stored,
    "drop-published": drop_published,
    "publish-rolled-back": publish_rolled_back,
    "swap-published": swap_published,
    "swap-stored": swap_stored,
    "let-others-hear": let_others_hear,
}
