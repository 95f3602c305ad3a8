"""Announcements of brokers on the local network, as they come in: what one says, checked, and which of its addresses to use.

Whatever the network sends becomes a `Found` or nothing. Pure; `browsing` hears them.
"""

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from unicodedata import category

from hubbub.common.addresses import MAX_PORT, Address

NAME_CHARACTERS: Final = 63
_MOST_ADDRESSES: Final = 32
"""Of one broker, that are looked at."""
_FINGERPRINT: Final = re.compile(rb"[a-z2-7]{4}(?:-[a-z2-7]{4}){5}")

_IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True, order=True)
class Found:
    """A broker as it, or somebody in its name, announced itself."""

    name: str
    """Safe to print: 1 to 63 characters, none of which controls a terminal or the direction of text."""
    address: Address
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Where this machine is, to tell which addresses it can use."""

    networks: Sequence[ipaddress.IPv4Network] = ()
    """Its own: of several addresses of a broker, one in these is likely the nearest."""
    is_loopback: bool = False
    """Whether loopback is where it listens. Elsewhere a broker that names an address of loopback means nobody."""


def read(
    name: str, port: int | None, addresses: Sequence[str], fingerprint: bytes, here: Surroundings
) -> Found | None:
    """Return what is announced, with the best of the addresses; None if it is no broker of ours, or one that nobody could reach.

    `addresses` are IP addresses as text, those of IPv6 that are link-local with their zone.
    """
    if port is None or not 1 <= port <= MAX_PORT or not _FINGERPRINT.fullmatch(fingerprint):
        return None
    heard = [ipaddress.ip_address(text) for text in addresses[:_MOST_ADDRESSES]]
    usable = [ip for ip in heard if _is_usable(ip, here)]
    if not usable:
        return None
    best = min(usable, key=lambda ip: _rank(ip, here.networks))
    return Found(printable(name), Address(_host(best), port), fingerprint.decode())


def printable(name: str) -> str:
    """Return a name without what controls terminals or turns text around, with single spaces, cut; never empty."""
    kept = "".join(c if category(c)[0] != "C" else "" for c in name)
    return " ".join(kept.split())[:NAME_CHARACTERS].strip() or "unnamed"


def _is_usable(ip: _IPAddress, here: Surroundings) -> bool:
    if ip.is_unspecified or ip.is_multicast or (ip.is_loopback and not here.is_loopback):
        return False
    if isinstance(ip, ipaddress.IPv4Address):
        return True
    return ip.ipv4_mapped is None and (not ip.is_link_local or ip.scope_id is not None)


def _rank(
    ip: _IPAddress, networks: Iterable[ipaddress.IPv4Network]
) -> tuple[bool, bool, bool, int]:
    """IPv4 first, that of one's own networks before others; then IPv6; link-local addresses last."""
    is_near = any(ip in network for network in networks)
    return ip.is_link_local, ip.version == 6, not is_near, int(ip)


def _host(ip: _IPAddress) -> str:
    """Return an address as it is typed, its zone by the name of the interface: its number may change at the next start."""
    zone = ip.scope_id if isinstance(ip, ipaddress.IPv6Address) else None
    if zone is not None and zone.isdecimal():
        with contextlib.suppress(OSError):
            return f"{str(ip).partition('%')[0]}%{socket.if_indextoname(int(zone))}"
    return str(ip)
