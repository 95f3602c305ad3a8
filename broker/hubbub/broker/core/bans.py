"""Bans: who is kept out of the whole chat, by account, key, address or network, and until when."""

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from hubbub.broker.core.changes import BanKey, BanRow
from hubbub.broker.core.state import State


def holding(ban: BanRow | None, time: int) -> BanRow | None:
    """Return the ban if there is one that has not run out at this time (Unix milliseconds)."""
    return ban if ban is not None and (not ban.until or ban.until > time) else None


def account_ban(state: State, account: int, time: int) -> BanRow | None:
    """Return the ban of an account that holds, if there is one."""
    return holding(state.bans.get(("account", str(account))), time)


def bars(state: State, key: str, address: str, time: int) -> bool:
    """Whether a key (hex), or whoever connects from an address, is banned. An address that cannot be read is not."""
    if holding(state.bans.get(("key", key)), time):
        return True
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if holding(state.bans.get(("address", str(ip))), time):
        return True
    return any(
        holding(ban, time) and ip in network_of(subject)
        for (kind, subject), ban in state.bans.items()
        if kind == "network"
    )


def network_of(subject: str) -> IPv4Network | IPv6Network:
    """Return the network that a ban names. Raises ValueError if it names none."""
    return ip_network(subject)


def network_to_cut(key: BanKey) -> str | None:
    """Return the address or network whose connections a ban ends."""
    kind, subject = key
    return subject if kind in ("address", "network") else None
