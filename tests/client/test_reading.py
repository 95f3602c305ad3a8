"""Rooms, catching up, one's own messages, and questions."""

import pytest
from tests.client.conversation import INBOX, LOBBY, TEA, Conversation, Log

from hubbub.client import calls
from hubbub.client.effects import Acknowledge, Subscribe, Unsubscribe
from hubbub.client.errors import NotMember, UnknownUser
from hubbub.client.results import Member, People, Room
from hubbub.client.updates import (
    ConnectionRestored,
    Diverged,
    MemberJoined,
    MemberLeft,
    Message,
    Missed,
    PrivateMessage,
    RoomCreated,
    RoomJoined,
    RoomLeft,
)
from hubbub.common import events
from hubbub.common.codec import encode
from hubbub.common.commands import (
    Create,
    History,
    Join,
    Leave,
    Members,
    Ping,
    Post,
    Rooms,
    Tell,
    Who,
    Whois,
)
from hubbub.common.errors import WireError
from hubbub.common.replies import (
    Acked,
    Delivered,
    Error,
    Joined,
    Left,
    MemberInfo,
    MemberList,
    Noted,
    Pong,
    Reply,
    RoomInfo,
    RoomList,
    Roster,
)


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def inbox() -> Log:
    return Log(INBOX)


@pytest.fixture
def tea() -> Log:
    return Log(TEA, "tea")


@pytest.fixture
def alice(lobby: Log, inbox: Log, tea: Log) -> Conversation:
    lobby.post("Bob", "before her time")
    return Conversation("Alice").logs_in(lobby, tea, inbox=inbox)


# Rooms


def test_the_events_of_rooms_are_shown_by_name(alice: Conversation, tea: Log) -> None:
    created = tea.append(events.RoomCreated(1, 10, "tea", "Bob", "hot"))
    joined = tea.append(events.MemberJoined(2, 11, "Carol"))
    left = tea.append(events.MemberLeft(3, 12, "Carol"))
    alice.sees(TEA, created, joined, left).shows(
        RoomCreated("tea", "Bob", "hot", 10, 1),
        MemberJoined("tea", "Carol", 11, 2),
        MemberLeft("tea", "Carol", 12, 3),
    )


def test_a_new_membership_is_subscribed_and_read_from_its_head(alice: Conversation) -> None:
    chess = Log(b"C" * 16, "chess")
    chess.post("Bob", "e4")
    alice.hears(chess.joined()).shows(RoomJoined("chess", ""))
    assert Subscribe(chess.id) in alice.effects
    missed = chess.post("Bob", "e5")
    alice.hears(chess.subscribed())
    assert alice.query().after == 1
    alice.hears(chess.page(alice.query())).says("e5")
    alice.sees(chess.id, missed, chess.post("Bob", "Nf3")).says("Nf3")


def test_an_ended_membership_is_unsubscribed(alice: Conversation, tea: Log) -> None:
    alice.hears(Left(TEA)).does(Unsubscribe(TEA), *alice.effects[1:]).shows(RoomLeft("tea"))
    alice.sees(TEA, tea.post("Bob", "still here?")).says()
    alice.posts("hello?", room="tea").fails("t", NotMember)


