"""`hubbub-broker rooms`."""

from pathlib import Path

import click

from hubbub.broker.commands import options

_EPILOG = """\b
Examples:
  hubbub-broker rooms
  hubbub-broker rooms --json

Exit codes: 0 done; 1 no broker runs."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@options.data
@options.as_json
def rooms(data: Path, as_json: bool) -> None:
    """List all rooms, the private ones too.

    With their members, the number of their events, messages most of them, and their settings. What is said in them you are not shown.
    """
    from hubbub.broker.operator import looking  # noqa: PLC0415 - nothing is loaded for --help

    looking.rooms(data, json=as_json)
