"""The plan comes from the seed, and leaves nothing out."""

from itertools import islice

from tests.chaos import plan
from tests.chaos.plan import Kind


def test_plan_is_the_same_when_the_seed_is() -> None:
    assert list(islice(plan.faults(7), 50)) == list(islice(plan.faults(7), 50))
    assert list(islice(plan.faults(7), 50)) != list(islice(plan.faults(8), 50))
    assert plan.kills(7, 5, 100) == plan.kills(7, 5, 100)


def test_plan_has_every_kind_before_any_comes_twice() -> None:
    assert {fault.kind for fault in islice(plan.faults(7), len(Kind))} == set(Kind)


def test_plan_has_only_the_kinds_asked_for() -> None:
    assert {fault.kind for fault in islice(plan.faults(7, [Kind.CUT]), 20)} == {Kind.CUT}
    assert list(plan.faults(7, [])) == []


def test_kills_lie_in_order_and_within_the_whole() -> None:
    kills = plan.kills(7, 100, 1000.0)
    assert len(kills) == 100
    assert kills == sorted(kills)
    assert 0 < kills[0] < kills[-1] < 1000
