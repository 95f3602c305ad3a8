"""A terminal shows nothing while a secret is typed, and is as it was before whatever happens then."""

import io
import os
import pty
import termios
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from hubbub.client.line.terminal import Terminal, TypedLines
from hubbub.client.line.unseen import Unseen


@dataclass
class Pair:
    """A terminal and who sits at it."""

    keys: int
    end: int

    def echoes(self) -> bool:
        return bool(termios.tcgetattr(self.end)[3] & termios.ECHO)


@pytest.fixture
def pair() -> Iterator[Pair]:
    keys, end = pty.openpty()
    yield Pair(keys, end)
    os.close(keys)
    os.close(end)


def test_what_is_typed_is_hidden_from_begin_to_end(pair: Pair) -> None:
    unseen = Unseen(pair.end)
    before = termios.tcgetattr(pair.end)
    unseen.end()
    unseen.begin()
    unseen.begin()
    assert not pair.echoes()
    unseen.end()
    unseen.end()
    assert termios.tcgetattr(pair.end) == before


def test_a_terminal_is_given_back_when_the_question_is_interrupted(pair: Pair) -> None:
    def interrupted() -> None:
        with Unseen(pair.end):
            assert not pair.echoes()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert pair.echoes()


def test_a_pipe_and_what_is_gone_have_nothing_to_hide() -> None:
    read_end, write_end = os.pipe()
    with Unseen(read_end), Unseen(None):
        pass
    os.close(read_end)
    os.close(write_end)
    with Unseen(read_end):
        pass


def terminal_of(pair: Pair, screen: io.StringIO) -> Terminal:
    return Terminal(TypedLines(pair.end), screen, io.StringIO(), interactive=True)


def test_a_secret_is_hidden_before_its_question_is_seen(pair: Pair) -> None:
    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if text == "Password: ":
                assert not pair.echoes()
                os.write(pair.keys, b"secret\n")
            return super().write(text)

    screen = Watched()
    assert terminal_of(pair, screen).ask_secret("Password: ") == "secret"
    assert screen.getvalue() == "Password: \n"
    assert pair.echoes()


def test_a_terminal_hides_answers_until_it_is_told_otherwise_or_closed(pair: Pair) -> None:
    screen = io.StringIO()
    terminal = terminal_of(pair, screen)
    terminal.ask_unseen("New: ")
    terminal.ask_unseen("Again: ")
    assert not pair.echoes()
    terminal.ask_unseen(None)
    assert pair.echoes()
    assert screen.getvalue() == "New: \nAgain: \n"
    terminal.ask_unseen("New: ")
    terminal.close()
    assert pair.echoes()
