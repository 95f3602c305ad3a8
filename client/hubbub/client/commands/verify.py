"""`hubbub verify`: proof that what this client holds of its rooms is what the broker keeps."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import click

from hubbub.client.commands import options
from hubbub.client.home import Home
from hubbub.client.line.screen import harmless
from hubbub.client.results import Verification
from hubbub.common.addresses import DEFAULT_HOST, DEFAULT_PORT, Address
from hubbub.common.errors import HubbubError
from hubbub.common.links import Place, address_of

_EPILOG: Final = """\b
Examples:
  hubbub verify                     all your rooms, and the private messages
  hubbub verify lobby dev
  hubbub verify lobby --broker chat.example.org --name Alice

Exit codes: 0 the broker agrees; 1 it does not, or could not be asked."""

PRIVATE: Final = "private messages"


class NobodyNamed(HubbubError):
    """As whom is not known."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("rooms", metavar="[ROOM]...", nargs=-1)
@click.option(
    "--broker",
    "place",
    metavar="ADDRESS",
    type=options.PLACE,
    help="Default: the broker that you visited last.",
)
@click.option("--name", metavar="NAME", help="Default: the name that you used there last.")
@options.as_json
@options.home
@options.insecure
def verify(
    rooms: tuple[str, ...],
    place: Place | None,
    name: str | None,
    as_json: bool,
    home: Path | None,
    insecure: bool,
) -> None:
    """Prove that nothing is missing or changed.

    Each room is read from its first entry to its last, and the digests of broker and client are compared along it. People whose rooms show the
    same epoch, entries and digest hold the same messages in the same order.
    """
    from hubbub.client.client import Client  # noqa: PLC0415 - loads ZeroMQ's threads

    folder = Home(home)
    place = place or _last_place(folder)
    name = name or folder.last_name(address_of(place))
    if not name:
        raise NobodyNamed(f"you have not been at {address_of(place)}: say as whom, --name NAME")
    with Client(place, name=name, home=home, insecure=insecure) as client:
        everything = [marker.room for marker in client.markers()]
        found = [client.verify(room) for room in (rooms or everything)]
    if as_json:
        click.echo(json.dumps([_facts(it) for it in found]))
    else:
        _print(found)
    if not all(it.agrees for it in found):
        sys.exit(1)


def _last_place(folder: Home) -> Place:
    known = folder.brokers()
    return known[0].address if known else Address(DEFAULT_HOST, DEFAULT_PORT)


def _print(found: list[Verification]) -> None:
    click.echo(f"epoch {found[0].epoch.hex()}")
    for it in found:
        verdict = (
            "the broker agrees"
            if it.agrees
            else f"DIFFERS from entry {it.differs_at} on: something was lost or changed"
        )
        entries = f"entries {it.first:,} to {it.last:,} ({it.count:,})" if it.count else "no entry"
        click.echo(harmless(f"{it.room or PRIVATE}: {entries}"))
        click.echo(f"  digest {it.digest.hex()}, {verdict}")


def _facts(it: Verification) -> dict[str, Any]:
    return {
        "room": it.room,
        "epoch": it.epoch.hex(),
        "first": it.first,
        "last": it.last,
        "count": it.count,
        "digest": it.digest.hex(),
        "agrees": it.agrees,
        "differs_at": it.differs_at,
    }
