"""Whether a run reached its goals is judged from its rows alone."""

import pytest
from bench.goals import AIM_MET, GOALS, MET, MISSED, NOT_MEASURED, Goal, Of, table
from bench.results import HUBBUB, Results, Row
from bench.scenarios import fanout, latency, library
from bench.systems import OPEN_HUBBUB, OPEN_RELAY, SYSTEMS

OURS = Of("ingest", "one producer", "posts/s")
THEIRS = Of("ingest", "one producer", "posts/s", "Redis streams")


def results(**figures: list[float]) -> Results:
    names = {"ours": OURS, "theirs": THEIRS}
    rows = [
        Row(
            scenario=of.scenario,
            case=of.case,
            system=of.system,
            measure=of.measure,
            figures=figures[name],
        )
        for name, of in names.items()
        if name in figures
    ]
    return Results(machine="", rounds=3, rows=rows)


FASTER = Goal(what="ingest", ours=OURS, other=THEIRS, more=True, must=0.4, aim=1)


@pytest.mark.parametrize(
    ("ours", "verdict"),
    [([39, 38, 50], MISSED), ([40, 41, 10], MET), ([100, 120, 90], AIM_MET)],
)
def test_goal_is_judged_by_the_median_of_the_ratios(ours: list[float], verdict: str) -> None:
    found = results(ours=ours, theirs=[100, 100, 100])
    assert FASTER.verdict(FASTER.figure(found)) == verdict


@pytest.mark.parametrize(("ours", "verdict"), [([5.1], MISSED), ([5.0], MET), ([2.0], AIM_MET)])
def test_goal_is_judged_by_its_number_when_there_is_no_other_row(
    ours: list[float], verdict: str
) -> None:
    goal = Goal(what="latest page", ours=OURS, unit="ms", must=5, aim=2)
    assert goal.verdict(goal.figure(results(ours=ours))) == verdict


def test_goal_is_judged_by_the_difference_when_it_is_what_counts() -> None:
    goal = Goal(what="memory", ours=OURS, other=THEIRS, above=True, unit="KiB", must=20, aim=10)
    found = results(ours=[90, 95, 100], theirs=[77, 77, 77])
    assert goal.figure(found) == 18
    assert goal.verdict(18) == MET


def test_goal_says_so_when_its_peer_was_not_measured() -> None:
    assert FASTER.verdict(FASTER.figure(results(ours=[1]))) == NOT_MEASURED
    assert FASTER.verdict(FASTER.figure(results(ours=[1], theirs=[]))) == NOT_MEASURED
    assert FASTER.verdict(FASTER.figure(results(theirs=[1]))) == NOT_MEASURED


def test_goal_without_a_must_is_not_missed_but_its_aim_is() -> None:
    goal = Goal(what="latency", ours=OURS, aim=1)
    assert goal.verdict(2) == "aim missed"
    assert goal.verdict(1) == AIM_MET


def test_goal_without_an_aim_is_met() -> None:
    goal = Goal(what="latency", ours=OURS, must=1)
    assert goal.verdict(1) == MET
    assert goal.verdict(2) == MISSED


def test_table_has_the_goals_of_the_scenarios_that_were_run() -> None:
    def measured(system: str, figure: float) -> Row:
        return Row(
            scenario=fanout.NAME,
            case=fanout.case(100),
            system=system,
            measure=fanout.DELIVERIES,
            figures=[figure],
        )

    rows = [measured(HUBBUB, 300), measured("NATS core", 100), measured("ngIRCd", 100)]
    shown = table(Results(machine="", rounds=1, rows=rows)).splitlines()
    nats = next(line for line in shown if "times NATS core" in line)
    irc = next(line for line in shown if "times ngIRCd" in line)
    assert nats.split("  ")[0] == "fan-out to 100 subscribers"
    assert "3 times NATS core" in nats
    assert nats.endswith(AIM_MET)
    assert irc.endswith(MISSED)
    assert any(line.endswith(NOT_MEASURED) for line in shown)
    assert not any("page" in line for line in shown)
    assert table(Results(machine="", rounds=1)) == ""


def test_goals_name_systems_that_there_are() -> None:
    known = {system.name for system in (OPEN_HUBBUB, OPEN_RELAY, *SYSTEMS)}
    known |= {latency.DISK, library.BARE}  # yardsticks of a scenario's own
    for goal in GOALS:
        assert goal.ours.system == HUBBUB
        if goal.other is not None:
            assert goal.other.system in known


def test_goals_can_all_be_kept_and_an_aim_is_harder_than_its_must() -> None:
    for goal in GOALS:
        assert goal.must is not None or goal.aim is not None
        if goal.must is not None and goal.aim is not None:
            assert goal.keeps(goal.aim, goal.must)
            assert not goal.keeps(goal.must, goal.aim)
