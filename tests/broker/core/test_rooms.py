"""Rooms and memberships."""

import pytest
from tests.broker.core.desk import WALL, Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.changes import Membership
from hubbub.broker.core.context import Settings
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.roles import Role
from hubbub.common.codec import decode_event
from hubbub.common.commands import Create, Join, Leave, Members, Post, Rooms
from hubbub.common.digest import EMPTY
from hubbub.common.errors import Code
from hubbub.common.events import MemberJoined, MemberLeft, MessagePosted, RoomCreated
from hubbub.common.fields import RoleName
from hubbub.common.replies import (
    Acked,
    Joined,
    Left,
    MemberInfo,
    MemberList,
    RoomInfo,
    RoomList,
)


def room_id(desk: Desk, name: str) -> bytes:
    room = desk.core.context.state.room_named(name)
    assert room is not None
    return room.log.id


def joined(desk: Desk, name: str, role: RoleName = "member") -> Joined:
    room = desk.core.context.state.room_named(name)
    assert room is not None
    seq = room.log.seq
    return Joined(
        room.log.id, room.name, seq, room.log.digest, room.description, read=seq, role=role
    )


def gardeners(*names: str) -> list[Person]:
    """People in a room called garden, which the first of them made."""
    desk = Desk()
    people = [desk.meets(name) for name in names]
    people[0].sends(Create(1, "garden"))
    for person in people[1:]:
        person.sends(Join(1, "garden"))
    for person in people:
        person.forgets().subscribes(room_id(desk, "garden")).forgets()
    return people


def test_a_creator_is_a_member_by_the_event_that_makes_the_room() -> None:
    desk = Desk()
    alice, laptop = desk.meets("Alice"), desk.meets("Alice")
    alice.sends(Create(1, "garden", "flowers, mostly"))
    garden = room_id(desk, "garden")
    alice.gets(joined(desk, "garden", "owner"), Acked(1, garden, 1))
    laptop.gets(joined(desk, "garden", "owner"))
    [event] = desk.store.events[2]
    assert event.seq == 1
    assert desk.store.members == {(2, 1): Membership(1, Role.OWNER)}
    alice.sends(Post(2, garden, "hi")).gets(Acked(2, garden, 2))


def test_a_new_member_is_told_the_room_and_its_head() -> None:
    desk = Desk()
    alice, bob, laptop = desk.meets("Alice"), desk.meets("Bob"), desk.meets("Bob")
    alice.sends(Create(1, "Garden", "flowers"), Post(2, LOBBY, "come"))
    alice.forgets().subscribes(room_id(desk, "garden"))
    bob.forgets().sends(Join(1, "GARDEN"))
    bob.gets(joined(desk, "garden"), Acked(1, room_id(desk, "garden"), 2))
    laptop.gets(joined(desk, "garden"))
    alice.hears(MemberJoined(2, WALL, "Bob"))


def test_a_member_who_joins_again_is_acked_at_the_head() -> None:
    alice, _ = gardeners("Alice", "Bob")
    garden = room_id(alice.desk, "garden")
    alice.sends(Join(2, "garden"), Join(3, "lobby"))
    alice.gets(Acked(2, garden, 2), Acked(3, LOBBY, 0)).hears()


def test_a_member_leaves_and_the_others_are_told() -> None:
    alice, bob = gardeners("Alice", "Bob")
    garden = room_id(alice.desk, "garden")
    bob.sends(Leave(2, garden)).gets(Left(garden), Acked(2, garden, 3))
    alice.hears(MemberLeft(3, WALL, "Bob"))
    bob.sends(Post(3, garden, "hi"), Leave(4, garden))
    bob.gets(refused(Code.NOT_MEMBER, n=3), refused(Code.NOT_MEMBER, n=4))


def test_a_member_who_left_may_come_back() -> None:
    alice, bob = gardeners("Alice", "Bob")
    garden = room_id(alice.desk, "garden")
    bob.sends(Leave(2, garden), Join(3, "garden"))
    bob.gets(Left(garden), joined(bob.desk, "garden"), Acked(2, garden, 3, count=2))
    assert bob.desk.store.members == {
        (2, 1): Membership(1, Role.OWNER),
        (2, 2): Membership(4, Role.MEMBER),
    }
    bob.desk.passes(2)
    assert not bob.is_deaf()


def test_nobody_leaves_or_makes_the_lobby() -> None:
    alice = Desk().meets("Alice")
    alice.sends(Leave(1, LOBBY), Create(2, "Lobby"))
    alice.gets(refused(Code.LOBBY_IS_FOR_ALL, n=1), refused(Code.ROOM_EXISTS, n=2))


def test_two_who_make_the_same_room_in_one_batch_get_one_room() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "in flight"))
    alice.sends(Create(2, "garden"))
    bob.sends(Create(1, "GARDEN"))
    desk.goes_on()
    assert alice.unread[-1] == Acked(2, room_id(desk, "garden"), 1)
    bob.gets(refused(Code.ROOM_EXISTS, n=1))


