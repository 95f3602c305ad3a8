"""Who is online: announced in deltas with versions, after a grace when a connection is lost."""

from tests.broker.core.desk import Desk, Person

from hubbub.broker.core.presence import DELIVERIES_A_SECOND
from hubbub.broker.core.presence import Roster as Presence
from hubbub.common.codec import decode_event
from hubbub.common.commands import Logout, Ping, Who, Whois
from hubbub.common.errors import Code
from hubbub.common.events import PresenceChanged
from hubbub.common.limits import GRACE_SECONDS
from hubbub.common.replies import Error, MemberInfo, MemberList, Roster


def changed(
    version: int, online: int, *, joined: str = "", left: str = "", returned: str = ""
) -> PresenceChanged:
    return PresenceChanged(version, online, joined.split(), left.split(), returned.split())


def watched() -> tuple[Desk, Person]:
    """Zoe watches; the roster is at version 1, and the next delta is due at once."""
    desk = Desk()
    zoe = desk.meets("Zoe")
    desk.passes(1)
    return desk, zoe.forgets()


def rest(desk: Desk, seconds: float, *awake: Person) -> None:
    """Time passes, and those who are awake ping."""
    for _ in range(int(seconds)):
        desk.passes(1)
        for person in awake:
            person.sends(Ping(99)).unread.clear()


def test_people_are_told_who_comes_and_who_says_goodbye() -> None:
    desk, zoe = watched()
    alice = desk.meets("Alice")
    zoe.notices(changed(2, 2, joined="Alice"))
    desk.passes(1)
    alice.sends(Logout(3))
    zoe.notices(changed(3, 1, left="Alice"))


def test_somebody_who_vanishes_is_online_for_5_s_more() -> None:
    desk, zoe = watched()
    alice = desk.meets("Alice")
    desk.passes(1)
    zoe.forgets()
    alice.vanishes()
    desk.passes(4.9)
    zoe.notices()
    zoe.sends(Who(3)).gets(Roster(3, 2, 2, ["Alice", "Zoe"]))
    desk.passes(0.2)
    zoe.notices(changed(3, 1, left="Alice"))


def test_somebody_who_comes_back_within_the_grace_was_never_away() -> None:
    desk, zoe = watched()
    alice = desk.meets("Alice")
    rest(desk, 1, zoe)
    alice.vanishes()
    rest(desk, 4, zoe)
    alice = desk.meets("Alice")
    zoe.forgets()
    rest(desk, 10, zoe, alice)
    zoe.notices()


def test_several_sessions_of_a_person_count_as_one() -> None:
    desk, zoe = watched()
    alice, laptop = desk.meets("Alice"), desk.meets("Alice")
    zoe.notices(changed(2, 2, joined="Alice"))
    rest(desk, 1, alice, laptop, zoe)
    alice.sends(Logout(3))
    laptop.vanishes()
    zoe.notices()
    rest(desk, 4, zoe)
    zoe.notices()
    rest(desk, 2, zoe)
    zoe.notices(changed(3, 1, left="Alice"))


def test_a_goodbye_after_a_loss_is_told_at_once() -> None:
    desk, zoe = watched()
    alice, laptop = desk.meets("Alice"), desk.meets("Alice")
    desk.passes(1)
    zoe.forgets()
    laptop.vanishes()
    alice.sends(Logout(3))
    zoe.notices(changed(3, 1, left="Alice"))
    desk.passes(6)
    zoe.notices()


def test_people_who_come_within_250_ms_are_told_together() -> None:
    desk, zoe = watched()
    desk.meets("Alice")
    zoe.notices(changed(2, 2, joined="Alice"))
    desk.meets("Bob")
    desk.passes(0.1)
    desk.meets("Carol").sends(Logout(3))
    desk.passes(0.1)
    desk.meets("Dora")
    zoe.forgets()
    desk.passes(0.2)
    zoe.notices(changed(4, 4, joined="Dora", left="Carol"))


def test_nothing_is_told_before_250_ms_have_passed() -> None:
    desk, zoe = watched()
    desk.meets("Alice")
    zoe.forgets()
    desk.meets("Bob")
    desk.passes(0.249)
    zoe.notices()
    desk.passes(0.001)
    zoe.notices(changed(3, 3, joined="Bob"))


def test_somebody_who_comes_and_goes_within_250_ms_is_told_twice() -> None:
    desk, zoe = watched()
    desk.meets("Alice")
    desk.meets("Bob").sends(Logout(3))
    desk.passes(1)
    zoe.notices(
        changed(2, 2, joined="Alice"), changed(3, 3, joined="Bob"), changed(4, 2, left="Bob")
    )


