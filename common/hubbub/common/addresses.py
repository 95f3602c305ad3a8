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

MAX_HOST: Final = 253
"""Characters of a host: what the longest name in the DNS has."""
_SHOWN: Final = 80
"""Characters of what was typed that an error repeats."""

_PATTERN: Final = re.compile(
    r"(?:tcp://)?(?:\[(?P<v6>[^\]]*)\]|(?P<host>[\w.*-]*))(?::(?P<port>[0-9]{1,5}))?/?",
    re.IGNORECASE,
)
_ZONE: Final = re.compile(r"[A-Za-z0-9_.-]{1,32}")
"""The name or number of an interface, behind the % of a link-local address."""


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
        address = _ip_address(self.host)
        return address is not None and address.is_loopback

    @property
    def is_wildcard(self) -> bool:
        """Whether it stands for all addresses of the machine: something to listen on, and nothing to connect to."""
        address = _ip_address(self.host)
        return self.host == "*" or (address is not None and address.is_unspecified)

    @property
    def lacks_zone(self) -> bool:
        """Whether it is link-local IPv6 that does not say by which interface: there may be one such machine on each."""
        address = _ip_address(self.host)
        return (
            isinstance(address, ipaddress.IPv6Address)
            and address.is_link_local
            and "%" not in self.host
        )


def parse(text: str, default_port: int = DEFAULT_PORT) -> Address:
    """Read `HOST:PORT`, `tcp://HOST:PORT`, `[IPv6]:PORT` or a HOST alone, which means the default port.

    Raises InvalidAddress with the way to write it.
    """
    typed = text.strip()
    match = _PATTERN.fullmatch(typed)
    host = (match["v6"] or match["host"]) if match else None
    if match is None or not host or len(host) > MAX_HOST:
        raise InvalidAddress(f"cannot read the address {shown(typed)}: {_how_to_write(typed)}")
    if match["v6"] is not None and not _is_ipv6(host):
        raise InvalidAddress(f"{shown(host)} in brackets is not an IPv6 address")
    return Address(host, int(match["port"]) if match["port"] else default_port)


def parse_answers(host: str, port: str) -> Address:
    """Read a host and a port that were asked for one after the other: here IPv6 does without its brackets; nothing takes the default.

    Raises InvalidAddress.
    """
    host = host.strip() or DEFAULT_HOST
    bracketed = f"[{host}]" if _is_ipv6(host) else host
    return parse(f"{bracketed}:{port.strip() or DEFAULT_PORT}")


def shown(text: str) -> str:
    """Return what somebody typed as an error message may repeat it: quoted, on one line, not too long."""
    return repr(text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…")


def _how_to_write(typed: str) -> str:
    if _is_ipv6(typed):
        return f"write IPv6 in brackets, [{typed}]:{DEFAULT_PORT}"
    return f"write HOST:PORT, for example {DEFAULT_HOST}:{DEFAULT_PORT}"


def _is_ipv6(host: str) -> bool:
    """Whether it is an IPv6 address, with or without a zone."""
    address, _, zone = host.partition("%")
    return (
        ":" in address
        and _ip_address(address) is not None
        and ("%" not in host or _ZONE.fullmatch(zone) is not None)
    )


def _ip_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the IP address that a host is, IPv4 within IPv6 (`::ffff:127.0.0.1`) as IPv4; None if it is a name."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
