"""Proving who one is, at a real broker: what is typed comes over a pipe, as from a person."""

import io
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from hubbub.broker.broker import Broker
from hubbub.client import BadCode, Client
from hubbub.client.home import Home
from hubbub.client.line.entry import enter
from hubbub.client.line.proving import TRIES
from hubbub.client.line.terminal import Terminal, TypedLines

CODE_LIKE = "gravel potato lamp"
"""Sixteen letters: it reads like a code."""


class Phone:
    """Another device, and what is typed on it."""

    def __init__(self, broker: Broker, home: Path) -> None:
        self.screen = io.StringIO()
        self._broker = broker
        self._home = home
        self._stack = ExitStack()

    def enters(self, *typed: str) -> Client:
        read_end, write_end = os.pipe()
        self._stack.callback(os.close, read_end)
        os.write(write_end, "".join(f"{line}\n" for line in typed).encode())
        os.close(write_end)
        terminal = Terminal(TypedLines(read_end), self.screen, io.StringIO(), interactive=True)
        client = enter(terminal, self._broker.address, None, Home(self._home), {})
        return self._stack.enter_context(client)

    def close(self) -> None:
        self._stack.close()


@pytest.fixture
def phone(broker: Broker, tmp_path: Path) -> Iterator[Phone]:
    phone = Phone(broker, tmp_path / "phone")
    yield phone
    phone.close()


def set_password(broker: Broker, home: Path, password: str) -> None:
    with Client(broker.address, name="Alice", home=home) as alice:
        alice.account.set_password(password)


@pytest.mark.parametrize("wrong", ["correct horse battery", "abcd-efgh-ijkl-mnop"])
def test_whoever_takes_another_name_leaves_what_was_typed_for_the_first_behind(
    broker: Broker, tmp_path: Path, phone: Phone, wrong: str
) -> None:
    set_password(broker, tmp_path / "laptop", CODE_LIKE)
    assert phone.enters("Alice", wrong, "", "Bob").name == "Bob"


def test_a_password_that_reads_like_a_code_lets_in(
    broker: Broker, tmp_path: Path, phone: Phone
) -> None:
    set_password(broker, tmp_path / "laptop", CODE_LIKE)
    assert phone.enters("Alice", CODE_LIKE).name == "Alice"


def test_a_password_keeps_the_spaces_around_it(
    broker: Broker, tmp_path: Path, phone: Phone
) -> None:
    set_password(broker, tmp_path / "laptop", " gravel potato lantern ")
    assert phone.enters("Alice", " gravel potato lantern ").name == "Alice"


def test_a_wrong_code_is_told_as_one(broker: Broker, tmp_path: Path, phone: Phone) -> None:
    set_password(broker, tmp_path / "laptop", CODE_LIKE)
    with pytest.raises(BadCode):
        phone.enters("Alice", *["abcd-efgh-ijkl-mnop"] * TRIES)
