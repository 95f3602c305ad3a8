"""Who is away: said by people, told with presence, forgotten when they go."""

from hypothesis import given
from hypothesis import strategies as st
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.test_presence import presence_heard, rest, watched
from tests.broker.core.wire import refused

from hubbub.broker.core.presence import Roster as Presence
from hubbub.common.codec import decode_event
from hubbub.common.commands import (
    Away,
    Lockdown,
    Logout,
    Members,
    Mute,
    SetRole,
    Who,
    Whois,
)
from hubbub.common.errors import Code
from hubbub.common.events import PresenceChanged
from hubbub.common.limits import AWAY_BYTES, FRAME_DOWN_BYTES, NAME_CHARACTERS
from hubbub.common.replies import MemberInfo, MemberList, Noted, Roster


def two_people() -> tuple[Desk, Person, Person]:
    """Alice, and Zoe who watches; the roster is at version 2, and the next delta is due at once."""
    desk, zoe = watched()
    alice = desk.meets("Alice")
    desk.passes(1)
    return desk, alice.forgets(), zoe.forgets()


def test_people_are_told_who_is_away_and_who_is_back() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "at lunch")).gets(Noted(3))
    zoe.notices(PresenceChanged(3, 2, away={"Alice": "at lunch"}))
    desk.passes(1)
    alice.sends(Away(4)).gets(Noted(4))
    zoe.notices(PresenceChanged(4, 2, back=["Alice"]))


def test_one_may_be_away_without_a_word() -> None:
    _, alice, zoe = two_people()
    alice.sends(Away(3, ""))
    zoe.notices(PresenceChanged(3, 2, away={"Alice": ""}))
    zoe.sends(Who(4)).gets(Roster(4, 3, 2, ["Alice", "Zoe"], {"Alice": ""}))


def test_lists_say_who_is_away() -> None:
    _, alice, zoe = two_people()
    alice.sends(Away(3, "at lunch"))
    zoe.sends(Who(4)).gets(Roster(4, 3, 2, ["Alice", "Zoe"], {"Alice": "at lunch"}))
    info = MemberInfo("Alice", online=True, away="at lunch")
    zoe.sends(Whois(5, "alice")).gets(MemberList(5, LOBBY, [info], more=False))
    everybody = [info, MemberInfo("Zoe", online=True)]
    zoe.sends(Members(6, LOBBY)).gets(MemberList(6, LOBBY, everybody, more=False))
    alice.sends(Logout(7))
    zoe.sends(Whois(8, "alice")).gets(MemberList(8, LOBBY, [MemberInfo("Alice")], more=False))


def test_what_changes_nothing_is_not_told() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3)).gets(Noted(3))
    desk.passes(1)
    zoe.notices()
    alice.sends(Away(4, "at lunch"))
    zoe.forgets()
    desk.passes(1)
    alice.sends(Away(5, "at lunch"))
    desk.passes(1)
    zoe.notices()


def test_a_mind_that_changed_within_250_ms_is_told_as_its_outcome() -> None:
    desk, alice, zoe = two_people()
    bob = desk.meets("Bob")
    zoe.forgets()
    alice.sends(Away(3, "at lunch"), Away(4))
    bob.sends(Away(3), Away(4, "in a meeting"), Away(5, "asleep"))
    zoe.notices()
    desk.passes(0.25)
    zoe.notices(PresenceChanged(4, 3, away={"Bob": "asleep"}))
    desk.passes(1)
    alice.sends(Away(6, "at lunch"))
    zoe.notices(PresenceChanged(5, 3, away={"Alice": "at lunch"}))
    alice.sends(Away(7), Away(8, "at lunch"))
    bob.sends(Away(6, "?"), Away(7))
    desk.passes(0.25)
    zoe.notices(PresenceChanged(6, 3, back=["Bob"]))


