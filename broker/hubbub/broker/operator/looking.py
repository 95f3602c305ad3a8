"""What the operator's commands show of a running broker: each asks, and prints for people or for programs."""

import time
from collections.abc import Iterable
from datetime import timedelta
from operator import attrgetter
from pathlib import Path
from typing import Final

import click

from hubbub.broker.operator import requests as r
from hubbub.broker.operator.asking import ASKED, Broker, running
from hubbub.broker.operator.printing import (
    NOTHING,
    as_json,
    facts,
    fields,
    shown,
    table,
    until,
    when,
    yes,
)
from hubbub.broker.phrases import counted, moment
from hubbub.common.durations import spell
from hubbub.common.limits import MIB
from hubbub.common.names import fold
from hubbub.common.replies import BanInfo

LOOK_SECONDS: Final = 0.5
"""How often `audit --follow` asks what is new."""


def users(data: Path, *, json: bool) -> None:
    """List all accounts by name."""
    with running(data) as broker:
        found = sorted(broker.users(), key=lambda user: fold(user.name))
    if json:
        as_json(found)
        return
    heads = ("name", "role", "online", "last login", "devices", "password", "notes")
    rows = [
        (
            user.name,
            user.role,
            yes(user.online),
            when(user.used),
            user.devices,
            yes(user.has_password),
            ", ".join(_notes(user)),
        )
        for user in found
    ]
    table(heads, rows, "Nobody has taken a name yet.")


def _notes(user: r.User) -> Iterable[str]:
    if user.banned:
        yield f"banned {until(user.banned_until)}"
    if user.muted:
        yield f"muted in {', '.join(user.muted)}"
    if user.is_bot:
        yield "bot"
    if user.invited:
        yield "invited"


def user(data: Path, name: str, *, json: bool) -> None:
    """Show one account, with its devices and rooms."""
    with running(data) as broker:
        found = broker.user(name)
    if json:
        as_json({**fields(found.user), "keys": found.devices, "rooms": found.rooms})
        return
    user = found.user
    facts(
        [
            ("name", user.name),
            ("role", user.role),
            ("online", "yes" if user.online else "no"),
            ("last login", when(user.used)),
            ("since", moment(user.created)),
            ("password", "yes" if user.has_password else "no"),
            ("notes", ", ".join(_notes(user)) or NOTHING),
            ("rooms", ", ".join(found.rooms)),
        ]
    )
    click.echo()
    heads = ("device", "label", "fingerprint", "added", "last login", "online")
    rows = [
        (
            device.device,
            device.label or NOTHING,
            device.fingerprint,
            moment(device.added),
            when(device.used),
            yes(device.online),
        )
        for device in found.devices
    ]
    table(heads, rows, "No device may use this name.")


def rooms(data: Path, *, json: bool) -> None:
    """List all rooms by name, the private ones too."""
    with running(data) as broker:
        found = sorted(broker.rooms(), key=lambda room: fold(room.name))
    if json:
        as_json(found)
        return
    rows = [
        (
            room.name,
            room.members,
            room.events,
            moment(room.created),
            ", ".join(_settings(room)) or NOTHING,
            room.description,
        )
        for room in found
    ]
    table(("name", "members", "events", "created", "settings", "description"), rows, "")


def _settings(room: r.Room) -> Iterable[str]:
    if room.private:
        yield "private"
    if room.read_only:
        yield "read-only"
    if room.history == "since_joined":
        yield "history since joined"
    if room.slow:
        yield f"slow ({spell(room.slow)})"


def invites(data: Path, *, json: bool) -> None:
    """List the invites that are good still, the one that ends first on top."""
    with running(data) as broker:
        found = sorted(broker.invites(), key=attrgetter("expires"))
    if json:
        as_json(found)
        return
    rows = [
        (invite.uses, moment(invite.expires), moment(invite.created), invite.by or "the operator")
        for invite in found
    ]
    table(("uses left", "until", "made", "by"), rows, "No invite is good still.")


def bans(data: Path, *, json: bool) -> None:
    """List the bans that hold, the latest at the end."""
    with running(data) as broker:
        found: list[BanInfo] = sorted(broker.bans(), key=attrgetter("created"))
    if json:
        as_json(found)
        return
    rows = [
        (
            ban.kind,
            ban.subject,
            moment(ban.created),
            moment(ban.until) if ban.until else "lifted",
            ban.by or "the operator",
            ban.reason or NOTHING,
        )
        for ban in found
    ]
    table(("kind", "whom", "since", "until", "by", "reason"), rows, "Nobody is banned.")


