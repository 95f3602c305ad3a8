"""Who is online: roster and changes."""

import pytest

from hubbub.client.presence import Presence
from hubbub.client.updates import (
    PeopleOnline,
    PersonAway,
    PersonBack,
    PersonJoined,
    PersonLeft,
)
from hubbub.common.events import PresenceChanged
from hubbub.common.replies import Roster


@pytest.fixture
def presence() -> Presence:
    presence = Presence()
    presence.me = "Alice"
    presence.forget()
    presence.roster(Roster(1, 5, 2, ["Alice", "Bob"]))
    return presence


def test_the_first_roster_is_no_news() -> None:
    presence = Presence()
    assert not presence.known
    assert presence.roster(Roster(1, 5, 2, ["Alice", "Bob"])) == []
    assert presence.known


def test_changes_are_told_except_of_oneself(presence: Presence) -> None:
    change = PresenceChanged(6, 3, joined=["Alice", "Carol"], left=["Bob"])
    assert presence.changed(change) == [PersonJoined("Carol"), PersonLeft("Bob")]


def test_nobody_is_told_twice(presence: Presence) -> None:
    assert presence.changed(PresenceChanged(6, 2, joined=["Bob"], left=["Dave"])) == []
    assert presence.changed(PresenceChanged(6, 3, joined=["Carol"])) == [], "a repeat"


def test_those_who_only_returned_are_no_news(presence: Presence) -> None:
    assert presence.changed(PresenceChanged(6, 3, returned=["Carol"])) == []
    assert presence.changed(PresenceChanged(7, 2, left=["Carol"])) == [PersonLeft("Carol")]


def test_a_hole_asks_for_the_roster_and_tells_the_difference(presence: Presence) -> None:
    assert presence.changed(PresenceChanged(8, 4, joined=["Dave"])) == []
    assert presence.wants_roster
    assert presence.changed(PresenceChanged(9, 5, joined=["Eve"])) == []
    told = presence.roster(Roster(2, 8, 4, ["Alice", "Carol", "Dave"]))
    assert told == [
        PersonJoined("Carol"),
        PersonJoined("Dave"),
        PersonLeft("Bob"),
        PersonJoined("Eve"),
    ]
    assert not presence.wants_roster


def test_changes_before_the_roster_wait_for_it() -> None:
    presence = Presence()
    presence.forget()
    assert presence.changed(PresenceChanged(5, 1, joined=["Alice"])) == []
    assert presence.changed(PresenceChanged(6, 2, joined=["Bob"])) == []
    assert presence.roster(Roster(1, 5, 1, ["Alice"])) == [PersonJoined("Bob")]


def test_a_crowd_is_told_as_a_count(presence: Presence) -> None:
    names = [f"P{number}" for number in range(60)]
    assert presence.changed(PresenceChanged(6, 62, joined=names)) == [PeopleOnline(62)]
    assert presence.changed(PresenceChanged(7, 62, joined=["Q"], left=["P1"])) == []
    assert presence.changed(PresenceChanged(8, 61, left=["Q"])) == [PeopleOnline(61)]


def test_after_a_new_login_the_difference_is_no_news(presence: Presence) -> None:
    presence.forget()
    assert presence.roster(Roster(2, 1, 1, ["Alice"])) == []
    assert presence.changed(PresenceChanged(2, 2, returned=["Bob"])) == []


def test_who_is_away_and_who_is_back_is_told_except_of_oneself(presence: Presence) -> None:
    change = PresenceChanged(6, 2, away={"Alice": "busy", "Bob": ""})
    assert presence.changed(change) == [PersonAway("Bob", "")]
    change = PresenceChanged(7, 2, away={"Bob": "at lunch"})
    assert presence.changed(change) == [PersonAway("Bob", "at lunch")]
    change = PresenceChanged(8, 2, back=["Alice", "Bob"])
    assert presence.changed(change) == [PersonBack("Bob")]


def test_who_comes_and_is_away_is_told_in_this_order(presence: Presence) -> None:
    change = PresenceChanged(6, 3, joined=["Carol"], away={"Carol": "at lunch"})
    assert presence.changed(change) == [PersonJoined("Carol"), PersonAway("Carol", "at lunch")]
    assert presence.changed(PresenceChanged(7, 2, left=["Carol"])) == [PersonLeft("Carol")]
    change = PresenceChanged(8, 3, joined=["Carol"], away={"Carol": "at lunch"})
    assert presence.changed(change) == [PersonJoined("Carol"), PersonAway("Carol", "at lunch")]


def test_a_hole_tells_who_is_away_and_who_is_back(presence: Presence) -> None:
    presence.changed(PresenceChanged(6, 3, joined=["Carol"], away={"Bob": "at lunch"}))
    presence.changed(PresenceChanged(8, 3))
    away = {"Alice": "me too", "Carol": "asleep"}
    told = presence.roster(Roster(2, 8, 3, ["Alice", "Bob", "Carol"], away))
    assert told == [PersonAway("Carol", "asleep"), PersonBack("Bob")]
    presence.changed(PresenceChanged(10, 2))
    assert presence.roster(Roster(3, 10, 2, ["Alice", "Bob"])) == [PersonLeft("Carol")]


def test_a_crowd_may_be_away_without_a_line_each(presence: Presence) -> None:
    names = [f"P{number}" for number in range(60)]
    presence.changed(PresenceChanged(6, 62, joined=names))
    assert presence.changed(PresenceChanged(7, 62, away={"P1": "", "Bob": "at lunch"})) == []
    assert presence.changed(PresenceChanged(8, 62, back=["P1"])) == []
    presence.changed(PresenceChanged(9, 2, left=names))
    assert presence.changed(PresenceChanged(10, 2, back=["Bob"])) == [PersonBack("Bob")]


def test_who_is_away_by_the_first_roster_of_a_session_is_no_news(presence: Presence) -> None:
    presence.forget()
    assert presence.roster(Roster(2, 1, 2, ["Alice", "Bob"], {"Bob": "at lunch"})) == []
    assert presence.changed(PresenceChanged(2, 2, away={"Bob": "at lunch"})) == []
    assert presence.changed(PresenceChanged(3, 2, back=["Bob"])) == [PersonBack("Bob")]


def test_who_came_back_while_the_connection_was_lost_is_news_when_away_as_before(
    presence: Presence,
) -> None:
    presence.changed(PresenceChanged(6, 2, away={"Bob": "at lunch"}))
    presence.forget()
    assert presence.roster(Roster(2, 7, 2, ["Alice", "Bob"])) == []
    change = PresenceChanged(8, 2, away={"Bob": "at lunch"})
    assert presence.changed(change) == [PersonAway("Bob", "at lunch")]


def test_who_went_after_the_connection_was_lost_is_news_when_away_again(presence: Presence) -> None:
    presence.changed(PresenceChanged(6, 2, away={"Bob": "at lunch"}))
    presence.forget()
    presence.roster(Roster(2, 1, 2, ["Alice", "Bob"]))
    assert presence.changed(PresenceChanged(2, 1, left=["Bob"])) == [PersonLeft("Bob")]
    change = PresenceChanged(3, 2, joined=["Bob"], away={"Bob": "at lunch"})
    assert presence.changed(change) == [PersonJoined("Bob"), PersonAway("Bob", "at lunch")]
