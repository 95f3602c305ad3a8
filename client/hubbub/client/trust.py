"""Whose key is it? How a client comes to trust a broker, as ssh does: ask once, pin, and refuse a changed key."""

from collections.abc import Callable
from dataclasses import dataclass

from hubbub.client import door
from hubbub.client.errors import ConnectError, Refused, UnknownBroker, WrongKey, wrong_key
from hubbub.client.home import Home
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.fingerprint import fingerprint, matches


@dataclass(frozen=True, slots=True)
class Trust:
    """Who vouches for a key that is not pinned yet: a `fingerprint` known from elsewhere, a person who is asked (`confirm` gets the fingerprint),
    or nobody (`accept_new`). A broker on loopback is trusted without asking."""

    fingerprint: str | None = None
    accept_new: bool = False
    confirm: Callable[[str], bool] | None = None


def server_key(home: Home, address: Address, trust: Trust) -> bytes:
    """Return the broker's key: the pinned one, or after asking door and `trust`, the one that is pinned now.

    Raises UnknownBroker, WrongKey, NobodyListens, VersionUnsupported, HomeUnusable.
    """
    pinned = home.pinned(address)
    if pinned is not None:
        _check(trust, pinned, address)
        return pinned
    key = door.ask(address).key
    _check(trust, key, address)
    if not _is_trusted(trust, key, address):
        shown = fingerprint(key)
        raise UnknownBroker(
            "Not trusted; nothing was sent."
            if trust.confirm is not None
            else f"the broker at {address} is not known here; if its fingerprint is {shown}, trust it: --trust {shown}",
            fingerprint=shown,
        )
    home.pin(address, key)
    return key


def _check(trust: Trust, key: bytes, address: Address) -> None:
    if trust.fingerprint is not None and not matches(trust.fingerprint, key):
        raise WrongKey(
            f"the broker at {address} has the fingerprint {fingerprint(key)}, not {trust.fingerprint}"
        )


def _is_trusted(trust: Trust, key: bytes, address: Address) -> bool:
    if trust.fingerprint is not None or trust.accept_new or address.is_loopback:
        return True
    return trust.confirm is not None and trust.confirm(fingerprint(key))


def explain(error: Refused, address: Address, key: bytes) -> ConnectError:
    """Return why an encrypted connection was refused, if the door knows: WrongKey when the broker has another key than `key`."""
    try:
        found = door.ask(address).key
    except HubbubError:
        return error
    if found == key:
        return error
    return wrong_key(str(address), fingerprint(found))
