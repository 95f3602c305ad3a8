"""What a camera reads from the characters is the link."""

import segno

from hubbub.client.line.lines import Style
from hubbub.client.line.qr import QUIET_MODULES, qr_lines

LINK = (
    "hubbub://192.0.2.2:5000/astf2y24np54kjhxp4rsm6wlse22oeljq4hqhdgwafnwed2f5jmq/abcdefghijklmnop"
)
DARK = {"█": (0, 0), "▀": (0, 1), "▄": (1, 0), " ": (1, 1)}


def test_the_characters_are_the_code_two_rows_in_a_line_with_a_light_margin() -> None:
    lines = qr_lines(LINK, 80)
    assert {span.style for line in lines for span in line.spans} == {Style.QR}
    texts = [str(line) for line in lines]
    rows = [[DARK[c][half] for c in text] for text in texts for half in (0, 1)]
    code = [list(row) for row in segno.make(LINK, micro=False, error="l").matrix]
    inner = [row[QUIET_MODULES:-QUIET_MODULES] for row in rows[QUIET_MODULES:]][: len(code)]
    assert inner == code
    assert not any(map(any, rows[:QUIET_MODULES]))
    assert not any(map(any, rows[QUIET_MODULES + len(code) :]))
    assert not any(any(row[:QUIET_MODULES] + row[-QUIET_MODULES:]) for row in rows)


def test_a_code_that_does_not_fit_is_not_drawn() -> None:
    [line] = qr_lines(LINK, 44)
    assert str(line) == "The QR code needs 45 columns, and this terminal has 44: widen it."
    assert len(qr_lines(LINK, 45)) > 1
