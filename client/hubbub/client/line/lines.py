"""Lines as people read them: text in spans that say what they are, not how they look. Values only.

Nothing here is escaped yet: whoever puts a line on a terminal passes each span through `hubbub.client.line.screen.harmless`.
"""

from dataclasses import dataclass, replace
from enum import Enum
from typing import Self


class Style(Enum):
    """What a span is. How it looks is the terminal's concern."""

    PLAIN = "plain"
    NAME = "name"
    """The text is a person's name."""
    MENTION = "mention"
    """Oneself is spoken of."""
    QUIET = "quiet"
    """Read if one cares: a room's name, a time, a notice about others."""
    NOTICE = "notice"
    """From hubbub, about one's own chat."""
    TROUBLE = "trouble"
    QR = "qr"
    """A row of a QR code: what is drawn is its light part."""


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of a line in one style."""

    text: str
    style: Style = Style.PLAIN


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `time` is when that happened, in milliseconds since 1970, UTC; None: now.

    `may_skip`: one of many, left out when they come too fast to be read. `rings`: worth a bell. `earlier`: said before one came.
    `whole`: a command to be copied, which no row of the screen cuts; of one's own making only.
    """

    spans: tuple[Span, ...]
    time: int | None = None
    may_skip: bool = False
    rings: bool = False
    earlier: bool = False
    whole: bool = False

    @classmethod
    def of(cls, text: str, style: Style = Style.PLAIN) -> Self:
        """Return a line of one style."""
        return cls((Span(text, style),))

    def __str__(self) -> str:
        return "".join(span.text for span in self.spans)

    def behind(self, *spans: Span) -> Self:
        """Return the line with spans before it."""
        return replace(self, spans=(*spans, *self.spans))


def notice(text: str) -> Line:
    """Return what hubbub has to say."""
    return Line.of(text, Style.NOTICE)


def command(text: str) -> Line:
    """Return what somebody is to copy into a shell."""
    return Line((Span(f"    {text}", Style.NOTICE),), whole=True)


def rule(text: str) -> Line:
    """Return a line that parts what was before from what comes."""
    return Line.of(f"─── {text} ───", Style.QUIET)
