"""The addresses of this machine: under which others reach a broker that listens on some or all of them."""

import ipaddress
import re
import socket
from collections.abc import Iterable
from typing import Final, NamedTuple

import ifaddr

from hubbub.broker.errors import BindError
from hubbub.common.addresses import Address

_INTERNAL: Final = re.compile(r"(docker|br-|veth|virbr|lxcbr|lxdbr|cni|podman|vmnet|vboxnet)")
"""Interfaces that lead only to containers and virtual machines on this one."""

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class OwnAddress(NamedTuple):
    """An IP address, and the name of the interface that has it."""

    interface: str
    ip: IPAddress


def own_addresses() -> list[OwnAddress]:
    """Return all addresses of this machine; none if the system does not tell."""
    try:
        adapters = list(ifaddr.get_adapters())
    except OSError:
        return []
    return [
        OwnAddress(
            adapter.name, ipaddress.ip_address(ip.ip if isinstance(ip.ip, str) else ip.ip[0])
        )
        for adapter in adapters
        for ip in adapter.ips
    ]


def listening_address(bind: Address) -> Address:
    """Return where to listen, with an IP address if `bind` names an interface. Raises BindError."""
    try:
        socket.if_nametoindex(bind.host)
    except OSError:
        return bind
    return by_interface(bind, own_addresses())


def by_interface(bind: Address, own: Iterable[OwnAddress]) -> Address:
    """Return `bind` with an IP address in place of the name of an interface, IPv4 if it has any. Raises BindError if it has none."""
    found = [address.ip for address in own if address.interface == bind.host]
    if not found:
        raise BindError(f"the interface {bind.host} has no address")
    ip = min(found, key=lambda ip: (ip.version, ip.is_link_local))
    needs_zone = ip.version == 6 and ip.is_link_local
    return Address(f"{ip}%{bind.host}" if needs_zone else str(ip), bind.port)


def usable(bound: Address, own: Iterable[OwnAddress]) -> list[IPAddress]:
    """Return those of a machine's `own` addresses under which others reach a broker bound to `bound`, the likeliest first.

    IPv4 before IPv6, and link-local ones last: their zone has another name on each machine. Those of `_INTERNAL` interfaces only if there are no others.
    """
    if bound.is_loopback:
        return []
    if not bound.is_wildcard:
        return _resolved(bound.host)
    found = [
        address
        for address in own
        if not address.ip.is_loopback and (address.ip.version == 4 or ":" in bound.host)
    ]
    outward = [address for address in found if not _INTERNAL.match(address.interface)]
    ordered = sorted(outward or found, key=lambda a: (a.ip.is_link_local, a.ip.version))
    return list(dict.fromkeys(address.ip for address in ordered))


def _resolved(host: str) -> list[IPAddress]:
    """Return the IP address of a host as the broker binds to it."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        places = socket.getaddrinfo(host, None, family, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return []
    return [ipaddress.ip_address(place[4][0]) for place in places[:1]]
