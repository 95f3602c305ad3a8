"""Entries of the broker's log: what happened, for people and for programs at once.

    log.info(Entry("user_left", "{name} has left the chat.", name=account.name))

No entry holds a message's text, a secret key, a code or a routing id: the log is read by more people than the chat is. Pure; `logs` writes them.
To add one: give it an event of its own, in snake case, and a row in ARCHITECTURE.md.
"""

from typing import Final

ENTRIES_AT_ONCE: Final = 5
ENTRIES_A_SECOND: Final = 0.1
"""Of a kind that others can bring about as often as they like: a flood of theirs must not be one of the log."""

Value = str | int | float | None | list[str]


class Entry:
    """`event` is stable, for programs to match on; `text` is a format string over `fields`, for people, and may change.

    It is put together when it is written, in the care of `logs`: nothing about an entry can stop the loop.
    """

    __slots__ = ("event", "fields", "text")

    def __init__(self, event: str, text: str, /, **fields: Value) -> None:
        self.event = event
        self.text = text
        self.fields = fields

    def __str__(self) -> str:
        return self.text.format_map(self.fields)
