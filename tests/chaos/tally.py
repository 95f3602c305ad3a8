"""Counts that outlive a kill -9 of whoever counts: a file of 64-bit numbers, mapped into memory."""

import mmap
from enum import IntEnum, auto, unique
from pathlib import Path
from typing import Final

_BYTES: Final = 8


@unique
class Count(IntEnum):
    """What is counted; the number is its place in the file."""

    ACKED = 0
    """Posts and private messages that were acknowledged."""
    DRAINED = auto()
    """1: all that was written is answered, and nothing more will be."""
    GAPS = auto()
    """Stretches of a log that came from history, not live."""
    PAGES = auto()
    """Pages of history that brought events."""
    FETCHED = auto()
    """Events in these pages."""
    FETCHED_BYTES = auto()
    FRAMES = auto()
    """Frames of events that came to the client."""
    LOST_FRAMES = auto()
    """Those of them that the kit threw away."""
    LOST = auto()
    """Numbered events in frames thrown away."""
    LOST_BYTES = auto()
    SENT_AGAIN = auto()
    """Writes that the broker recognised as repeats."""
    COMMITS = auto()
    REFUSED_COMMITS = auto()
    """Commits that failed."""


class Tally:
    """One file of counts. Each count belongs to one thread of one process; others may read it at any time."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it with all counts 0."""
        size = len(Count) * _BYTES
        with path.open("a+b") as file:
            file.truncate(size)
            self._map = mmap.mmap(file.fileno(), size)
        self._counts = memoryview(self._map).cast("Q")

    def add(self, count: Count, amount: int = 1) -> None:
        """Count some more."""
        self._counts[count] += amount

    def __getitem__(self, count: Count) -> int:
        return self._counts[count]

    def close(self) -> None:
        """Let go of the file."""
        self._counts.release()
        self._map.close()


def tally_of(folder: Path, name: str) -> Path:
    """Where a client, in all its lives, or the broker counts."""
    return folder / f"{name}.tally"
