"""Whom a ban is about, as people type it: a name, a key, an address or a network."""

import re
from ipaddress import ip_address, ip_network
from typing import Final

from hubbub.common.fields import BanKind
from hubbub.common.limits import KEY_BYTES

_KEY: Final = re.compile(rf"[0-9a-fA-F]{{{2 * KEY_BYTES}}}")

_ADDRESS_LIKE: Final = re.compile(r"[\d.]+|[\da-fA-F:]*:[\da-fA-F:]*")
"""No name with a slash behind it: none has one."""


def typed_subject(text: str) -> tuple[BanKind, str]:
    """Return what is meant by what was typed, and the subject. `@NAME` is a name, also of somebody who is called like an address; nothing is checked."""
    if text.startswith("@"):
        return "account", text[1:]
    if _KEY.fullmatch(text):
        return "key", text.lower()
    try:
        return "address", str(ip_address(text))
    except ValueError:
        pass
    host, slash, _ = text.partition("/")
    try:
        return "network", str(ip_network(text, strict=False))
    except ValueError:
        is_meant = slash and _ADDRESS_LIKE.fullmatch(host)  # the broker says what is wrong with it
    return ("network" if is_meant else "account"), text
