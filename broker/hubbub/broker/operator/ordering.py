"""What the operator's commands order of a running broker: each orders, and prints what came of it once that is on disk."""

import io
import shlex
import shutil
import sys
from pathlib import Path
from typing import Final

import click
import msgspec
import segno

from hubbub.broker.core.orders import LinkFor, Release, SetBot
from hubbub.broker.joining import join_addresses
from hubbub.broker.operator import requests as r
from hubbub.broker.operator.asking import ASKED, Broker, running
from hubbub.broker.operator.printing import as_json, fields, shown
from hubbub.broker.phrases import counted, moment
from hubbub.common.addresses import parse
from hubbub.common.commands import Ban, Kick, Lockdown, MakeInvite, Mute, SetRole, Unban
from hubbub.common.durations import spell
from hubbub.common.fields import LockdownLevel, RoleName
from hubbub.common.limits import RESTRAINT_SECONDS
from hubbub.common.links import JoinLink
from hubbub.common.names import LOBBY, fold
from hubbub.common.replies import Done, InviteMade, LinkMade
from hubbub.common.subjects import typed_subject

_QUIET_MODULES: Final = 2
"""The light margin of a QR code: half of what the standard asks for, and enough for today's cameras."""


def _done(broker: Broker, order: r.AnyRequest, said: str, *, json: bool) -> None:
    """Order, and say what was done. Programs read the order as it was carried out, beside `done`."""
    broker.ask(order, Done)
    if json:
        as_json({"done": True, **fields(order)})
    else:
        click.echo(shown(said))


def invite(data: Path, uses: int, days: int, *, qr: bool, json: bool) -> None:
    """Make an invite, and print its code and the links that hold it."""
    with running(data) as broker:
        made = broker.ask(MakeInvite(ASKED, uses, days * 24 * 3600), InviteMade)
        links = _links(broker, made.code)
    told = f"lets {counted(made.uses, 'newcomer', 'newcomers')} in until {moment(made.expires)}."
    if json:
        as_json({"code": made.code, "uses": made.uses, "expires": made.expires, "links": links})
    else:
        _print_code(made.code, links, told, qr=qr)


def link(data: Path, name: str, *, qr: bool, json: bool) -> None:
    """Make a code by which another device may use a name, and print it and the links that hold it."""
    with running(data) as broker:
        made = broker.ask(LinkFor(ASKED, name), LinkMade)
        links = _links(broker, made.code)
    told = f"lets one more device in as {name}, once, within {spell(made.seconds)}."
    if json:
        as_json({"code": made.code, "seconds": made.seconds, "links": links})
    else:
        _print_code(made.code, links, told, qr=qr)


def _links(broker: Broker, code: str) -> list[str]:
    """Return join links with a code, by the addresses under which others reach the broker, the likeliest first."""
    place = broker.ask(r.FindPlace(ASKED), r.Place)
    advertised = parse(place.advertised) if place.advertised else None
    addresses = join_addresses(parse(place.address), advertised)
    return [str(JoinLink(address, place.key, code)) for address in addresses]


def _print_code(code: str, links: list[str], told: str, *, qr: bool) -> None:
    click.echo(f"The code {code} {shown(told)}")
    if links:
        what = "this join link" if len(links) == 1 else "these join links, one for each address"
        click.echo(f"It is in {what}:")
        for each in links:
            click.echo(f"    hubbub chat {shlex.quote(each)}")
    if qr and links:
        _draw(links[0])


def _draw(link: str) -> None:
    """Print a link as a QR code, or, where the terminal has too few columns for it, a line that says so."""
    code = segno.make(link, error="l", micro=False)
    width, _ = code.symbol_size(border=_QUIET_MODULES)
    columns = shutil.get_terminal_size((sys.maxsize, 24)).columns  # of a pipe: enough
    if width > columns:
        click.echo(f"The QR code needs {width} columns, and this terminal has {columns}: widen it.")
        return
    drawn = io.StringIO()
    code.terminal(drawn, border=_QUIET_MODULES, compact=True)
    click.echo(drawn.getvalue().rstrip("\n"))


