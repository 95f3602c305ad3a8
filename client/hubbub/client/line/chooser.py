"""Which brokers there are to choose from: those known here, and those found on the local network.

Only for a person who is about to be asked where the broker is, and who should not wait for long: so the search is begun while the program loads.
"""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hubbub.client.announcements import Found
from hubbub.client.discovery import Search
from hubbub.client.home import Home, KnownBroker
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.fingerprint import fingerprint

LOOK_SECONDS: Final = 0.4
"""Of the search, which brokers answer within an eighth of a second. Measured on loopback, loading included: 0.07 to 0.15."""
GLANCE_SECONDS: Final = 0.25
"""The same for whom a broker is known already."""
MOST_KNOWN: Final = 9
"""A person would not choose among more; the one visited last is the first."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A broker to choose, and what a person should know of it."""

    address: Address
    remark: str


def offers(home: Home, search: Search | None) -> list[Offer]:
    """Return the brokers, the one visited last first. Waits a little while for the search, if there is one, and ends it."""
    known: list[KnownBroker] = []
    with contextlib.suppress(HubbubError):  # a broken home is told when it is needed
        known = home.brokers()[:MOST_KNOWN]
    found: list[Found] = []
    if search is not None:
        found = search.collect(GLANCE_SECONDS if known else LOOK_SECONDS)
        search.close()
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
