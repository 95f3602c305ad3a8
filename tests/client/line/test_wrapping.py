"""Rows end where a terminal's do, and none but the first begins at the left edge."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prompt_toolkit.utils import get_cwidth

from hubbub.client.line.screen import CONTINUED
from hubbub.client.line.wrapping import wrapped


def rows(text: str, columns: int) -> list[str]:
    return "".join(part for _, part in wrapped([("", text)], columns)).split("\n")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Bob: hi", ["Bob: hi"]),
        ("Bob: this is longer than a row", ["Bob: this is longer ", "    than a row"]),
        ("Bob: 12345678901234 6789", ["Bob: 12345678901234 ", "    6789"]),
        ("Bob: 1234567890123456789012", ["Bob: 123456789012345", "    6789012"]),
        ("Bob: 長い部屋名前長い部屋名前", ["Bob: 長い部屋名前長", "    い部屋名前"]),
        ("Bob: one\n    two", ["Bob: one", "    two"]),
        ("M: x" + " " * 16 + "Bob: yes", ["M: x" + " " * 16, "    Bob: yes"]),
        ("M: x" + " " * 40 + "Bob: yes", ["M: x" + " " * 16, "    Bob: yes"]),
        ("M: " + "☝\ufe0f" * 9, ["M: " + "☝\ufe0f" * 8, "    ☝\ufe0f"]),
        ("M: x" + "\u2800" * 16 + "Bob: yes", ["M: x" + "\u2800" * 16, "    Bob: yes"]),
        ("e: " + "e\u0301" * 18, ["e: " + "e\u0301" * 17, "    e\u0301"]),
    ],
)
def test_further_rows_are_indented(text: str, shown: list[str]) -> None:
    assert rows(text, 20) == shown


def test_a_link_stays_whole() -> None:
    link = "https://example.org/a/long/way/to/go?and=more"
    assert rows(f"Bob: see {link} there", 20) == ["Bob: see ", f"    {link}", "    there"]


def test_what_terminals_join_is_not_parted() -> None:
    family = "👨\u200d👩\u200d👧"
    assert family in "".join(rows("Bob: " + "x" * 13 + family, 20))


def test_a_part_keeps_its_style() -> None:
    parts = [("bold", "Mallory"), ("", ": one two "), ("reverse", "Alice"), ("", " three")]
    assert wrapped(parts, 18) == [
        ("bold", "Mallory"),
        ("", ": one two \n    "),
        ("reverse", "Alice"),
        ("", " three"),
    ]


@given(st.text("ab 長\u3000\u0301\n", max_size=200), st.integers(1, 40))
def test_no_row_is_longer_than_the_terminal_is_wide(text: str, columns: int) -> None:
    shown = rows(text, columns)
    assert all(get_cwidth(row) <= max(columns, 2 * len(CONTINUED)) for row in shown)
    assert [c for c in "".join(shown) if c in "ab長"] == [c for c in text if c in "ab長"]
