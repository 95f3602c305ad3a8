"""The figures of a run, as a short table. Each is counted, none reckoned."""

from collections.abc import Iterator

from tests.chaos.checker import KINDS
from tests.chaos.director import Report
from tests.chaos.plan import Kind
from tests.chaos.tally import Count

WIDTH = 36


def table(report: Report) -> str:
    """Return the table, a figure a line."""
    return "\n".join(f"  {name:<{WIDTH}} {figure:>12}" for name, figure in _rows(report))


def _rows(report: Report) -> Iterator[tuple[str, str]]:
    counts, verdict = report.counts, report.verdict
    yield "seconds", f"{report.seconds:.1f}"
    yield "clients", f"{report.options.clients:,}"
    yield "messages sent", f"{verdict.sent:,}"
    yield "messages acked", f"{verdict.acked:,}"
    yield "messages stored", f"{verdict.stored:,}"
    for fault in Kind:
        if report.faults[fault]:
            yield f"fault: {fault}", f"{report.faults[fault]:,}"
    yield "messages that outlived their client", f"{verdict.outlived:,}"
    yield "commits", f"{counts[Count.COMMITS]:,}"
    yield "commits refused by the disk", f"{counts[Count.REFUSED_COMMITS]:,}"
    yield "repeats recognised by the broker", f"{counts[Count.SENT_AGAIN]:,}"
    yield "gaps found by clients", f"{counts[Count.GAPS]:,}"
    yield "pages fetched to catch up", f"{counts[Count.PAGES]:,}"
    yield "events in these pages", f"{counts[Count.FETCHED]:,}"
    if report.options.loss:
        yield from _loss(report)
    yield "digests compared at the end", f"{verdict.compared:,}"
    for kind in KINDS:
        yield kind, f"{verdict.kinds[kind]:,}"


def _loss(report: Report) -> Iterator[tuple[str, str]]:
    counts = report.counts
    yield "frames of events", f"{counts[Count.FRAMES]:,}"
    lost = counts[Count.LOST_FRAMES] / max(1, counts[Count.FRAMES])
    yield "frames thrown away", f"{counts[Count.LOST_FRAMES]:,} ({lost:.1%})"
    yield "events thrown away", f"{counts[Count.LOST]:,}"
    ratio = counts[Count.FETCHED_BYTES] / max(1, counts[Count.LOST_BYTES])
    yield "bytes fetched per byte thrown away", f"{ratio:.2f}"
