"""The operator's commands against abuse: kick, mute, ban, lock down."""

from pathlib import Path
from typing import Final

import click

from hubbub.broker.commands import options

LEVELS: Final = ("normal", "no_new_accounts", "accounts_only", "moderators_speak")
_EXITS: Final = "Exit codes: 0 done; 1 refused, or no broker runs: stderr says which."
_LOBBY: Final = click.option(
    "--room", metavar="ROOM", default="lobby", help="Where. Default: the lobby."
)

_KICK = f"""\b
Examples:
  hubbub-broker kick Mallory
      out of the chat; she may come back at once
  hubbub-broker kick Mallory --room garden --for 1d --reason "spam"

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_KICK)
@click.argument("name")
@options.room
@options.duration("How long NAME may not come back, like 30m or 2d. Default: not at all.")
@options.reason
@options.data
@options.as_json
def kick(name: str, room: str, seconds: int, reason: str, data: Path, as_json: bool) -> None:
    """Put somebody out of the chat, or of a room."""
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.kick(data, name, room, seconds, reason, json=as_json)


_MUTE = f"""\b
Examples:
  hubbub-broker mute Mallory --for 30m
  hubbub-broker mute Mallory --room garden --reason "shouting"

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_MUTE)
@click.argument("name")
@_LOBBY
@options.duration("How long, like 30m or 2d. Default: until unmuted.")
@options.reason
@options.data
@options.as_json
def mute(name: str, room: str, seconds: int, reason: str, data: Path, as_json: bool) -> None:
    """Let somebody read a room and say nothing in it."""
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.mute(data, name, room, seconds, reason, json=as_json)


@click.command(context_settings=options.HELP, epilog=_EXITS)
@click.argument("name")
@_LOBBY
@options.data
@options.as_json
def unmute(name: str, room: str, data: Path, as_json: bool) -> None:
    """Let somebody speak in a room again."""
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.unmute(data, name, room, json=as_json)


_BAN = f"""\b
Examples:
  hubbub-broker ban Mallory --for 2d --reason "spam"
  hubbub-broker ban 203.0.113.7
  hubbub-broker ban 2001:db8:7::/48
  hubbub-broker ban KEY
      a device, by the 64 hex digits that `users NAME --json` shows
  hubbub-broker ban @203.0.113.7
      somebody who is called so

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_BAN)
@click.argument("subject", metavar="NAME|KEY|ADDRESS|NETWORK")
@options.duration("How long, like 30m or 2d. Default: until it is lifted.")
@options.reason
@options.data
@options.as_json
def ban(subject: str, seconds: int, reason: str, data: Path, as_json: bool) -> None:
    """Keep somebody out of the chat, at once.

    A name, a key, an address or a whole network. Sessions and connections that there are end; the reason is told.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.ban(data, subject, seconds, reason, json=as_json)


@click.command(context_settings=options.HELP, epilog=_EXITS)
@click.argument("subject", metavar="NAME|KEY|ADDRESS|NETWORK")
@options.data
@options.as_json
def unban(subject: str, data: Path, as_json: bool) -> None:
    """Lift a ban."""
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.unban(data, subject, json=as_json)


@click.command(context_settings=options.HELP, epilog=_EXITS)
@options.data
@options.as_json
def bans(data: Path, as_json: bool) -> None:
    """List the bans that hold, the latest last."""
    from hubbub.broker.operator import looking  # noqa: PLC0415 - nothing is loaded for --help

    looking.bans(data, json=as_json)


_LOCKDOWN = f"""\b
Levels, each with those before it:
  normal
  no_new_accounts     nobody takes a new name
  accounts_only       only accounts with a password, an invite, a role, or
                      marked as bots; the sessions of others end
  moderators_speak    only the chat's moderators and owners post

\b
Examples:
  hubbub-broker lockdown
      which level holds
  hubbub-broker lockdown accounts_only

{_EXITS}"""


@click.command(
    # As the client spells the levels, too.
    context_settings={**options.HELP, "token_normalize_func": lambda word: word.replace("-", "_")},
    epilog=_LOCKDOWN,
)
@click.argument("level", required=False, type=click.Choice(LEVELS), metavar="[LEVEL]")
@options.data
@options.as_json
def lockdown(level: str | None, data: Path, as_json: bool) -> None:
    """Say who may come and speak during an attack.

    It holds, over restarts too, until you say otherwise.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.lockdown(data, level, json=as_json)
