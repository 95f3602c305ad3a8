"""Bans: who is kept out of the whole chat, by account, key, address or network, and until when."""

import re
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, assert_never

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import BanKey, BanRow
from hubbub.broker.core.clock import at
from hubbub.broker.core.state import Account, State
from hubbub.common.fields import BanKind
from hubbub.common.limits import KEY_BYTES

Network = IPv4Network | IPv6Network
_KEY: Final = re.compile(rf"[0-9a-f]{{{2 * KEY_BYTES}}}")
_MAPPED: Final = IPv6Network("::ffff:0:0/96")


def holding(ban: BanRow | None, time: int) -> BanRow | None:
    """Return the ban if there is one that has not run out at this time (Unix milliseconds)."""
    return ban if ban is not None and (not ban.until or ban.until > time) else None


def account_ban(state: State, account: int, time: int) -> BanRow | None:
    """Return the ban of an account that holds, if there is one."""
    return holding(state.bans.get(("account", str(account))), time)


def is_out(state: State, account: Account, key: str, time: int) -> bool:
    """Whether an account may do nothing, or not from the device with this key (hex, empty: any): banned, its name given free, the device removed.

    What was ordered behind that comes to nothing, though it was sent before.
    """
    if account.released or (key and key not in account.devices):
        return True
    return bool(state.bans and account_ban(state, account.number, time))


def key_ban(state: State, key: str, time: int) -> BanRow | None:
    """Return the ban of a key (hex) that holds, if there is one."""
    return holding(state.bans.get(("key", key)), time)


def owners_ban(state: State, key: str, time: int) -> BanRow | None:
    """Return a ban that holds of an account whose device has this key (hex), if there is one."""
    for (kind, subject), ban in state.bans.items():
        if kind == "account" and holding(ban, time) and key in state.accounts[int(subject)].devices:
            return ban
    return None


def bars(state: State, key: str, address: str, time: int) -> bool:
    """Whether a key (hex), or whoever connects from an address, is banned. An address that cannot be read is not."""
    if key_ban(state, key, time):
        return True
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if holding(state.bans.get(("address", str(ip))), time):
        return True
    around = state.banned_networks.around(ip)
    return any(holding(state.bans[("network", network)], time) for network in around)


@lru_cache(maxsize=4096)
def network_of(subject: str) -> Network:
    """Return the network that a ban names, an address being one of itself. Raises ValueError if it names none."""
    network = ip_network(subject.partition("%")[0], strict=False)
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        # An IPv4 address as sockets for both show it.
        first = network.network_address.ipv4_mapped
        return IPv4Network((first or 0, network.prefixlen - _MAPPED.prefixlen))
    return network


def canonical(kind: BanKind, subject: str) -> str:
    """Return what a ban names in the one form that is stored; a name stays as it is. Raises ValueError, with a text for people, if it names nothing."""
    match kind:
        case "account":
            return subject
        case "key":
            key = subject.strip().lower()
            if not _KEY.fullmatch(key):
                raise ValueError(f"a key is {2 * KEY_BYTES} hex digits")
            return key
        case "address" | "network":
            try:
                network = network_of(subject.strip())
            except ValueError as error:
                raise ValueError(f"that is no {kind}: {error}") from None
            is_one = network.num_addresses == 1
            if kind == "address" and not is_one:
                raise ValueError(f"{network} is a network: ban it as one")
            return str(network.network_address) if kind == "address" else str(network)
        case _:
            assert_never(kind)


def told(ban: BanRow) -> str:
    """Return what somebody whom a ban keeps out is told."""
    until = f"until {at(ban.until)}" if ban.until else "from this chat"
    return f"you are banned {until}{f': {ban.reason}' if ban.reason else ''}"


def set_ban(state: State, batch: Batch, key: BanKey, ban: BanRow | None) -> None:
    """Let a ban hold from now on; None: lift it."""
    batch.changes.bans[key] = ban
    kind, subject = key
    if ban is None:
        del state.bans[key]
        if kind == "network":
            state.banned_networks.remove(subject)
    else:
        state.bans[key] = ban
        if kind == "network":
            state.banned_networks.add(subject)
