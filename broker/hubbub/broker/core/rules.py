"""The tables of the core: which command is legal in which state of a session, and what carries it out.

A command that is absent from its state's row is the client's error. To add a command: its struct in `hubbub.common.commands`, one row here, its
handler in `handlers/`, its line in PROTOCOL.md, its test.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.budgets import Kind, Price
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context
from hubbub.broker.core.effects import Effect
from hubbub.broker.core.handlers import (
    bans,
    connection,
    devices,
    history,
    invites,
    lockdown,
    login,
    markers,
    membership,
    messages,
    moderation,
    passwords,
    people,
    roles,
    rooms,
    settings,
    upkeep,
)
from hubbub.broker.core.orders import LinkFor, Release, SetBot, SetPasswordHash
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account, State
from hubbub.common import commands as c
from hubbub.common.errors import WireError
from hubbub.common.replies import Reply


@dataclass(frozen=True, slots=True)
class WriteRow:
    """A command that becomes a record.

    `check` sees the command alone (shape, lengths); `apply` carries it out on the shared state and returns (log id, seq) of its event, or
    what seq it came to. Either refuses for good by a Refusal. `apply_more` is given a command that was just carried out and those behind it of its kind: it
    carries out as many of these as what allowed the first allows too, so that a run is checked once, and returns how many. `cost` is taken from the budget of posts.
    """

    check: Callable[[Any], Refusal | None]
    apply: Callable[[State, Batch, Account, Any, int], tuple[bytes, int] | Refusal]
    apply_more: Callable[[State, Batch, Account, Iterator[Any], int], int] | None = None
    cost: int = 1


@dataclass(frozen=True, slots=True)
class DecreeRow:
    """A command that becomes a `Decree`.

    `check` sees the order alone; `apply` carries it out on the shared state, for the actor or (None) the operator, and returns the reply, None for `done`. Either
    refuses by a Refusal. Carried out again it does nothing more, but for what PROTOCOL.md lists under “Orders”. `cost` is taken from the budget of queries.
    """

    check: Callable[[Any], Refusal | None]
    apply: Callable[[State, Batch, Account | None, Any, Decree], Reply | Refusal | None]
    cost: int = 5


@dataclass(frozen=True, slots=True)
class QueryRow:
    """A command that is answered. `answer` does so, or begins something whose end does; `cost` is taken from the budget `kind`."""

    answer: Callable[[Context, Session, Any, Now], list[Effect]]
    cost: int = 1
    kind: Kind = Kind.QUERIES


WRITES: Final[dict[type[c.Command], WriteRow]] = {
    c.Post: WriteRow(messages.check_message, messages.apply_post, messages.apply_more_posts),
    c.Tell: WriteRow(messages.check_message, messages.apply_tell),
    c.Create: WriteRow(rooms.check_create, rooms.apply_create, cost=5),
    c.Join: WriteRow(rooms.check_join, rooms.apply_join, cost=2),
    c.Leave: WriteRow(rooms.check_leave, rooms.apply_leave, cost=2),
    c.Mark: WriteRow(markers.check_mark, markers.apply_mark),
    c.Skip: WriteRow(messages.check_skip, messages.apply_skip),
}

DECREES: Final[dict[type[c.Order], DecreeRow]] = {
    c.Invite: DecreeRow(membership.check_nothing, membership.apply_invite),
    c.Add: DecreeRow(membership.check_nothing, membership.apply_add),
    c.Kick: DecreeRow(moderation.check_reason, moderation.apply_kick),
    c.Mute: DecreeRow(moderation.check_reason, moderation.apply_mute),
    c.SetRole: DecreeRow(roles.check_set_role, roles.apply_set_role),
    c.Configure: DecreeRow(settings.check_configure, settings.apply_configure),
    c.Ban: DecreeRow(bans.check_ban, bans.apply_ban),
    c.Unban: DecreeRow(bans.check_unban, bans.apply_unban),
    c.RemoveDevice: DecreeRow(devices.check_remove_device, devices.apply_remove_device),
    c.MakeInvite: DecreeRow(invites.check_make_invite, invites.apply_make_invite),
    c.Lockdown: DecreeRow(lockdown.check_lockdown, lockdown.apply_lockdown),
}

OPERATORS: Final[dict[type[c.Order], DecreeRow]] = {
    SetPasswordHash: DecreeRow(passwords.check_hash, passwords.apply_hash),
    LinkFor: DecreeRow(upkeep.check_upkeep, upkeep.apply_link_for),
    Release: DecreeRow(upkeep.check_upkeep, upkeep.apply_release),
    SetBot: DecreeRow(upkeep.check_upkeep, upkeep.apply_set_bot),
}
"""The orders of `core.orders`: no session may give them."""

QUERIES: Final[dict[type[c.Command], QueryRow]] = {
    c.Hello: QueryRow(connection.hello),
    c.Login: QueryRow(login.login, cost=10),
    c.Logout: QueryRow(connection.logout),
    c.Ping: QueryRow(connection.ping),
    c.Rooms: QueryRow(rooms.list_rooms, kind=Kind.PAGES),
    c.Members: QueryRow(rooms.list_members, kind=Kind.PAGES),
    c.Who: QueryRow(people.who, cost=2),
    c.Whois: QueryRow(people.whois),
    c.Away: QueryRow(people.away),
    c.History: QueryRow(history.history, kind=Kind.PAGES),
    c.SetPassword: QueryRow(passwords.set_password, cost=10),
    c.Link: QueryRow(devices.link),
    c.Devices: QueryRow(devices.devices, cost=2),
    c.Bans: QueryRow(bans.list_bans, kind=Kind.PAGES),
}

PRICES: Final[dict[type[c.Command | WireError], Price]] = {
    WireError: Price(Kind.QUERIES),
    **{kind: Price(Kind.POSTS, row.cost) for kind, row in WRITES.items()},
    **{kind: Price(Kind.QUERIES, row.cost) for kind, row in DECREES.items()},
    **{kind: Price(row.kind, row.cost) for kind, row in QUERIES.items()},
}
"""What each command costs; one that cannot be read is answered, too."""

LEGAL: Final[dict[SessionState, frozenset[type[c.Command]]]] = {
    SessionState.NEW: frozenset({c.Hello, c.Ping}),
    SessionState.GREETED: frozenset({c.Hello, c.Ping, c.Login}),
    SessionState.CHECKING: frozenset({c.Hello, c.Ping}),
    SessionState.REGISTERING: frozenset({c.Hello, c.Ping}),
    SessionState.LIVE: frozenset({*WRITES, *QUERIES, *DECREES} - {c.Login}),
    SessionState.LEAVING: frozenset({c.Hello}),
}
