"""A person's colour is stable, and legible on a light and on a dark terminal."""

import re

import pytest

from hubbub.client.line.lines import Span, Style
from hubbub.client.line.palette import COLOURS, colour, look

CUBE = {0x00, 0x5F, 0x87, 0xAF, 0xD7, 0xFF}


def channels(colour: str) -> list[int]:
    return [int(colour[at : at + 2], 16) for at in (1, 3, 5)]


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [c / 255 for c in channels(colour)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("shade", COLOURS)
def test_a_colour_is_legible_on_black_and_on_white(shade: str) -> None:
    light = luminance(shade)
    assert (light + 0.05) / 0.05 >= 3.5
    assert 1.05 / (light + 0.05) >= 3.5
    assert set(channels(shade)) <= CUBE  # 256 colours have it exactly


def test_a_person_keeps_a_colour_however_the_name_is_typed() -> None:
    assert colour("Alice") == colour("ALICE")
    assert len({colour(f"user{number}") for number in range(200)}) == len(COLOURS)
    assert [colour(name) for name in ("Alice", "Bob")] == ["#0087af", "#d700d7"]


def test_earlier_text_is_dim_and_names_stay_coloured() -> None:
    assert look(Span("hi"), earlier=True) == "dim"
    assert re.fullmatch(r"bold fg:#\w{6}", look(Span("Bob", Style.NAME), earlier=True))
