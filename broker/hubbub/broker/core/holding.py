"""Frames that wait because their sender is over its budget: in the order of their arrival, within bounds, until the budget has filled.

They are kept as they came, undecoded, so that what they take is known. Nothing in them has been acknowledged: those of a lost connection are forgotten.
"""

from collections import deque
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Final

from msgspec import Struct

from hubbub.broker.core.budgets import Budget
from hubbub.broker.core.sessions import Peer
from hubbub.common.limits import MIB

HELD_BYTES: Final = 16 * MIB
"""Of all connections together. Apart from what is gathered for the next commit: what is over a budget must not make those wait who are within theirs."""
HELD_BYTES_A_CONNECTION: Final = 1 * MIB
"""A client's whole window, 512 writes of together 512 KiB, fits in, were it in single frames; who has more under way does not keep to it."""
FRAME_BYTES: Final = 256
"""What a frame takes beside its own bytes (measured: 220)."""
PAUSE_SECONDS: Final = 0.01
"""At least so long a frame waits: what is due within it goes on together."""
SENDERS_AT_ONCE: Final = 4
"""So many go on in one turn of the loop."""
IN_FLIGHT_SECONDS: Final = 2.0
"""What arrives so soon after a refusal may have been sent before it was heard."""


class Frame(Struct, gc=False):
    """One frame, and when it came (monotonic)."""

    payload: bytes
    arrived: float
    is_paid: bool = False
    """Whether its bytes are; what is in it is not."""


@dataclass(slots=True, eq=False)
class Sender:
    """What is known of a connection by what it sends, over all its sessions. Times are monotonic."""

    peer: Peer
    budget: Budget
    """What it may ask for before its login."""
    held: deque[Frame] = field(default_factory=deque)
    held_bytes: int = 0
    refusals: int = 0
    """Frames that it sent after it had heard that it shall wait, and before it had waited."""
    unreadable: int = 0
    """Frames over its budget in which nothing could be read. None is excused by what it could not have heard yet: no client that is well sends any."""
    _told_at: float | None = None
    """When it was told to wait; None: never, or it came back as it was told."""
    _wait_until: float = float("-inf")

    @property
    def is_sent_away(self) -> bool:
        """Whether it was told to wait and has not come back as it was told, be it too late by now."""
        return self._told_at is not None

    def is_within_window(self, frame: Frame) -> bool:
        """Whether a client that keeps to its window can have this frame under way, too."""
        return self.held_bytes + len(frame.payload) + FRAME_BYTES <= HELD_BYTES_A_CONNECTION

    def is_told(self, now: float) -> bool:
        """Whether the time is not over for which it shall wait."""
        return now < self._wait_until

    def came(self, arrived: float) -> None:
        """It has sent what is not in flight from before."""
        if arrived >= self._wait_until:
            self._told_at = None
            self.refusals = 0

    def went_on(self, arrived: float) -> None:
        """It has sent what it was not to send yet."""
        if self._told_at is not None and arrived > self._told_at + IN_FLIGHT_SECONDS:
            self.refusals += 1

    def refused(self, arrived: float, now: float, wait: float) -> None:
        """It is told to wait for `wait` seconds because of what arrived then."""
        self.came(arrived)
        self.went_on(arrived)
        if self._told_at is None:
            self._told_at = now
        self._wait_until = max(self._wait_until, now + wait)


class Holding:
    """All frames that wait, by their senders, and when each of these goes on."""

    def __init__(self) -> None:
        self.bytes = 0
        """What they take together."""
        self._due: list[tuple[float, int, Sender]] = []
        """A heap; a sender that holds something is in it once, or was taken from it and goes on now."""
        self._order = count()

    def has_room(self, sender: Sender, frame: Frame) -> bool:
        """Whether a frame can be held, whoever sent it."""
        size = len(frame.payload) + FRAME_BYTES
        # Of a connection that is not known (0) nobody would tell the end.
        return self.bytes + size <= HELD_BYTES and sender.peer.connection != 0

    def append(self, sender: Sender, frame: Frame) -> None:
        """Hold a frame behind the others of its sender. There must be room."""
        sender.held.append(frame)
        self._count(sender, len(frame.payload) + FRAME_BYTES)

    def put_first(self, sender: Sender, frame: Frame, at: float) -> None:
        """Hold a frame before the others of its sender, until a time (monotonic). There must be room, or it was just taken."""
        sender.held.appendleft(frame)
        self._count(sender, len(frame.payload) + FRAME_BYTES)
        self.schedule(sender, at)

    def take(self, sender: Sender) -> Frame:
        """Take out a sender's first frame."""
        frame = sender.held.popleft()
        self._count(sender, -len(frame.payload) - FRAME_BYTES)
        return frame

    def drop(self, sender: Sender) -> None:
        """Forget a sender's frames."""
        self._count(sender, -sender.held_bytes)
        sender.held.clear()

    def _count(self, sender: Sender, size: int) -> None:
        sender.held_bytes += size
        self.bytes += size

    def schedule(self, sender: Sender, at: float) -> None:
        """Let a sender go on at a time (monotonic)."""
        heappush(self._due, (at, next(self._order), sender))

    def deadline(self) -> float:
        """Return when somebody is due; infinity: nobody waits."""
        return self._due[0][0] if self._due else float("inf")

    def due(self, now: float) -> list[Sender]:
        """Take out those that go on now, the first `SENDERS_AT_ONCE`: `schedule` those again that still hold something then."""
        senders: list[Sender] = []
        while self._due and self._due[0][0] <= now and len(senders) < SENDERS_AT_ONCE:
            sender = heappop(self._due)[2]
            if sender.held:
                senders.append(sender)
        return senders
