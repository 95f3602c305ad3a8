"""Long lines cut into rows, each further one indented. Pure.

A terminal would go on at the left edge: then a text with the right number of spaces in it could end in what looks like another person's line.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Final

from prompt_toolkit.utils import get_cwidth

from hubbub.client.line.screen import CONTINUED

_LEAST_COLUMNS: Final = 2 * len(CONTINUED)
# Every kind of space, and the empty Braille cell, which looks like one.
_BLANK: Final = r"[ \xa0\u1680\u2000-\u200a\u202f\u205f\u3000\u2800]"
_BLANKS: Final = re.compile(f"{_BLANK}+")
_WORDS: Final = re.compile(rf"\n|{_BLANK}+|(?:(?!{_BLANK}|\n).)+")
_LINK: Final = re.compile(r"[!-~]+://[!-~]+")
_JOINER: Final = "\u200d"
_EMOJI_STYLE: Final = "\ufe0f"

Fragment = tuple[str, str]


def wrapped(fragments: Iterable[Fragment], columns: int) -> list[Fragment]:
    """Return styled texts with a line's end wherever a row of so many columns is full: before a word, or inside of one that fills a row by itself.

    A link stays whole, so that it can be opened: the terminal wraps it, and a link holds no spaces to deceive with.
    """
    parts = list(fragments)
    text = "".join(part for _, part in parts)
    if len(text) <= columns and text.isascii():
        return parts
    rows = _Rows(max(columns, _LEAST_COLUMNS), (style for style, part in parts for _ in part))
    for word in _WORDS.findall(text):
        rows.add(word)
    return [
        (style, "".join(part for _, part in run)) for style, run in groupby(rows.put, itemgetter(0))
    ]


class _Rows:
    """Rows in the making. `styles` are those of the characters to come; `put` is what stands."""

    def __init__(self, columns: int, styles: Iterator[str]) -> None:
        self.put: list[Fragment] = []
        self._columns = columns
        self._styles = styles
        self._used = 0

    def add(self, word: str) -> None:
        """Add a word, blanks or a line's end."""
        if word == "\n":
            self.put.append((next(self._styles), word))
            self._used = 0
        elif _BLANKS.fullmatch(word):
            self._add_blanks(word)
        elif _LINK.fullmatch(word):
            self._add_link(word)
        else:
            self._add_word(word)

    def _add_word(self, word: str) -> None:
        cells = [*map(_cells, word, f"{word[1:]} ")]
        width = sum(cells)
        if width <= self._columns - len(CONTINUED) and self._used + width > self._columns:
            self._break()
        before = ""
        for character, width in zip(word, cells, strict=True):
            if width and self._used + width > self._columns and before != _JOINER:
                self._break()
            self._add(character, width)
            before = character

    def _add_link(self, link: str) -> None:
        if self._used + len(link) > self._columns:
            self._break()
        for character in link:
            self._add(character, 1)
        self._used = min(
            self._used, self._columns
        )  # its last row is the terminal's: nothing may follow there

    def _add_blanks(self, blanks: str) -> None:
        for character in blanks:
            cells = get_cwidth(character)
            if self._used + cells <= self._columns:
                self._add(character, cells)
            else:  # it would show nothing at the edge
                next(self._styles)
                self._used = self._columns

    def _break(self) -> None:
        self.put.append(("", f"\n{CONTINUED}"))
        self._used = len(CONTINUED)

    def _add(self, character: str, cells: int) -> None:
        self.put.append((next(self._styles), character))
        self._used += cells


def _cells(character: str, following: str) -> int:
    """Return how many columns a character takes at most: where terminals disagree, a row may be too short, never too long."""
    if following == _EMOJI_STYLE:
        return 2
    return 1 if unicodedata.category(character) == "Mc" else get_cwidth(character)