@pytest.mark.parametrize("name", ["nowhere", "\u212bngstr\u00f6m"])
def test_a_room_that_is_not_there_cannot_be_joined(name: str) -> None:
    Desk().meets("Alice").sends(Join(1, name)).gets(refused(Code.UNKNOWN_ROOM, n=1))


@pytest.mark.parametrize("name", ["", "a room", "#garden", "x" * 33])
def test_a_room_cannot_have_a_bad_name(name: str) -> None:
    alice = Desk().meets("Alice")
    alice.sends(Create(1, name), Join(2, name))
    alice.gets(refused(Code.BAD_NAME, n=1), refused(Code.BAD_NAME, n=2))


@pytest.mark.parametrize(
    ("description", "code"),
    [
        ("é" * 256, None),
        ("é" * 257, Code.TOO_LARGE),
        ("two\nlines", Code.BAD_TEXT),
        ("two\u2028lines", Code.BAD_TEXT),
    ],
)
def test_a_description_is_one_line_within_its_bound(description: str, code: Code | None) -> None:
    desk = Desk()
    alice = desk.meets("Alice").sends(Create(1, "garden", description))
    if code:
        alice.gets(refused(code, n=1))
    else:
        alice.gets(joined(desk, "garden", "owner"), Acked(1, room_id(desk, "garden"), 1))


def test_a_person_is_refused_when_in_too_many_rooms() -> None:
    last = 3
    desk = Desk(Settings("hub", events_port=5001, limits=Limits(rooms_per_account=last)))
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(*[Create(n, f"room{n}") for n in range(1, last + 1)])
    bob.sends(Create(1, "one-more"))
    alice.forgets().sends(Create(last + 1, "more"), Join(last + 2, "one-more"))
    alice.gets(refused(Code.TOO_MANY_ROOMS, n=last + 1), refused(Code.TOO_MANY_ROOMS, n=last + 2))
    alice.sends(Leave(last + 3, room_id(desk, "room1")), Join(last + 4, "one-more"))
    assert alice.unread[-1] == Acked(last + 4, room_id(desk, "one-more"), 2)


def test_people_see_all_rooms_by_name() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Create(1, "garden", "flowers"), Create(2, "Attic")).forgets()
    bob.sends(Rooms(3))
    bob.gets(
        RoomList(
            id=3,
            rooms=[
                RoomInfo(room_id(desk, "attic"), "Attic", members=1),
                RoomInfo(room_id(desk, "garden"), "garden", "flowers", members=1),
                RoomInfo(LOBBY, "lobby", members=2),
            ],
            more=False,
        )
    )
    bob.sends(Rooms(4, after="GARDEN"))
    bob.gets(RoomList(4, [RoomInfo(LOBBY, "lobby", members=2)], more=False))


def test_members_see_who_is_in_the_room_and_online() -> None:
    _, bob, carol = gardeners("Alice", "Bob", "Carol")
    garden = room_id(bob.desk, "garden")
    carol.vanishes()
    bob.desk.passes(6)
    bob.sends(Members(5, garden, after="alice"))
    bob.gets(MemberList(5, garden, [MemberInfo("Bob", online=True), MemberInfo("Carol")], False))


def test_everybody_who_ever_came_is_a_member_of_the_lobby() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.meets("Bob").vanishes()
    desk.passes(6)
    alice.sends(Members(5, LOBBY))
    people = [MemberInfo("Alice", online=True), MemberInfo("Bob")]
    alice.gets(MemberList(5, LOBBY, people, more=False))


def test_strangers_do_not_see_who_is_in_a_room() -> None:
    gardener = gardeners("Alice")[0]
    bob = gardener.desk.meets("Bob")
    bob.sends(Members(5, room_id(bob.desk, "garden")), Members(6, b"?" * 16))
    bob.gets(refused(Code.NOT_MEMBER, id=5), refused(Code.NOT_MEMBER, id=6))


def test_a_room_has_the_same_id_on_every_machine() -> None:
    ids = set()
    for _ in range(2):
        desk = Desk()
        desk.meets("Alice").sends(Create(1, "garden"))
        ids.add(room_id(desk, "garden"))
    assert len(ids) == 1


def test_a_joined_room_is_told_with_its_head_at_the_commit() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(Create(1, "garden"))
    garden = room_id(desk, "garden")
    alice.sends(Post(2, garden, "first"))
    desk.returns()
    told, acked = alice.unread
    assert isinstance(told, Joined)
    assert (told.seq, told.digest != EMPTY) == (1, True)
    assert acked == Acked(1, garden, 1)
    alice.forgets().subscribes(garden).forgets()
    desk.goes_on()
    alice.hears(MessagePosted(2, WALL, "Alice", "first"))


def test_the_room_begins_with_its_creation() -> None:
    desk = Desk()
    desk.meets("Alice").sends(Create(1, "garden", "flowers"))
    [(topic, event)] = [p for p in desk.published if p[0] != LOBBY]
    assert topic == room_id(desk, "garden")
    assert event == desk.store.events[2][0].event
    assert decode_event(event) == RoomCreated(1, WALL, "garden", "Alice", "flowers")
