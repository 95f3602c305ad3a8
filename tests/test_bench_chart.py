"""What the bench's chart shows is chosen from the rows; how it is drawn, matplotlib knows, which is not everywhere."""

from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from bench import chart
from bench.results import HUBBUB, Results, Row
from bench.scenarios import fanout, history
from bench.servers import BenchError


def delivered(system: str, size: int, figure: float, encryption: str = "none") -> Row:
    return Row(
        scenario=fanout.NAME,
        case=fanout.case(size),
        system=system,
        measure=fanout.DELIVERIES,
        encryption=encryption,
        figures=[figure, figure * 3, figure * 2],
    )


def cost(size: int, figure: float) -> Row:
    row = delivered(HUBBUB, size, figure)
    row.measure = fanout.COST
    return row


def stored(size: int, figure: float) -> Row:
    return Row(
        scenario=history.NAME,
        case=history.case(size),
        system=HUBBUB,
        measure=history.COST,
        encryption="CURVE",
        figures=[figure],
    )


def run(*rows: Row) -> Results:
    return Results(machine="two cores of 2026-01-02", rounds=3, rows=list(rows))


WHOLE = run(
    delivered("NATS core", 1, 100),
    delivered("NATS core", 1000, 1_000_000),
    delivered(HUBBUB, 1000, 2_000_000),
    delivered(HUBBUB, 1, 50),
    delivered(HUBBUB, 100, 900_000, "CURVE"),
    delivered("NATS core", 100, 300_000, "TLS"),
    cost(1, 20),
    cost(100, 0.3),
    cost(5000, 0.2),
    stored(1_000_000, 7.1),
    stored(10_000, 7.0),
)


def test_panel_has_a_curve_of_medians_for_each_system_ours_first_and_sizes_in_order() -> None:
    [[plain, encrypted], _] = chart.panels(WHOLE)
    assert [(it.system, list(it.at), list(it.figures)) for it in plain.curves] == [
        (HUBBUB, [1, 1000], [100, 4_000_000]),
        ("NATS core", [1, 1000], [200, 2_000_000]),
    ]
    assert [(it.system, it.encryption) for it in encrypted.curves] == [
        (HUBBUB, "CURVE"),
        ("NATS core", "TLS"),
    ]


def test_panels_of_cost_show_what_should_be_flat() -> None:
    [_, [deliveries, posts]] = chart.panels(WHOLE)
    assert list(deliveries.curves[0].at) == [100, 5000]
    assert list(posts.curves[0].figures) == [7.0, 7.1]


def test_panels_leave_out_what_was_not_measured() -> None:
    missing = delivered("NATS core", 1, 1)
    missing.figures, missing.missing = [], "not installed"
    [[only]] = chart.panels(run(missing, delivered(HUBBUB, 1, 50)))
    assert [it.system for it in only.curves] == [HUBBUB]
    assert chart.panels(run(missing)) == []


def test_legend_says_what_hubbub_does_for_its_figures_beside_others() -> None:
    [[plain, encrypted], [deliveries, _]] = chart.panels(WHOLE)
    assert chart.labels(plain.curves) == ["hubbub: every message on disk first", "NATS core"]
    assert chart.labels(encrypted.curves) == [
        "hubbub, CURVE: every message on disk first",
        "NATS core, TLS",
    ]
    assert chart.labels(deliveries.curves) == ["hubbub"]


def test_chart_is_drawn_where_matplotlib_is_and_otherwise_says_what_it_needs() -> None:
    if find_spec("matplotlib") is None:
        with pytest.raises(BenchError, match="matplotlib"):
            chart.draw(WHOLE)
        return
    drawn = chart.draw(WHOLE)
    words = [node.text for node in Xml.fromstring(drawn).iter() if node.tag.endswith("}text")]
    assert {"hubbub: every message on disk first", "NATS core", "1,000", "5,000"} <= set(words)
    assert "2026" not in drawn
    assert len(drawn.encode()) < 60_000
    assert chart.draw(WHOLE) == drawn


def test_chart_of_nothing_is_refused() -> None:
    with pytest.raises(BenchError, match="nothing to draw"):
        chart.draw(run())


def test_chart_program_says_in_a_line_that_its_results_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "bench.json"
    results.write_text("{}")
    monkeypatch.setattr("sys.argv", ["chart.py", str(results), str(tmp_path / "chart.svg")])
    assert chart.main() == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("bench: ")
    assert not (tmp_path / "chart.svg").exists()
