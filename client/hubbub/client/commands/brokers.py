"""`hubbub brokers` and `hubbub forget`: which brokers are known here, and which are on the local network."""

import json
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

from hubbub.client.announcements import Found
from hubbub.client.commands import options
from hubbub.client.discovery import find
from hubbub.client.errors import HomeUnusable
from hubbub.client.home import Home, KnownBroker
from hubbub.client.line.screen import harmless
from hubbub.common.addresses import Address
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import Place, address_of

SEARCH_SECONDS: Final = 1.0
"""Brokers answer within an eighth of a second, if the question is not lost."""


@click.command(context_settings=options.HELP)
@options.browse
@options.as_json
@options.home
def brokers(browse: bool, as_json: bool, home: Path | None) -> None:
    """List the brokers that you know, and those around.

    You know a broker when its key is pinned: you were shown its fingerprint, or had a join link. From then on another key at that address is
    refused. What is found on the network is what announces itself there, and anybody can: compare the fingerprint when you enter for the first
    time. Looking around takes a second; --no-browse spares it.
    """
    known = Home(home).brokers()
    found = find(SEARCH_SECONDS) if browse else []
    if as_json:
        click.echo(json.dumps({"known": [*map(_known, known)], "found": [*map(_found, found)]}))
        return
    if known:
        click.echo("Known here:")
        _table([(str(b.address), fingerprint(b.key), _remark(b)) for b in known])
    if found:
        click.echo("On the local network:")
        pins = {b.address: fingerprint(b.key) for b in known}
        _table([(str(b.address), b.fingerprint, caution(b, pins)) for b in found])
    if not known and not found:
        nothing = ", and none was found on the local network" if browse else ""
        click.echo(f"No broker is known here{nothing}.")


def _known(broker: KnownBroker) -> dict[str, str]:
    return {
        "address": str(broker.address),
        "fingerprint": fingerprint(broker.key),
        "since": _since(broker).isoformat(timespec="seconds"),
        "name": broker.name,
    }


def _found(broker: Found) -> dict[str, str]:
    return {
        "address": str(broker.address),
        "fingerprint": broker.fingerprint,
        "broker": broker.name,
    }


def _remark(broker: KnownBroker) -> str:
    remark = f"since {_since(broker):%Y-%m-%d}"
    return f"{remark}, as {broker.name}" if broker.name else remark


def caution(broker: Found, pins: Mapping[Address, str]) -> str:
    """Return what to know of a broker that was found: `pins` are the fingerprints of the known ones."""
    pin = pins.get(broker.address, "")
    if pin == broker.fingerprint:
        return f"{broker.name}, known here"
    return f"{broker.name}, NOT THE KEY KNOWN HERE" if pin else broker.name


def _since(broker: KnownBroker) -> datetime:
    return datetime.fromtimestamp(broker.since, UTC).astimezone()


def _table(rows: list[tuple[str, str, str]]) -> None:
    """Print the rows in columns, or each row as a paragraph if the terminal is too narrow."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    columns = shutil.get_terminal_size().columns
    is_terminal = sys.stdout is not None and sys.stdout.isatty()  # None: it was closed
    fits = not is_terminal or sum(widths) + 6 <= columns
    for row in rows:
        cells = [harmless(cell) for cell in row]
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        click.echo("  " + ("  ".join(padded).rstrip() if fits else "\n    ".join(cells)))


@click.command(context_settings=options.HELP)
@click.argument("place", metavar="ADDRESS", type=options.PLACE)
@options.home
def forget(place: Place, home: Path | None) -> None:
    """Trust the key of a broker no longer.

    ADDRESS is the broker's address, or a join link to it. The next `hubbub chat ADDRESS` shows the fingerprint of the key found there, as if it were
    the first time. Do this only if you know why the key has changed. `hubbub brokers` lists the brokers that you know.
    """
    address, folder = address_of(place), Home(home)
    key = _readable_pin(folder, address)
    if not folder.forget(address):
        click.echo(f"No broker at {address} was known.")
    elif key is None:
        click.echo(f"Forgot the broker at {address}.")
    else:
        click.echo(f"Forgot the broker at {address} with the fingerprint {fingerprint(key)}.")


def _readable_pin(folder: Home, address: Address) -> bytes | None:
    try:
        return folder.pinned(address)
    except HomeUnusable:  # what cannot be read is there to be forgotten
        return None
