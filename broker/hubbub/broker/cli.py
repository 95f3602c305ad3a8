"""The program `hubbub-broker`: reads its options and runs a broker by them (`hubbub.broker.serving`), or carries out one of the operator's commands,
which are in `hubbub.broker.commands`.

It holds no rule of the chat. Whatever keeps the broker from starting ends in one line on stderr and exit code 1.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any, Final

import click
from click.core import ParameterSource

from hubbub.broker.commands.backup import backup
from hubbub.broker.commands.config import print_config
from hubbub.broker.commands.moderation import ban, bans, kick, lockdown, mute, unban, unmute
from hubbub.broker.commands.options import HELP
from hubbub.broker.commands.people import bot, invite, link, release, role, users
from hubbub.broker.commands.restore import restore
from hubbub.broker.commands.rooms import rooms
from hubbub.broker.commands.verify import verify
from hubbub.broker.commands.watching import audit, stats
from hubbub.common.errors import HubbubError

INTERRUPTED: Final = 130
"""The exit code of a program that Ctrl-C has ended, as shells count."""

_EPILOG: Final = """\b
Examples:
  hubbub-broker
      asks for IP and port; Enter takes 127.0.0.1 and 5000: this machine only
  hubbub-broker --bind 0.0.0.0
      for the local network; prints what the others type to join
  hubbub-broker --bind '[::]' --advertise chat.example.org
      IPv6 and IPv4; clients find it by that name
  hubbub-broker --bind 127.0.0.1:0 --data /tmp/try
      on free ports, with nothing kept elsewhere

A broker uses three ports in a row: commands, events, and the door at which new clients ask for its key. Stop it with Ctrl-C or SIGTERM: it
finishes what it has taken, and clients come back by themselves when it does."""


_SECTIONS: Final[dict[str, tuple[click.Command, ...]]] = {
    "Commands for the broker": (stats, audit, lockdown, print_config),
    "Commands for people": (users, invite, link, role, bot, release),
    "Commands against abuse": (kick, mute, unmute, ban, unban, bans),
    "Commands for rooms": (rooms,),
    "Commands for data": (backup, restore, verify),
}
"""The commands, as --help shows them."""


class _Program(click.Group):
    """Turns what goes wrong on purpose into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # as added

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List them by what they are for, in columns of one width."""
        width = max(map(len, self.commands))
        for name, commands in _SECTIONS.items():
            with formatter.section(name):
                formatter.write_dl(
                    [
                        (f"{command.name:<{width}}", command.get_short_help_str(formatter.width))
                        for command in commands
                    ]
                )

    def invoke(self, ctx: click.Context) -> Any:
        # Whoever stops a command, or a broker that is just starting, gets a clean end.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except HubbubError as error:
            from hubbub.broker.operator.printing import shown  # noqa: PLC0415 - not for --help

            click.echo(f"hubbub-broker: {shown(str(error))}", err=True)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        sys.exit(1)


@click.group(
    cls=_Program,
    invoke_without_command=True,
    epilog=_EPILOG,
    context_settings=HELP,
    subcommand_metavar="[COMMAND] [ARGS]...",
)
@click.option(
    "--bind",
    metavar="ADDRESS",
    help="Where to listen: HOST:PORT, or HOST alone for port 5000. 127.0.0.1 is this machine only, 0.0.0.0 all its IPv4 addresses, [::] IPv6 as well; the name of an interface does too. Port 0 looks for free ones.",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder that holds everything: messages, accounts, the broker's key. It is made if missing. Default: hubbub/broker among your data, on Linux ~/.local/share/hubbub/broker.",
)
@click.option(
    "--config",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The configuration: what else the broker heeds, and what it does without these options. Default: hubbub.toml in the data folder, if it is there.",
)
@click.option(
    "--name",
    metavar="NAME",
    help="What the broker calls itself to its clients, and on the local network.",
)
@click.option(
    "--advertise",
    metavar="HOST[:PORT]",
    help="The address that clients must use, if not the one that is listened on (behind NAT, in a container). Without a port: the same port.",
)
@click.option(
    "--no-announce",
    "announce",
    flag_value=False,
    default=None,
    help="Do not tell the local network, by mDNS, that there is this broker. One that listens on this machine only never does.",
)
@click.option(
    "--durability",
    metavar="WHAT",
    help="What an acknowledged message survives. disk: a power cut; each commit is synced. process: only a crash or kill of the broker; a power cut, or a crash of the system, takes the last seconds with it, though they were acknowledged. In return a message alone is committed in a tenth of the time.",
)
@click.option(
    "--insecure",
    is_flag=True,
    default=None,
    help="No encryption; for measurements, on this machine only.",
)
@click.option(
    "--registration",
    metavar="WHO",
    help="Who may take a new name. open: everybody who reaches the broker. invite: who has an invite code. closed: nobody.",
)
@click.option(
    "--log-level",
    metavar="LEVEL",
    help="What is worth a line: debug, info (who comes and goes), warning or error.",
)
@click.option(
    "--log-format",
    metavar="FORMAT",
    help="text: lines for people. json: one object a line, with a stable event. Neither holds messages or secrets.",
)
@click.option(
    "--log-times",
    is_flag=True,
    default=None,
    help="Begin each entry in text with the time, in UTC; json has it.",
)
@click.version_option(package_name="hubbub", prog_name="hubbub-broker")
@click.pass_context
def main(
    context: click.Context, /, data: Path | None, config: Path | None, **flags: str | bool | None
) -> None:
    """Run the broker of a hubbub chat.

    It listens for clients, keeps every message in its data folder and goes on where it stopped when started again. Clients are started by
    `hubbub`.

    Each option but --data and --config can stand in hubbub.toml or be set by a variable, as HUBBUB_BIND sets --bind, and there is more to configure:
    `hubbub-broker config` prints all that holds. Options come first, then variables, then the file.
    """
    # No defaults: an option that is not given leaves the variable and the file their say.
    given = {name: value for name, value in flags.items() if value is not None}
    if context.invoked_subcommand == print_config.name:
        context.obj = given
        return
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    # Loads ZeroMQ and the core: `--help` does not wait for them.
    from hubbub.broker.config_sources import Sources  # noqa: PLC0415 - see above
    from hubbub.broker.folder import default_folder  # noqa: PLC0415 - see above
    from hubbub.broker.serving import serve  # noqa: PLC0415 - see above

    serve(Sources(data or default_folder(), config, given, os.environ))


def _refuse_options(context: click.Context) -> None:
    """Refuse what only a running broker heeds, before the name of a command."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if given is ParameterSource.COMMANDLINE and option.name != "data":
            raise click.UsageError(
                f"{option.opts[0]} is for running a broker, not for {context.invoked_subcommand}"
            )


for section in _SECTIONS.values():
    for command in section:
        main.add_command(command)
