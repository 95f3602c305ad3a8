"""The questions before the chat: where the broker is, who one is, whether a new broker is to be trusted.

A person who answered wrongly is told why and asked again; a pipe and an option are not.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from hubbub.client.client import Client
from hubbub.client.errors import BadName, NameTaken, TooManyNames
from hubbub.client.line.terminal import Terminal
from hubbub.common.addresses import DEFAULT_HOST, DEFAULT_PORT, Address, parse
from hubbub.common.errors import HubbubError, InvalidAddress


class NoAnswer(HubbubError):
    """The input ended before a question was answered."""


def ask_address(terminal: Terminal) -> Address:
    """Ask for the broker's IP and port; an empty answer takes the default."""
    while True:
        host = _ask(terminal, "Enter server IP: ") or DEFAULT_HOST
        port = _ask(terminal, "Enter server port: ") or str(DEFAULT_PORT)
        try:
            return parse(
                f"[{host.strip('[]')}]:{port}" if host.count(":") > 1 else f"{host}:{port}"
            )
        except InvalidAddress as error:
            if not terminal.interactive:
                raise
            terminal.show(str(error))


def enter(
    terminal: Terminal, address: Address, name: str | None, options: Mapping[str, Any]
) -> Client:
    """Connect and log in, as `name` or as the person answers; `options` are further ones of `Client`.

    Raises HubbubError when there is nothing more to ask.
    """
    confirm = _confirm(terminal, address) if terminal.interactive else None
    while True:
        chosen = _ask(terminal, "Enter your name: ") if name is None else name
        try:
            return Client(address, name=chosen, confirm=confirm, **options)
        except (BadName, NameTaken, TooManyNames) as error:
            if name is not None or not terminal.interactive:
                raise
            terminal.show(str(error))


def _confirm(terminal: Terminal, address: Address) -> Callable[[str], bool]:
    def confirm(fingerprint: str) -> bool:
        terminal.show(
            f"You have not met the broker at {address} before. The fingerprint of its key is"
        )
        terminal.show(f"    {fingerprint}")
        answer = _ask(terminal, "Is that what its owner told you? Trust it from now on (y/N)? ")
        return answer.casefold() in ("y", "yes")

    return confirm


def _ask(terminal: Terminal, question: str) -> str:
    answer = terminal.ask(question)
    if answer is None and terminal.interactive:
        sys.exit(1)  # Ctrl-D: the person knows
    if answer is None:
        raise NoAnswer("the input ended before the chat began")
    return answer.strip()