def test_somebody_who_goes_and_comes_within_250_ms_is_told_twice() -> None:
    desk, zoe = watched()
    bob = desk.meets("Bob")
    desk.passes(1)
    desk.meets("Alice")
    zoe.forgets()
    bob.sends(Logout(3))
    desk.meets("Bob")
    desk.passes(1)
    zoe.notices(changed(4, 2, left="Bob"), changed(5, 3, joined="Bob"))


def test_a_late_tick_tells_who_came_before_it_tells_that_they_went() -> None:
    desk, zoe = watched()
    desk.meets("Alice")
    desk.meets("Bob").vanishes()
    zoe.forgets()
    desk.now = desk.now._replace(monotonic=desk.now.monotonic + 10)
    zoe.sends(Ping(3))
    desk.passes(1)
    zoe.notices(changed(3, 3, joined="Bob"), changed(4, 2, left="Bob"))


def test_those_who_resume_after_the_brokers_start_are_no_news() -> None:
    desk = Desk()
    for name in ("Alice", "Bob", "Carol"):
        desk.meets(name)
    desk = Desk(store=desk.store)
    zoe = desk.meets("Zoe")
    rest(desk, 29, zoe)
    zoe.forgets()
    desk.connects("Alice").hello().logs_in("Alice", resuming=True)
    desk.connects("Bob").hello().logs_in("Bob")
    desk.passes(0.9)
    zoe.notices(changed(2, 2, returned="Alice"), changed(3, 3, joined="Bob"))
    desk.passes(0.2)
    desk.connects("Carol").hello().logs_in("Carol", resuming=True)
    zoe.notices(changed(4, 4, joined="Carol"))


def test_versions_have_no_hole_and_who_fits_the_version() -> None:
    desk, zoe = watched()
    roster = {"Zoe"}
    for number in range(30):
        person = desk.meets(f"p{number}")
        if number % 3 == 0:
            person.sends(Logout(3))
        elif number % 3 == 1:
            person.vanishes()
        desk.passes(0.07 * (number % 4))
    zoe.sends(Who(3))
    versions = []
    for event in presence_heard(zoe):
        versions.append(event.version)
        roster |= {*event.joined, *event.returned}
        roster -= set(event.left)
        assert event.online == len(roster)
    assert versions == list(range(2, 2 + len(versions)))
    zoe.gets(Roster(3, versions[-1], len(roster), sorted(roster)))


def presence_heard(person: Person) -> list[PresenceChanged]:
    assert person.sub is not None
    events = [decode_event(event) for _, event in person.sub.heard]
    return [event for event in events if isinstance(event, PresenceChanged)]


def test_who_tells_one_of_those_who_have_just_come_and_the_others_hear_of_them_in_time() -> None:
    desk, zoe = watched()
    desk.meets("Alice")
    desk.meets("Bob")
    zoe.forgets()
    zoe.sends(Who(3)).gets(Roster(3, 2, 3, ["Alice", "Bob", "Zoe"]))
    zoe.notices()
    desk.passes(0.25)
    zoe.notices(changed(3, 3, joined="Bob"))


def test_a_large_crowd_is_told_less_often_who_comes() -> None:
    roster = Presence()
    for number in range(2 * DELIVERIES_A_SECOND - 1):
        roster.arrive(number, f"{number}", quietly=False)
    assert roster.flush(10.0)
    roster.arrive(-1, "Late", quietly=False)
    assert not roster.flush(11.9)
    assert roster.deadline() == 11.999
    assert roster.flush(12.0)


def test_the_next_whose_grace_ends_is_not_one_who_was_lost_anew_since() -> None:
    roster = Presence()
    for number in (1, 2):
        roster.arrive(number, f"{number}", quietly=False)
    roster.flush(0.0)
    for number, now in ((1, 10.0), (2, 11.0), (1, 12.0)):
        roster.lose(number, now)
    assert roster.deadline() == 11.0 + GRACE_SECONDS
    roster.expire(11.0 + GRACE_SECONDS)
    roster.flush(20.0)
    assert roster.deadline() == 12.0 + GRACE_SECONDS


def test_whois_finds_a_person_present_or_absent_in_any_case() -> None:
    desk, zoe = watched()
    alice = desk.meets("Alice")
    lobby = desk.core.context.state.lobby.log.id
    zoe.sends(Whois(3, "ALICE")).gets(MemberList(3, lobby, [MemberInfo("Alice", True)], False))
    alice.sends(Logout(4))
    zoe.sends(Whois(5, "alice")).gets(MemberList(5, lobby, [MemberInfo("Alice")], False))


def test_whois_refuses_when_nobody_has_the_name() -> None:
    _, zoe = watched()
    zoe.sends(Whois(3, "Nobody")).gets(Error(Code.UNKNOWN_USER, "", id=3))
