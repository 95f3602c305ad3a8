"""A text too long for one message loses nothing when it is cut."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.line.pieces import pieces


def test_a_text_is_cut_at_line_ends_then_at_spaces_then_anywhere() -> None:
    assert pieces("one\ntwo\nthree", 9) == ["one\ntwo", "three"]
    assert pieces("one two three", 9) == ["one two", "three"]
    assert pieces("abcdefghij", 4) == ["abcd", "efgh", "ij"]
    assert pieces("short", 9) == ["short"]
    assert pieces("ääää", 5) == ["ää", "ää"]


def test_indentation_stays() -> None:
    assert pieces("if x:\n    y()\nz()", 12) == ["if x:", "    y()\nz()"]


@given(st.text(), st.integers(4, 40))
def test_no_piece_is_too_long_and_nothing_visible_is_lost(text: str, limit: int) -> None:
    text = text.encode(errors="ignore").decode()
    found = pieces(text, limit)
    assert all(0 < len(piece.encode()) <= limit for piece in found)
    assert "".join("".join(found).split()) == "".join(text.split())
