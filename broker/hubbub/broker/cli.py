"""The program `hubbub-broker`: reads its options, sets up the log, runs one `Broker` until it is told to stop; or carries out one of the operator's
commands, which are in `hubbub.broker.commands`.

It holds no rule of the chat. Whatever keeps the broker from starting ends in one line on stderr and exit code 1.
"""

import contextlib
import logging
import signal
import socket
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import click
from click.core import ParameterSource

from hubbub.broker.commands.backup import backup
from hubbub.broker.commands.options import HELP
from hubbub.broker.commands.restore import restore
from hubbub.broker.commands.verify import verify
from hubbub.broker.entries import Entry
from hubbub.broker.logs import JsonLines, Lines, log_to_stdout
from hubbub.common.addresses import DEFAULT_HOST, DEFAULT_PORT, Address, parse, parse_answers
from hubbub.common.errors import HubbubError, InvalidAddress

log: Final = logging.getLogger("hubbub.broker")

NAME_CHARACTERS: Final = 64
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


def _broker_name(_context: click.Context, _option: click.Parameter, name: str) -> str:
    name = name.strip()
    if not 1 <= len(name) <= NAME_CHARACTERS or not name.isprintable():
        raise click.BadParameter(f"1 to {NAME_CHARACTERS} characters that can be printed")
    return name


@dataclass(frozen=True, slots=True)
class _Options:
    """What was asked for."""

    bind: Address
    data: Path | None
    name: str
    advertise: Address | None
    announce: bool
    insecure: bool
    durability: Literal["disk", "process"]


class _Program(click.Group):
    """Turns what goes wrong on purpose into one line and exit code 1."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # as added

    def invoke(self, ctx: click.Context) -> Any:
        # Whoever stops a command, or a broker that is just starting, gets a clean end.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            return super().invoke(ctx)
        except HubbubError as error:
            click.echo(f"hubbub-broker: {error}", err=True)
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
    "--name",
    metavar="NAME",
    default="hubbub",
    callback=_broker_name,
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
    default=True,
    help="Do not tell the local network, by mDNS, that there is this broker. One that listens on this machine only never does.",
)
@click.option(
    "--durability",
    metavar="WHAT",
    type=click.Choice(["disk", "process"]),
    default="disk",
    help="What an acknowledged message survives. disk: a power cut; each commit is synced. process: only a crash or kill of the broker; a power cut, or a crash of the system, takes the last seconds with it, though they were acknowledged. In return a message alone is committed in a tenth of the time.",
)
@click.option(
    "--insecure", is_flag=True, help="No encryption; for measurements, on this machine only."
)
@click.option(
    "--log-level",
    metavar="LEVEL",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    help="What is worth a line: debug, info (who comes and goes), warning or error.",
)
@click.option(
    "--log-format",
    metavar="FORMAT",
    type=click.Choice(["text", "json"]),
    default="text",
    help="text: lines for people. json: one object a line, with a stable event. Neither holds messages or secrets.",
)
@click.option(
    "--log-times", is_flag=True, help="Begin each entry in text with the time, in UTC; json has it."
)
@click.version_option(package_name="hubbub", prog_name="hubbub-broker")
@click.pass_context
def main(  # noqa: PLR0913, PLR0917 - an argument an option; click passes them by name
    context: click.Context,
    bind: str | None,
    data: Path | None,
    name: str,
    advertise: str | None,
    announce: bool,
    durability: Literal["disk", "process"],
    insecure: bool,
    log_level: str,
    log_format: str,
    log_times: bool,
) -> None:
    """Run the broker of a hubbub chat.

    It listens for clients, keeps every message in its data folder and goes on where it stopped when started again. Clients are started by
    `hubbub`.
    """
    if context.invoked_subcommand is not None:
        _refuse_options(context)
        return
    advertised = None if advertise is None else parse(advertise, default_port=0)
    options = _Options(_address(bind), data, name, advertised, announce, insecure, durability)
    form = JsonLines() if log_format == "json" else Lines(times=log_times)
    with log_to_stdout(logging.getLevelNamesMapping()[log_level.upper()], form):
        _serve(options)


def _refuse_options(context: click.Context) -> None:
    """Refuse what only a running broker heeds, before the name of a command."""
    for option in context.command.params:
        given = context.get_parameter_source(option.name or "")
        if given is ParameterSource.COMMANDLINE and option.name != "data":
            raise click.UsageError(
                f"{option.opts[0]} is for running a broker, not for {context.invoked_subcommand}"
            )


def _address(bind: str | None) -> Address:
    """Return where to listen: as told, as answered by a person, or the default."""
    if bind is not None:
        return parse(bind)
    if not sys.stdin.isatty():
        return Address(DEFAULT_HOST, DEFAULT_PORT)
    while True:
        host, port = _ask("Enter server IP: "), _ask("Enter server port: ")
        try:
            return parse_answers(host, port)
        except InvalidAddress as error:
            click.echo(f"{error}")


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except (EOFError, KeyboardInterrupt):
        click.echo()
        sys.exit(INTERRUPTED)


def _serve(options: _Options) -> None:
    # Loads ZeroMQ and the core: `--help` does not wait for them.
    from hubbub.broker.broker import Broker  # noqa: PLC0415 - see above
    from hubbub.broker.folder import default_folder  # noqa: PLC0415 - see above

    with (
        contextlib.suppress(KeyboardInterrupt),
        Broker(
            _where(options.bind),
            data=options.data or default_folder(),
            name=options.name,
            insecure=options.insecure,
            advertise=options.advertise,
            durability=options.durability,
        ) as broker,
        contextlib.ExitStack() as company,
    ):
        address = broker.address
        text = "Server running on {bind}"
        log.info(Entry("server_running", text, bind=str(address), port=address.port))
        if options.durability != "disk":
            text = "A power cut takes the last messages with it, though they were acknowledged (--durability {durability})."
            log.warning(Entry("durability_reduced", text, durability=options.durability))
        if not address.is_loopback or options.advertise is not None:
            _invite(address, broker.advertised, broker.public_key)
        if not address.is_loopback and options.announce:
            company.enter_context(_announced(address, options.name, broker.fingerprint))
        broker.run_until_signal()
    log.info(Entry("server_stopped", "Server stopped."))


def _where(bind: Address) -> Address:
    """Return where to listen, which may be named by an interface. Raises BindError."""
    try:
        socket.if_nametoindex(bind.host)
    except OSError:
        return bind
    from hubbub.broker.interfaces import by_interface, own_addresses  # noqa: PLC0415 - rarely needed

    return by_interface(bind, own_addresses())


def _invite(address: Address, advertised: Address | None, key: bytes) -> None:
    from hubbub.broker.joining import invitation, join_addresses  # noqa: PLC0415 - not on loopback

    log.info(invitation(join_addresses(address, advertised), key))
    text = "Everybody who can reach this broker can take a name and read the lobby."
    log.warning(Entry("registration_open", text))


def _announced(
    address: Address, name: str, fingerprint: str
) -> contextlib.AbstractContextManager[object]:
    from hubbub.broker.announce import announcer  # noqa: PLC0415 - loads zeroconf

    return announcer(address, name, fingerprint)


for command in (backup, restore, verify):
    main.add_command(command)
