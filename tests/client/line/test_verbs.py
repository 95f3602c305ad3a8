"""A typed line becomes the right action, and never a public message that was meant to be private."""

import pytest

from hubbub.client.line import verbs
from hubbub.client.line.actions import (
    Act,
    Action,
    ComeBack,
    Enter,
    Exit,
    GoAway,
    Help,
    ListPeople,
    ListRooms,
    Nothing,
    Quit,
    Say,
    ShowHistory,
    Unclear,
    Whisper,
)
from hubbub.client.line.verbs import parse


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("Hello, everyone!", Say("Hello, everyone!")),
        ("Hello\n", Say("Hello")),
        ("    indented code", Say("    indented code")),
        ("a: b", Say("a: b")),
        ("10/2", Say("10/2")),
        ("//x", Say("/x")),
        ("//", Say("/")),
        ("", Nothing()),
        (" \t\r\n", Nothing()),
        ("/exit", Exit()),
        ("/EXIT", Exit()),
        ("  /exit  ", Exit()),
        ("/help", Help()),
        ("/rooms", ListRooms()),
        ("/who", ListPeople(None)),
        ("/who dev", ListPeople("dev")),
        ("/join dev", Enter("dev")),
        ("/join #dev", Enter("dev")),
        ("/join   dev ", Enter("dev")),
        ("/me waves", Act("waves")),
        ("/me says:\nyes", Act("says:\nyes")),
        ("/msg Bob Hi there", Whisper("Bob", "Hi there")),
        ("/msg @Bob: Hi", Whisper("Bob", "Hi")),
        ("/history", ShowHistory(None, 50)),
        ("/history 7", ShowHistory(None, 7)),
        ("/history @Bob", ShowHistory("Bob", 50)),
        ("/history @Bob 7", ShowHistory("Bob", 7)),
        ("/away", GoAway("")),
        ("/away out for lunch", GoAway("out for lunch")),
        ("/back", ComeBack()),
        ("/etc/hosts\n127.0.0.1", Say("/etc/hosts\n127.0.0.1")),
        ("/leave", Quit(None)),
        ("/leave dev", Quit("dev")),
    ],
)
def test_a_line_is_an_action(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("@Bob: Hi Bob!", Whisper("Bob", "Hi Bob!")),
        ("@Bob:Hi", Whisper("Bob", "Hi")),
        ("@Bob: a: b", Whisper("Bob", "a: b")),
        ("@Bob: /exit", Whisper("Bob", "/exit")),
        ("@Zoë: ça va", Whisper("Zoë", "ça va")),
        ("  @Bob: Hi", Whisper("Bob", "Hi")),
        ("@Bob : Hi", Whisper("Bob", "Hi")),
        ("\uff20Bob\uff1a Hi", Whisper("Bob", "Hi")),
    ],
)
def test_a_name_with_a_colon_is_private(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("@Bob hi", Say("@Bob hi", mention="Bob")),
        ("@Bob, hi", Say("@Bob, hi", mention="Bob")),
        ("@Bob see: this", Say("@Bob see: this", mention="Bob")),
        ("@ hi", Say("@ hi")),
        ("mail@example.org: hi", Say("mail@example.org: hi")),
    ],
)
def test_a_name_without_a_colon_is_public(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("@Bob:", "@Bob:"),
        ("@Bob:   ", "@Bob:"),
        ("/jion dev", "/help"),
        ("/", "/help"),
        ("/join", "/join ROOM"),
        ("/join two rooms", "/join ROOM"),
        ("/leave two rooms", "/leave [ROOM]"),
        ("/exit now", "/exit"),
        ("/me", "/me TEXT"),
        ("/msg Bob", "/msg NAME TEXT"),
        ("/history 0", "/history [@NAME] [COUNT]"),
        ("/history Bob", "/history [@NAME] [COUNT]"),
        ("/back soon", "/back"),
        ("/verify all", "/verify"),
    ],
)
def test_what_cannot_be_done_is_not_said_but_explained(line: str, told: str) -> None:
    action = parse(line)
    assert isinstance(action, Unclear)
    assert told in action.reason


def test_help_shows_every_command_once() -> None:
    lines = verbs.help_lines()
    for name in verbs.VERBS:
        assert sum(line.split()[0] == f"/{name}" for line in lines) == 1
    assert lines[1].startswith("@name: text")


def test_help_fits_the_terminal() -> None:
    assert all(len(line) < 80 for line in verbs.help_lines(80))
    narrow = [row for line in verbs.help_lines(60) for row in line.split("\n")]
    assert all(len(row) < 56 for row in narrow)
