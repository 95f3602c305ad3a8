"""The writing side of a session: what becomes of each write, and of the producer. Pure.

Where a method says so, it returns True when the session must begin anew (`hello`, `login`) before anything more is sent.
"""

from collections import deque
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final

from hubbub.client.effects import Acknowledge, Complete, Effect, Fail, Send, Ticket
from hubbub.client.errors import Closed, OutcomeUnknown, refused
from hubbub.client.outbox import PATIENCE_SECONDS, Entry, Keeping, Outbox
from hubbub.common.commands import Write
from hubbub.common.errors import TRANSIENT, Code
from hubbub.common.limits import PRODUCER_ID_BYTES
from hubbub.common.replies import Acked, Error, Resend

_OUR_FAULT: Final = frozenset({Code.MALFORMED, Code.UNKNOWN_COMMAND, Code.INVALID})
"""Refused before it became a record: it used no number."""


class Writing:
    """What one client writes, over all its reconnects."""

    def __init__(
        self,
        random_bytes: Callable[[int], bytes],
        do: Callable[[Effect], None],
        keeping: Keeping | None = None,
    ) -> None:
        keeping = keeping or Keeping()
        kept = keeping.kept
        self.outbox = Outbox(random_bytes(PRODUCER_ID_BYTES), keeping)
        self._random_bytes = random_bytes
        self._do = do
        self._epoch: bytes | None = None if kept is None else kept.epoch
        self._is_replaced = False
        """The log is another, and has not yet answered a write."""
        self._flushes: deque[tuple[int, Ticket]] = deque()
        self._behind_since: float | None = None

    def write(self, make: Callable[[int], Write], ticket: Ticket, room: str = "") -> None:
        """Queue the write that `make` gives for its number; `room` is the name of the room that it goes to."""
        self.outbox.add(make(self.outbox.next_n), ticket, room)

    def flush(self, ticket: Ticket) -> None:
        """Complete the ticket when everything written so far has its outcome."""
        self._flushes.append((self.outbox.written, ticket))

    def take(self, now: float) -> None:
        """Send what may be sent."""
        for frame in self.outbox.frames(now):
            self._do(Send(frame))

    def check_flushes(self) -> None:
        """Complete the flushes that are due."""
        while self._flushes and self._flushes[0][0] <= self.outbox.answered:
            self._do(Complete(self._flushes.popleft()[1]))

    def enters(self, epoch: bytes) -> bool:
        """Take the epoch of the log; return whether it took the place of another.

        The producer stays: a log restored from a backup may know it, and then tells what it has taken. If it does not, or has less than it had
        acknowledged, nothing of what is unanswered is in it, and another producer sends that.
        """
        replaced = self._epoch not in (None, epoch)
        self._is_replaced = self._is_replaced or replaced
        self._epoch = epoch
        if not self._is_replaced:
            self.outbox.entered(epoch)
        return replaced

    def _answered(self) -> None:
        """Take it that this log knows the producer. Kept no sooner: who is killed before must find out again that the log is another."""
        if self._is_replaced and self._epoch is not None:
            self._is_replaced = False
            self.outbox.entered(self._epoch)

    def _new_producer(self) -> None:
        self._answered()
        self.outbox.restart(self._random_bytes(PRODUCER_ID_BYTES))

    def acked(self, acked: Acked, now: float) -> list[tuple[int, Entry]]:
        """Take an ack; returns the writes that it answers, each with its offset from the ack's seq."""
        self._behind_since = None
        self._answered()
        settled = self.outbox.settle(acked.n, acked.count, now)
        for _, group in groupby(enumerate(settled), lambda item: item[1][0] - item[0]):
            run = [pair for _, pair in group]
            tickets = tuple(entry.ticket for _, entry in run)
            self._do(Acknowledge(tickets, acked.seq + run[0][0]))
        self._undone(settled, is_cancelled=False)
        return settled

    def _undone(self, settled: Sequence[tuple[int, Entry]], *, is_cancelled: bool) -> None:
        """Tell those who wanted one of these cancelled whether it was."""
        for _, entry in settled:
            for ticket in entry.undo:
                self._do(Complete(ticket, is_cancelled))

    def resend(self, resend: Resend, now: float) -> bool:
        """Take a transient refusal. True: begin anew."""
        if resend.code == Code.LOGIN_REQUIRED:
            return True
        if resend.code == Code.OUT_OF_ORDER and resend.n < self.outbox.first_n:
            return self._is_behind(now)
        self.outbox.go_back(resend.n, now, resend.retry_after)
        return False

    def _is_behind(self, now: float) -> bool:
        """Take it that the broker expects a write that it has acknowledged before. True: begin anew.

        Heard again after everything was sent once more, with no ack between, it means that the log has lost what it had: somebody put back an older
        copy. Of what is unanswered nothing is in it, so another producer may send that.
        """
        if self._behind_since is None:
            self._behind_since = now
        if now - self._behind_since < PATIENCE_SECONDS and not self._is_replaced:
            return False
        self._behind_since = None
        self._new_producer()
        return True

    def refused(self, n: int, error: Error, now: float) -> bool:
        """Take the refusal of write n. True: begin anew."""
        if error.code in TRANSIENT:
            return self.resend(Resend(n, error.code, error.retry_after), now)
        if error.code == Code.PRODUCER_EXPIRED and self.outbox.first_n == 1:
            self.outbox.go_back(1, now, 0.0)  # nothing of it was ever taken
            return False
        if error.code == Code.PRODUCER_EXPIRED:
            # Nothing of it is in a log that took the place of ours: there it is sent by another producer.
            if not self._is_replaced:
                why = "the broker no longer knows this client's writes"
                self._fail(self.outbox.remove_sent(), why)
            self._new_producer()
            return True
        if error.code not in _OUR_FAULT:
            self._settle_refused(n, error, now)
            return False
        # It used no number, so the producer cannot go on; and it can only be given up when nothing before it is open. Until then it is
        # sent, and refused, again.
        if n != self.outbox.first_n:
            return False
        self._settle_refused(n, error, now)
        self._new_producer()
        return True

    def _settle_refused(self, n: int, error: Error, now: float) -> None:
        self._answered()
        settled = self.outbox.settle(n, 1, now)
        for _, entry in settled:
            self._do(Fail(entry.ticket, refused(error.code, error.text, error.retry_after)))
        self._undone(settled, is_cancelled=error.code == Code.CANCELLED)

    def abandon(self, why: str) -> None:
        """The client is over: fail all that waits."""
        self._fail(self.outbox.remove_all(), why)
        for _, ticket in self._flushes:
            self._do(Fail(ticket, OutcomeUnknown(f"{why}: not everything was answered")))
        self._flushes.clear()

    def _fail(self, entries: Sequence[Entry], why: str) -> None:
        for entry in entries:
            for ticket in entry.undo:
                self._do(
                    Fail(ticket, OutcomeUnknown(f"{why}: whether it was cancelled is not known"))
                )
            if entry.sent:
                self._do(Fail(entry.ticket, OutcomeUnknown(f"{why}: it may have happened")))
            else:
                self._do(Fail(entry.ticket, Closed(f"{why}: it was not sent")))
