"""The figures of all rounds, and the tables that show their medians and ratios."""

import os
import platform
import sys
from collections import defaultdict
from collections.abc import Sequence
from statistics import median, quantiles

import zmq

MODES = ("insecure", "encrypted")
_LABEL, _CELL = 46, 18


class Figures:
    """Figures by what and how, a list of rounds each."""

    def __init__(self) -> None:
        self._rounds: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def add(self, what: str, mode: str, *values: float) -> None:
        """Note what one round, or several, gave."""
        self._rounds[what, mode] += values

    def median(self, what: str, mode: str) -> float | None:
        """Return the median of all rounds; None if there are none."""
        values = self._rounds.get((what, mode))
        return median(values) if values else None

    def percentile(self, what: str, mode: str, hundredths: int) -> float | None:
        """Return a percentile, 1 to 99."""
        values = self._rounds.get((what, mode))
        return quantiles(values, n=100)[hundredths - 1] if values and len(values) > 1 else None

    def ratio(self, what: str, to: str, mode: str) -> float | None:
        """Return the median of the rounds' own ratios: rounds are interleaved, so both sides met the same load from elsewhere."""
        pairs = zip(
            self._rounds.get((what, mode), []), self._rounds.get((to, mode), []), strict=False
        )
        ratios = [a / b for a, b in pairs if b]
        return median(ratios) if ratios else None


def title(text: str, columns: Sequence[str] = MODES) -> None:
    """Print a table's head."""
    print(f"\n{text:<{_LABEL}}" + "".join(f"{column:>{_CELL}}" for column in columns))


def row(label: str, cells: Sequence[str]) -> None:
    """Print a row."""
    print(f"  {label:<{_LABEL - 2}}" + "".join(f"{cell:>{_CELL}}" for cell in cells), flush=True)


def shown(value: float | None, form: str = ",.0f", unit: str = "") -> str:
    """Format a figure that may be missing."""
    return "-" if value is None else f"{value:{form}}{unit}"


def rates(figures: Figures, what: str, label: str, *ratios: tuple[str, str]) -> None:
    """Print the medians of `what`, and below its ratios to others: (other, label)."""
    row(label, [shown(figures.median(what, mode)) for mode in MODES])
    for other, name in ratios:
        row(f"  : {name}", [shown(figures.ratio(what, other, mode), ".2f") for mode in MODES])


def machine() -> str:
    """Say what this was measured on."""
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), {platform.system()} {platform.release()}, "
        f"Python {sys.version.split()[0]}, libzmq {zmq.zmq_version()}, load {os.getloadavg()[0]:.1f}"
    )