def test_who_does_not_hasten_what_is_told_of_being_away() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "now"))
    zoe.forgets()
    for turn in range(50):
        alice.sends(Away(3, f"{turn}"), Who(4))
    [*_, roster] = alice.unread
    assert roster == Roster(4, 3, 2, ["Alice", "Zoe"], {"Alice": "now"}), "as of that version"
    zoe.notices()
    desk.passes(0.25)
    zoe.notices(PresenceChanged(4, 2, away={"Alice": "49"}))


def test_a_thousand_words_a_second_are_told_four_times() -> None:
    desk, alice, zoe = two_people()
    for turn in range(1000):
        alice.sends(Away(3, f"{turn}"))
        desk.passes(0.001)
    desk.passes(1)
    told = presence_heard(zoe)
    assert len(told) <= 5
    assert told[-1].away == {"Alice": "999"}


def test_of_several_sessions_the_last_to_speak_counts() -> None:
    desk, alice, zoe = two_people()
    laptop = desk.meets("Alice")
    alice.sends(Away(3, "at lunch"))
    zoe.notices(PresenceChanged(3, 2, away={"Alice": "at lunch"}))
    desk.passes(1)
    alice.sends(Logout(4))
    desk.passes(1)
    zoe.notices()
    laptop.sends(Away(3))
    zoe.notices(PresenceChanged(4, 2, back=["Alice"]))


def test_what_is_said_again_does_not_undo_what_another_session_said_since() -> None:
    desk, alice, zoe = two_people()
    laptop = desk.meets("Alice")
    alice.sends(Away(3, "at lunch"))
    alice.vanishes()
    rest(desk, 10, zoe)
    laptop.sends(Away(3))
    rest(desk, 1, zoe)
    zoe.forgets()
    desk.meets("Alice").sends(Away(3, "at lunch", again=True)).gets(Noted(3))
    rest(desk, 1, zoe)
    zoe.notices()
    laptop.sends(Away(4, "asleep"))
    zoe.notices(PresenceChanged(5, 2, away={"Alice": "asleep"}))
    laptop.sends(Away(5, again=True))
    rest(desk, 1, zoe)
    zoe.notices()


def test_what_is_said_again_counts_for_who_was_offline_meanwhile() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "at lunch"), Logout(4))
    rest(desk, 1, zoe)
    zoe.forgets()
    desk.meets("Alice").sends(Away(3, "at lunch", again=True))
    rest(desk, 1, zoe)
    zoe.notices(
        PresenceChanged(5, 2, joined=["Alice"]), PresenceChanged(6, 2, away={"Alice": "at lunch"})
    )


def test_who_goes_offline_is_away_no_longer() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "at lunch"))
    rest(desk, 1, zoe)
    zoe.forgets()
    alice.sends(Logout(4))
    zoe.notices(PresenceChanged(4, 1, left=["Alice"]))
    rest(desk, 1, zoe)
    desk.meets("Alice")
    zoe.notices(PresenceChanged(5, 2, joined=["Alice"]))
    zoe.forgets().sends(Who(4)).gets(Roster(4, 5, 2, ["Alice", "Zoe"]))


def test_who_says_so_and_goes_within_250_ms_has_only_gone() -> None:
    desk, alice, zoe = two_people()
    desk.meets("Bob")
    zoe.forgets()
    alice.sends(Away(3, "gone"), Logout(4))
    desk.passes(1)
    zoe.notices(PresenceChanged(4, 2, left=["Alice"]))


def test_who_lost_the_connection_is_away_for_the_time_of_grace_and_after_it() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "at lunch"))
    rest(desk, 1, zoe)
    alice.vanishes()
    rest(desk, 3, zoe)
    desk.meets("Alice").sends(Away(3, "at lunch"))
    rest(desk, 1, zoe)
    zoe.forgets().sends(Who(4)).gets(Roster(4, 3, 2, ["Alice", "Zoe"], {"Alice": "at lunch"}))


