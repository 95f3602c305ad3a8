"""The sequencer: the one total order of records.

Local: the order of submission within a session, and sessions in turn, so that nobody's one post waits behind all that another has submitted. Another implementation may order records of several brokers, as long as each broker sees the same batches in the same
order; `apply` does the rest.
"""

from collections import OrderedDict, deque
from collections.abc import Sequence
from itertools import chain
from typing import Final, Protocol

from hubbub.broker.core.records import Submission
from hubbub.common.limits import MIB

BATCH_RECORDS: Final = 1024
BATCH_BYTES: Final = 1 * MIB


class Sequencer(Protocol):
    """Orders records."""

    def submit(self, submission: Submission) -> None:
        """Give a record to be ordered behind all that were given before."""
        ...

    def take(self) -> Sequence[Submission]:
        """Return the next batch: ordered, at most 1,024 records and 1 MiB (a submission is not cut), empty if nothing is ordered."""
        ...

    def drop(self) -> Sequence[Submission]:
        """Return all that was submitted and not taken, and forget it."""
        ...


class LocalSequencer:
    """One broker. Its bound is kept by the core, which refuses writes beyond it."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[bytes, deque[Submission]] = OrderedDict()
        """By routing id; whose turn it is stands first."""

    def submit(self, submission: Submission) -> None:
        """Append to what its session has submitted."""
        queue = self._waiting.get(submission.routing_id)
        if queue is None:
            queue = self._waiting[submission.routing_id] = deque()
        queue.append(submission)

    def take(self) -> Sequence[Submission]:
        """Take one of each session in turn, until the next submission would break a bound."""
        batch: list[Submission] = []
        records = size = 0
        waiting = self._waiting
        while waiting:
            routing_id, queue = next(iter(waiting.items()))
            records += queue[0].count
            size += queue[0].size
            if batch and (records > BATCH_RECORDS or size > BATCH_BYTES):
                break
            batch.append(queue.popleft())
            if queue:
                waiting.move_to_end(routing_id)
            else:
                del waiting[routing_id]
        return batch

    def drop(self) -> Sequence[Submission]:
        """Take all."""
        dropped = list(chain.from_iterable(self._waiting.values()))
        self._waiting.clear()
        return dropped
