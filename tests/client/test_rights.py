"""What a client makes of roles, restraints and settings: told as updates, kept of its rooms, and no damage where it may not read."""

from typing import Any, cast

import pytest
from msgspec.structs import replace
from tests.client.conversation import INBOX, LOBBY, TEA, Conversation, Log

from hubbub.client import calls
from hubbub.client.effects import Complete, Emit, Unsubscribe
from hubbub.client.results import Member, Room
from hubbub.client.updates import (
    Audited,
    ConnectionRestored,
    Invited,
    MemberLeft,
    MemberMuted,
    Message,
    Missed,
    RoleChanged,
    RoomChanged,
    RoomJoined,
    RoomLeft,
)
from hubbub.common import events
from hubbub.common.commands import Create
from hubbub.common.events import Event, MemberJoined
from hubbub.common.replies import (
    Delivered,
    Left,
    MemberInfo,
    MemberList,
    RoomInfo,
    RoomList,
    Roster,
)


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def tea() -> Log:
    return Log(TEA, "tea")


@pytest.fixture
def inbox() -> Log:
    return Log(INBOX)


@pytest.fixture
def alice(lobby: Log, tea: Log, inbox: Log) -> Conversation:
    return Conversation("Alice").logs_in(lobby, tea, inbox=inbox)


