"""`hubbub-broker restore`."""

from pathlib import Path

import click

from hubbub.broker import phrases
from hubbub.broker.commands import options

_EPILOG = """\b
Examples:
  hubbub-broker restore /mnt/backups/monday.hubbub
  hubbub-broker restore /mnt/backups/monday.hubbub --data /srv/chat

Exit codes: 0 done; 1 not done, stderr says why, and the data are as they were."""


@click.command(context_settings=options.HELP, epilog=_EPILOG)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@options.data
def restore(file: Path, data: Path) -> None:
    """Put a backup into the place of what is in the broker's folder.

    The backup is checked as a whole before anything is replaced, and then replaces it in one step, whatever is interrupted. The broker must not
    run. What was there is kept in a folder beside it. Clients come back by themselves: they keep their names and keys, are told that the log was
    replaced, and send again what was not acknowledged. What was said after the backup is not in it.
    """
    from hubbub.broker.restore import restore as put_back  # noqa: PLC0415 - nothing is loaded for --help

    done = put_back(file, data)
    holds = phrases.holding(done.holds.messages, done.holds.rooms, done.holds.people)
    click.echo(f"Restored {file}, of {phrases.moment(done.taken)}, into {data}")
    click.echo(
        f"{holds}. The log's epoch was {done.holds.epoch.hex()} and is now {done.epoch.hex()}."
    )
    if done.kept is not None:
        click.echo(f"What was there is in {done.kept}: remove it when you need it no more.")
    if file.stat().st_mode & 0o077:
        click.echo(
            f"hubbub-broker: others can read {file}, which holds the key: chmod 600", err=True
        )