def test_memberships_that_changed_in_absence_are_shown(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    alice.loses_the_broker().connects()
    alice.hears(alice.welcome(lobby, Log(b"C" * 16, "chess"), inbox=inbox))
    alice.shows(ConnectionRestored(), RoomLeft("tea"), RoomJoined("chess", ""))


# Catching up


def test_what_was_missed_between_login_and_grant_is_fetched_then_what_was_held_is_played(
    lobby: Log, inbox: Log
) -> None:
    alice = Conversation("Alice").connects()
    alice.hears(alice.welcome(lobby, inbox=inbox))
    lobby.post("Bob", "between")
    granted = lobby.subscribed()
    alice.sees(LOBBY, lobby.post("Bob", "live")).says()
    history = alice.query()
    alice.hears(granted).says()
    alice.hears(lobby.page(history)).says("between", "live")


def test_a_gap_is_fetched_and_shown_in_order(alice: Conversation, lobby: Log) -> None:
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen")).says()
    query = alice.query()
    assert (query.room, query.after, query.before) == (LOBBY, 1, 3)
    alice.hears(lobby.page(query)).says("lost", "seen")
    first, second = alice.shown
    assert isinstance(first, Message)
    assert isinstance(second, Message)
    assert (first.earlier, second.earlier) == (True, False)


def test_a_lost_tail_is_fetched_one_pong_later(alice: Conversation, lobby: Log) -> None:
    late = lobby.post("Bob", "overtaken by its head")
    lost = lobby.head()
    alice.hears(Pong(9, [lost])).sends()
    alice.sees(LOBBY, late).says("overtaken by its head")
    alice.hears(Pong(10)).sends()
    lobby.post("Bob", "lost")
    alice.hears(Pong(11, [lobby.head()])).sends()
    alice.hears(Pong(12))
    alice.hears(lobby.page(alice.query())).says("lost")


def test_what_was_missed_in_absence_is_fetched_page_by_page(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    alice.loses_the_broker()
    for number in range(5):
        lobby.post("Bob", f"{number}")
    alice.connects()
    alice.hears(alice.welcome(lobby, inbox=inbox))
    said = []
    while queries := [query for query in alice.sent if isinstance(query, History)]:
        alice.hears(lobby.page(queries[0], most=2))
        said += alice.texts
    assert said == ["0", "1", "2", "3", "4"]


def test_an_unanswered_page_is_asked_for_again_in_the_next_session(
    alice: Conversation, lobby: Log, tea: Log, inbox: Log
) -> None:
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen"))
    assert alice.query().room == LOBBY
    alice.loses_the_broker().connects()
    alice.hears(alice.welcome(lobby, tea, inbox=inbox))
    alice.hears(lobby.page(alice.query())).says("lost", "seen")


def test_a_refused_page_is_asked_for_again_later(alice: Conversation, lobby: Log) -> None:
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen"))
    alice.hears(Error("storage_unavailable", "", id=alice.query().id)).sends()
    alice.waits(1)
    alice.hears(lobby.page(alice.query())).says("lost", "seen")


def test_private_messages_are_caught_up_too(alice: Conversation, inbox: Log) -> None:
    inbox.tell("Bob", "Alice", "one")
    alice.hears(Delivered(2, inbox.tell("Bob", "Alice", "two"))).shows()
    alice.hears(inbox.page(alice.query())).shows(
        PrivateMessage("Bob", "Alice", "one", None, 1000, 1, earlier=True),
        PrivateMessage("Bob", "Alice", "two", None, 1000, 2),
    )


def test_what_the_broker_threw_away_is_told(alice: Conversation, lobby: Log) -> None:
    for number in range(5):
        lobby.post("Bob", f"{number}")
    lobby.first = 4
    alice.sees(LOBBY, lobby.post("Bob", "last"))
    alice.hears(lobby.page(alice.query())).says("2", "3", "4", "last")
    assert alice.shown[0] == Missed("lobby", 2, 3)


def test_another_digest_is_told(alice: Conversation, lobby: Log) -> None:
    alice.hears(Pong(9, [lobby.head()])).shows()
    lobby.digests[1] = b"x" * 16
    alice.hears(Pong(10, [lobby.head()])).shows(Diverged("lobby", 1))


def test_a_broker_with_less_than_was_read_is_told(alice: Conversation, inbox: Log) -> None:
    alice.loses_the_broker().connects()
    alice.hears(alice.welcome(Log(LOBBY, "lobby"), Log(TEA, "tea"), inbox=inbox))
    alice.shows(ConnectionRestored(), Diverged("lobby", 1))


# One's own messages


def test_ones_own_message_is_known_by_its_ack(alice: Conversation, lobby: Log) -> None:
    alice.posts("hi").hears(Acked(1, LOBBY, 2))
    alice.sees(LOBBY, lobby.post("Alice", "hi"))
    alice.shows(Message("lobby", "Alice", "hi", None, 1001, 2, own=True))


def test_ones_own_message_is_known_before_its_ack(alice: Conversation, lobby: Log) -> None:
    alice.posts("hi").sees(LOBBY, lobby.post("Alice", "hi"))
    alice.shows(Message("lobby", "Alice", "hi", None, 1001, 2, own=True))
    alice.hears(Acked(1, LOBBY, 2))
    alice.sees(LOBBY, lobby.post("Alice", "hi"))
    alice.shows(Message("lobby", "Alice", "hi", None, 1002, 3, own=False))


def test_the_same_words_from_another_session_do_not_hide_ones_own(
    alice: Conversation, lobby: Log
) -> None:
    alice.posts("hi").sees(LOBBY, lobby.post("Alice", "hi"))
    alice.hears(Acked(1, LOBBY, 3))
    alice.sees(LOBBY, lobby.post("Alice", "hi"))
    alice.shows(Message("lobby", "Alice", "hi", None, 1002, 3, own=True))


def test_another_session_of_ones_own_is_not_oneself(alice: Conversation, lobby: Log) -> None:
    alice.posts("hi").sees(LOBBY, lobby.post("Alice", "something else"))
    alice.shows(Message("lobby", "Alice", "something else", None, 1001, 2, own=False))


def test_what_one_does_is_not_taken_for_what_one_says(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.post, "lobby", "waves", None, True)
    alice.sends(Post(1, LOBBY, "waves", action=True))
    said = lobby.post("Alice", "waves")
    done = lobby.append(events.MessagePosted(3, 1002, "Alice", "waves", action=True))
    alice.sees(LOBBY, said, done).shows(
        Message("lobby", "Alice", "waves", None, 1001, 2),
        Message("lobby", "Alice", "waves", None, 1002, 3, own=True, action=True),
    )


def test_ones_own_private_message_is_known(alice: Conversation, inbox: Log) -> None:
    alice.calls(calls.tell, "Bob", "psst", None).sends(Tell(1, "Bob", "psst"))
    alice.hears(Acked(1, INBOX, 1), Delivered(1, inbox.tell("Alice", "Bob", "psst")))
    alice.shows(PrivateMessage("Alice", "Bob", "psst", None, 1000, 1, own=True))
    assert Acknowledge(("t",), 1) in alice.effects


def test_data_tells_the_same_words_apart(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.post, "LOBBY", "roll", {"dice": (6, 6)})
    other = lobby.append(events.MessagePosted(2, 0, "Alice", "roll", {"dice": [1, 1]}))
    mine = lobby.append(events.MessagePosted(3, 0, "Alice", "roll", {"dice": [6, 6]}))
    alice.sees(LOBBY, other, mine)
    assert [update.own for update in alice.shown if isinstance(update, Message)] == [False, True]


def test_what_arrives_in_one_frame_is_shown_in_its_order(alice: Conversation, lobby: Log) -> None:
    comes = encode(events.PresenceChanged(2, 2, joined=["Bob"]))
    alice.sees(LOBBY, lobby.post("Carl", "hm"), comes, lobby.post("Bob", "hi"))
    assert [type(update).__name__ for update in alice.shown] == [
        "Message",
        "PersonJoined",
        "Message",
    ]


# Questions


def test_one_question_is_out_at_a_time_and_logs_take_turns_with_the_app(
    alice: Conversation, lobby: Log
) -> None:
    alice.calls(calls.rooms, "", ticket="a").sends(Rooms(4))
    alice.calls(calls.members, "tea", "", ticket="b").sends()
    alice.calls(calls.who, ticket="c").sends()
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen")).sends()
    alice.hears(RoomList(4, [RoomInfo(TEA, "tea", "hot", 3)], more=False))
    alice.completes("a", ([Room("tea", "hot", 3, role="member")], False))
    history = alice.query()
    assert isinstance(history, History)
    alice.hears(lobby.page(history)).sends(Members(6, TEA)).says("lost", "seen")
    alice.hears(MemberList(6, TEA, [MemberInfo("Bob", online=True)], more=False))
    alice.completes("b", ([Member("Bob", online=True)], False)).sends(Who(7))
    alice.hears(Roster(7, 1, 2, ["Alice", "Bob"])).completes("c", People(2, ("Alice", "Bob")))


@pytest.mark.parametrize(
    "answer",
    [
        Noted(4),
        MemberList(4, LOBBY, [], more=False),
        MemberList(4, LOBBY, [MemberInfo("Bob"), MemberInfo("Bob")], more=False),
    ],
)
def test_a_broker_that_answers_something_else_fails_the_caller_alone(
    alice: Conversation, answer: Reply
) -> None:
    alice.calls(calls.whois, "Bob").sends(Whois(4, "Bob"))
    alice.hears(answer).fails("t", WireError)
    alice.calls(calls.whois, "Bob").sends(Whois(5, "Bob"))


def test_a_refused_question_fails_its_caller(alice: Conversation) -> None:
    alice.calls(calls.history, None, History(0, peer="Nobody")).sends(History(4, peer="Nobody"))
    alice.hears(Error("unknown_user", "no such user", id=4)).fails("t", UnknownUser)


def test_a_busy_broker_is_asked_again(alice: Conversation) -> None:
    alice.calls(calls.who).hears(Error("busy", "", id=4)).sends()
    alice.waits(0.25).sends(Who(5))


def test_a_question_survives_a_lost_connection(
    alice: Conversation, lobby: Log, tea: Log, inbox: Log
) -> None:
    alice.calls(calls.rooms, "").loses_the_broker().connects()
    alice.hears(alice.welcome(lobby, tea, inbox=inbox))
    [rooms] = [query for query in alice.sent if isinstance(query, Rooms)]
    alice.hears(RoomList(rooms.id, [], more=False)).completes("t", ([], False))


def test_an_answer_that_does_not_come_is_asked_for_again(alice: Conversation) -> None:
    alice.calls(calls.who).sends(Who(4))
    alice.waits(5).sends(Ping(5)).hears(Pong(5))
    alice.waits(5)
    assert Who(7) in alice.sent


def test_history_is_told_by_name_and_without_joins(alice: Conversation, tea: Log) -> None:
    tea.append(events.MemberJoined(1, 0, "Bob"))
    tea.post("Bob", "hi")
    alice.calls(calls.history, "TEA", History(0, limit=50)).sends(History(4, room=TEA, limit=50))
    alice.hears(tea.page(alice.query()))
    message = Message("tea", "Bob", "hi", None, 1001, 2, earlier=True)
    alice.completes("t", calls.Piece((message,), False, 1, 1, 2))


# Commands


def test_rooms_are_made_joined_and_left(alice: Conversation) -> None:
    alice.calls(calls.create, Create(1, "chess", "e4")).sends(Create(1, "chess", "e4"))
    alice.calls(calls.join, "go").sends(Join(2, "go"))
    alice.calls(calls.leave, "Tea").sends(Leave(3, TEA))
    alice.hears(Joined(b"C" * 16, "chess", 1, b"d" * 16, "e4"), Acked(1, b"C" * 16, 1))
    alice.shows(RoomJoined("chess", "e4"))
    alice.posts("e5", room="Chess").sends(Post(4, b"C" * 16, "e5"))
