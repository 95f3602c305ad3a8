"""What the bench makes of its figures: medians, ratios of rounds that alternate, tables, its file."""

import re
from pathlib import Path

import pytest
from bench.results import HUBBUB, RELAY, Results, Row, load, number, ratio, tables


def row(system: str = HUBBUB, *figures: float, case: str = "100 subscribers") -> Row:
    return Row(
        scenario="fan-out",
        case=case,
        system=system,
        measure="deliveries/s",
        figures=list(figures),
    )


def test_ratio_is_that_of_the_rounds_when_another_program_slows_one_round_down() -> None:
    """The medians' ratio would be 3."""
    ours, theirs = row(HUBBUB, 100, 20, 300), row("NATS core", 50, 10, 30)
    assert ratio(ours, theirs) == 2


def test_ratio_leaves_a_round_out_when_the_other_did_nothing_in_it() -> None:
    assert ratio(row(HUBBUB, 100, 80), row("NATS core", 0, 40)) == 2


def test_table_tells_the_ratio_to_hubbub_of_each_case() -> None:
    rows = [
        row(HUBBUB, 1000, 1200, 1100),
        row(RELAY, 2000, 2400, 2200),
        row(HUBBUB, 500, case="1,000 subscribers"),
        row(RELAY, 250, case="1,000 subscribers"),
    ]
    [table] = tables(rows)
    cells = [re.split(r"\s{2,}", line) for line in table.splitlines()[3:]]
    assert cells[0][:5] == ["100 subscribers", "hubbub", "1,100", "1,000 to 1,200", "1"]
    assert cells[1][1:5] == ["bare relay", "2,200", "2,000 to 2,400", "2.00"]
    assert [line[4] for line in cells[2:]] == ["1", "0.50"]


def test_table_says_why_when_a_row_has_no_figures() -> None:
    missing = row("NATS core")
    missing.missing = "not installed (make bench installs it)"
    [table] = tables([row(HUBBUB, 10), missing])
    [line] = [line for line in table.splitlines() if "NATS core" in line]
    assert "not installed (make bench installs it)" in line


def test_table_tells_ratios_to_itself_when_hubbub_is_missing() -> None:
    [table] = tables([row(RELAY, 10)])
    assert "10 to 10" in table


def test_each_measure_has_its_own_table() -> None:
    cost = row(HUBBUB, 5)
    cost.measure = "µs of CPU a delivery"
    titles = [table.splitlines()[0] for table in tables([row(HUBBUB, 10), cost])]
    assert titles == ["fan-out: deliveries/s", "fan-out: µs of CPU a delivery"]


def test_results_are_the_same_when_they_are_read_from_their_file(tmp_path: Path) -> None:
    results = Results(machine="two cores", rounds=2, rows=[row(HUBBUB, 1, 2), row("NATS core")])
    results.save(tmp_path / "bench.json")
    assert load(tmp_path / "bench.json") == results


def test_results_find_a_row_by_all_that_names_it_and_none_without_figures() -> None:
    encrypted = row(HUBBUB, 7)
    encrypted.encryption = "CURVE"
    results = Results(machine="", rounds=1, rows=[row("NATS core"), encrypted, row(HUBBUB, 9)])
    key = ("fan-out", "100 subscribers")
    assert results.find(*key, HUBBUB, "deliveries/s") is results.rows[2]
    assert results.find(*key, HUBBUB, "deliveries/s", "CURVE") is encrypted
    assert results.find(*key, "NATS core", "deliveries/s") is None
    assert results.find(*key, HUBBUB, "posts/s") is None


@pytest.mark.parametrize(
    ("figure", "written"),
    [(1234567.8, "1,234,568"), (100, "100"), (12.345, "12.3"), (0.0123, "0.0123")],
)
def test_figure_is_written_with_what_counts(figure: float, written: str) -> None:
    assert number(figure) == written
