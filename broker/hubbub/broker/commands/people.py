"""The operator's commands for people: who there is, who comes in, who is what."""

from pathlib import Path
from typing import Final

import click

from hubbub.broker.commands import options

ROLES: Final = ("owner", "moderator", "member")
_EXITS: Final = "Exit codes: 0 done; 1 refused, or no broker runs: stderr says which."
_QR: Final = click.option("--qr", is_flag=True, help="Draw the link for a telephone's camera.")

_USERS = f"""\b
Examples:
  hubbub-broker users
  hubbub-broker users Alice
      all there is to say of her, with her devices and rooms

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_USERS)
@click.argument("name", required=False)
@options.data
@options.as_json
def users(name: str | None, data: Path, as_json: bool) -> None:
    """List everybody who has a name, or show one of them.

    With role, devices, password, bans and mutes. The last login is written down once a day at most. Times are UTC.
    """
    from hubbub.broker.operator import looking  # noqa: PLC0415 - nothing is loaded for --help

    if name is None:
        looking.users(data, json=as_json)
    else:
        looking.user(data, name, json=as_json)


_INVITE = f"""\b
Examples:
  hubbub-broker invite
      for one newcomer, within a week
  hubbub-broker invite --uses 30 --days 2 --qr
      for a class, on the wall
  hubbub-broker invite --list
      which are good still

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_INVITE)
@click.option(
    "--uses",
    metavar="N",
    type=click.IntRange(1, 10_000),
    default=1,
    help="How many newcomers it lets in. Default: 1.",
)
@click.option(
    "--days",
    metavar="N",
    type=click.IntRange(1, 3650),
    default=7,
    help="For how long it is good. Default: 7.",
)
@_QR
@click.option("--list", "listed", is_flag=True, help="Make none; list those that are good still.")
@options.data
@options.as_json
def invite(uses: int, days: int, qr: bool, listed: bool, data: Path, as_json: bool) -> None:
    """Make a code that lets newcomers in.

    Prints it, and a join link that holds it and the broker's key: all that a newcomer needs. Whoever has it can use it, and it is shown
    this once.
    """
    from hubbub.broker.operator import looking, ordering  # noqa: PLC0415 - not for --help

    if listed:
        looking.invites(data, json=as_json)
    else:
        ordering.invite(data, uses, days, qr=qr, json=as_json)


_LINK = f"""\b
Examples:
  hubbub-broker link Alice

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_LINK)
@click.argument("name")
@_QR
@options.data
@options.as_json
def link(name: str, qr: bool, data: Path, as_json: bool) -> None:
    """Make a code for somebody who lost their device.

    It lets one more device use the name, once, within ten minutes. Be sure to whom you give it. What was lost still has its key: `/devices`
    in the client removes that.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.link(data, name, qr=qr, json=as_json)


_ROLE = f"""\b
Examples:
  hubbub-broker role Alice owner
      of the chat: she may invite, appoint moderators, lock the chat down
  hubbub-broker role Bob moderator --room garden
  hubbub-broker role Bob member
      no more than everybody

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_ROLE)
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
@options.room
@options.data
@options.as_json
def role(name: str, role: str, room: str, data: Path, as_json: bool) -> None:
    """Make somebody an owner or a moderator, or neither.

    Only you appoint the chat's owners. NAME must have been in the chat once.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.role(data, name, role, room, json=as_json)


_RELEASE = f"""\b
Examples:
  hubbub-broker release Alice

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_RELEASE)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@options.data
@options.as_json
def release(name: str, yes: bool, data: Path, as_json: bool) -> None:
    """Give a name free, for whoever takes it next.

    Its devices, password, rooms and role are gone, and its sessions end. What was said under it stays. For somebody who lost a device, `link` is what you want.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.release(data, name, yes=yes, json=as_json)


_BOT = f"""\b
Examples:
  hubbub-broker bot Builder on

{_EXITS}"""


@click.command(context_settings=options.HELP, epilog=_BOT)
@click.argument("name")
@click.argument("is_bot", metavar="on|off", type=click.Choice(["on", "off"]))
@options.data
@options.as_json
def bot(name: str, is_bot: str, data: Path, as_json: bool) -> None:
    """Say that an account is a program's, or a person's.

    A bot has larger budgets than a person, and comes in during a lockdown.
    """
    from hubbub.broker.operator import ordering  # noqa: PLC0415 - nothing is loaded for --help

    ordering.bot(data, name, is_bot == "on", json=as_json)
