"""The questions before the chat: where the broker is, who one is, whether a new broker is to be trusted. How one proves who one is: `proving`.

A person who answered wrongly is told why and asked again; a pipe and an option are not.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from hubbub.client import door
from hubbub.client.client import Client
from hubbub.client.errors import (
    BadName,
    ConnectError,
    HomeUnusable,
    NameTaken,
    TooManyNames,
    VersionUnsupported,
)
from hubbub.client.home import Home
from hubbub.client.line.chooser import Offer
from hubbub.client.line.proving import Proof, Proving, ask
from hubbub.client.line.terminal import Terminal
from hubbub.client.reach import check_address
from hubbub.common.addresses import Address, parse_answers
from hubbub.common.errors import InvalidAddress
from hubbub.common.links import JoinLink, Place, address_of, parse_place


def ask_place(terminal: Terminal, home: Home, offers: Sequence[Offer] = ()) -> Place:
    """Ask for the broker's IP and port; an empty answer takes the default, or the first of the offers.

    The number of an offer is an answer too, and so are an address with its port and a join link: then the port is not asked. A person is asked
    again if there is no broker. Otherwise raises HubbubError.
    """
    if offers:
        _show(terminal, offers)
    while True:
        try:
            place = _answer(terminal, offers)
            check_place(place, home)
        except (InvalidAddress, ConnectError) as error:
            if not terminal.interactive:
                raise
            terminal.show(f"{error}")
        else:
            return place


def check_place(place: Place, home: Home) -> None:
    """Raise ConnectError or InvalidAddress if there can be no broker, before its person is asked for more. Raises HomeUnusable too."""
    address = address_of(place)
    check_address(address)
    if isinstance(place, JoinLink) or home.pinned(address) is not None:
        door.check_presence(address)
    else:
        door.ask(address)


def _show(terminal: Terminal, offers: Sequence[Offer]) -> None:
    terminal.show("Brokers to choose from:")
    width = max(len(str(offer.address)) for offer in offers)
    for number, offer in enumerate(offers, 1):
        terminal.show(f"{number:3}  {str(offer.address).ljust(width)}  {offer.remark}")
    terminal.show("A number or an address; Enter takes 1.")


def _answer(terminal: Terminal, offers: Sequence[Offer]) -> Place:
    host = ask(terminal, "Enter server IP: ")
    if offers and (not host or host.isdecimal()):
        number = int(host or 1)
        if not 1 <= number <= len(offers):
            raise InvalidAddress(f"there is no number {number} in the list")
        return offers[number - 1].address
    if "://" in host or "]:" in host or host.count(":") == 1:
        return parse_place(host)
    return parse_answers(host, ask(terminal, "Enter server port: "))


def enter(
    terminal: Terminal, place: Place, name: str | None, home: Home, options: Mapping[str, Any]
) -> Client:
    """Connect and log in, as `name` or as the person answers; `options` are further ones of `Client`.

    Raises HubbubError when there is nothing more to ask.
    """
    address = address_of(place)
    confirm = _confirm(terminal, address) if terminal.interactive else None
    last = home.last_name(address) if terminal.interactive and name is None else ""
    if last:
        terminal.show(f"Enter alone takes the name {last}, as last time.")
    proving = Proving(terminal, may_rename=name is None)
    while True:
        chosen = (ask(terminal, "Enter your name: ") or last) if name is None else name

        def log_in(proof: Proof, chosen: str = chosen) -> Client:
            further = {**options, "code": None, **proof} if proof else options
            return Client(place, name=chosen, home=home.folder, confirm=confirm, **further)

        try:
            client = proving.enter(log_in)
        except (BadName, NameTaken, TooManyNames) as error:
            if name is not None or not terminal.interactive:
                raise
            terminal.show(f"{error}")
        except VersionUnsupported:
            door.ask(address)  # knows which side is to be updated, and says it
            raise
        else:
            if client is not None:
                if terminal.interactive:
                    with suppress(HomeUnusable):  # the chat is worth more than the memory of it
                        home.visited(address, client.name)
                return client


def _confirm(terminal: Terminal, address: Address) -> Callable[[str], bool]:
    def confirm(fingerprint: str) -> bool:
        terminal.show(f"You have not met the broker at {address} before.")
        terminal.show("The fingerprint of its key is")
        terminal.show(f"    {fingerprint}")
        answer = ask(terminal, "Is that what its owner told you? Trust it from now on (y/N)? ")
        return answer.casefold() in ("y", "yes")

    return confirm
