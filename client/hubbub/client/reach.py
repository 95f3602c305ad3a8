"""Whether anything listens on a port, told as soon as the network tells it, and by which kind of address.

ZeroMQ would go on trying: it is made for brokers that come back, and a person with a mistyped address waits for nothing. So somebody who asks for the
first time knocks before, with a plain connection. Not where clients give commands, unless there is need: brokers log who comes there.
"""

import contextlib
import errno
import os
import socket
from enum import Enum, auto
from time import monotonic
from typing import Any, Final

from hubbub.client.errors import ConnectError, NobodyListens
from hubbub.common.addresses import Address
from hubbub.common.errors import InvalidAddress


class Echo(Enum):
    """What comes back from a port."""

    OPEN = auto()
    REFUSED = auto()
    """The machine is there, and says that nobody listens."""
    SILENT = auto()
    """Nothing came back in time: a firewall, a machine that is off, or a slow network."""


DOOR: Final = 2
"""The door's port is so much above that of commands."""
GLANCE_SECONDS: Final = 0.25
"""What a port that a firewall hides may cost at each start."""

_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})
_Place = tuple[socket.AddressFamily, tuple[Any, ...]]


def check_address(address: Address, *, insecure: bool = False) -> None:
    """Raise InvalidAddress for an address that only a broker can use, ConnectError for one to which nobody goes without encryption."""
    if not address.port or address.is_wildcard:
        raise InvalidAddress(
            f"{address} is an address to listen on; a client needs the broker's own"
        )
    if address.lacks_zone:
        raise InvalidAddress(
            f"{address.host} is link-local: say on which of your interfaces, for example [{address.host}%eth0]:{address.port}"
        )
    if insecure and not address.is_loopback:
        raise ConnectError(f"without encryption only on loopback, which {address} is not")


def knock(address: Address, offset: int, deadline: float) -> Echo:
    """Connect to one of a broker's three ports, and hang up.

    A name may stand for several machines: REFUSED only if all of them refuse. Raises NobodyListens if there is no such name, or no way to it. The
    resolver's time is its own; for the rest, `deadline` is on the monotonic clock.
    """
    places = _places(address, offset)
    heard: list[OSError] = []
    for left, place in zip(range(len(places), 0, -1), places, strict=True):
        error = _connect(place, (deadline - monotonic()) / left)
        if error is None:
            return Echo.OPEN
        heard.append(error)
    there = [error for error in heard if error.errno not in _NO_WAY]
    if not there:
        raise NobodyListens(
            f"cannot reach {address.host} from this machine: {os.strerror(heard[0].errno or 0).lower()}"
        )
    refused = all(isinstance(error, ConnectionRefusedError) for error in there)
    return Echo.REFUSED if refused else Echo.SILENT


def by_ipv6(address: Address) -> bool:
    """Whether to connect by IPv6. ZeroMQ has to be told: it looks a name up as the one or the other, and does not fall back.

    A name that has both is IPv4, unless only at its IPv6 addresses somebody listens. Raises NobodyListens if there is no such name; takes a second
    at most, if there is a firewall.
    """
    places = [place for offset in (DOOR, 0) for place in _places(address, offset)]
    families = {family for family, _ in places}
    if len(families) == 1:
        return socket.AF_INET6 in families
    places.sort(key=lambda place: place[0] == socket.AF_INET6)
    open_ = (place for place in places if _connect(place, GLANCE_SECONDS) is None)
    return next((family == socket.AF_INET6 for family, _ in open_), False)


def _connect(place: _Place, seconds: float) -> OSError | None:
    family, where = place
    try:
        with socket.socket(family, socket.SOCK_STREAM) as door:
            door.settimeout(max(seconds, 0.001))
            door.connect(where)
    except OSError as error:
        return error
    return None


def _places(address: Address, offset: int) -> list[_Place]:
    """Return what a host stands for, IPv4 first, looked up as ZeroMQ does. Raises NobodyListens if that is nothing."""
    found: list[_Place] = []
    for family in (socket.AF_INET, socket.AF_INET6):
        with contextlib.suppress(OSError, UnicodeError):  # the latter for what can be no name
            told = socket.getaddrinfo(
                address.host, address.port + offset, family, socket.SOCK_STREAM
            )
            found += [(family, place[4]) for place in told]
    if not found:
        raise NobodyListens(f"cannot find a machine called {address.host}")
    return found
