"""`Client` end to end: a real broker, real sockets, encryption on."""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest

from hubbub.broker.broker import Broker
from hubbub.client import (
    BadName,
    Client,
    Closed,
    ConnectError,
    Forked,
    HubbubError,
    LobbyIsForAll,
    NameTaken,
    NobodyListens,
    NotMember,
    OutcomeUnknown,
    RequestError,
    RoomExists,
    TooLarge,
    UnknownRoom,
    UnknownUser,
    WrongKey,
)
from hubbub.client.home import Home
from hubbub.client.results import Member, Room
from hubbub.client.updates import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    MemberJoined,
    MemberLeft,
    Message,
    PersonJoined,
    PersonLeft,
    PrivateMessage,
    RoomJoined,
    RoomLeft,
    Update,
)

Enter = Callable[..., Client]
SECONDS = 5.0
"""Longer than anything here takes; only a failing test waits so long."""


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


@pytest.fixture
def enter(broker: Broker, tmp_path: Path) -> Iterator[Enter]:
    """Let people in, each with a home of their own; they leave at the end."""
    with ExitStack() as stack:

        def let_in(name: str, home: str | None = None) -> Client:
            folder = tmp_path / (home or name)
            return stack.enter_context(Client(str(broker.address), name=name, home=folder))

        yield let_in


def next_of(client: Client, kind: type[Update]) -> Update:
    """The next update of a kind; others before it are passed over."""
    for update in client.events(timeout=SECONDS):
        if isinstance(update, kind):
            return update
    raise AssertionError(f"no {kind.__name__} came")


def messages(client: Client, count: int) -> list[Message]:
    found: list[Message] = []
    while len(found) < count:
        message = next_of(client, Message)
        assert isinstance(message, Message)
        found.append(message)
    return found


def no_pump_is_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name == "hubbub-pump"]


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
    assert bob.digest("lobby") == alice.digest("LOBBY") or messages(alice, 2000)
    assert bob.digest("lobby") == alice.digest("lobby")


def test_two_sessions_of_one_person_are_one_person(enter: Enter) -> None:
    desk, phone, bob = enter("Alice"), enter("Alice", home="Alice"), enter("Bob")
    assert (desk.created, phone.created) == (True, False)
    desk.post("lobby", "from the desk")
    assert [messages(client, 1)[0].own for client in (desk, phone, bob)] == [True, False, False]
    assert bob.who().names == ("Alice", "Bob")


# Rooms


