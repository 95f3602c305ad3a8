"""The README's chart, from what `bench/run.py --out` has written: `python bench/chart.py bench.json chart.svg`.

Above, fan-out by the number of subscribers, with nothing encrypted and with everything; below, what should be flat: what a delivery costs by subscribers, and a post by messages stored. What is
shown is chosen by `panels`, from the rows alone; only `draw` needs matplotlib. The same results make the same bytes: the chart changes when its figures do.
"""

import argparse
import io
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.results import HUBBUB, Results, Row, load
from bench.scenarios import fanout, history
from bench.servers import BenchError

MILLION: Final = 1_000_000
INK, PAPER, GRID = "#1f2328", "#ffffff", "#e4e8ec"
"""Its own background: it is read on light pages and on dark ones."""
OURS: Final = "#d1400a"
LOOKS: Final = {
    HUBBUB: (OURS, "o"),
    "NATS core": ("#0969da", "s"),
    "Redis pub/sub": ("#1a7f37", "D"),
    "Mosquitto": ("#8250df", "^"),
    "ngIRCd": ("#6e7781", "v"),
}
"""A system has its colour and its mark in every panel."""
WIDTH: Final = 9.6
HEIGHTS: Final = (3.8, 2.4)
"""Inches, of which a browser makes 96 pixels."""
HEADROOM: Final = 1.6
"""The height of a panel for each of its highest point's: the legend stands above the curves."""
STYLE: Final = {
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": HUBBUB,  # the same ids each time
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.xmargin": 0.07,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.handlelength": 2.8,
    "legend.fontsize": 9,
    "figure.facecolor": PAPER,
}
FONT: Final = re.compile(r"'DejaVu Sans'[^;\"]*")
"""What matplotlib measured the text with; a reader's machine takes its own."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One system's medians, at what they were measured at."""

    system: str
    encryption: str
    at: Sequence[int]
    figures: Sequence[float]


@dataclass(frozen=True, slots=True)
class Panel:
    """One diagram, over a logarithmic axis."""

    title: str
    over: str
    curves: Sequence[Curve]
    unit: int = 1
    """By how much figures are divided."""


def panels(results: Results) -> list[list[Panel]]:
    """Return them row by row. What was not measured is left out, and so is a panel without curves."""
    sizes = {fanout.case(size): size for size in fanout.SIZES}
    many = {fanout.case(size): size for size in fanout.SIZES if size >= 100}
    stored = {history.case(size): size for size in history.BIG_SIZES}
    ours = [row for row in results.rows if row.system == HUBBUB]
    plain = [row for row in results.rows if row.encryption == "none"]
    encrypted = [row for row in results.rows if row.encryption != "none"]
    rates, costs = (fanout.NAME, fanout.DELIVERIES), (fanout.NAME, fanout.COST)
    over = "subscribers of one room"
    above = [
        Panel(f"Millions of deliveries a second, {how}", over, _curves(rows, rates, sizes), MILLION)
        for rows, how in ((plain, "without encryption"), (encrypted, "encrypted"))
    ]
    posts = _curves(ours, (history.NAME, history.COST), stored)
    below = [
        Panel("µs of CPU a delivery", over, _curves(ours, costs, many)),
        Panel("µs of CPU a post", "messages stored", posts),
    ]
    return [kept for row in (above, below) if (kept := [it for it in row if it.curves])]


def _curves(
    rows: Sequence[Row], measured: tuple[str, str], places: Mapping[str, int]
) -> list[Curve]:
    """Return a curve for each system of a scenario's measure, ours first; `places` has the cases that are shown."""
    found: dict[tuple[str, str], dict[int, float]] = {}
    for row in rows:
        if (row.scenario, row.measure) == measured and row.case in places and row.figures:
            found.setdefault((row.system, row.encryption), {})[places[row.case]] = row.median
    curves = [
        Curve(*name, sorted(points), [points[at] for at in sorted(points)])
        for name, points in found.items()
    ]
    return sorted(curves, key=lambda curve: curve.system != HUBBUB)


def labels(curves: Sequence[Curve]) -> list[str]:
    """Name curves in a legend: among others' hubbub's says what it does for its figures."""
    names = [
        it.system if it.encryption == "none" else f"{it.system}, {it.encryption}" for it in curves
    ]
    if all(it.system == HUBBUB for it in curves):
        return names
    promise = {HUBBUB: ": every message on disk first"}
    return [name + promise.get(it.system, "") for name, it in zip(names, curves, strict=True)]


def require() -> None:
    """Raise BenchError when there is nothing to draw with."""
    if find_spec("matplotlib") is None:
        raise BenchError("the chart needs matplotlib, which `make bench` installs")


def draw(results: Results) -> str:
    """Return the chart as SVG. Raises BenchError when matplotlib is missing, or there is nothing to show."""
    rows = panels(results)
    if not rows:
        raise BenchError("there is nothing to draw: neither fan-out nor history was measured")
    require()
    import matplotlib as mpl  # noqa: PLC0415 - of the extra `bench`
    from matplotlib.figure import Figure  # noqa: PLC0415 - the same

    heights = HEIGHTS[: len(rows)]
    drawn = io.StringIO()
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, sum(heights)), layout="constrained")
        bands = figure.subfigures(len(rows), 1, height_ratios=heights, squeeze=False)[:, 0]
        for band, row in zip(bands, rows, strict=True):
            for axes, panel in zip(band.subplots(1, len(row), squeeze=False)[0], row, strict=True):
                _draw_panel(axes, panel)
        figure.savefig(drawn, format="svg", metadata={"Date": None, "Creator": None})
    return FONT.sub("sans-serif", drawn.getvalue())


def _draw_panel(axes: Any, panel: Panel) -> None:
    for curve, label in zip(panel.curves, labels(panel.curves), strict=True):
        is_ours = curve.system == HUBBUB
        colour, mark = LOOKS.get(curve.system, (INK, "x"))
        axes.plot(
            curve.at,
            [figure / panel.unit for figure in curve.figures],
            label=label,
            color=colour,
            marker=mark,
            linestyle="--" if is_ours and curve.encryption != "none" else "-",
            linewidth=3 if is_ours else 1.5,
            markersize=7 if is_ours else 5,
            zorder=3 if is_ours else 2,
        )
    places = sorted({at for curve in panel.curves for at in curve.at})
    axes.set_xscale("log")
    axes.set_xticks(places, [f"{at:,}" for at in places])
    axes.set_xticks([], minor=True)
    axes.set_xlabel(panel.over)
    highest = max(max(curve.figures) for curve in panel.curves) / panel.unit
    axes.set_ylim(0, highest * HEADROOM)
    axes.set_title(panel.title, loc="left")
    axes.legend(loc="upper left")


def write(results: Results, path: Path) -> None:
    """Draw into a file. Raises BenchError."""
    path.write_text(draw(results), encoding="utf-8")


def main() -> int:
    """Draw; return the exit code."""
    parser = argparse.ArgumentParser(description="Draw a bench's results.")
    parser.add_argument("results", type=Path, help="what bench/run.py wrote with --out")
    parser.add_argument("chart", type=Path, help="the SVG file to write")
    options = parser.parse_args()
    try:
        write(load(options.results), options.chart)
    except (BenchError, OSError, msgspec.DecodeError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
