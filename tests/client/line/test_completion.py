"""Tab knows people, rooms and commands, each where it belongs."""

import pytest

from hubbub.client.line.completion import Vocabulary


@pytest.fixture
def vocabulary() -> Vocabulary:
    vocabulary = Vocabulary()
    vocabulary.meet("Bob", "Bobby", "Élise", "carol")
    vocabulary.learn("lobby", "dev", "devops")
    return vocabulary


@pytest.mark.parametrize(
    ("typed", "start", "offered"),
    [
        ("@", "", ["Bob: ", "Bobby: ", "carol: ", "Élise: "]),
        ("@bo", "bo", ["Bob: ", "Bobby: "]),
        ("@é", "é", ["Élise: "]),
        ("ask @BOB", "BOB", ["Bob ", "Bobby "]),
        ("Car", "Car", ["carol: "]),
        ("hello Car", "", []),
        ("mail bob@c", "", []),
        ("/", "", None),
        ("/h", "h", ["help ", "history "]),
        ("/join de", "de", ["dev", "devops"]),
        ("/join #de", "de", ["dev", "devops"]),
        ("/who L", "L", ["lobby"]),
        ("/msg bobb", "bobb", ["Bobby "]),
        ("/history @c", "c", ["carol "]),
        ("/me bo", "", []),
        ("/kick bobb", "bobb", ["Bobby "]),
        ("/mute @car", "car", ["carol "]),
        ("/role carol m", "m", ["member", "moderator"]),
        ("/lockdown a", "a", ["accounts-only "]),
        ("/room slow 10s pr", "pr", ["private "]),
        ("/devices r", "r", ["remove "]),
        ("/help A", "A", ["all "]),
        ("/password x", "", []),
        ("", "", []),
    ],
)
def test_what_fits_is_offered(
    vocabulary: Vocabulary, typed: str, start: str, offered: list[str] | None
) -> None:
    found_start, found = vocabulary.candidates(typed)
    assert found_start == start
    assert (found == offered) if offered is not None else ("exit " in found)


def test_a_command_that_one_may_not_use_is_not_offered(vocabulary: Vocabulary) -> None:
    assert vocabulary.candidates("/ban")[1] == ["ban ", "bans "]
    vocabulary.offer(frozenset({"bans", "exit"}))
    assert vocabulary.candidates("/ban")[1] == ["bans "]
