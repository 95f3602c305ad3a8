"""Whether anything listens on a port, told as soon as the network tells it.

ZeroMQ would go on trying: it is made for brokers that come back, and a person with a mistyped address waits for nothing. So somebody who asks for the
first time knocks before, with a plain connection. Not where clients give commands, unless there is need: brokers log who comes there.
"""

import errno
import os
import socket
from enum import Enum, auto
from time import monotonic
from typing import Any, Final

from hubbub.client.errors import NobodyListens
from hubbub.common.addresses import Address


class Echo(Enum):
    """What comes back from a port."""

    OPEN = auto()
    REFUSED = auto()
    """The machine is there, and says that nobody listens."""
    SILENT = auto()
    """Nothing came back in time: a firewall, a machine that is off, or a slow network."""


_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL})


def knock(address: Address, offset: int, deadline: float) -> Echo:
    """Connect to one of a broker's three ports, and hang up.

    A name may stand for several machines: REFUSED only if all of them refuse. Raises NobodyListens if there is no such name, or no way to it. The
    resolver's time is its own; for the rest, `deadline` is on the monotonic clock.
    """
    heard: list[OSError] = []
    for family, place in _places(address, offset):
        try:
            with socket.socket(family, socket.SOCK_STREAM) as door:
                door.settimeout(max(deadline - monotonic(), 0.001))
                door.connect(place)
            return Echo.OPEN
        except OSError as error:
            heard.append(error)
    if all(error.errno in _NO_WAY for error in heard):
        raise NobodyListens(
            f"cannot reach {address.host} from this machine: {os.strerror(heard[0].errno or 0).lower()}"
        )
    refused = all(isinstance(error, ConnectionRefusedError) for error in heard)
    return Echo.REFUSED if refused else Echo.SILENT


def _places(address: Address, offset: int) -> list[tuple[int, tuple[Any, ...]]]:
    # As `sockets.connect`: names are IPv4.
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        found = socket.getaddrinfo(address.host, address.port + offset, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter for what can be no name at all
        raise NobodyListens(f"cannot find a machine called {address.host}") from None
    return [(place[0], place[4]) for place in found]
