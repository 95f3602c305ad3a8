"""Addresses of peers: written in one way, and the network that each counts for.

Whoever has IPv6 has at least a /64, 2^64 addresses to choose from; so what is bounded for an address is bounded for its /64.
"""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final

_MAPPED: Final = "::ffff:"
"""How a socket for both IPv6 and IPv4 shows IPv4 peers, before the four decimal numbers."""
_HOST_BITS: Final = 64


def plain(host: str) -> str:
    """Return a peer's address as people write it: IPv4 without the prefix of an IPv6 socket."""
    return host.removeprefix(_MAPPED) if "." in host else host


@lru_cache(maxsize=4096)
def network_of(host: str) -> str:
    """Return the network that an address counts for: itself, or its /64. What is no address counts for itself."""
    try:
        address = ip_address(plain(host))
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    first = IPv6Address(int(address) >> _HOST_BITS << _HOST_BITS)
    scope = f"%{address.scope_id}" if address.scope_id else ""  # each link has its own fe80::/64
    return f"{first}{scope}/{_HOST_BITS}"


def belongs(host: str, network: str) -> bool:
    """Whether an address lies in a network, or is that address. Raises ValueError if `network` is neither."""
    return ip_address(plain(host)) in ip_network(plain(network), strict=False)
