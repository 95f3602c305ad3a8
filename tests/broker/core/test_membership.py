"""Private rooms, invitations, adding, and the bounds of rooms and of their members."""

import pytest
from tests.broker.core.desk import SETTINGS, WALL, Desk
from tests.broker.core.garden import Garden, room_id
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.context import Settings
from hubbub.broker.core.limits import Limits
from hubbub.common.codec import encode
from hubbub.common.commands import Add, Create, History, Invite, Join, Kick, Leave, Post, Rooms
from hubbub.common.errors import Code
from hubbub.common.events import MemberJoined, MessagePosted, RoomInvited
from hubbub.common.replies import Acked, Delivered, Done, Error, Joined, Left, Page, RoomList


def limited(**limits: int) -> Settings:
    return Settings("hub", events_port=5001, limits=Limits(**limits))


def test_a_private_room_is_not_there_for_those_outside() -> None:
    it = Garden(private=True)
    it.dora.sends(Join(1, "garden"), Join(2, "nowhere"))
    it.dora.gets(refused(Code.UNKNOWN_ROOM, n=1), refused(Code.UNKNOWN_ROOM, n=2))
    it.dora.sends(Rooms(5))
    [listed] = it.dora.unread
    assert isinstance(listed, RoomList)
    assert [room.name for room in listed.rooms] == ["lobby"]
    it.dora.forgets().sends(History(6, it.id), Invite(7, it.id, "Bob"), Create(3, "Garden"))
    assert {(error.code, error.id or error.n) for error in it.dora.unread if isinstance(error, Error)} == {
        (Code.NOT_MEMBER, 6),
        (Code.NOT_MEMBER, 7),
        (Code.ROOM_EXISTS, 3),
    }  # fmt: skip
    it.dora.subscribes(it.id)
    it.bob.sends(Post(2, it.id, "between us"))
    it.dora.hears()
    it.carl.hears(MessagePosted(6, WALL, "Bob", "between us"))


def test_refusals_of_a_private_room_and_of_none_read_alike() -> None:
    desk = Desk()
    desk.meets("Olga").sends(Create(1, "garden", private=True))
    batches = len(desk.batches)
    desk.meets("Dora").sends(Join(1, "garden"), Join(2, "gardem"))
    [runs] = [runs for batch in desk.batches[batches:] for runs in batch.runs.values()]
    hidden, missing = runs.outcomes
    assert hidden.text.replace("garden", "gardem") == missing.text


def test_members_of_a_private_room_see_it_listed() -> None:
    it = Garden(private=True)
    it.bob.sends(Rooms(5))
    [listed] = it.bob.unread
    assert isinstance(listed, RoomList)
    assert [(room.name, room.private) for room in listed.rooms] == [
        ("garden", True),
        ("lobby", False),
    ]


def test_an_invitation_lies_in_both_inboxes_and_is_used_up_by_joining() -> None:
    it = Garden(private=True)
    it.mona.sends(Invite(9, it.id, "DORA"))
    event = encode(RoomInvited(WALL, "Mona", "Dora", it.id, "garden"))
    it.mona.gets(Delivered(1, event), Done(9))
    it.dora.gets(Delivered(1, event))
    it.dora.sends(Join(1, "garden"))
    assert it.desk.store.invited == {}
    assert it.dora.forgets().sends(Leave(2, it.id), Join(3, "garden")).unread == [
        Left(it.id),
        Acked(2, it.id, 7),
        refused(Code.UNKNOWN_ROOM, n=3),
    ]


def test_an_invitation_that_is_sent_again_is_told_once() -> None:
    it = Garden()
    it.bob.sends(Invite(9, it.id, "Dora"), Invite(10, it.id, "Dora"))
    assert [type(reply) for reply in it.bob.unread] == [Delivered, Done, Done]
    assert len(it.dora.unread) == 1
    it.bob.forgets().sends(Invite(11, it.id, "Carl")).gets(Done(11))
    assert len(it.audited()) == 1, "to a room that is open anybody may invite: that is no power"


def test_the_operator_invites_without_a_message() -> None:
    it = Garden(private=True)
    assert it.decreed(Invite(9, it.id, "Dora")) == Done(9)
    it.dora.gets().sends(Join(1, "garden"))
    assert it.dora.unread[-1] == Acked(1, it.id, 6)


