"""What was measured: a row a system and case, with a figure a round; its tables and its file.

Rounds alternate between the systems, so other work on the machine meets all alike, and a ratio is the median of the rounds' own ratios.
"""

import os
import platform
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec
import zmq
from tabulate import tabulate

HUBBUB, RELAY = "hubbub", "bare relay"
"""The relay stores nothing, checks nothing and knows nobody: what ZeroMQ and Python cost before hubbub does anything."""
SYNCED, NOTHING_STORED = "synced before its ack", "none"


class Row(msgspec.Struct, kw_only=True):
    """One measure of one system in one case. A row without figures says what is `missing`."""

    scenario: str
    case: str
    system: str
    version: str = ""
    durability: str = NOTHING_STORED
    encryption: str = "none"
    measure: str
    better: Literal["more", "less"] = "more"
    figures: list[float] = []
    missing: str = ""
    notes: list[str] = []

    @property
    def median(self) -> float:
        """Of the rounds; raises StatisticsError without any."""
        return median(self.figures)

    @property
    def name(self) -> str:
        """The system, and what protects it on the way."""
        return self.system if self.encryption == "none" else f"{self.system}, {self.encryption}"


class Results(msgspec.Struct, kw_only=True):
    """A whole run, as its file holds it."""

    machine: str
    rounds: int
    rows: list[Row] = []

    def find(
        self, scenario: str, case: str, system: str, measure: str, encryption: str = "none"
    ) -> Row | None:
        """Return the row of a system that has figures; None if there is none."""
        for row in self.rows:
            found = (row.scenario, row.case, row.system, row.measure, row.encryption)
            if found == (scenario, case, system, measure, encryption) and row.figures:
                return row
        return None

    def save(self, path: Path) -> None:
        """Write all as JSON."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self)) + b"\n")


def load(path: Path) -> Results:
    """Read what `save` wrote. Raises msgspec.DecodeError."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def ratio(row: Row, other: Row) -> float:
    """Return the median of what one did for each of the other's, round by round."""
    return median(a / b for a, b in zip(row.figures, other.figures, strict=False) if b)


def tables(rows: Sequence[Row]) -> Iterator[str]:
    """Yield a table for each measure of a scenario."""
    measures = dict.fromkeys((row.scenario, row.measure) for row in rows)
    for scenario, measure in measures:
        of = [row for row in rows if (row.scenario, row.measure) == (scenario, measure)]
        yield f"{scenario}: {measure}\n{_table(of)}"


def _table(rows: Sequence[Row]) -> str:
    shown, last = [], ""
    for row in rows:
        case = row.case if row.case != last else ""
        last = row.case
        beside = [row.version, row.durability, row.encryption]
        if row.missing:
            shown.append([case, row.system, row.missing, "", "", *beside])
            continue
        ours = _ours(rows, row)
        to_ours = "" if ours is None else "1" if ours is row else f"{ratio(row, ours):.2f}"
        spread = f"{number(min(row.figures))} to {number(max(row.figures))}"
        shown.append([case, row.system, number(row.median), spread, to_ours, *beside])
        shown += [["", "", f"({note})"] for note in row.notes]
    heads = ["", "", "median", "spread", ": hubbub", "version", "durability", "encryption"]
    return tabulate(shown, heads, tablefmt="simple", disable_numparse=True, colalign=["left"] * 8)


def _ours(rows: Sequence[Row], row: Row) -> Row | None:
    """Find what a row is compared with: hubbub in the same case, encrypted beside what is encrypted if it was measured so."""
    ours = [o for o in rows if (o.case, o.system) == (row.case, HUBBUB) and o.figures]
    ours.sort(key=lambda o: (o.encryption == "none") != (row.encryption == "none"))
    return row if row in ours else next(iter(ours), None)


def number(value: float) -> str:
    """Write a figure with three digits that count, or whole when it is larger."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def machine() -> str:
    """Say what this was measured on."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"Python {sys.version.split()[0]}, libzmq {zmq.zmq_version()}, load {os.getloadavg()[0]:.1f}"
    )
