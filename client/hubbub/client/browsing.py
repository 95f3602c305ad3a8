"""Browsing the local network by zeroconf. Loading it takes a while; `discovery` does so when needed.

A broker's announcement: an instance of `_hubbub._tcp.local.` whose label is the broker's name; its port is that of commands; TXT has `fp`, the
fingerprint of its key, and `v`, the versions of the protocol that it speaks.
"""

import asyncio
import contextlib
import ipaddress
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Final

import ifaddr
from zeroconf import Error, IPVersion, ServiceStateChange, Zeroconf
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from hubbub.client.announcements import Found, Surroundings, read

_log: Final = logging.getLogger(__name__)

SERVICE: Final = "_hubbub._tcp.local."
MOST_BROKERS: Final = 64
"""A person would not choose among more."""
_ANSWER_MILLISECONDS: Final = 3000
"""For how long a broker that told only its name is asked for the rest."""

Tell = Callable[[str, Found | None], None]


def browse(interfaces: Sequence[str] | None, tell: Tell, end: "Future[None]") -> None:
    """Tell of each broker that appears, changes or (as None) goes, until `end`; of 64 at most. Raises what zeroconf and the system do where there is no mDNS."""
    asyncio.run(_browse(interfaces, tell, end))


async def _browse(interfaces: Sequence[str] | None, tell: Tell, end: "Future[None]") -> None:
    looks: dict[str, asyncio.Task[None]] = {}
    here = Surroundings(
        _own_networks(), any(ipaddress.ip_address(i).is_loopback for i in interfaces or ())
    )

    async def look(zeroconf: Zeroconf, instance: str) -> None:
        with contextlib.suppress(Error, OSError, ValueError):  # what can be no name or address
            tell(instance, await _ask(zeroconf, instance, here))

    def note(
        zeroconf: Zeroconf, service_type: str, name: str, state_change: ServiceStateChange
    ) -> None:
        earlier = looks.pop(name, None)
        if earlier is not None:
            earlier.cancel()
        if state_change is ServiceStateChange.Removed:
            tell(name, None)
        elif len(looks) < MOST_BROKERS:
            looks[name] = asyncio.create_task(look(zeroconf, name))

    # What fails in a task of zeroconf's is no concern of whoever searches; asyncio would print it.
    asyncio.get_running_loop().set_exception_handler(
        lambda _, told: _log.debug("in the search by mDNS: %s", told["message"])
    )
    async with _open(interfaces) as mdns, AsyncServiceBrowser(mdns.zeroconf, SERVICE, [note]):
        await asyncio.wrap_future(end)


async def _ask(zeroconf: Zeroconf, instance: str, here: Surroundings) -> Found | None:
    info = AsyncServiceInfo(SERVICE, instance)
    if not await info.async_request(zeroconf, _ANSWER_MILLISECONDS):
        return None
    name = instance[: -len(SERVICE) - 1]
    fingerprint = info.properties.get(b"fp") or b""
    return read(name, info.port, info.parsed_scoped_addresses(), fingerprint, here)


def _open(interfaces: Sequence[str] | None) -> AsyncZeroconf:
    if interfaces is not None:
        return AsyncZeroconf(interfaces=list(interfaces))
    try:
        return AsyncZeroconf(ip_version=IPVersion.All)
    except OSError:  # no IPv6 here
        return AsyncZeroconf(ip_version=IPVersion.V4Only)


def _own_networks() -> list[ipaddress.IPv4Network]:
    return [
        ipaddress.IPv4Network(f"{ip.ip}/{ip.network_prefix}", strict=False)
        for adapter in ifaddr.get_adapters()
        for ip in adapter.ips
        if ip.is_IPv4
    ]
