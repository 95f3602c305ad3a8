"""The part of an audit that looks at who may come in and do what: devices, roles, bans, invites, lockdown. No digest covers them, so their form is checked, and whom they refer to."""

from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass
from typing import Any

from hubbub.broker.core.roles import ROLE_NAMES
from hubbub.broker.store.findings import Fault, shown
from hubbub.broker.store.rows import LEVELS, is_key, is_subject

Table = Callable[[str, str], list[tuple[Any, ...]]]
"""Returns what can be read of a table: these columns."""


@dataclass(frozen=True, slots=True)
class People:
    """All accounts: their names by number, and those whose names were given free."""

    names: Mapping[int, str]
    released: Set[int]


def whose(number: int, names: Mapping[int, str]) -> str:
    """Return an account in words."""
    return f"account {number}, {shown(names[number])}" if number in names else f"account {number}"


def rights_faults(table: Table, people: People) -> Iterator[Fault]:
    """Yield what nothing could have written."""
    yield from _devices(table("devices", "account, device, key"), people)
    yield from _roles(table, people)
    for kind, subject, by in table("bans", "kind, subject, by"):
        where = f"ban of {shown(kind)} {shown(subject)}"
        if not is_subject(kind, subject, people.names):
            yield Fault(where, None, "it is of nobody")
        yield from _author(where, by, people)
    for (by,) in table("invites", "by"):
        yield from _author("an invite", by, people)
    for (level,) in table("meta", "lockdown"):
        if level not in LEVELS:
            yield Fault("lockdown", None, f"there is none called {shown(level)}")
    for name, creator in table("rooms", "name, creator"):
        yield from _author(f"room {shown(name)}", creator, people)
    if sum(audit for (audit,) in table("rooms", "audit")) > 1:
        yield Fault("table rooms", None, "there are several audit rooms")


def _devices(rows: list[tuple[Any, ...]], people: People) -> Iterator[Fault]:
    seen: set[tuple[int, str]] = set()
    for account, device, key in rows:
        where = f"device {device} of {whose(account, people.names)}"
        if not is_key(key):
            yield Fault(where, None, "its key is not what was written")
        elif (account, key) in seen:
            yield Fault(where, None, "another one has the same key")
        elif account in people.released:
            yield Fault(where, None, "the name was released")
        seen.add((account, key))


def _roles(table: Table, people: People) -> Iterator[Fault]:
    for account, role in table("accounts", "account, role"):
        if role not in ROLE_NAMES:
            yield Fault(whose(account, people.names), None, f"there is no role {role}")
    for room, account, role in table("members", "room, account, role"):
        if role not in ROLE_NAMES:
            where = f"{whose(account, people.names)}, in room number {room}"
            yield Fault(where, None, f"there is no role {role}")


def _author(where: str, by: int, people: People) -> Iterator[Fault]:
    if by and by not in people.names:
        yield Fault(where, None, f"it is by account {by}, that is not there")
