"""What a row may say, where SQLite knows its type only: a key, a ban's subject, a folded name.

`writes` makes them so, `checks` refuses the first that is otherwise, `audit` names each.
"""

from collections.abc import Container
from ipaddress import ip_address, ip_network
from typing import Final, get_args

from hubbub.common.fields import LockdownLevel
from hubbub.common.limits import KEY_BYTES
from hubbub.common.names import fold

LEVELS: Final[frozenset[str]] = frozenset(get_args(LockdownLevel))
_HEX: Final = frozenset("0123456789abcdef")


def stored_fold(account: int, name: str, released: int) -> str:
    """Return what stands in `accounts.fold`. No name has a #, so the one of a name that was released stands in nobody's way."""
    return f"{fold(name)}#{account}" if released else fold(name)


def is_key(key: str) -> bool:
    """Whether it is a device key as it is stored: in lower-case hex."""
    return len(key) == 2 * KEY_BYTES and _HEX.issuperset(key)


def is_subject(kind: str, subject: str, accounts: Container[int]) -> bool:
    """Whether a ban of this kind names something, in the one form in which it is looked up: the number of one of these accounts, a key, an address, a network."""
    try:
        match kind:
            case "account":
                return str(int(subject)) == subject and int(subject) in accounts
            case "key":
                return is_key(subject)
            case "address":
                return str(ip_address(subject)) == subject
            case "network":
                return str(ip_network(subject)) == subject
    except ValueError:
        pass
    return False
