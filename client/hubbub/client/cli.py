"""The program `hubbub`: its commands and options. What they do is elsewhere, and is loaded only when it is done.

Whatever goes wrong ends in one line on stderr and exit code 1.
"""

import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import click

from hubbub.common.addresses import parse
from hubbub.common.errors import HubbubError

_EPILOG: Final = """\b
Examples:
  hubbub                                          asks where the broker is and who you are
  hubbub chat 127.0.0.1:5000 --name Alice         asks nothing
  echo "done" | hubbub chat 127.0.0.1 --name job  says it and leaves

`hubbub-broker` starts a broker."""

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C has ended, as shells count."""

_HELP: Final = {"help_option_names": ["-h", "--help"]}


class _Commands(click.Group):
    """Turns what goes wrong on purpose, and a full disk, into one line and exit code 1, for every command."""

    def main(self, *arguments: Any, **options: Any) -> Any:
        try:
            return super().main(*arguments, **options)
        except OSError as error:
            click.echo(f"hubbub: cannot read or write: {error.strerror}", err=True)
            with contextlib.suppress(OSError, AttributeError):  # it is None if it never was open
                sys.stdout.close()  # or the interpreter's end tries to write the rest, in vain
        sys.exit(1)

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HubbubError as error:
            click.echo(f"hubbub: {error}", err=True)
        except KeyboardInterrupt:
            if os.isatty(0):
                click.echo()  # behind the ^C
            sys.exit(INTERRUPTED)
        sys.exit(1)


@click.group(cls=_Commands, invoke_without_command=True, epilog=_EPILOG, context_settings=_HELP)
@click.version_option(package_name="hubbub", prog_name="hubbub")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Chat on a hubbub broker. Without a command: `hubbub chat`."""
    if ctx.invoked_subcommand is None:
        ctx.invoke(chat)


_home = click.option(
    "--home",
    metavar="DIR",
    envvar="HUBBUB_HOME",
    type=click.Path(path_type=Path),
    help="Where your keys and the brokers that you trust are kept; also HUBBUB_HOME. Default: the folder hubbub among your configuration, on Linux ~/.config/hubbub.",
)


@main.command(context_settings=_HELP)
@click.argument("address", required=False)
@click.option(
    "--name",
    metavar="NAME",
    help="Your name. The first who uses a name owns it, by a key kept in the home folder.",
)
@_home
@click.option(
    "--trust",
    metavar="FINGERPRINT",
    help="Trust a new broker only if its key has this fingerprint.",
)
@click.option(
    "--accept-new",
    is_flag=True,
    help="Trust a new broker whatever its key is; a changed key is still refused.",
)
@click.option(
    "--insecure",
    is_flag=True,
    help="No encryption; for measurements, with a broker that was started so too.",
)
def chat(
    address: str | None,
    name: str | None,
    home: Path | None,
    trust: str | None,
    accept_new: bool,
    insecure: bool,
) -> None:
    """Talk to the others on a broker.

    ADDRESS is HOST:PORT, or HOST alone for port 5000; without it you are asked. What you type goes to everybody in the room, `@name: text` to one person only; /help lists what else there is, /exit leaves. Input may come
    from a pipe: its lines are said one after the other, and the program ends when all have been stored.
    """
    # ZeroMQ takes its time to load: nobody should wait for it who only wants --help.
    from hubbub.client.line.chat import Chat  # noqa: PLC0415 - see above
    from hubbub.client.line.entry import ask_address, enter  # noqa: PLC0415 - see above
    from hubbub.client.line.terminal import Terminal  # noqa: PLC0415 - see above

    for end in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(end, signal.default_int_handler)  # said farewell as with Ctrl-C
    terminal = Terminal.of_process()
    broker = ask_address(terminal) if address is None else parse(address)
    options = {"home": home, "trust": trust, "accept_new": accept_new, "insecure": insecure}
    with enter(terminal, broker, name, options) as client:
        done = Chat(client, terminal).run()
    if not done and not terminal.interactive:
        sys.exit(1)


@main.command(context_settings=_HELP)
@click.argument("address")
@_home
def forget(address: str, home: Path | None) -> None:
    """Trust the key of a broker no longer.

    The next `hubbub chat ADDRESS` shows the fingerprint of the key found there, as if it were the first time. Do this only if you know why
    the key has changed.
    """
    from hubbub.client.home import Home  # noqa: PLC0415 - loads ZeroMQ

    known = Home(home).forget(broker := parse(address))
    click.echo(f"Forgot the broker at {broker}." if known else f"No broker at {broker} was known.")
