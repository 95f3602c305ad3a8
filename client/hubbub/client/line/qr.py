"""A join link as a QR code made of characters, two rows of it in one line. Pure."""

from itertools import zip_longest
from typing import Final

import segno

from hubbub.client.line.lines import Line, Span, Style, notice

QUIET_MODULES: Final = 4
"""The light margin that the standard asks for."""
_HALVES: Final = {
    (True, True): " ",
    (True, False): "▄",
    (False, True): "▀",
    (False, False): "█",
}
"""By whether the upper and the lower module are dark. The characters draw what is light: most terminals are dark, and where colours are, they are set."""


def qr_lines(text: str, columns: int) -> list[Line]:
    """Return the QR code of a text, or, where so many columns are too few for it, one line that says so."""
    code = segno.make(text, micro=False, error="l")
    rows = [list(map(bool, row)) for row in code.matrix_iter(border=QUIET_MODULES)]
    width = len(rows[0])
    if width > columns:
        return [
            notice(f"The QR code needs {width} columns, and this terminal has {columns}: widen it.")
        ]
    light = [False] * width
    pairs = zip_longest(rows[::2], rows[1::2], fillvalue=light)
    return [
        Line((Span("".join(_HALVES[pair] for pair in zip(*pair_of_rows, strict=True)), Style.QR),))
        for pair_of_rows in pairs
    ]
