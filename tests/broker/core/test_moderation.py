"""Kicking and muting."""

import pytest
from msgspec.structs import replace
from tests.broker.core.desk import WALL
from tests.broker.core.garden import Garden
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.changes import Restraint
from hubbub.common.commands import (
    Add,
    History,
    Invite,
    Join,
    Kick,
    Leave,
    Mark,
    Members,
    Mute,
    Order,
    Post,
    SetRole,
    Tell,
    Whois,
)
from hubbub.common.errors import Code
from hubbub.common.events import Audited, MemberLeft, MemberMuted, MessagePosted
from hubbub.common.replies import (
    Acked,
    Closing,
    Done,
    Joined,
    Left,
    MemberInfo,
    MemberList,
    Page,
    Subscribed,
    Welcome,
)

HOUR = 3600
HOUR_MILLIS = HOUR * 1000


def test_a_kicked_member_is_out_and_everybody_is_told_by_whom_and_why() -> None:
    it = Garden()
    laptop = it.desk.meets("Bob").listens(LOBBY, it.id).forgets()
    it.mona.sends(Kick(9, "BOB", it.id, reason="spam")).gets(Done(9))
    for session in (it.bob, laptop):
        session.gets(Left(it.id, "Mona", "spam")).hears()
    it.carl.hears(MemberLeft(6, WALL, "Bob", "Mona", "spam"))
    it.bob.sends(Post(2, it.id, "hi")).gets(refused(Code.NOT_MEMBER, n=2))
    assert it.audited()[-1] == Audited(3, WALL, "Mona", "kick", "Bob", room="garden", reason="spam")


def test_a_kicked_members_sub_is_cut_at_once_and_resumes_its_other_rooms() -> None:
    it = Garden()
    it.mona.sends(Kick(9, "Bob", it.id))
    assert it.bob.is_deaf()
    assert not it.bob.is_cut
    it.bob.forgets().listens(LOBBY, it.id)
    it.bob.gets(Subscribed(LOBBY, 0, bytes(16)))
    it.carl.sends(Post(2, it.id, "quiet now"))
    it.carl.sends(Post(3, LOBBY, "hello all"))
    it.bob.hears(MessagePosted(1, WALL, "Carl", "hello all"))


def test_what_follows_a_kick_in_its_batch_is_not_for_whoever_was_kicked() -> None:
    it = Garden()
    sub = it.bob.sub
    assert sub is not None
    it.desk.stalls()
    it.carl.sends(Post(2, LOBBY, "in flight"))
    it.mona.sends(Kick(9, "Bob", it.id))
    it.carl.sends(Post(3, it.id, "he is gone"))
    it.desk.goes_on()
    assert [event for topic, event in sub.heard if topic == it.id] == []
    it.olga.hears(
        MessagePosted(1, WALL, "Carl", "in flight"),
        MemberLeft(6, WALL, "Bob", "Mona"),
        MessagePosted(7, WALL, "Carl", "he is gone"),
    )


def test_who_leaves_of_their_own_will_is_not_cut_while_they_may_unsubscribe() -> None:
    it = Garden()
    it.bob.sends(Leave(2, it.id))
    assert not it.bob.is_deaf()
    it.desk.passes(1.1)
    assert it.bob.is_deaf()


def test_a_page_that_was_asked_for_before_the_kick_is_not_given_after_it() -> None:
    it = Garden()
    it.desk.pages_wait = True
    it.bob.sends(History(5, it.id))
    laptop = it.desk.meets("Bob")
    laptop.sends(Members(6, it.id))
    it.mona.sends(Kick(9, "Bob", it.id))
    for session in (it.bob, laptop):
        session.gets(Left(it.id, "Mona"))
    it.desk.reads_pages()
    it.bob.gets(refused(Code.NOT_MEMBER, id=5))
    laptop.gets(refused(Code.NOT_MEMBER, id=6))


def test_a_page_asked_for_before_the_kick_shows_nothing_that_a_new_member_may_not_read() -> None:
    it = Garden(history="since_joined")
    it.desk.pages_wait = True
    it.bob.sends(History(5, it.id))
    it.mona.sends(Kick(9, "Bob", it.id))
    it.mona.sends(Add(10, it.id, "Bob"))
    it.bob.forgets()
    it.desk.reads_pages()
    it.bob.gets(refused(Code.BUSY, id=5))
    it.desk.pages_wait = False
    it.bob.sends(History(6, it.id))
    [page] = it.bob.unread
    assert isinstance(page, Page)
    assert [stored.seq for stored in page.events] == [7]


