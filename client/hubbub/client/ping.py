"""Is a broker well? Asked as a client asks: at its door, then on an encrypted connection, with a key of the moment. Nothing is kept or written.

It greets the broker and goes; it does not log in, so nobody is told.
"""

from dataclasses import dataclass
from time import monotonic
from typing import Final

from hubbub.client import door
from hubbub.client.errors import Refused, WrongKey, login_refused, not_connected, wrong_key
from hubbub.client.reach import check_address
from hubbub.client.sockets import new_key_pair
from hubbub.client.visit import Visit, inside
from hubbub.common.addresses import Address
from hubbub.common.codec import VERSIONS, decode_replies, encode
from hubbub.common.commands import Hello
from hubbub.common.errors import WireError
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink, Place, address_of
from hubbub.common.replies import Error, Greeted

PING_SECONDS: Final = 3.0
CLIENT_NAME: Final = "hubbub ping"


@dataclass(frozen=True, slots=True)
class Health:
    """A broker that is well. Times are in seconds."""

    address: Address
    broker: str
    """Its name, as it says."""
    software: str
    """Its version, as it says; empty if it does not."""
    protocol: int
    key: bytes
    door: float
    """To connect to the door and be told the key."""
    connecting: float
    """Until the encrypted connection stood."""
    hello: float
    """There and back on that connection."""


def check(
    place: Place,
    pinned: bytes | None,
    *,
    insecure: bool = False,
    timeout: float = PING_SECONDS,
) -> Health:
    """Return how a broker is. `pinned`: its key, if one is known; that of a join link counts too.

    Raises InvalidAddress, and ConnectError: NobodyListens, WrongKey, VersionUnsupported, Refused.
    """
    deadline = monotonic() + timeout
    address = address_of(place)
    check_address(address, insecure=insecure)
    begun = monotonic()
    told = door.ask(address, timeout)
    at_door = monotonic() - begun
    _check_key(told.key, place, pinned)
    keys = new_key_pair()
    begun = monotonic()
    with inside(address, deadline, keys, None if insecure else told.key) as visit:
        if not visit.opens():
            raise _closed(address, visit, insecure=insecure)
        connecting = monotonic() - begun
        begun = monotonic()
        greeted = _greet(visit, address, timeout)
        hello = monotonic() - begun
    return Health(
        address,
        greeted.broker,
        greeted.software,
        greeted.version,
        told.key,
        at_door,
        connecting,
        hello,
    )


def _check_key(key: bytes, place: Place, pinned: bytes | None) -> None:
    if isinstance(place, JoinLink) and place.key != key:
        raise WrongKey(
            f"the broker at {place.address} has the key {fingerprint(key)}, not {fingerprint(place.key)} as in the join link: ask its operator for a new link"
        )
    if pinned is not None and pinned != key:
        raise wrong_key(str(address_of(place)), fingerprint(key))


def _closed(address: Address, visit: Visit, *, insecure: bool) -> Refused:
    if not visit.refused:
        return Refused(
            f"the door of {address} answers, but on port {address.port} no connection came about in time"
        )
    if visit.denied:
        return not_connected(str(address), is_denied=True)
    cause = "with" if insecure else "without"
    return Refused(
        f"{address} refuses the connection, though its door answers: does its operator run it {cause} encryption, or have too many connections come from here?"
    )


def _greet(visit: Visit, address: Address, timeout: float) -> Greeted:
    hello = Hello(1, versions=list(VERSIONS), client=CLIENT_NAME)
    frames = visit.answer(encode((hello,)))
    if frames is None:
        raise Refused(
            f"{address} hung up"
            if visit.refused
            else f"{address} does not answer within {timeout:g} s, though the connection stands"
        )
    try:
        replies = decode_replies(frames[-1])
    except WireError as error:
        raise Refused(f"{address} answers what cannot be read: {error}") from None
    for reply in replies:
        match reply:
            case Greeted(id=hello.id, version=version):
                if version not in VERSIONS:
                    raise Refused(f"{address} chose a version that was not offered: {version}")
                return reply
            case Error(code=code, text=text):
                raise login_refused(code, text)
    raise Refused(f"{address} does not answer a greeting")
