"""`make ratios` fails on a collapse alone, and never for a slow disk."""

import pytest
from bench.results import HUBBUB, RELAY, Row
from bench.scenarios.relay import (
    DISK,
    EXPECTED,
    FAN_OUT,
    FULL,
    NAME,
    POSTS,
    SINGLE,
    SIZE,
    shares,
    table,
)

QUICK_SYNC, SLOW_SYNC = 0.2, 20.0
"""Milliseconds."""


def run(case: str, ours: list[float], bare: list[float], sync: float = QUICK_SYNC) -> list[Row]:
    """The rows of a run that measured one case."""
    figures = {DISK: [sync], HUBBUB: ours, RELAY: bare}
    return [
        Row(scenario=NAME, case=case, system=system, measure=POSTS, figures=figures[system])
        for system in figures
    ]


@pytest.mark.parametrize("case", EXPECTED)
def test_hubbub_has_collapsed_when_it_is_half_as_fast_as_expected(case: str) -> None:
    half = EXPECTED[case] / 2
    [slow] = shares(run(case, [half * 990], [1000]))
    [fine] = shares(run(case, [half * 1010], [1000]))
    assert slow.is_collapse
    assert not fine.is_collapse


def test_best_turns_count_when_others_use_the_machine() -> None:
    [share] = shares(run(SINGLE, [100, 450, 90], [200, 1000, 1001]))
    assert share.found == pytest.approx(450 / 1001)
    assert not share.is_collapse


def test_no_more_is_expected_than_the_disk_allows() -> None:
    """Two syncs of 20 ms for a window of 512 posts make 12,800 a second, whatever the relay does."""
    [share] = shares(run(FULL, [8000], [1_000_000], sync=SLOW_SYNC))
    assert share.expected == pytest.approx(0.0128)
    assert not share.is_collapse
    [share] = shares(run(FAN_OUT, [8000 * SIZE], [10_000_000], sync=SLOW_SYNC))
    assert share.expected == pytest.approx(0.128)
    assert not share.is_collapse


def test_table_names_a_collapse() -> None:
    found = [*shares(run(SINGLE, [1], [1000])), *shares(run(FULL, [900], [1000]))]
    lines = table(found).splitlines()[2:]
    assert [line.endswith("COLLAPSED") for line in lines] == [True, False]


def test_rows_of_other_scenarios_have_no_share() -> None:
    rows = run(SINGLE, [1], [1000])
    for row in rows:
        row.scenario = "fan-out"
    assert shares(rows) == []
