"""How styles look, and which colour is whose. Data, and one stable choice.

The colours are those of the 256-colour cube whose contrast is at least 3.5 : 1 on black *and* on white (WCAG's formula; a test computes it), so
that nobody must be asked whether their terminal is light or dark. Neighbours differ in hue. Without colours, NO_COLOR, bold and dim remain.
"""

from hashlib import blake2b
from typing import Final

from hubbub.client.line.lines import Span, Style
from hubbub.common.names import fold

COLOURS: Final = (
    "#875fd7",
    "#af5f00",
    "#0087ff",
    "#d7005f",
    "#00875f",
    "#af5fff",
    "#878700",
    "#5f5fff",
    "#d75f5f",
    "#0087af",
    "#d700d7",
    "#008700",
)

LOOKS: Final = {
    Style.PLAIN: "",
    Style.NAME: "bold",
    Style.MENTION: "bold reverse",
    Style.QUIET: "dim",
    Style.NOTICE: "fg:#0087af",
    Style.TROUBLE: "bold",
    Style.QR: "fg:#ffffff bg:#000000",
}


def colour(name: str) -> str:
    """Return a person's colour: the same on every screen, today and tomorrow."""
    digest = blake2b(fold(name).encode(), digest_size=4).digest()
    return COLOURS[int.from_bytes(digest, "big") % len(COLOURS)]


def look(span: Span, *, earlier: bool = False) -> str:
    """Return a span's look, in prompt_toolkit's words."""
    words = [LOOKS[span.style]]
    if span.style is Style.NAME:
        words.append(f"fg:{colour(span.text)}")
    if earlier and span.style is Style.PLAIN:
        words.append("dim")
    return " ".join(word for word in words if word)