def test_a_member_kicked_for_an_hour_is_barred_until_it_has_passed() -> None:
    it = Garden()
    it.mona.sends(Kick(9, "Bob", it.id, HOUR)).gets(Done(9))
    bob = it.desk.core.context.state.account_named("Bob")
    assert bob is not None
    assert it.desk.store.restraints == {(2, bob.number): Restraint(0, WALL + HOUR_MILLIS)}
    it.bob.forgets().sends(Join(2, "garden")).gets(refused(Code.BARRED, n=2))
    it.mona.sends(Add(10, it.id, "Bob")).gets(refused(Code.BARRED, id=10))
    it.carl.sends(Invite(11, it.id, "Bob")).gets(refused(Code.BARRED, id=11))
    it.desk.sets_clock(it.desk.now.monotonic + HOUR)
    it.bob.sends(Join(3, "garden"))
    assert it.bob.unread[-1] == Acked(3, it.id, 7)


def test_who_was_barred_may_come_back_when_a_moderator_invites_them() -> None:
    it = Garden()
    it.mona.sends(Kick(9, "Bob", it.id, HOUR), Invite(10, it.id, "Bob"))
    it.bob.forgets().sends(Join(2, "garden"))
    assert it.bob.unread[-1] == Acked(2, it.id, 7)
    assert it.desk.store.restraints == {}
    assert [deed.action for deed in it.audited()] == ["role", "kick", "invite"]


def test_somebody_outside_can_be_barred_and_loses_the_invitation() -> None:
    it = Garden()
    it.carl.sends(Invite(8, it.id, "Dora"))
    it.mona.sends(Kick(9, "Dora", it.id, HOUR)).gets(Done(9))
    it.dora.forgets().sends(Join(1, "garden")).gets(refused(Code.BARRED, n=1))
    assert it.desk.store.invited == {}


def test_a_second_kick_does_not_let_somebody_back_earlier() -> None:
    it = Garden()
    it.mona.sends(Kick(9, "Bob", it.id, HOUR))
    it.olga.sends(Kick(10, "Bob", it.id), Kick(11, "Bob", it.id, 60)).gets(Done(10), Done(11))
    it.bob.forgets().sends(Join(2, "garden")).gets(refused(Code.BARRED, n=2))


def test_whoever_is_put_out_of_the_chat_is_told_and_cut_and_may_come_back() -> None:
    it = Garden()
    mod = it.desk.meets("Max")
    it.decreed(SetRole(1, "Max", "moderator"))
    sub = it.bob.sub
    mod.forgets().sends(Kick(9, "Bob", reason="spam")).gets(Done(9))
    [closing] = it.bob.unread
    assert closing == Closing("kicked", "Max put you out of the chat: spam")
    assert sub is not None
    assert sub.is_cut
    it.desk.passes(0.2)
    assert it.bob.is_cut
    again = it.desk.connects("Bob").hello().logs_in("Bob")
    assert isinstance(again.unread[0], Welcome)


def test_whoever_is_put_out_for_an_hour_has_a_ban_that_ends() -> None:
    it = Garden()
    it.owns_the_chat("Zoe").sends(Kick(9, "Bob", LOBBY, HOUR, "spam"))
    [(key, ban)] = it.desk.store.bans.items()
    assert key == ("account", "3")
    assert (ban.reason, ban.until) == ("spam", WALL + HOUR_MILLIS)
    [closing] = it.bob.unread
    assert closing == Closing(
        "kicked", "Zoe put you out of the chat until 2023-11-14 23:13 UTC: spam"
    )


def test_a_muted_member_reads_and_cannot_post_until_the_time_has_passed() -> None:
    it = Garden()
    it.mona.sends(Mute(9, it.id, "Bob", 60, "shouting")).gets(Done(9))
    it.bob.hears(MemberMuted(6, WALL, "Bob", "Mona", WALL + 60_000, "shouting"))
    it.bob.sends(Post(2, it.id, "HEY")).gets(refused(Code.MUTED, n=2))
    it.bob.sends(Post(3, LOBBY, "hey"), Tell(4, "Carl", "hey"), Mark(5, it.id, 6))
    assert not any(getattr(reply, "code", "") for reply in it.bob.unread)
    it.bob.forgets().sends(History(6, it.id))
    assert isinstance(it.bob.unread[-1], Page)
    it.desk.sets_clock(it.desk.now.monotonic + 60)
    it.bob.forgets().sends(Post(6, it.id, "hey")).gets(Acked(6, it.id, 7))


def test_a_muted_member_may_speak_again_when_a_moderator_says_so() -> None:
    it = Garden()
    it.mona.sends(Mute(9, it.id, "Bob", HOUR), Mute(10, it.id, "Bob", 0))
    it.bob.forgets().sends(Post(2, it.id, "thanks")).gets(Acked(2, it.id, 8))
    assert it.desk.store.restraints == {}
    assert [deed.action for deed in it.audited()] == ["role", "mute", "unmute"]


