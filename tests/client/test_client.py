"""`Client` end to end: a real broker, real sockets, encryption on."""

from typing import Any

import pytest
from tests.client.watching import SECONDS, Enter, messages, next_of

from hubbub.client import (
    BadName,
    BadText,
    LobbyIsForAll,
    NotMember,
    RequestError,
    RoomExists,
    TooLarge,
    UnknownRoom,
    UnknownUser,
)
from hubbub.client.results import Member, Room
from hubbub.client.updates import (
    MemberJoined,
    MemberLeft,
    Message,
    PersonJoined,
    PersonLeft,
    PrivateMessage,
    RoomJoined,
    RoomLeft,
)

# Talking


def test_two_people_talk(enter: Enter) -> None:
    alice = enter("Alice")
    bob = enter("Bob")
    assert (alice.name, alice.created, bob.created) == ("Alice", True, True)
    assert alice.next_event(SECONDS) == PersonJoined("Bob")
    assert alice.post("lobby", "Hello, everyone!") == 1
    for client in (alice, bob):
        message = client.next_event(SECONDS)
        assert isinstance(message, Message)
        assert (message.room, message.sender, message.text) == (
            "lobby",
            "Alice",
            "Hello, everyone!",
        )
        assert (message.seq, message.own) == (1, client is alice)
    bob.close()
    assert alice.next_event(SECONDS) == PersonLeft("Bob")


