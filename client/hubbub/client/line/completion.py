"""What Tab offers: names of people and rooms, and commands. Pure but for the adapter to prompt_toolkit at the end."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document

from hubbub.client.line import verbs
from hubbub.common.names import fold

_TAKES_ROOM: Final = re.compile(r"\s*/(?:join|leave|who)\s+#?(?P<start>\S*)")
_TAKES_NAME: Final = re.compile(
    r"\s*/(?:(?:msg|invite|add|kick|mute|unmute|role|ban|unban)\s+@?|history\s+@)(?P<start>\S*)"
)
_TAKES_ROLE: Final = re.compile(r"\s*/role\s+\S+\s+(?P<start>\S*)")
_TAKES_WORD: Final[dict[re.Pattern[str], Iterable[str]]] = {
    re.compile(r"\s*/lockdown\s+(?P<start>\S*)"): verbs.LEVELS,
    re.compile(r"\s*/room\s+(?:\S+\s+)*(?P<start>\S*)"): verbs.SETTINGS,
    re.compile(r"\s*/devices\s+(?P<start>\S*)"): ("remove",),
    re.compile(r"\s*/help\s+(?P<start>\S*)"): ("all",),
}
_COMMAND: Final = re.compile(r"\s*/(?P<start>[a-z]*)")
_ADDRESSED: Final = re.compile(r"\s*(?P<start>\S+)")
_AT: Final = re.compile(r"(?:.*\s)?@(?P<start>\S*)", re.DOTALL)


class Vocabulary:
    """The names that one may want to type. Filled by one thread, read by another: each set is replaced as a whole."""

    def __init__(self) -> None:
        self._people: frozenset[str] = frozenset()
        self._rooms: frozenset[str] = frozenset()
        self._verbs = frozenset(verbs.VERBS)

    def meet(self, *names: str) -> None:
        """People one has heard of."""
        if not self._people.issuperset(names):
            self._people |= frozenset(names)

    def learn(self, *rooms: str) -> None:
        """Rooms one has heard of."""
        if not self._rooms.issuperset(rooms):
            self._rooms |= frozenset(rooms)

    def offer(self, names: frozenset[str]) -> None:
        """Commands that one may use where one talks."""
        self._verbs = names

    def candidates(self, text: str) -> tuple[str, list[str]]:
        """Return what stands before the cursor of the word being typed, and what may take its place, in order."""
        choices = (
            (_TAKES_ROOM, self._rooms, ""),
            (_TAKES_NAME, self._people, " "),
            (_TAKES_ROLE, verbs.ROLES, ""),
            *((pattern, words, " ") for pattern, words in _TAKES_WORD.items()),
            (_COMMAND, self._verbs, " "),
        )
        for pattern, names, end in choices:
            if match := pattern.fullmatch(text):
                return match["start"], _fitting(match["start"], names, end)
        if match := _AT.fullmatch(text):
            first = not text.removesuffix(match["start"]).removesuffix("@").strip()
            return match["start"], _fitting(match["start"], self._people, ": " if first else " ")
        if match := _ADDRESSED.fullmatch(text):
            return match["start"], _fitting(match["start"], self._people, ": ")
        return "", []


def _fitting(start: str, names: Iterable[str], end: str) -> list[str]:
    folded = fold(start)
    return sorted((f"{name}{end}" for name in names if fold(name).startswith(folded)), key=fold)


class Completing(Completer):
    """Offers what the vocabulary has."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def get_completions(
        self, document: Document, complete_event: CompleteEvent
    ) -> Iterator[Completion]:
        """Yield completions of the word before the cursor."""
        start, names = self._vocabulary.candidates(document.text_before_cursor)
        for name in names:
            yield Completion(name, start_position=-len(start), display=name.strip(": "))