def test_too_long_a_word_is_refused_and_changes_nothing() -> None:
    desk, alice, zoe = two_people()
    alice.sends(Away(3, "é" * (AWAY_BYTES // 2))).gets(Noted(3))
    zoe.forgets()
    alice.sends(Away(4, "é" * (AWAY_BYTES // 2) + ".")).gets(refused(Code.TOO_LARGE, id=4))
    desk.passes(1)
    zoe.notices()


def decoded(events: list[bytes]) -> list[PresenceChanged]:
    return [e for e in map(decode_event, events) if isinstance(e, PresenceChanged)]


def test_a_multitude_is_told_in_frames_of_bounded_size() -> None:
    presence = Presence()
    names = [f"{number:04}" + "𐎠" * (NAME_CHARACTERS - 4) for number in range(2000)]
    for account, name in enumerate(names):
        presence.arrive(account, name, quietly=account % 2 == 0)
        presence.speak(account, "w" * AWAY_BYTES)
    events = presence.flush(0.0)
    assert max(map(len, events)) < FRAME_DOWN_BYTES - 1024
    told = decoded(events)
    assert [change.version for change in told] == list(range(1, len(told) + 1))
    came: set[str] = set()
    for change in told:
        came.update(change.joined, change.returned)
        assert came >= change.away.keys(), "nobody is away before they came"
    assert came == {name for change in told for name in change.away} == set(names)


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([None, "", "lunch", "sleep", "go", "tick"]))
    )
)
def test_deltas_add_up_to_who_is_away(story: list[tuple[int, str | None]]) -> None:
    presence = Presence()
    now, seen = 0.0, dict[str, str]()

    def hears(events: list[bytes]) -> None:
        for change in decoded(events):
            for name in [*change.left, *change.back]:
                assert (seen.pop(name, None) is not None) or name in change.left
            assert not change.away.items() & seen.items(), "what changes nothing is not told"
            seen.update(change.away)

    for account, word in story:
        if word == "tick":
            now += 0.1
        elif word == "go":
            if presence.contradicts(account):
                hears(presence.flush(now, at_once=True))
            presence.leave(account)
        else:
            if account not in presence and presence.contradicts(account):
                hears(presence.flush(now, at_once=True))
            presence.arrive(account, f"P{account}", quietly=False)
            presence.speak(account, word)
        hears(presence.flush(now))
        assert presence.away_among(["P0", "P1", "P2"]).items() <= seen.items()
    hears(presence.flush(now + 1))
    assert presence.deadline() is None
    assert seen == {f"P{n}": text for n in range(3) if (text := presence.away(n)) is not None}


def test_nobody_speaks_by_being_away_who_is_muted_in_the_lobby() -> None:
    desk, alice, zoe = two_people()
    desk.decrees(Mute(1, LOBBY, "Alice", 10))
    alice.sends(Away(3, "listen!")).gets(refused(Code.MUTED, id=3))
    alice.sends(Away(4, "")).gets(Noted(4))
    zoe.notices(PresenceChanged(3, 2, away={"Alice": ""}))
    desk.passes(10)
    alice.sends(Away(5, "at lunch")).gets(Noted(5))


def test_nobody_speaks_by_being_away_while_only_moderators_speak() -> None:
    desk, alice, _ = two_people()
    desk.decrees(SetRole(1, "Zoe", "moderator"), SetRole(2, "Alice", "moderator"))
    desk.decrees(Lockdown(3, "moderators_speak"), SetRole(4, "Alice", "member"))
    alice.sends(Away(5, "listen!")).gets(refused(Code.LOCKED_DOWN, id=5))


def test_what_somebody_says_of_being_away_is_gone_when_they_are_muted_in_the_lobby() -> None:
    desk, alice, zoe = two_people()
    zoe.sends(Away(3, "at lunch"))
    alice.sends(Away(3, "call me names"))
    desk.passes(1)
    zoe.forgets()
    desk.decrees(Mute(1, LOBBY, "Alice", 0), Mute(2, LOBBY, "Alice", 60))
    desk.passes(1)
    zoe.notices(PresenceChanged(5, 2, away={"Alice": ""}))
    zoe.forgets().sends(Who(4)).gets(
        Roster(4, 5, 2, ["Alice", "Zoe"], {"Alice": "", "Zoe": "at lunch"})
    )