def test_a_mute_outlasts_leaving_and_coming_back() -> None:
    it = Garden()
    it.mona.sends(Mute(9, it.id, "Bob", HOUR))
    it.bob.sends(Leave(2, it.id), Join(3, "garden")).forgets()
    it.bob.sends(Post(4, it.id, "hey")).gets(refused(Code.MUTED, n=4))


def test_a_muted_moderator_has_no_power() -> None:
    it = Garden()
    it.olga.sends(Mute(9, it.id, "Mona", HOUR)).gets(Done(9))
    it.mona.sends(Kick(9, "Bob", it.id)).gets(refused(Code.FORBIDDEN, id=9))


def test_moderators_of_the_chat_mute_in_the_lobby() -> None:
    it = Garden()
    it.owns_the_chat("Zoe").sends(Mute(9, LOBBY, "Bob", HOUR)).gets(Done(9))
    it.bob.forgets().sends(Post(2, LOBBY, "hey")).gets(refused(Code.MUTED, n=2))
    it.dora.sends(Whois(3, "Bob"))
    info = MemberInfo("Bob", online=True, muted_until=WALL + HOUR_MILLIS)
    it.dora.gets(MemberList(3, LOBBY, [info], more=False))


@pytest.mark.parametrize(
    "order", [Kick(9, "Bob"), Kick(9, "Bob", seconds=HOUR), Mute(9, LOBBY, "Bob", HOUR)]
)
def test_an_order_that_is_sent_again_does_nothing_more(order: Kick | Mute) -> None:
    it = Garden()
    order = replace(order, room=it.id)
    it.mona.sends(order).gets(Done(9))
    events, audited = len(it.desk.store.events[2]), len(it.audited())
    it.desk.passes(4)
    it.mona.forgets().sends(order).gets(Done(9))
    assert (len(it.desk.store.events[2]), len(it.audited())) == (events, audited)


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Kick(9, "Nobody"), Code.UNKNOWN_USER),
        (Kick(9, "Nobody", b"R" * 16), Code.UNKNOWN_ROOM),
        (Kick(9, "Bob", reason="two\nlines"), Code.BAD_TEXT),
        (Mute(9, LOBBY, "Bob", 1, "two\u2028lines"), Code.BAD_TEXT),
        (Mute(9, LOBBY, "Nobody", 1), Code.UNKNOWN_USER),
    ],
)
def test_the_operator_is_told_what_is_wrong_with_an_order(order: Order, code: Code) -> None:
    it = Garden()
    assert it.decreed(order) == refused(code, id=9)


def test_the_operators_kick_is_signed_with_what_no_name_can_be() -> None:
    it = Garden()
    it.decreed(Kick(9, "Olga", it.id))
    it.olga.gets(Left(it.id, "the operator"))
    it.carl.hears(MemberLeft(6, WALL, "Olga", "the operator"))


def test_nobody_outside_is_muted_but_anybody_may_speak_again() -> None:
    it = Garden()
    it.mona.sends(Mute(9, it.id, "Dora", HOUR)).gets(refused(Code.NOT_MEMBER, id=9))
    it.mona.sends(Mute(10, it.id, "Bob", HOUR))
    it.bob.sends(Leave(2, it.id))
    it.mona.forgets().sends(Mute(11, it.id, "Bob", 0)).gets(Done(11))
    assert it.desk.store.restraints == {}


def test_a_kick_that_does_not_reach_the_disk_has_not_happened() -> None:
    it = Garden()
    it.desk.fails()
    it.mona.sends(Kick(9, "Bob", it.id))
    [error] = it.mona.unread
    assert getattr(error, "code", "") == Code.STORAGE_UNAVAILABLE
    it.bob.gets()
    it.desk.recovers()
    assert not it.bob.is_deaf()
    it.bob.sends(Post(2, it.id, "still here")).gets(Acked(2, it.id, 6))


def test_whoever_is_kicked_and_added_in_one_batch_is_a_member_who_hears_from_then_on() -> None:
    it = Garden()
    it.desk.stalls()
    it.carl.sends(Post(2, LOBBY, "in flight"))
    it.mona.sends(Kick(9, "Bob", it.id), Add(10, it.id, "Bob"))
    it.desk.goes_on()
    told = [reply for reply in it.bob.unread if isinstance(reply, Left | Joined)]
    assert [type(reply) for reply in told] == [Left, Joined]
    it.bob.forgets().listens(LOBBY, it.id)
    it.carl.sends(Post(3, it.id, "welcome back"))
    it.bob.hears(MessagePosted(8, WALL, "Carl", "welcome back"))
