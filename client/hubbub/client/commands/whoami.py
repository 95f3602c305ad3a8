"""`hubbub whoami`: where one's own key is, and who one was at which broker."""

from pathlib import Path

import click

from hubbub.client.commands import options
from hubbub.client.home import Home
from hubbub.client.line.screen import harmless
from hubbub.common.fingerprint import fingerprint


@click.command(context_settings=options.HELP)
@options.home
def whoami(home: Path | None) -> None:
    """Show who you are to the brokers.

    They know you by one key, which is made at your first chat and stays in the home folder. The names that you took belong to it: keep a copy
    of the folder. Listed is the name that you used last at each broker that you know.
    """
    folder = Home(home)
    key = folder.own_key()
    click.echo(f"home   {folder.folder}")
    click.echo(f"key    {fingerprint(key) if key else 'none yet: your first chat makes it'}")
    for broker in folder.brokers():
        if broker.name:
            click.echo(harmless(f"name   {broker.name} at {broker.address}"))
