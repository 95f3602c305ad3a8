"""Lines come in whole however they were cut on the way; nothing goes out that a terminal would execute."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hubbub.client.line.terminal import LINE_CHARACTERS, TYPED_BYTES, Terminal, TypedLines
from hubbub.common.limits import TEXT_BYTES


@dataclass
class Person:
    """Somebody at the other end of a pipe."""

    descriptor: int
    read_end: int
    screen: io.StringIO = field(default_factory=io.StringIO)
    errors: io.StringIO = field(default_factory=io.StringIO)

    def types(self, data: bytes) -> None:
        os.write(self.descriptor, data)

    def leaves(self) -> None:
        os.close(self.descriptor)
        self.descriptor = -1

    def terminal(self, *, interactive: bool) -> Terminal:
        typed = TypedLines(self.read_end)
        return Terminal(typed, self.screen, self.errors, interactive=interactive)


@pytest.fixture
def person() -> Iterator[Person]:
    read_end, write_end = os.pipe()
    person = Person(write_end, read_end)
    yield person
    if person.descriptor >= 0:
        person.leaves()
    os.close(read_end)


def lines(person: Person) -> list[str]:
    typed = TypedLines(person.read_end)
    return list(iter(typed.next, None))


def test_lines_are_read_one_by_one_and_the_last_needs_no_end(person: Person) -> None:
    person.types(b"one\n\ntwo\nthree")
    person.leaves()
    assert lines(person) == ["one", "", "two", "three"]


def test_a_character_may_come_in_two_pieces(person: Person) -> None:
    typed = TypedLines(person.read_end)
    smile = "🙂".encode()
    person.types(b"one\n" + smile[:2])
    assert typed.next() == "one"
    person.types(smile[2:] + b"\n")
    assert typed.next() == "🙂"


def test_bytes_that_are_no_text_are_replaced(person: Person) -> None:
    person.types(b"caf\xe9\n")
    person.leaves()
    assert lines(person) == ["caf\ufffd"]


def test_an_endless_line_takes_no_endless_memory(tmp_path: Path) -> None:
    (tmp_path / "input").write_bytes(b"x" * 4 * LINE_CHARACTERS + b"\nnext")
    with (tmp_path / "input").open("rb") as file:
        typed = TypedLines(file.fileno())
        first = typed.next()
        assert first is not None
        assert TEXT_BYTES < len(first) <= 2 * LINE_CHARACTERS
        assert typed.next() == "next"


def test_a_closed_input_has_no_lines() -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    os.close(write_end)
    assert TypedLines(read_end).next() is None


def test_a_pipe_sees_what_it_answered(person: Person) -> None:
    person.types(b"Al\x1bice\n")
    assert person.terminal(interactive=False).ask("Enter your name: ") == "Al\x1bice"
    assert person.screen.getvalue() == "Enter your name: Al\\x1bice\n"


def test_a_person_has_seen_it_already(person: Person) -> None:
    person.types(b"Alice\n")
    assert person.terminal(interactive=True).ask("Enter your name: ") == "Alice"
    assert person.screen.getvalue() == "Enter your name: "


def test_a_question_and_the_chat_share_what_was_read_ahead(person: Person) -> None:
    person.types(b"Alice\nhello\n")
    terminal = person.terminal(interactive=True)
    assert terminal.ask("Enter your name: ") == "Alice"
    assert terminal.read() == "hello"


@pytest.mark.parametrize(
    ("interactive", "screen", "errors"),
    [(True, "no such user\n", ""), (False, "", "hubbub: no such user\n")],
)
def test_a_complaint_goes_where_it_is_read(
    person: Person, interactive: bool, screen: str, errors: str
) -> None:
    person.terminal(interactive=interactive).complain("no such user")
    assert (person.screen.getvalue(), person.errors.getvalue()) == (screen, errors)


@pytest.mark.parametrize(
    ("interactive", "line", "cut"),
    [
        (True, "x" * TYPED_BYTES, True),
        (True, "x" * (TYPED_BYTES - 1), False),
        (True, "ä" * (TYPED_BYTES // 2) + "\ufffd", True),
        (False, "x" * TYPED_BYTES, False),
    ],
)
def test_a_line_that_a_terminal_may_have_cut_is_known(
    person: Person, interactive: bool, line: str, cut: bool
) -> None:
    assert person.terminal(interactive=interactive).may_have_cut(line) is cut
