"""The chaos kit, briefly, against the broker as it is; and against brokers broken on purpose, each of which it must catch."""

import os
from pathlib import Path

import pytest
from tests.chaos.breaking import BREAKS
from tests.chaos.checker import DOUBLED, INVENTED, LOST, ORDER, OVERHEARD
from tests.chaos.director import Director, Options
from tests.chaos.plan import Kind
from tests.chaos.table import table
from tests.chaos.tally import Count
from tests.processes import left_running

SECONDS = 60.0 if os.environ.get("CI") else 10.0
CAUGHT = {
    "ack-before-commit": {LOST},
    "forget-producers": {DOUBLED},
    "drop-stored": {LOST},
    "drop-published": {ORDER},
    "publish-rolled-back": {ORDER, INVENTED},
    "swap-published": {ORDER},
    "swap-stored": {ORDER},
    "let-others-hear": {OVERHEARD},
}
"""What the kit must find of each broken broker: at least one of these."""


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_nothing_is_lost_doubled_or_overheard_when_everything_fails(tmp_path: Path) -> None:
    report = Director(Options(seed=1, seconds=SECONDS, ping=1.0), tmp_path).run()
    print(table(report))
    assert report.verdict.faults == []
    assert report.verdict.acked > 100
    assert set(report.faults) == set(Kind)
    assert not left_running(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", BREAKS)
def test_kit_catches_a_broker_when_it_is_broken(name: str, tmp_path: Path) -> None:
    options = Options(
        seed=1,
        seconds=6.0,
        clients=3,
        posts=600,
        kills=3 if name == "ack-before-commit" else 0,
        ping=0.25,
        kinds=(),
        broken=name,
        patience=2.0,
    )
    report = Director(options, tmp_path).run()
    assert CAUGHT[name] & set(report.verdict.kinds), report.verdict.faults[:20]
    assert not left_running(tmp_path)


@pytest.mark.slow
def test_kit_finds_nothing_when_the_same_is_done_to_a_broker_that_is_whole(tmp_path: Path) -> None:
    options = Options(seed=1, seconds=30.0, clients=3, posts=600, kills=3, ping=0.25, kinds=())
    report = Director(options, tmp_path).run()
    assert report.verdict.faults == []
    assert report.faults == {Kind.KILL_BROKER: 3}


@pytest.mark.slow
def test_clients_fetch_at_most_twice_what_they_lost_when_events_are_thrown_away(
    tmp_path: Path,
) -> None:
    # Frames are lost by this share alone: nothing else is done to anybody, and PUB's mark is the broker's own.
    options = Options(seed=1, seconds=4.0, clients=4, loss=0.3, hwm=128, ping=0.5, kinds=())
    report = Director(options, tmp_path).run()
    counts = report.counts
    assert report.verdict.faults == []
    assert counts[Count.LOST_FRAMES] * 5 >= counts[Count.FRAMES] > 100
    assert counts[Count.FETCHED_BYTES] <= 2 * counts[Count.LOST_BYTES]
