"""The sequencer: the one total order of records.

Local: the order of submission. Another implementation may order records of several brokers, as long as each broker sees the same batches in the same
order; `apply` does the rest.
"""

from collections import deque
from collections.abc import Sequence
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
    """One broker: submissions in the order of their arrival. Its bound is kept by the core, which refuses writes beyond it."""

    def __init__(self) -> None:
        self._waiting: deque[Submission] = deque()

    def submit(self, submission: Submission) -> None:
        """Append."""
        self._waiting.append(submission)

    def take(self) -> Sequence[Submission]:
        """Take from the front until the next submission would break a bound."""
        batch: list[Submission] = []
        records = size = 0
        waiting = self._waiting
        while waiting:
            records += waiting[0].count
            size += waiting[0].size
            if batch and (records > BATCH_RECORDS or size > BATCH_BYTES):
                break
            batch.append(waiting.popleft())
        return batch

    def drop(self) -> Sequence[Submission]:
        """Take all."""
        dropped = list(self._waiting)
        self._waiting.clear()
        return dropped