def test_an_invitation_outlasts_a_restart_and_a_kick_ends_it() -> None:
    it = Garden(private=True)
    it.mona.sends(Invite(9, it.id, "Dora"))
    again = Desk(store=it.desk.store)
    again.meets("Mona").sends(Kick(10, "Dora", it.id)).gets(Done(10))
    dora = again.meets("Dora").sends(Join(1, "garden"))
    dora.gets(refused(Code.UNKNOWN_ROOM, n=1))


def test_whoever_is_added_is_a_member_at_once() -> None:
    it = Garden(private=True)
    it.mona.sends(Add(9, it.id, "dora")).gets(Done(9))
    [joined] = it.dora.unread
    assert isinstance(joined, Joined)
    assert (joined.name, joined.seq, joined.private) == ("garden", 6, True)
    it.bob.hears(MemberJoined(6, WALL, "Dora"))
    it.mona.sends(Add(10, it.id, "Dora")).gets(Done(10))
    assert [(deed.action, deed.subject) for deed in it.audited()[-1:]] == [("add", "Dora")]


def test_a_room_holds_no_more_members_than_its_limit() -> None:
    it = Garden(limited(members_per_room=4))
    it.dora.sends(Join(1, "garden")).gets(refused(Code.ROOM_FULL, n=1))
    it.mona.sends(Add(9, it.id, "Dora")).gets(refused(Code.ROOM_FULL, id=9))
    it.bob.sends(Leave(2, it.id))
    it.dora.sends(Join(2, "garden"))
    assert it.dora.unread[-1] == Acked(2, it.id, 7)


def test_nobody_is_added_to_one_room_too_many() -> None:
    it = Garden(limited(rooms_per_account=1))
    it.dora.sends(Create(1, "attic"))
    it.mona.sends(Add(9, it.id, "Dora")).gets(refused(Code.TOO_MANY_ROOMS, id=9))


def test_an_account_makes_no_more_rooms_than_its_limit_also_after_a_restart() -> None:
    desk = Desk(limited(rooms_made_per_account=2))
    alice = desk.meets("Alice").sends(Create(1, "one"), Create(2, "two"))
    alice.forgets().sends(Leave(3, room_id(desk, "one")), Create(4, "three"))
    assert alice.unread[-1] == refused(Code.TOO_MANY_ROOMS, n=4)
    again = Desk(limited(rooms_made_per_account=2), desk.store).meets("Alice")
    again.sends(Create(5, "four")).gets(refused(Code.TOO_MANY_ROOMS, n=5))
    desk.meets("Bob").sends(Create(1, "four"))
    assert room_id(desk, "four")


@pytest.mark.parametrize("name", ["audit", "AUDIT", "ａudit"])
def test_nobody_makes_a_room_that_is_called_as_the_brokers_own(name: str) -> None:
    Desk().meets("Alice").sends(Create(1, name)).gets(refused(Code.BAD_NAME, n=1))


def test_members_of_a_room_read_from_when_they_joined_if_it_says_so() -> None:
    it = Garden(history="since_joined")
    it.carl.sends(Post(2, it.id, "before Dora"))
    it.dora.sends(Join(1, "garden"), Post(2, it.id, "hello"))
    it.dora.forgets().sends(History(5, it.id))
    [page] = it.dora.unread
    assert isinstance(page, Page)
    assert (page.first, [stored.seq for stored in page.events]) == (7, [7, 8])
    assert page.before == it.desk.store.events[2][5].digest


def test_lobby_and_audit_take_nobody_in() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    audit = room_id(it.desk, "audit")
    zoe.sends(Add(9, LOBBY, "Bob"), Invite(10, LOBBY, "Bob")).gets(Done(9), Done(10))
    zoe.sends(Add(11, audit, "Bob"), Invite(12, audit, "Bob"))
    zoe.gets(refused(Code.FORBIDDEN, id=11), refused(Code.FORBIDDEN, id=12))
    it.bob.sends(Join(2, "audit")).gets(refused(Code.UNKNOWN_ROOM, n=2))
    assert it.decreed(Add(13, audit, "Bob")) == refused(Code.FORBIDDEN, id=13)


def test_settings_of_a_new_room_are_kept() -> None:
    desk = Desk(SETTINGS)
    alice = desk.meets("Alice")
    alice.sends(Create(1, "den", "quiet", private=True, read_only=True, history="since_joined"))
    [joined, _] = alice.unread
    assert isinstance(joined, Joined)
    assert (joined.role, joined.private, joined.read_only) == ("owner", True, True)
    assert joined.history == "since_joined"
    room = Desk(SETTINGS, desk.store).core.context.state.room_named("den")
    assert room is not None
    assert (room.private, room.read_only, room.since_joined) == (True, True, True)
    assert room.creator == 1
