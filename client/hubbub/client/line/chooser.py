"""Which brokers there are to choose from: those known here, and those found on the local network.

Only for a person who is about to be asked where the broker is. It begins to look around when it is made, and keeps nobody waiting for long.
"""

import contextlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubbub.client.announcements import Found
from hubbub.client.discovery import Search
from hubbub.client.home import Home, KnownBroker
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.fingerprint import fingerprint

LOOK_SECONDS: Final = 0.6
"""From the beginning, while the program loads, until what was found is shown. Brokers answer within an eighth of a second of being asked."""
GLANCE_SECONDS: Final = 0.35
"""The same for who knows a broker already."""
MOST_KNOWN: Final = 9
"""A person would not choose among more; the one visited last is the first."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A broker to choose, and what a person should know of it."""

    address: Address
    remark: str


class Chooser:
    """Looks around from now on, until `offers` are asked for."""

    def __init__(self, home: Home, *, browse: bool) -> None:
        """Begin."""
        self._home = home
        self._search = Search() if browse else None

    def offers(self) -> list[Offer]:
        """Return the brokers, the one visited last first. Waits for the network a little while."""
        known: list[KnownBroker] = []
        with contextlib.suppress(HubbubError):  # a broken home is told when it is needed
            known = self._home.brokers()[:MOST_KNOWN]
        found: list[Found] = []
        if self._search is not None:
            found = self._search.collect(GLANCE_SECONDS if known else LOOK_SECONDS)
            # It needs a moment to say goodbye, and nobody needs to see that.
            threading.Thread(target=self._search.close, daemon=True).start()
        return merged(known, found)


def merged(known: Sequence[KnownBroker], found: Sequence[Found]) -> list[Offer]:
    """Return known brokers, then found ones; one that is both stands where it is known, by its address there."""
    here = {broker.fingerprint: broker.name for broker in found}
    pins = {fingerprint(broker.key) for broker in known}
    addresses = {broker.address for broker in known}
    return [
        *(Offer(broker.address, _remark(broker, here)) for broker in known),
        *(
            Offer(broker.address, f"{broker.name}, found here")
            for broker in found
            if broker.fingerprint not in pins and broker.address not in addresses
        ),
    ]


def _remark(broker: KnownBroker, here: dict[str, str]) -> str:
    remarks = [here.get(fingerprint(broker.key), ""), broker.name and f"you were {broker.name}"]
    return ", ".join(filter(None, remarks)) or "known"
