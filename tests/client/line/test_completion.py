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
        ("", "", []),
    ],
)
def test_what_fits_is_offered(
    vocabulary: Vocabulary, typed: str, start: str, offered: list[str] | None
) -> None:
    found_start, found = vocabulary.candidates(typed)
    assert found_start == start
    assert (found == offered) if offered is not None else ("exit " in found)