def test_an_action_arrives_as_one_live_and_in_history(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.post("lobby", "waves", action=True)
    alice.post_nowait("lobby", "bows", action=True).result(SECONDS)
    alice.tell("Bob", "winks", action=True)
    alice.tell_nowait("Bob", "nods", action=True).result(SECONDS)
    alice.post("lobby", "hello")
    private = [next_of(bob, PrivateMessage), next_of(bob, PrivateMessage)]
    assert [m.action for m in private if isinstance(m, PrivateMessage)] == [True, True]
    told = [(m.text, m.action) for m in bob.history("lobby")]
    assert told == [("waves", True), ("bows", True), ("hello", False)]
    assert [(m.text, m.action) for m in messages(alice, 3)] == told
    assert [m.action for m in bob.history(with_="Alice")] == [True, True]
    with pytest.raises(TypeError):
        alice.post("lobby", "waves", action="yes")  # type: ignore[arg-type]


def test_private_messages_reach_both_and_the_absent(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    enter("Carol").close()
    assert bob.tell("alice", "psst", {"urgency": 3}) == 1
    sent, received = next_of(bob, PrivateMessage), next_of(alice, PrivateMessage)
    assert isinstance(sent, PrivateMessage)
    assert isinstance(received, PrivateMessage)
    assert (received.sender, received.to, received.data) == ("Bob", "Alice", {"urgency": 3})
    assert (sent.own, received.own) == (True, False)
    bob.tell("Carol", "when you are back")
    with pytest.raises(UnknownUser) as refused:
        bob.tell("Nobody", "hello?")
    assert refused.value.code == "unknown_user"
    [told] = enter("Carol").history(with_="Bob")
    assert told.text == "when you are back"


def test_many_posts_travel_together_in_order(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    futures = [alice.post_nowait("lobby", f"{number}") for number in range(2000)]
    alice.flush()
    assert [future.result(0) for future in futures] == list(range(1, 2001))
    assert [message.text for message in messages(bob, 2000)] == [f"{n}" for n in range(2000)]
    assert len(messages(alice, 2000)) == 2000
    assert bob.position("lobby") == alice.position("LOBBY")


def test_two_sessions_of_one_person_are_one_person(enter: Enter) -> None:
    desk, phone, bob = enter("Alice"), enter("Alice", home="Alice"), enter("Bob")
    assert (desk.created, phone.created) == (True, False)
    desk.post("lobby", "from the desk")
    assert [messages(client, 1)[0].own for client in (desk, phone, bob)] == [True, False, False]
    assert bob.who().names == ("Alice", "Bob")


def test_what_is_no_text_data_or_seq_is_refused_where_it_is_given(enter: Enter) -> None:
    alice = enter("Alice")
    wrong: Any = 5
    with pytest.raises(TypeError, match="a text is a str, not int"):
        alice.post("lobby", wrong)
    with pytest.raises(TypeError, match="is a dict, not int"):
        alice.tell("Alice", "hi", wrong)
    with pytest.raises(ValueError, match="before is a seq"):
        alice.history("lobby", before=-1)
    assert alice.post("lobby", "goes on") == 1


def test_a_message_of_nothing_is_refused_and_the_next_is_not(enter: Enter) -> None:
    alice = enter("Alice")
    for nothing in ("", "a\0b"):
        with pytest.raises(BadText):
            alice.post("lobby", nothing)
    assert alice.post("lobby", "", {"answer": 42}) == 1


def test_people_are_looked_up_present_or_absent(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    assert alice.whois("BOB") == Member("Bob", online=True)
    bob.close()
    assert alice.whois("bob") == Member("Bob", online=False)
    with pytest.raises(UnknownUser):
        alice.whois("Nobody")


# Rooms


def test_rooms_are_made_joined_listed_and_left(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.create("tea", "hot")
    assert next_of(alice, RoomJoined) == RoomJoined("tea", "hot", "owner")
    bob.join("Tea")
    joined = next_of(alice, MemberJoined)
    assert isinstance(joined, MemberJoined)
    assert (joined.room, joined.name) == ("tea", "Bob")
    assert bob.rooms() == [Room("lobby", "", 2, "member"), Room("tea", "hot", 2, "member")]
    assert bob.members("TEA") == [
        Member("Alice", online=True, role="owner"),
        Member("Bob", online=True),
    ]
    alice.post("tea", "biscuits?")
    assert messages(bob, 1)[0].room == "tea"
    bob.leave("tea")
    assert next_of(bob, RoomLeft) == RoomLeft("tea")
    left = next_of(alice, MemberLeft)
    assert isinstance(left, MemberLeft)
    with pytest.raises(NotMember):
        bob.post("tea", "still here?")


def test_refusals_about_rooms_carry_their_codes(enter: Enter) -> None:
    alice = enter("Alice")
    alice.create("tea")
    with pytest.raises(RoomExists):
        alice.create("TEA")
    with pytest.raises(UnknownRoom):
        alice.join("coffee")
    with pytest.raises(LobbyIsForAll):
        alice.leave("lobby")
    assert alice.post("tea", "still there") > 0


# History


def test_history_walks_in_both_directions(enter: Enter) -> None:
    alice = enter("Alice")
    for number in range(1, 11):
        alice.post_nowait("lobby", f"{number}")
    alice.flush()

    def texts(before: int | None = None, after: int | None = None, limit: int = 100) -> list[str]:
        page = alice.history("lobby", before=before, after=after, limit=limit)
        return [message.text for message in page]

    assert texts() == [f"{number}" for number in range(1, 11)]
    assert texts(limit=3) == ["8", "9", "10"]
    assert texts(limit=3, before=8) == ["5", "6", "7"]
    assert texts(limit=3, after=2) == ["3", "4", "5"]
    assert texts(after=2, before=5) == ["3", "4"]
    assert texts(after=10) == []
    page = alice.history("lobby", limit=10)
    assert (page.more, page.first, page[0].seq, len(page)) == (False, 1, 1, 10)
    assert alice.history("lobby", limit=3).more


def test_a_long_history_comes_whole_and_only_messages_count(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.create("tea")
    for number in range(1500):
        alice.post_nowait("tea", f"{number}")
    alice.flush()
    for _ in range(3):
        bob.join("tea")
        bob.leave("tea")
    assert [m.text for m in alice.history("tea", limit=2)] == ["1498", "1499"]
    assert len(alice.history("tea", limit=5000)) == 1500
    assert len(alice.history("tea", limit=5000, after=0)) == 1500


def test_private_history_is_of_one_or_of_all(enter: Enter) -> None:
    alice, bob, carol = enter("Alice"), enter("Bob"), enter("Carol")
    bob.tell("Alice", "from Bob")
    carol.tell("Alice", "from Carol")
    alice.tell("Bob", "to Bob")
    assert [message.text for message in alice.history(with_="bob")] == ["from Bob", "to Bob"]
    assert [message.text for message in alice.history()] == ["from Bob", "from Carol", "to Bob"]
    with pytest.raises(ValueError, match="not both"):
        alice.history("lobby", with_="Bob")


# Refused before anything is sent


def test_what_can_never_be_taken_is_refused_at_once(enter: Enter) -> None:
    alice = enter("Alice")
    with pytest.raises(TooLarge):
        alice.post("lobby", "x" * 8193)
    with pytest.raises(TooLarge):
        alice.post_nowait("lobby", "x", {"blob": b"x" * 16384})
    with pytest.raises(RequestError):
        alice.post("lobby", "x", {"when": object()})
    with pytest.raises(RequestError):
        alice.post("lobby", "\ud800")
    with pytest.raises(BadName):
        alice.create("two words")
    with pytest.raises(BadName):
        alice.tell("@", "hi")
    assert alice.post("lobby", "x" * 8192) == 1


def test_data_is_taken_as_it_was(enter: Enter) -> None:
    alice = enter("Alice")
    data = {"n": 1}
    future = alice.post_nowait("lobby", "counted", data)
    data["n"] = 2
    future.result(SECONDS)
    assert messages(alice, 1)[0].data == {"n": 1}
