"""Whose key is it? How a client comes to trust a broker, as ssh does: ask once, pin, and refuse a changed key.

The key of a join link needs no asking. It is pinned once it has proved to be the broker's, so a damaged link leaves nothing behind.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hubbub.client import door
from hubbub.client.errors import UnknownBroker, WrongKey, wrong_key
from hubbub.client.home import Home
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.fingerprint import fingerprint, matches


@dataclass(frozen=True, slots=True)
class Trust:
    """Who vouches for a key that is not pinned yet: a join link that has it (`key`), a `fingerprint` known from elsewhere, a person who is asked
    (`confirm` gets the fingerprint), or nobody (`accept_new`). A broker on loopback is trusted without asking."""

    fingerprint: str | None = None
    accept_new: bool = False
    confirm: Callable[[str], bool] | None = None
    key: bytes | None = None


def server_key(home: Home, address: Address, trust: Trust) -> bytes:
    """Return the broker's key: the pinned one; or that of a join link, which `keep` pins later; or after asking door and `trust`, the one that is pinned now.

    Raises UnknownBroker, WrongKey, NobodyListens, VersionUnsupported, HomeUnusable.
    """
    pinned = home.pinned(address)
    if trust.key is not None:
        _check_link(trust, trust.key, pinned, address)
        return trust.key
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


def keep(home: Home, address: Address, key: bytes) -> None:
    """Pin a key that the broker has proved to have, unless one is pinned. Raises HomeUnusable."""
    if home.pinned(address) is None:
        home.pin(address, key)


def _check(trust: Trust, key: bytes, address: Address) -> None:
    if trust.fingerprint is not None and not matches(trust.fingerprint, key):
        raise WrongKey(
            f"the broker at {address} has the fingerprint {fingerprint(key)}, not {trust.fingerprint}"
        )


def _check_link(trust: Trust, key: bytes, pinned: bytes | None, address: Address) -> None:
    if trust.fingerprint is not None and not matches(trust.fingerprint, key):
        raise WrongKey(
            f"the join link is for a broker with the fingerprint {fingerprint(key)}, not {trust.fingerprint}"
        )
    if pinned is not None and pinned != key:
        raise WrongKey(
            f"the join link is for a broker with the fingerprint {fingerprint(key)}, but the one known at {address} has {fingerprint(pinned)}:"
            f" the link is old, or the broker was set up anew, or somebody wants you elsewhere. If its operator confirms the link, run: hubbub forget {address}"
        )


def _is_trusted(trust: Trust, key: bytes, address: Address) -> bool:
    if trust.fingerprint is not None or trust.accept_new or address.is_loopback:
        return True
    return trust.confirm is not None and trust.confirm(fingerprint(key))


def changed(home: Home, address: Address, key: bytes) -> WrongKey | None:
    """Return what to tell of a broker that refuses an encrypted connection, if its door has another key than `key`, pinned or from a link; otherwise None."""
    try:
        found = door.ask(address).key
        is_pinned = home.pinned(address) is not None
    except HubbubError:
        return None
    if found == key:
        return None
    if not is_pinned:
        return WrongKey(
            f"the broker at {address} has another key than the join link says: its fingerprint is {fingerprint(found)}, the link's {fingerprint(key)}."
            " The link is old or damaged, or somebody listens in between: ask the broker's operator for a new one"
        )
    return wrong_key(str(address), fingerprint(found))