def audit(data: Path, last: int, *, follow: bool, json: bool) -> None:
    """Print the last entries of the audit room, oldest first; then, to `follow`, each new one until somebody stops it."""
    with running(data) as broker:
        entries = _last(broker, last)
        for entry in entries:
            _print_entry(entry, json=json)
        if last and not entries and not follow and not json:
            click.echo("No power was used yet.")
        seen = entries[-1].seq if entries else _end(broker)
        while follow:
            page = broker.ask(r.ReadAudit(ASKED, after=seen), r.Audit)
            for entry in page.entries:
                _print_entry(entry, json=json)
            seen = max(seen, page.last)
            if not page.more:
                time.sleep(LOOK_SECONDS)


def _last(broker: Broker, count: int) -> list[r.Entry]:
    """Return the last entries, oldest first."""
    found: list[r.Entry] = []
    before, more = None, True
    while more and len(found) < count:
        page = broker.ask(
            r.ReadAudit(ASKED, before=before, limit=min(count - len(found) + 1, r.AUDIT_ROWS)),
            r.Audit,
        )
        found = [*page.entries, *found]
        before, more = page.first, page.more
    return found[-count:] if count else []


def _end(broker: Broker) -> int:
    """Return the seq of the last event of the audit room, 0 if there is none."""
    return broker.ask(r.ReadAudit(ASKED, limit=1), r.Audit).last


def _print_entry(entry: r.Entry, *, json: bool) -> None:
    if json:
        as_json(entry)
        return
    words = [f"{moment(entry.time)}  {entry.by or 'the operator'}: {entry.action} {entry.subject}"]
    if entry.room:
        words.append(f"in {entry.room}")
    if entry.detail:
        words.append(f"({entry.detail})")
    if entry.until:
        words.append(f"until {moment(entry.until)}")
    if entry.reason:
        words.append(f"because {entry.reason!r}")
    click.echo(shown(" ".join(words)))


def stats(data: Path, *, json: bool) -> None:
    """Show how the broker is."""
    with running(data) as broker:
        found = broker.ask(r.ReadStats(ASKED), r.Stats)
        place = broker.ask(r.FindPlace(ASKED), r.Place)
    if json:
        where = {"address": place.address, "advertised": place.advertised}
        as_json({**where, **fields(found)})
        return
    waiting = f"{counted(found.waiting_records, 'record', 'records')} ({found.waiting_bytes / MIB:,.1f} MiB) to be written, {counted(found.waiting_pages, 'page', 'pages')} to be read"
    facts(
        [
            ("broker", f"{found.broker} ({found.software}), process {found.process}"),
            ("address", f"{place.address}{_also(place)}"),
            ("running for", str(timedelta(seconds=int(found.uptime)))),
            ("memory", f"{found.memory / MIB:,.1f} MiB" if found.memory else "not known here"),
            ("connections", f"{found.connections:,}"),
            ("sessions", f"{found.sessions:,}"),
            ("people", f"{found.users:,}, {found.online:,} of them online"),
            ("rooms", f"{found.rooms:,}, with {counted(found.events, 'event', 'events')}"),
            ("private messages", f"{found.private_messages:,}"),
            ("records", f"{found.records:,} carried out"),
            ("waiting", waiting),
            (
                "slowed down",
                f"{found.held_bytes / MIB:,.1f} MiB wait, {counted(found.slowed_down, 'frame', 'frames')} refused, {counted(found.flooded, 'session', 'sessions')} cut",
            ),
            (
                "turned away",
                f"{counted(found.turned_away, 'connection', 'connections')} too many, {counted(found.handshakes_refused, 'handshake', 'handshakes')} refused",
            ),
            ("store", "FAILED: writes are refused" if found.storage_failed else "works"),
            ("registration", found.registration),
            ("lockdown", found.lockdown),
            ("bans", f"{found.bans:,}"),
            ("invites", f"{found.invites:,}"),
        ]
    )


def _also(place: r.Place) -> str:
    return f", advertised as {place.advertised}" if place.advertised else ""
