"""Names that look alike: the skeletons of a name, of which names that a person may take for each other share one.

After Unicode's UTS 39: each character is replaced by the prototype of those that look like it ("АIice" with a Cyrillic А and a Latin I has the skeleton of
"Alice"). The table comes from the confusable-homoglyphs library, which keeps it in both directions; the prototype of a group is the one with
the most look-alikes. Skeletons are never stored: they may change with the library's version.
"""

import unicodedata
from functools import cache

from confusable_homoglyphs import confusables

from hubbub.common.names import fold

_MARKS = dict.fromkeys(map(ord, "\u200e\u200f"))
"""The table wraps right-to-left characters in direction marks."""


@cache
def _prototype(character: str) -> str:
    """Return what stands for `character` in a skeleton: the hub of its group of look-alikes."""
    alike = {entry["c"] for entry in confusables.confusables_data.get(character, ())}
    hub = max([character, *alike], key=_reach)
    return unicodedata.normalize("NFD", hub.translate(_MARKS))


def _reach(text: str) -> tuple[int, int, str]:
    """Order the members of a group: most look-alikes, then most characters ("rn" stands for "m"), then by code point."""
    return len(confusables.confusables_data.get(text, ())), len(text), text


def skeletons(name: str) -> frozenset[str]:
    """Return the folded skeletons of a canonical name, as it is and in lower case. Not for display.

    "ALICE" alone has the skeleton "allce" (I looks like l), and "Аlice" could stand beside it.
    """
    return frozenset(map(_skeleton, (name, fold(name))))


def _skeleton(name: str) -> str:
    letters = unicodedata.normalize("NFD", name)
    return fold("".join(map(_prototype, letters)))
