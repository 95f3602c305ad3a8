"""The program `hubbub-broker`: reads its options, sets up the log, runs one `Broker` until it is told to stop.

It holds no rule of the chat. Whatever keeps the broker from starting ends in one line on stderr and exit code 1.
"""

import contextlib
import logging
import signal
import sys
from pathlib import Path
from typing import Final

import click

from hubbub.broker.logs import log_to_stdout
from hubbub.common.addresses import DEFAULT_HOST, DEFAULT_PORT, Address, parse
from hubbub.common.errors import HubbubError, InvalidAddress

_log: Final = logging.getLogger("hubbub.broker")

_EPILOG: Final = """\b
Examples:
  hubbub-broker                               asks for IP and port; Enter takes 127.0.0.1 and 5000
  hubbub-broker --bind 127.0.0.1:0            takes free ports and prints them
  hubbub-broker --bind 0.0.0.0 --advertise chat.example.org

A broker uses three ports in a row: commands, events, and the door at which new clients ask for its key. Stop it with Ctrl-C or SIGTERM."""


@click.command(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--bind",
    metavar="ADDRESS",
    help="Where to listen: HOST:PORT, or HOST alone for port 5000. Port 0 looks for free ones.",
)
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The folder that holds everything: messages, accounts, the broker's key. It is made if missing. Default: hubbub/broker among your data, on Linux ~/.local/share/hubbub/broker.",
)
@click.option(
    "--name", metavar="NAME", default="hubbub", help="What the broker calls itself to its clients."
)
@click.option(
    "--advertise",
    metavar="HOST[:PORT]",
    help="Where clients reach this broker's events, if not where they connect to (behind NAT, in a container).",
)
@click.option(
    "--insecure", is_flag=True, help="No encryption; for measurements, on this machine only."
)
@click.option("--verbose", "level", flag_value=logging.DEBUG, type=int, help="Log more.")
@click.option("--quiet", "level", flag_value=logging.WARNING, type=int, help="Log warnings only.")
@click.version_option(package_name="hubbub", prog_name="hubbub-broker")
def main(
    bind: str | None,
    data: Path | None,
    name: str,
    advertise: str | None,
    insecure: bool,
    level: int | None,
) -> None:
    """Run the broker of a hubbub chat.

    It listens for clients, keeps every message in its data folder and goes on where it stopped when started again. Clients are started by
    `hubbub`.
    """
    try:
        address, advertised = _address(bind), None if advertise is None else parse(advertise)
        with log_to_stdout(logging.INFO if level is None else level):
            _serve(address, data, name, advertised, insecure=insecure)
    except HubbubError as error:
        click.echo(f"hubbub-broker: {error}", err=True)
        sys.exit(1)


def _address(bind: str | None) -> Address:
    """Return where to listen: as told, as answered by a person, or the default."""
    if bind is not None:
        return parse(bind)
    if not sys.stdin.isatty():
        return Address(DEFAULT_HOST, DEFAULT_PORT)
    while True:
        host = _ask("Enter server IP: ") or DEFAULT_HOST
        port = _ask("Enter server port: ") or str(DEFAULT_PORT)
        try:
            return parse(
                f"[{host.strip('[]')}]:{port}" if host.count(":") > 1 else f"{host}:{port}"
            )
        except InvalidAddress as error:
            click.echo(f"{error}")


def _ask(question: str) -> str:
    try:
        return input(question).strip()
    except (EOFError, KeyboardInterrupt):
        click.echo()
        sys.exit(130)


def _serve(
    address: Address, data: Path | None, name: str, advertise: Address | None, *, insecure: bool
) -> None:
    # Loads ZeroMQ and the core: `--help` does not wait for them.
    from hubbub.broker.broker import Broker  # noqa: PLC0415 - see above
    from hubbub.broker.folder import default_folder  # noqa: PLC0415 - see above

    # Until the loop has its own handlers: whoever stops a broker that is just starting gets a clean end too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        contextlib.suppress(KeyboardInterrupt),
        Broker(
            address,
            data=data or default_folder(),
            name=name,
            insecure=insecure,
            advertise=advertise,
        ) as broker,
    ):
        _log.info("Server running on %s", broker.address)
        if not broker.address.is_loopback:
            _log.info("New clients compare the fingerprint of its key: %s", broker.fingerprint)
            _log.warning("Everybody who can reach this broker can take a name and read the lobby.")
        broker.run_until_signal()
    _log.info("Server stopped.")