@pytest.mark.parametrize(
    ("event", "update"),
    [
        (
            events.MemberLeft(1, 10, "Bob", "Carol", "spam"),
            MemberLeft("tea", "Bob", 10, 1, by="Carol", reason="spam"),
        ),
        (
            events.RoleChanged(1, 10, "Bob", "moderator", "Carol"),
            RoleChanged("tea", "Bob", "moderator", "Carol", 10, 1),
        ),
        (
            events.MemberMuted(1, 10, "Bob", "Carol", 99, "spam"),
            MemberMuted("tea", "Bob", "Carol", 99, "spam", 10, 1),
        ),
        (
            events.RoomChanged(1, 10, "Carol", private=True, slow=0),
            RoomChanged("tea", "Carol", 10, 1, private=True, slow=0),
        ),
        (
            events.RoomChanged(1, 10, "Carol", "hot", read_only=False, history="all"),
            RoomChanged("tea", "Carol", 10, 1, False, "hot", None, False, "all", None),
        ),
        (
            events.Audited(1, 10, "Carol", "kick", "Bob", "den", "spam", 99, "more"),
            Audited("tea", "Carol", "kick", "Bob", "den", "spam", 99, "more", 10, 1),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_those_do_who_have_a_say_is_told(
    alice: Conversation, tea: Log, event: Event, update: object
) -> None:
    alice.sees(TEA, tea.append(event))
    assert alice.shown == [update]


def test_an_invitation_is_told_out_of_the_inbox(alice: Conversation, inbox: Log) -> None:
    event = inbox.append(events.RoomInvited(10, "Bob", "Alice", b"C" * 16, "chess"))
    alice.hears(Delivered(1, event)).shows(Invited("Bob", "Alice", "chess", 10, 1))
    alice.hears(Delivered(2, inbox.tell("Bob", "Alice", "come!")))
    assert len(alice.shown) == 1, "an invitation is no hole in the inbox"


def test_whoever_is_put_out_is_told_by_whom_and_why(alice: Conversation) -> None:
    alice.hears(Left(TEA, by="Bob", reason="spam"))
    alice.does(Unsubscribe(TEA), Emit((RoomLeft("tea", "Bob", "spam"),)))


def listed(alice: Conversation, *infos: RoomInfo) -> list[Room]:
    alice.calls(calls.rooms, "", ticket="rooms")
    alice.hears(RoomList(alice.query().id, list(infos), more=False))
    [(rooms, _)] = [cast(Any, e.result) for e in alice.effects if isinstance(e, Complete)]
    return list(rooms)


def test_a_list_of_rooms_says_how_they_are_set_and_what_one_is_there(
    alice: Conversation, tea: Log, lobby: Log
) -> None:
    den = RoomInfo(b"D" * 16, "den", "quiet", 3, True, True, "since_joined", 10)
    [room] = listed(alice, den)
    assert room == Room("den", "quiet", 3, None, True, True, "since_joined", 10)
    assert not room.joined
    alice.sees(TEA, tea.append(events.RoleChanged(1, 10, "Bob", "moderator", "Carol")))
    assert [room.role for room in listed(alice, RoomInfo(TEA, "tea"))] == ["member"]
    alice.sees(TEA, tea.append(events.RoleChanged(2, 10, "Alice", "moderator", "Carol")))
    assert [room.role for room in listed(alice, RoomInfo(TEA, "tea"))] == ["moderator"]
    alice.sees(LOBBY, lobby.append(events.RoleChanged(1, 10, "Alice", "owner", "")))
    rooms = listed(alice, RoomInfo(LOBBY, "lobby"), RoomInfo(TEA, "tea"), den)
    assert [room.role for room in rooms] == ["owner", "owner", None]


def test_a_role_that_changed_in_absence_is_known_on_coming_back(
    alice: Conversation, tea: Log, lobby: Log, inbox: Log
) -> None:
    alice.loses_the_broker().connects()
    welcome = alice.welcome(lobby, inbox=inbox)
    rooms = [*welcome.rooms, replace(tea.joined(), role="moderator")]
    alice.hears(replace(welcome, rooms=rooms)).hears(lobby.subscribed(), tea.subscribed())
    alice.hears(Roster(alice.query().id, 1, 1, ["Alice"]))
    assert [room.role for room in listed(alice, RoomInfo(TEA, "tea"))] == ["moderator"]


def test_a_list_of_members_says_who_has_a_say_and_who_is_muted(alice: Conversation) -> None:
    alice.calls(calls.members, "tea", "")
    infos = [MemberInfo("Bob", online=True, role="owner"), MemberInfo("Carol", muted_until=9)]
    alice.hears(MemberList(alice.query().id, TEA, infos, more=False))
    members = [Member("Bob", True, role="owner"), Member("Carol", False, muted_until=9)]
    alice.completes("t", (members, False))


def test_a_room_is_made_with_its_settings(alice: Conversation) -> None:
    wish = Create(1, "den", "quiet", private=True, read_only=True, history="since_joined")
    alice.calls(calls.create, wish).sends(wish)
    alice.calls(calls.create, Create(1, "nest")).sends(Create(2, "nest"))


# A room that shows newcomers nothing of before


def put_out_and_let_in_again(alice: Conversation, tea: Log, lobby: Log, inbox: Log) -> None:
    """While Alice is away she is put out, the others talk, and she is added again; then somebody writes."""
    alice.loses_the_broker().connects()
    tea.append(events.MemberLeft(tea.seq + 1, 20, "Alice", "Bob"))
    tea.post("Bob", "behind her back")
    tea.append(MemberJoined(tea.seq + 1, 20, "Alice"))
    tea.first = tea.seq  # of what she may read
    tea.post("Bob", "hello again")
    welcome = alice.welcome(lobby, inbox=inbox)
    rooms = [*welcome.rooms, replace(tea.joined(), history="since_joined")]
    alice.hears(replace(welcome, rooms=rooms)).shows(ConnectionRestored())


def test_what_was_said_between_two_memberships_is_not_missed(
    alice: Conversation, tea: Log, lobby: Log, inbox: Log
) -> None:
    alice.sees(TEA, tea.post("Bob", "before"))
    put_out_and_let_in_again(alice, tea, lobby, inbox)
    history = alice.query()
    assert history.after == 1
    alice.hears(tea.page(history))
    assert [type(update) for update in alice.shown] != [Missed]
    alice.says("hello again")
    alice.hears(tea.subscribed()).sees(TEA, tea.post("Bob", "live")).says("live")
    assert alice.session.reading.rooms.named("tea") is not None


def test_what_is_gone_from_a_room_that_shows_all_is_missed(
    alice: Conversation, tea: Log, lobby: Log, inbox: Log
) -> None:
    alice.loses_the_broker().connects()
    for text in ("lost", "kept"):
        tea.post("Bob", text)
    tea.first = 2
    alice.hears(alice.welcome(lobby, tea, inbox=inbox))
    alice.hears(tea.page(alice.query()))
    assert [type(update) for update in alice.shown] == [Missed, Message]


def test_a_room_that_hides_its_past_from_now_on_is_read_on(alice: Conversation, tea: Log) -> None:
    changed = tea.append(events.RoomChanged(1, 10, "Bob", history="since_joined"))
    alice.sees(TEA, changed, tea.post("Bob", "hi")).says("hi")


def test_whoever_joins_again_reads_from_there_on(alice: Conversation, tea: Log) -> None:
    alice.sees(TEA, tea.post("Bob", "before")).hears(Left(TEA, by="Bob"))
    tea.post("Bob", "behind her back")
    alice.hears(tea.joined()).shows(RoomJoined("tea", ""))
    alice.hears(tea.subscribed()).sees(TEA, tea.post("Bob", "again")).says("again")
