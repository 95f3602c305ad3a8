"""What others must type to join a broker, as it is printed at its start."""

import shlex
from typing import Final

from hubbub.broker.core.clock import at
from hubbub.broker.entries import Entry
from hubbub.broker.interfaces import own_addresses, usable
from hubbub.common.addresses import Address
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink
from hubbub.common.replies import InviteMade

MOST_SHOWN: Final = 4
"""Addresses; a machine may have dozens."""
FIRST_USES: Final = 25
"""Newcomers whom the first invite lets in: a class, a team."""
FIRST_SECONDS: Final = 7 * 24 * 3600


def join_addresses(bound: Address, advertised: Address | None) -> list[Address]:
    """Return under which addresses others join, the likeliest first; none if the broker listens on all of the machine's, and it has none."""
    if advertised is not None or not bound.is_wildcard:
        return [advertised or bound]
    addresses = [ip for ip in usable(bound, own_addresses()) if not ip.is_link_local]
    return [Address(str(ip), bound.port) for ip in addresses[:MOST_SHOWN]]


def invitation(addresses: list[Address], key: bytes) -> Entry:
    """Return the log entry that tells how to join, over several lines: nothing in it is secret."""
    links = [JoinLink(address, key) for address in addresses]
    if addresses:
        lines = [
            "Others join with" + (" one of" if len(addresses) > 1 else ""),
            *map(_command, addresses),
            "or, sure to meet this broker and no other, with its join link",
            _command(links[0]),
            "Without the link they compare its fingerprint",
        ]
    else:
        lines = [
            "Nobody else can join yet: this machine has no address on a network, or none that it listens on.",
            "The fingerprint by which others know this broker is",
        ]
    text = "\n".join(["", *lines, "    {fingerprint}", ""])
    return Entry(
        "invitation",
        text,
        addresses=[str(address) for address in addresses],
        links=[str(link) for link in links],
        fingerprint=fingerprint(key),
    )


def first_invite(addresses: list[Address], key: bytes, made: InviteMade) -> str:
    """Return what the operator is shown, once, of the invite that a new broker begins with. A secret, so no log entry."""
    code = f"    {made.code}"
    shown = _command(JoinLink(addresses[0], key, made.code)) if addresses else code
    text = f"The first {made.uses} newcomers join, until {at(made.expires)}, with this invite,\nwhich is not shown again"
    return f"{text}\n{shown}\n"


def _command(place: Address | JoinLink) -> str:
    # Quoted, since some shells take the brackets of IPv6 for a pattern.
    return f"    hubbub chat {shlex.quote(str(place))}"
