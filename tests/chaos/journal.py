"""What one life of a client writes down: what it sent, what it was told of that, what it saw. A file for each life, a line for each entry.

Each entry goes to the system at once (one `write`, no buffer of ours), so a kill -9 leaves the truth: at most the last line is torn. `Sent` is
written before the call, everything else after it. A room is named; None stands for the private messages.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec


class Entry(msgspec.Struct, frozen=True, gc=False, array_like=True, tag=True):
    """The base of all entries."""


class Sent(Entry, frozen=True):
    """A message is about to be given to the client: to a room, or to a person."""

    id: str
    room: str | None
    to: str = ""


class Kept(Entry, frozen=True):
    """The client has it in a file: from now on it must be there in the end, whatever is killed."""

    id: str


class Acked(Entry, frozen=True):
    """The client says that it is on the broker's disk, as this seq."""

    id: str
    seq: int


class Refused(Entry, frozen=True):
    """The client says that the broker refused it for good: it must not be there."""

    id: str
    code: str


class Unknown(Entry, frozen=True):
    """The client says that its outcome cannot be known: it may be there, once."""

    id: str


class Reading(Entry, frozen=True):
    """From here on a log is read: all of it with a seq above `start`."""

    epoch: str
    room: str | None
    start: int


class Left(Entry, frozen=True):
    """The client says that one is no longer in a room: no more is read of it."""

    room: str


class Saw(Entry, frozen=True):
    """An event was shown. `what` names it as `tests.chaos.naming` does; `time` is the event's own, so that another with its name is another."""

    room: str | None
    seq: int
    what: str
    time: int


class Replaced(Entry, frozen=True):
    """The client says that the broker has another log."""


class Trouble(Entry, frozen=True):
    """The client says that something is wrong which must never be."""

    what: str


class Drained(Entry, frozen=True):
    """All that this life sent is answered."""


class At(Entry, frozen=True):
    """Where the client stands at the end."""

    epoch: str
    room: str | None
    seq: int
    digest: str


AnyEntry = (
    Sent
    | Kept
    | Acked
    | Refused
    | Unknown
    | Reading
    | Left
    | Saw
    | Replaced
    | Trouble
    | Drained
    | At
)
_encoder: Final = msgspec.json.Encoder()
_decoder: Final = msgspec.json.Decoder(AnyEntry)


class Journal:
    """Writes the journal of one life; from any thread."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, entry: AnyEntry) -> None:
        """Append an entry; on return a kill -9 cannot take it back."""
        os.write(self._file, _encoder.encode(entry) + b"\n")

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._file)


def path_of(folder: Path, name: str, life: int) -> Path:
    """Where the journal of a client's life is."""
    return folder / f"{name}.{life}.journal"


def whose(path: Path) -> tuple[str, int]:
    """Return the client's name and the number of its life."""
    name, life, _ = path.name.split(".")
    return name, int(life)


def read(path: Path) -> Iterator[AnyEntry]:
    """Yield the entries; a torn last line is none."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield _decoder.decode(line)
