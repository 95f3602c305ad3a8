"""`hubbub-broker backup`."""

from pathlib import Path

import click

from hubbub.broker import phrases
from hubbub.broker.commands import options

_EPILOG = """\b
Examples:
  hubbub-broker backup /mnt/backups/monday.hubbub
  hubbub-broker backup --data /srv/chat "/mnt/backups/$(date +%F).hubbub"

`hubbub-broker restore` puts it back, `hubbub-broker verify FILE` checks it again. Exit codes: 0 done; 1 not done, stderr says why, and nothing
is left behind."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.data
@click.option("--force", is_flag=True, help="Replace FILE if there is one.")
def backup(file: Path, data: Path, force: bool) -> None:
    """Write everything into one file, while the broker runs or not.

    FILE gets messages, accounts, memberships, and the broker's key: enough to go on elsewhere, without which every client would refuse the
    broker. So it is a secret, and only you can read it. It is checked when it is written, event by event. The broker is not held up.
    """
    from hubbub.broker.backup import back_up  # noqa: PLC0415 - nothing is loaded for --help

    made = back_up(data, file, force=force)
    holds = phrases.holding(made.holds.messages, made.holds.rooms, made.holds.people)
    click.echo(f"Backup written and checked: {file}")
    click.echo(f"{holds}, {made.size / 1e6:,.1f} MB, epoch {made.holds.epoch.hex()}.")
    click.echo(
        "It is a secret: it holds the broker's key and all private messages. Keep it where nobody else can read it."
    )
