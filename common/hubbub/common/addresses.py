"""Addresses as people type them, and the three ports that a broker uses.

A broker has one address, `tcp://HOST:PORT`. Commands go to PORT, events come from PORT + 1, the door answers on PORT + 2.
"""

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from hubbub.common.errors import InvalidAddress

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 5000
MAX_PORT: Final = 65533
"""The two ports above are the broker's too."""

_PATTERN: Final = re.compile(
    r"(?:tcp://)?(?:\[(?P<v6>[^\]]*)\]|(?P<host>[\w.*-]*))(?::(?P<port>[0-9]{1,5}))?/?"
)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a broker listens: a host name or IP address (IPv6 without brackets) and the port of commands.

    Port 0 (only to bind) means: look for three free ports in a row.
    """

    host: str
    port: int

    def __post_init__(self) -> None:
        if not 0 <= self.port <= MAX_PORT:
            raise InvalidAddress(
                f"port {self.port} is not between 1 and {MAX_PORT} (a broker uses the two above it too)"
            )

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def endpoint(self, offset: int = 0) -> str:
        """Return ZeroMQ's form: offset 0 for commands, 1 for events, 2 for the door."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"tcp://{host}:{self.port + offset}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        if self.host.casefold() == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.partition("%")[0]).is_loopback
        except ValueError:
            return False


def parse(text: str) -> Address:
    """Read `HOST:PORT`, `tcp://HOST:PORT`, `[IPv6]:PORT` or a HOST alone (port 5000).

    Raises InvalidAddress with the way to write it.
    """
    match = _PATTERN.fullmatch(text.strip())
    host = (match["v6"] or match["host"]) if match else None
    if match is None or not host:
        raise InvalidAddress(
            f"cannot read the address {text!r}: write HOST:PORT, for example {DEFAULT_HOST}:{DEFAULT_PORT}"
        )
    if match["v6"] is not None:
        _check_ipv6(match["v6"])
    return Address(host, int(match["port"]) if match["port"] else DEFAULT_PORT)


def _check_ipv6(host: str) -> None:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        raise InvalidAddress(f"{host!r} in brackets is not an IPv6 address") from None