def test_rooms_are_made_joined_listed_and_left(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.create("tea", "hot")
    assert next_of(alice, RoomJoined) == RoomJoined("tea", "hot")
    bob.join("Tea")
    joined = next_of(alice, MemberJoined)
    assert isinstance(joined, MemberJoined)
    assert (joined.room, joined.name) == ("tea", "Bob")
    assert bob.rooms() == [Room("lobby", "", 2, joined=True), Room("tea", "hot", 2, joined=True)]
    assert bob.members("TEA") == [Member("Alice", online=True), Member("Bob", online=True)]
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


# Getting in


def test_a_name_of_another_key_is_taken(enter: Enter) -> None:
    enter("Alice")
    with pytest.raises(NameTaken) as refused:
        enter("ALICE", home="another device")
    assert refused.value.code == "name_taken"
    assert len([thread for thread in threading.enumerate() if thread.name == "hubbub-pump"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
def test_an_address_where_nobody_listens_says_so(tmp_path: Path, known: bool) -> None:
    with Broker.temporary() as broker:
        address = broker.address
    if known:
        Home(tmp_path).pin(address, b"k" * 32)
    with pytest.raises(NobodyListens, match="is the broker started"):
        Client(str(address), name="Alice", home=tmp_path)
    assert no_pump_is_left()


def test_a_changed_key_is_refused_with_the_way_out(broker: Broker, tmp_path: Path) -> None:
    Home(tmp_path).pin(broker.address, Home(tmp_path / "other").device_key().public)
    with pytest.raises(WrongKey, match=f"hubbub forget {broker.address}"):
        Client(str(broker.address), name="Alice", home=tmp_path)
    assert no_pump_is_left()
    assert Home(tmp_path).forget(broker.address)
    with Client(str(broker.address), name="Alice", home=tmp_path) as alice:
        assert alice.created


def test_a_bad_name_is_refused_without_a_broker(tmp_path: Path) -> None:
    with pytest.raises(BadName):
        Client("127.0.0.1:1", name="two words", home=tmp_path)


def test_without_encryption_only_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="only on loopback"):
        Client("192.0.2.1:5000", name="Alice", home=tmp_path, insecure=True)


def test_without_encryption_all_else_is_the_same(tmp_path: Path) -> None:
    with (
        Broker.temporary(insecure=True) as broker,
        Client(str(broker.address), name="Alice", home=tmp_path, insecure=True) as alice,
    ):
        assert alice.post("lobby", "in the clear") == 1
        assert messages(alice, 1)[0].own


# Failure


def test_a_restarted_broker_finds_everybody_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as clients:
        with Broker.temporary(data=data) as broker:
            address = broker.address
            alice, bob = (
                clients.enter_context(Client(str(address), name=name, home=tmp_path / name))
                for name in ("Alice", "Bob")
            )
            alice.post("lobby", "before")
        assert next_of(bob, ConnectionLost) == ConnectionLost()
        future = alice.post_nowait("lobby", "meanwhile")
        with pytest.raises(OutcomeUnknown):
            alice.post("lobby", "impatient", timeout=0.01)
        with Broker.temporary(address, data=data):
            assert next_of(bob, ConnectionRestored) == ConnectionRestored()
            assert future.result(2 * SECONDS) == 2
            assert [message.text for message in messages(bob, 2)] == ["meanwhile", "impatient"]
            assert [message.own for message in messages(alice, 3)] == [True, True, True]
            assert alice.digest("lobby") == bob.digest("lobby")
            assert len(alice.history("lobby")) == 3
            clients.close()


@pytest.mark.slow
def test_an_app_that_does_not_read_catches_up_with_everything(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    for number in range(12_000):
        alice.post_nowait("lobby", f"{number}")
    alice.flush(6 * SECONDS)
    assert [message.seq for message in messages(bob, 12_000)] == list(range(1, 12_001))


def test_closing_waits_for_what_was_written(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    futures = [alice.post_nowait("lobby", "x") for _ in range(500)]
    alice.close()
    assert all(future.done() for future in futures)
    assert len(messages(bob, 500)) == 500


def test_after_closing_everything_says_so(enter: Enter) -> None:
    alice = enter("Alice")
    alice.close()
    alice.close()
    with pytest.raises(Closed):
        alice.post("lobby", "too late")
    with pytest.raises(Closed):
        alice.post_nowait("lobby", "too late").result(0)
    with pytest.raises(Closed):
        alice.next_event()
    assert list(alice.events()) == []
    assert no_pump_is_left()


def test_who_waits_for_events_is_told_of_the_end(enter: Enter) -> None:
    alice = enter("Alice")
    seen: Future[list[Update]] = Future()
    watcher = threading.Thread(target=lambda: seen.set_result(list(alice.events())))
    watcher.start()
    alice.close()
    watcher.join(SECONDS)
    assert seen.result(0) == []


def test_closing_without_a_broker_tells_what_is_left(tmp_path: Path) -> None:
    with Broker.temporary() as broker:
        alice = Client(str(broker.address), name="Alice", home=tmp_path)
    next_of(alice, ConnectionLost)
    future = alice.post_nowait("lobby", "never sent")
    with pytest.raises(OutcomeUnknown, match="1 of what was written"):
        alice.close(timeout=0.01)
    with pytest.raises(Closed, match="not sent"):
        future.result(0)
    assert no_pump_is_left()


def test_a_fault_in_the_pump_ends_the_client_and_fails_its_callers(enter: Enter) -> None:
    alice = enter("Alice")
    alice._submit(lambda session, ticket: session.do("no effect"))
    ended = next_of(alice, Ended)
    assert isinstance(ended, Ended)
    assert "has failed" in str(ended.reason)
    with pytest.raises(Closed, match="has ended"):
        alice.post("lobby", "too late")
    alice.close()
    assert no_pump_is_left()


def test_a_callback_may_write_but_not_wait(enter: Enter) -> None:
    alice = enter("Alice")
    outcome: Future[object] = Future()

    def reply(_: Future[int]) -> None:
        try:
            alice.post("lobby", "would wait for itself")
        except RuntimeError as error:
            alice.post_nowait("lobby", str(error)).add_done_callback(outcome.set_result)

    alice.post_nowait("lobby", "first").add_done_callback(reply)
    outcome.result(SECONDS)
    assert "_nowait" in messages(alice, 2)[1].text


def test_a_forked_child_is_refused(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = enter("Alice")
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        for use in (alice.who, alice.close, alice.next_event):
            with pytest.raises(Forked):
                use()
    assert alice.who().count == 1


def test_every_error_of_ours_is_one_line(enter: Enter) -> None:
    alice = enter("Alice")
    with pytest.raises(HubbubError) as refused:
        alice.tell("Nobody", "hi")
    assert "\n" not in str(refused.value)