def role(data: Path, name: str, role: str, room: str, *, json: bool) -> None:
    """Give somebody a role, in a room or in the whole chat."""
    with running(data) as broker:
        order = SetRole(
            ASKED, name, msgspec.convert(role, RoleName), broker.room_id(room) if room else None
        )
        _done(broker, order, f"{name} is {role} {_where(room)} now.", json=json)


def _where(room: str) -> str:
    """Return where a role holds, or one is put out: in the lobby that is the whole chat."""
    return f"of {room}" if room and fold(room) != LOBBY else "of the chat"


def release(data: Path, name: str, *, yes: bool, json: bool) -> None:
    """Give a name free, after asking."""
    with running(data) as broker:
        found = broker.user(name)
        if not yes:
            lost = f"{counted(len(found.devices), 'device', 'devices')} and {counted(len(found.rooms), 'room', 'rooms')}"
            click.confirm(
                f"{shown(found.user.name)} loses {lost}, and anybody may take the name. Release it?",
                abort=True,
                err=True,
            )
        _done(broker, Release(ASKED, name), f"The name {found.user.name} is free.", json=json)


def bot(data: Path, name: str, is_bot: bool, *, json: bool) -> None:
    """Say whether an account is a program's."""
    said = f"{name} is {'a bot' if is_bot else 'a person'} now."
    with running(data) as broker:
        _done(broker, SetBot(ASKED, name, is_bot), said, json=json)


def kick(data: Path, name: str, room: str, seconds: int, reason: str, *, json: bool) -> None:
    """Put somebody out of a room or of the chat."""
    barred = f", and stays out for {spell(seconds)}" if seconds else ""
    with running(data) as broker:
        order = Kick(ASKED, name, broker.room_id(room) if room else None, seconds, reason)
        _done(broker, order, f"{name} is out {_where(room)}{barred}.", json=json)


def mute(data: Path, name: str, room: str, seconds: int, reason: str, *, json: bool) -> None:
    """Let somebody read a room and say nothing there; 0 seconds: until they are unmuted."""
    how_long = f"for {spell(seconds)}" if seconds else "until unmuted"
    with running(data) as broker:
        order = Mute(ASKED, broker.room_id(room), name, seconds or RESTRAINT_SECONDS, reason)
        _done(broker, order, f"{name} is muted in {room} {how_long}.", json=json)


def unmute(data: Path, name: str, room: str, *, json: bool) -> None:
    """Let somebody speak again."""
    with running(data) as broker:
        order = Mute(ASKED, broker.room_id(room), name, 0)
        _done(broker, order, f"{name} may speak in {room} again.", json=json)


def ban(data: Path, subject: str, seconds: int, reason: str, *, json: bool) -> None:
    """Keep a person, a key, an address or a network out of the chat."""
    kind, whom = typed_subject(subject)
    how_long = f"for {spell(seconds)}" if seconds else "until the ban is lifted"
    with running(data) as broker:
        order = Ban(ASKED, kind, whom, seconds, reason)
        _done(broker, order, f"The {kind} {whom} is banned {how_long}.", json=json)


def unban(data: Path, subject: str, *, json: bool) -> None:
    """Lift a ban."""
    kind, whom = typed_subject(subject)
    with running(data) as broker:
        order = Unban(ASKED, kind, whom)
        _done(broker, order, f"The {kind} {whom} is banned no longer.", json=json)


def lockdown(data: Path, level: str | None, *, json: bool) -> None:
    """Say who may come and speak from now on; None: print who may."""
    with running(data) as broker:
        if level is not None:
            order = Lockdown(ASKED, msgspec.convert(level, LockdownLevel))
            _done(broker, order, f"The lockdown is {level} now.", json=json)
            return
        holds = broker.ask(r.ReadStats(ASKED), r.Stats).lockdown
    if json:
        as_json({"level": holds})
    else:
        click.echo(f"The lockdown is {holds}.")
