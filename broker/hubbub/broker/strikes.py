"""Strikes: what abuse costs the address that it came from.

Whoever is cut would only connect again, and each time costs the others more than it costs them: a long message that is read to its end, memory, a login.
So each connection that is cut for abuse takes a strike from its address, and while there are none left nobody new is let in from there: connections
are shut as soon as they are accepted, and their handshakes refused. Who is connected stays. An honest round trip of 0.3 ms takes 2.6 beside messages without an
end, which the I/O thread of commands has to decipher (43 % of a core), and 0.7 beside the same under strikes (medians of four rounds, quiet and abused by turns).

Nothing else knows who came: keys and names cost nobody anything. So those who share an address with abusers wait with them.
"""

import logging
from typing import Final

from hubbub.broker.core.buckets import BUCKETS, Bucket, Buckets
from hubbub.broker.core.limits import Limits
from hubbub.broker.entries import ENTRIES_A_SECOND, ENTRIES_AT_ONCE, Entry

log = logging.getLogger("hubbub.broker")

_MINUTE: Final = 60.0


class Strikes:
    """The strikes that each address has left; of IPv6 each /64. Times are monotonic."""

    def __init__(self, limits: Limits) -> None:
        self._buckets: Buckets[str] = Buckets(*_figures(limits))
        self._burst = limits.strikes_burst
        self._told: set[str] = set()
        """Networks that were logged and have not had all their strikes again since."""
        self._entries = Bucket(ENTRIES_AT_ONCE, ENTRIES_A_SECOND)

    def configure(self, limits: Limits) -> None:
        """Let other bounds hold from now on."""
        self._buckets.configure(*_figures(limits))
        self._burst = limits.strikes_burst

    def charge(self, network: str, now: float) -> None:
        """Take a strike, also where none is left: a hundred connections that abuse at one moment cost more than the last one."""
        if self._buckets.wait(network, now, self._burst) == 0.0:
            self._told.discard(network)
        self._buckets.charge(network, 1, now)
        if self.are_used_up(network, now) and network not in self._told:
            self._tell(network, now)

    def are_used_up(self, network: str, now: float) -> bool:
        """Whether nobody new is let in from there."""
        return self._buckets.wait(network, now) > 0.0

    def _tell(self, network: str, now: float) -> None:
        if len(self._told) >= BUCKETS:
            self._told.clear()
        self._told.add(network)
        if self._entries.take(1, now):
            text = "Nobody new is let in from {address} for a while: too many connections from there were cut for abuse."
            log.warning(Entry("strikes_used_up", text, address=network))


def _figures(limits: Limits) -> tuple[float, float]:
    return limits.strikes_burst, limits.strikes_a_minute / _MINUTE
