"""The desk that is besieged: small limits, so that they are met, an operator's socket, and batches that are now and then carried out twice."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Final

import zmq
from tests.broker.core.desk import SETTINGS, Desk

from hubbub.broker.core import apply as applying
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.limits import Limits, Passwords
from hubbub.broker.core.records import Submission
from hubbub.broker.core.state import State
from hubbub.broker.entries import Entry
from hubbub.broker.operator.lists import Traffic
from hubbub.broker.operator.service import Operator, Whereabouts
from hubbub.common.addresses import Address

SMALL: Final = Limits(
    sessions_per_account=3,
    devices_per_account=3,
    names_per_key=3,
    rooms_per_account=4,
    rooms_made_per_account=3,
    members_per_room=3,
    subscriptions_burst=40,
    refusals_before_cut=20,
    password_tries_burst=4,
    hashes_waiting=4,
)


class Faults(logging.Handler):
    """Hears what the broker logs of its own faults."""

    def emit(self, record: logging.LogRecord) -> None:
        said = record.msg.event if isinstance(record.msg, Entry) else record.msg
        raise AssertionError(f"the broker logs a fault of its own: {said}") from (
            record.exc_info[1] if record.exc_info else None
        )


class Besieged(Desk):
    """A desk with an operator's socket. Now and then each batch is carried out twice."""

    def __init__(self, random: Random, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        cheap = Passwords(time_cost=1, memory_kib=8192)
        super().__init__(replace(SETTINGS, limits=SMALL, passwords=cheap))
        self._random = random
        router, self.operators = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
        router.bind("inproc://operator")
        self.operators.connect("inproc://operator")
        place = Whereabouts(Address("127.0.0.1", 5000), None, bytes(32))
        self.operator = Operator(self.core, router, place)

    def close(self) -> None:
        self.operator.socket.close(linger=0)
        self.operators.close(linger=0)

    def forgets(self) -> None:
        """Forget who is gone, and what was done: a siege is long."""
        self.people = [person for person in self.people if not person.is_cut]
        self.subs = [sub for sub in self.subs if not sub.is_cut]
        self.batches.clear()
        self.published.clear()
        self.logged.clear()

    def requests(self, payload: bytes) -> None:
        """The operator asks, and is answered."""
        self.operators.send(payload)
        for effects in self.operator.take(self.now, Traffic(0, 0, 0)):
            self._tell(effects)
        self._turn()

    def reads_pages(self) -> None:
        fetches, self._fetches = self._fetches, []
        for fetch in fetches:
            result = None if self.store.failing else self.store.read(fetch.query)
            self._tell(self.core.fetched(fetch.ticket, result))
            self._tell(self.operator.fetched(fetch.ticket, result))

    def _apply(self, submissions: Sequence[Submission]) -> Batch:
        before = self.store.load() if self._random.random() < 0.02 else None
        batch = super()._apply(submissions)
        if before is not None:
            again = applying.apply(State(before), submissions, self.core.context.settings.limits)
            assert again.changes == batch.changes, "the same records changed something else"
        return batch
