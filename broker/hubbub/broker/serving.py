"""The program's broker: asks where to listen if nothing says so, opens one, tells how others join, and runs it until it is told to stop."""

import contextlib
import gc
import logging
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from hubbub.broker.broker import Broker
from hubbub.broker.config import BrokerTable
from hubbub.broker.config_sources import Effective, Sources
from hubbub.broker.entries import Entry
from hubbub.broker.folder import told
from hubbub.broker.interfaces import listening_address
from hubbub.broker.logs import JsonLines, Lines, level_number, log_to_stdout
from hubbub.broker.reloading import Reloader, hangups_held
from hubbub.common.addresses import Address, parse_answers
from hubbub.common.errors import InvalidAddress

log: Final = logging.getLogger("hubbub.broker")


def serve(sources: Sources) -> None:
    """Run a broker until a signal. Raises HubbubError if it cannot start, KeyboardInterrupt if nobody says where it shall listen."""
    effective = sources.load()
    if effective.settings["broker.bind"].source == "default" and sys.stdin.isatty():
        # As if it had been a flag: it holds also when the configuration is read again.
        sources = replace(sources, flags={**sources.flags, "bind": str(_ask_address())})
        effective = sources.load()
    table = effective.config.log
    form = JsonLines() if table.format == "json" else Lines(times=table.times)
    with log_to_stdout(level_number(table.level), form) as say:
        with contextlib.suppress(KeyboardInterrupt), contextlib.ExitStack() as opened:
            with hangups_held():
                broker = opened.enter_context(_open(effective, sources))
                # From here on by a handler that raises nothing: an exception that comes while a module is being loaded may be lost.
                opened.enter_context(broker.stopped_by_signals())
                opened.enter_context(Reloader(broker, sources, effective))
                _welcome(broker, effective.config.broker, opened)
                if broker.registration == "invite":
                    # Codes are for whoever starts it, not for what collects objects of JSON.
                    _tell_of_invites(
                        broker, sources.folder, say if table.format == "text" else None
                    )
                if broker.is_for_others:
                    _tell_of_owner(broker, sources.folder)
            # What is there by now stays. Python would look it all through for garbage now and then: 7 to 14 ms without a turn of the loop (measured).
            gc.freeze()
            broker.run()
        log.info(Entry("server_stopped", "Server stopped."))


def _open(effective: Effective, sources: Sources) -> Broker:
    config = effective.config
    return Broker(
        listening_address(config.broker.bind),
        data=sources.folder,
        name=config.broker.name,
        insecure=config.broker.insecure,
        advertise=config.broker.advertise,
        durability=config.broker.durability,
        limits=config.limits,
        passwords=config.passwords,
        registration=config.broker.registration,
    )


def _welcome(broker: Broker, table: BrokerTable, opened: contextlib.ExitStack) -> None:
    """Tell that the broker runs, what to know of it, and who can reach it how."""
    address = broker.address
    text = "Server running on {bind}"
    log.info(Entry("server_running", text, bind=str(address), port=address.port))
    if table.durability != "disk":
        text = "A power cut takes the last messages with it, though they were acknowledged (--durability {durability})."
        log.warning(Entry("durability_reduced", text, durability=table.durability))
    if broker.is_for_others:
        _invite(broker)
    if not address.is_loopback and table.announce:
        from hubbub.broker.announce import announcer  # noqa: PLC0415 - loads zeroconf

        opened.enter_context(announcer(address, table.name, broker.fingerprint))


def _invite(broker: Broker) -> None:
    from hubbub.broker.joining import invitation, join_addresses  # noqa: PLC0415 - not on loopback

    log.info(invitation(join_addresses(broker.address, broker.advertised), broker.public_key))
    if broker.registration == "open":
        text = "Everybody who can reach this broker can take a name and read the lobby."
        log.warning(Entry("registration_open", text))


def _tell_of_invites(broker: Broker, folder: Path, say: Callable[[str], None] | None) -> None:
    """Show an invite at the very first start, if there is somebody to be shown one; else tell how they are made."""
    from hubbub.broker.joining import (  # noqa: PLC0415 - loads ifaddr
        FIRST_SECONDS,
        FIRST_USES,
        first_invite,
        join_addresses,
    )

    if broker.is_new and say is not None:
        made = broker.invite(FIRST_USES, FIRST_SECONDS)
        addresses = join_addresses(broker.address, broker.advertised)
        say(first_invite(addresses, broker.public_key, made))
    text = "Newcomers need an invite. To make one:\n    {command}"
    log.info(Entry("registration_invite", text, command=told(folder, "invite")))


def _tell_of_owner(broker: Broker, folder: Path) -> None:
    """Tell how the chat gets an owner, as long as it has none."""
    if not broker.has_owner:
        text = "Nobody owns this chat yet. Once you are in, make yourself its owner:\n    {command}"
        log.info(Entry("no_owner", text, command=told(folder, "role", "YOURNAME", "owner")))


def _ask_address() -> Address:
    """Return where a person wants the broker to listen."""
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
        raise KeyboardInterrupt from None
