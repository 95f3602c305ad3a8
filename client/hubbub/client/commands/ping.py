"""`hubbub ping`: whether a broker is well, for a person and for what watches over it."""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import click

from hubbub.client.commands import options
from hubbub.client.errors import HomeUnusable
from hubbub.client.home import Home
from hubbub.client.line.screen import harmless
from hubbub.client.ping import PING_SECONDS, Health, check
from hubbub.common.addresses import Address
from hubbub.common.errors import HubbubError
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink, Place, address_of

_EPILOG: Final = """\b
Examples:
  hubbub ping 127.0.0.1:5000
  hubbub ping chat.example.org --timeout 1 --quiet || echo "the chat is down"

Exit codes: 0 the broker is well; 1 it is not, and stderr says why."""


class _Seconds(click.FloatRange):
    """A range of which NaN is no part."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        seconds = super().convert(value, param, ctx)
        if math.isnan(seconds):
            self.fail(f"{value} is no number", param, ctx)
        return seconds


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("place", metavar="ADDRESS", type=options.PLACE)
@click.option(
    "--timeout",
    metavar="SECONDS",
    type=_Seconds(0.1, 60),
    default=PING_SECONDS,
    help="How long the broker may take to answer all of it. Default: 3.",
)
@options.as_json
@click.option("--quiet", "-q", is_flag=True, help="Print nothing if the broker is well.")
@options.home
@options.insecure
def ping(
    place: Place, timeout: float, as_json: bool, quiet: bool, home: Path | None, insecure: bool
) -> None:
    """Ask a broker how it is.

    First its door is asked for its key; a key other than the one known here is an error. Then a client's encrypted connection is made, and
    the broker greeted. Nothing is written, neither here nor there, and no key of yours is used: it works without a home folder.

    `door` is the time to connect to the door and hear the key, `connect` that until the encrypted connection stood, `hello` that of a question and
    its answer on it.
    """
    address = address_of(place)
    try:
        pinned = _pinned(home, address)
        health = check(place, pinned, insecure=insecure, timeout=timeout)
    except HubbubError as error:
        if not as_json:
            raise
        click.echo(json.dumps({"healthy": False, "address": str(address), "error": str(error)}))
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(_facts(health, pinned=pinned is not None)))
    elif not quiet:
        for name, value in _lines(health, _trust(place, pinned), insecure=insecure):
            click.echo(f"{name:8}  {harmless(value)}")


def _facts(health: Health, *, pinned: bool) -> dict[str, Any]:
    return {
        "healthy": True,
        "address": str(health.address),
        "broker": health.broker,
        "software": health.software,
        "protocol": health.protocol,
        "fingerprint": fingerprint(health.key),
        "pinned": pinned,
        "door_ms": _milliseconds(health.door),
        "connect_ms": _milliseconds(health.connecting),
        "hello_ms": _milliseconds(health.hello),
    }


def _lines(health: Health, trust: str, *, insecure: bool) -> Iterator[tuple[str, str]]:
    # No wider than 40 columns.
    yield "address", str(health.address)
    yield "broker", health.broker
    yield "software", health.software or "not told"
    yield "protocol", str(health.protocol)
    yield "key", fingerprint(health.key)
    yield "trust", trust
    yield "door", f"{_milliseconds(health.door)} ms"
    yield "connect", f"{_milliseconds(health.connecting)} ms, {'NOT ' if insecure else ''}encrypted"
    yield "hello", f"{_milliseconds(health.hello)} ms"


def _trust(place: Place, pinned: bytes | None) -> str:
    if pinned is not None:
        return "the key is pinned here"
    return "the key of the link" if isinstance(place, JoinLink) else "not known here"


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def _pinned(home: Path | None, address: Address) -> bytes | None:
    try:
        folder = Home(home)
    except HomeUnusable:  # a user without any, as in a container
        return None
    return folder.pinned(address)
