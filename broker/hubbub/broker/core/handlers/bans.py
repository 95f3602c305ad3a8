"""Bans: keeping an account, a key, an address or a network out of the whole chat."""

from ipaddress import ip_network
from typing import Final

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.bans import Network, canonical, holding, network_of, set_ban, told
from hubbub.broker.core.batch import Batch, Expelled
from hubbub.broker.core.changes import BanKey, BanRow
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect
from hubbub.broker.core.handlers.reading import fetch
from hubbub.broker.core.naming import check_line, person
from hubbub.broker.core.permissions import Power, may, may_act_on
from hubbub.broker.core.reads import ReadBans
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.restraints import end_of, is_repeated
from hubbub.broker.core.roles import Role
from hubbub.broker.core.sessions import Session
from hubbub.broker.core.state import Account, State
from hubbub.common.commands import Ban, Bans, Order, Unban
from hubbub.common.errors import Code
from hubbub.common.limits import REASON_CHARACTERS

BANS_A_PAGE: Final = 200
"""With names and reasons at their bounds: 230 KiB, a frame's worth."""
LEAST_BITS: Final = {4: 8, 6: 19}
"""The largest networks that may be banned, by version of IP. No provider has a larger one: it would be a slip."""
_OWN: Final = tuple(map(ip_network, ("0.0.0.0/32", "127.0.0.0/8", "::/127")))
"""The broker's own machine: not given, and loopback."""
_EVERYWHERE: Final = frozenset({"0.0.0.0/0", "::/0"})


def check_ban(command: Ban) -> Refusal | None:
    """Refuse what cannot be banned, whoever wants it: the broker's own machine, half of the internet, what is no subject at all."""
    if refusal := check_line("a reason", command.reason, 4 * REASON_CHARACTERS):
        return refusal
    if refusal := check_unban(command):
        return refusal
    if command.kind not in ("address", "network"):
        return None
    network = network_of(canonical(command.kind, command.subject))
    if any(_overlap(network, own) for own in _OWN):
        return Refusal(Code.BAD_SUBJECT, f"{command.subject} is the broker's own machine")
    least = LEAST_BITS[network.version]
    if network.prefixlen < least:
        text = f"{network} is too large: a network to be banned is a /{least} at most"
        return Refusal(Code.BAD_SUBJECT, text)
    return None


def check_unban(command: Ban | Unban) -> Refusal | None:
    """Refuse what is no subject of its kind."""
    try:
        canonical(command.kind, command.subject)
    except ValueError as error:
        return Refusal(Code.BAD_SUBJECT, str(error))
    return None


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def spared(context: Context, session: Session, order: Order) -> frozenset[str]:
    """Return from which networks people are connected whom a ban by this session's person must not cut off: those of their own role or a higher one."""
    if session.account is None or not isinstance(order, Ban):
        return frozenset()
    if order.kind not in ("address", "network"):
        return frozenset()
    least = session.account.role
    if may(session.account, Power.BAN, least):
        return _EVERYWHERE  # looking at all sessions is work that not everybody may ask for
    return frozenset(
        other.peer.address
        for other in context.sessions
        if other.account is not None and other.account.role >= least
    ) - {""}


def apply_ban(
    state: State, batch: Batch, actor: Account | None, order: Ban, decree: Decree
) -> Refusal | None:
    """Keep somebody or something out, and end the sessions or connections that there are."""
    actors = actor.role if actor else Role.OWNER
    if refusal := may(actor, Power.BAN, actors):
        return refusal
    key = _key(state, order)
    if isinstance(key, Refusal):
        return key
    if refusal := _spares(state, actor, key, decree):
        return refusal
    until, ban = end_of(order.seconds, decree.time), holding(state.bans.get(key), decree.time)
    if ban is not None and ban.reason == order.reason and is_repeated(ban.until, until):
        return None
    row = BanRow(order.reason, actor.number if actor else 0, decree.time, until)
    set_ban(state, batch, key, row)
    kind, subject = key
    if kind == "account":
        batch.expelled.append(Expelled(int(subject), None, Code.BANNED, told(row)))
    elif kind == "key":
        batch.expelled.append(Expelled(None, subject, Code.BANNED, told(row)))
    else:
        batch.cut_off.append(subject)
    _note(state, batch, actor, "ban", key, decree.time, row)
    return None


def _key(state: State, order: Ban | Unban) -> BanKey | Refusal:
    """Return under what a ban is kept."""
    if order.kind != "account":
        return order.kind, canonical(order.kind, order.subject)
    account = person(state, order.subject)
    return account if isinstance(account, Refusal) else ("account", str(account.number))


def _spares(state: State, actor: Account | None, key: BanKey, decree: Decree) -> Refusal | None:
    """Refuse a ban of somebody whom the actor may not put out, or that would cut one of them off."""
    if actor is None:
        return None
    kind, subject = key
    if kind in ("address", "network"):
        banned = network_of(subject)
        if any(_overlap(banned, network_of(network)) for network in decree.spared):
            text = f"you are connected from {subject}, or somebody is whom you may not ban"
            return Refusal(Code.FORBIDDEN, text)
        return None
    accounts = state.accounts.values() if kind == "key" else [state.accounts[int(subject)]]
    refusals = (
        may_act_on(actor, account, actor.role, account.role)
        for account in accounts
        if kind == "account" or subject in account.devices
    )
    return next(filter(None, refusals), None)


def apply_unban(
    state: State, batch: Batch, actor: Account | None, order: Unban, decree: Decree
) -> Refusal | None:
    """Lift a ban, whoever's it is."""
    if refusal := may(actor, Power.BAN, actor.role if actor else Role.OWNER):
        return refusal
    key = _key(state, order)
    if isinstance(key, Refusal):
        return key
    if holding(state.bans.get(key), decree.time) is None:
        return Refusal(Code.UNKNOWN_BAN, f"no ban holds of the {order.kind} {order.subject}")
    set_ban(state, batch, key, None)
    _note(state, batch, actor, "unban", key, decree.time)
    return None


def _note(
    state: State,
    batch: Batch,
    actor: Account | None,
    action: str,
    key: BanKey,
    time: int,
    row: BanRow | None = None,
) -> None:
    kind, subject = key
    deed = Deed(
        action=action,
        subject=state.accounts[int(subject)].name if kind == "account" else subject,
        reason=row.reason if row else "",
        until=row.until if row else 0,
        detail=kind,
    )
    note(state, batch, actor, deed, time)


def list_bans(context: Context, session: Session, command: Bans, now: Now) -> list[Effect]:
    """Begin reading a page of the bans that hold, for whoever may ban."""
    assert session.account is not None, "bans is legal in a live session only"
    if refusal := may(session.account, Power.BAN, session.account.role):
        return refuse(session, command, refusal.code, refusal.text)
    return fetch(context, session, command, ReadBans(command.after, BANS_A_PAGE, now.wall))
