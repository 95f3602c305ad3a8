"""What `audit` finds. Apart from it, so that nothing else is loaded with these."""

from dataclasses import dataclass, field


def shown(name: object) -> str:
    """Return a name as it may be printed, whatever stands in its place."""
    return name if isinstance(name, str) and name.isprintable() else ascii(name)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong: in which log or table, at which seq (None: none in particular), or from this one to `last`."""

    where: str
    seq: int | None
    what: str
    last: int | None = None

    def __str__(self) -> str:
        place = self.where if self.seq is None else f"{self.where}, seq {self.seq}"
        if self.last not in (None, self.seq):
            place += f" to {self.last}"
        return f"{place}: {self.what}"


@dataclass(frozen=True, slots=True)
class Log:
    """A log as it is stored. `where`: "room lobby", "inbox of Alice"."""

    where: str
    first: int
    last: int
    count: int
    digest: bytes


@dataclass(slots=True)
class Report:
    """What a database holds, and what is wrong with it: nothing, if `faults` is empty."""

    epoch: bytes = b""
    people: int = 0
    rooms: int = 0
    messages: int = 0
    logs: list[Log] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
