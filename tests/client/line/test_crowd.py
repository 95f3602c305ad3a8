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


def test_who_writes_to_somebody_absent_is_to_be_told_once_for_each_absence() -> None:
    crowd = Crowd()
    crowd.roster(People(2, ("Alice", "Bob"), {}))
    assert not crowd.may_be_absent("bob")
    assert [crowd.may_be_absent("Carol"), crowd.may_be_absent("carol")] == [True, False]
    crowd.happens(updates.PersonAway("Bob", "lunch"))
    assert [crowd.may_be_absent("Bob"), crowd.may_be_absent("Bob")] == [True, False]
    crowd.happens(updates.PersonBack("Bob"))
    assert not crowd.may_be_absent("Bob")
