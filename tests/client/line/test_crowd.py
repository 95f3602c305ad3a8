"""Who is here: counted, and known to be absent when one writes to them."""

from hubbub.client import updates
from hubbub.client.line.crowd import Crowd
from hubbub.client.results import People


def test_people_are_counted_as_they_come_and_go() -> None:
    crowd = Crowd()
    assert crowd.count == 0
    crowd.roster(People(2, ("Alice", "Bob"), {}))
    crowd.happens(updates.PersonJoined("Carol"))
    crowd.happens(updates.PersonLeft("Bob"))
    assert crowd.count == 2
    crowd.happens(updates.PeopleOnline(51))
    assert crowd.count == 51


def test_a_crowd_that_shrinks_is_counted_by_its_people_again() -> None:
    crowd = Crowd()
    crowd.roster(People(50, tuple(f"p{n}" for n in range(50)), {}))
    crowd.happens(updates.PeopleOnline(51))
    crowd.happens(updates.PersonLeft("p3"))
    crowd.happens(updates.PersonLeft("late"))
    assert crowd.count == 49
    crowd.happens(updates.PersonJoined("p3"))
    assert crowd.count == 50


def test_who_left_before_the_roster_was_told_is_not_counted_twice() -> None:
    crowd = Crowd()
    crowd.roster(People(1, ("Alice",), {}))
    crowd.happens(updates.PersonLeft("Bob"))
    assert crowd.count == 1


def test_who_writes_to_somebody_absent_is_to_be_told_once_for_each_absence() -> None:
    crowd = Crowd()
    crowd.roster(People(2, ("Alice", "Bob"), {}))
    assert not crowd.may_be_absent("bob")
    assert [crowd.may_be_absent("Carol"), crowd.may_be_absent("carol")] == [True, False]
    crowd.happens(updates.PersonAway("Bob", "lunch"))
    assert [crowd.may_be_absent("Bob"), crowd.may_be_absent("Bob")] == [True, False]
    crowd.happens(updates.PersonBack("Bob"))
    assert not crowd.may_be_absent("Bob")
