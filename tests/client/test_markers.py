"""Read markers, in a session and end to end."""

import pytest
from tests.client.conversation import INBOX, LOBBY, TEA, Conversation, Log
from tests.client.watching import Enter, messages, next_of

from hubbub.client import Marker, NotMember, calls
from hubbub.client.effects import Complete
from hubbub.client.showing import FULL
from hubbub.client.updates import LogReplaced, MarkerMoved, Message
from hubbub.common.commands import Mark, Post
from hubbub.common.replies import Acked, Marked

# A session


@pytest.fixture
def lobby() -> Log:
    lobby = Log(LOBBY, "lobby")
    for text in ("one", "two", "three"):
        lobby.post("Bob", text)
    lobby.read = 2
    return lobby


@pytest.fixture
def inbox() -> Log:
    inbox = Log(INBOX)
    inbox.tell("Bob", "Alice", "psst")
    return inbox


@pytest.fixture
def alice(lobby: Log, inbox: Log) -> Conversation:
    return Conversation("Alice").logs_in(Log(TEA, "a tea"), lobby, inbox=inbox)


def markers(alice: Conversation) -> list[Marker]:
    """What the app is told when it asks."""
    [completed] = [
        effect
        for effect in alice.calls(calls.markers, ticket="markers").effects
        if isinstance(effect, Complete)
    ]
    assert isinstance(completed.result, list)
    return completed.result


def test_a_client_knows_its_markers_from_login_the_lobby_first(alice: Conversation) -> None:
    assert markers(alice) == [
        Marker("lobby", read=2, head=3, start=3),
        Marker("a tea", read=0, head=0, start=0),
        Marker(None, read=0, head=1, start=1),
    ]


def test_a_mark_counts_when_it_is_acked(alice: Conversation) -> None:
    alice.calls(calls.mark, "LOBBY", 3).sends(Mark(1, LOBBY, 3))
    alice.calls(calls.mark, None, 1, ticket="inbox").sends(Mark(2, INBOX, 1))
    assert [marker.read for marker in markers(alice)] == [2, 0, 0]
    alice.hears(Acked(1, LOBBY, 3)).acknowledges("t", seq=3)
    alice.hears(Acked(2, INBOX, 1)).acknowledges("inbox", seq=1)
    assert [marker.read for marker in markers(alice)] == [3, 0, 1]


def test_a_marker_does_not_go_back_when_an_ack_is_told_again(alice: Conversation) -> None:
    alice.calls(calls.mark, "lobby", 3).calls(calls.mark, "lobby", 1)
    alice.hears(Acked(1, LOBBY, 3), Acked(2, LOBBY, 3), Acked(1, LOBBY, 3))
    assert markers(alice)[0].read == 3


def test_a_mark_in_a_room_where_one_is_not_is_refused(alice: Conversation) -> None:
    alice.calls(calls.mark, "nowhere", 3).fails("t", NotMember)


def test_a_mark_in_a_run_of_acks_claims_no_message(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.mark, "lobby", 4, ticket="mark").posts("mine", ticket="post")
    alice.hears(Acked(1, LOBBY, 4, 2)).acknowledges("mark", "post", seq=4)
    laptops = lobby.post("Alice", "mine")
    alice.sees(LOBBY, laptops, lobby.post("Alice", "mine"), lobby.post("Alice", "elsewhere"))
    shown = [update for update in alice.shown if isinstance(update, Message)]
    assert [(message.seq, message.own) for message in shown] == [(4, False), (5, True), (6, False)]


def test_what_another_device_marks_is_shown_at_once(alice: Conversation) -> None:
    alice.hears(Marked(LOBBY, 3), Marked(INBOX, 1))
    alice.shows(MarkerMoved("lobby", 3), MarkerMoved(None, 1))
    assert [marker.read for marker in markers(alice)] == [3, 0, 1]
    alice.hears(Marked(b"?" * 16, 7), Marked(LOBBY, 3)).shows()


def test_ones_own_mark_is_no_news(alice: Conversation) -> None:
    alice.calls(calls.mark, "lobby", 3).hears(Acked(1, LOBBY, 3), Marked(LOBBY, 3)).shows()
    alice.calls(calls.mark, "lobby", 4).hears(Acked(2, LOBBY, 4), Marked(LOBBY, 5))
    alice.shows(MarkerMoved("lobby", 5))


def test_what_another_device_marked_is_learnt_at_the_next_login(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    lobby.read, inbox.read = 3, 1
    alice.loses_the_broker().connects().hears(alice.welcome(lobby, inbox=inbox))
    shown = [update for update in alice.shown if isinstance(update, MarkerMoved)]
    assert shown == [MarkerMoved(None, 1), MarkerMoved("lobby", 3)]
    assert markers(alice) == [Marker("lobby", 3, 3, 3), Marker(None, 1, 1, 1)]


def test_of_an_app_that_reads_nothing_only_the_last_marker_is_kept(alice: Conversation) -> None:
    alice.has_unread(FULL)
    for seq in range(3, 50):
        alice.hears(Marked(LOBBY, seq))
    alice.shows()
    assert markers(alice)[0].read == 49
    alice.has_unread(0).shows(MarkerMoved("lobby", 49))


def test_an_ack_from_before_another_devices_mark_does_not_undo_it(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    alice.calls(calls.mark, "lobby", 2).loses_the_broker()
    lobby.read = 3
    alice.logs_in(lobby, inbox=inbox).hears(Acked(1, LOBBY, 2)).acknowledges("t", seq=2)
    assert markers(alice)[0].read == 3


def test_a_mark_says_nothing_of_the_log_that_took_the_place_of_its_own(
    alice: Conversation,
) -> None:
    alice.loses_the_broker()
    alice.calls(calls.mark, "lobby", 3).calls(calls.mark, None, 1).posts("hi")
    new, inbox = Log(b"N" * 16, "lobby"), Log(b"J" * 16)
    alice.connects().hears(alice.welcome(new, inbox=inbox, epoch=b"2" * 16))
    assert LogReplaced() in alice.shown
    writes = [command for command in alice.sent if isinstance(command, Mark | Post)]
    assert writes == [Mark(1, new.id, 0), Mark(2, inbox.id, 0), Post(3, new.id, "hi")]


def test_a_mark_says_nothing_of_a_restored_log_whose_rooms_have_their_old_ids(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    alice.loses_the_broker().calls(calls.mark, "lobby", 3)
    alice.connects().hears(alice.welcome(lobby, inbox=inbox, epoch=b"2" * 16))
    assert [command for command in alice.sent if isinstance(command, Mark)] == [Mark(1, LOBBY, 0)]


# End to end


def test_a_marker_is_shared_by_the_devices_of_a_person(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    for text in ("one", "two", "three"):
        alice.post("lobby", text)
    alice.tell("Bob", "psst")
    messages(bob, 3)
    bob.mark_read("lobby", 2)
    assert bob.mark_read_nowait("Lobby", 1).result(5) == 2
    bob.mark_read(None, 1)
    assert bob.markers() == [Marker("lobby", 2, 3, 0), Marker(None, 1, 1, 0)]
    assert enter("Bob").markers() == [Marker("lobby", 2, 3, 3), Marker(None, 1, 1, 1)]
    assert alice.markers() == [Marker("lobby", 0, 3, 0), Marker(None, 0, 1, 0)]


def test_a_device_sees_at_once_what_another_marks(enter: Enter) -> None:
    alice, laptop = enter("Alice"), enter("Alice")
    alice.post("lobby", "one")
    alice.mark_read("lobby", 1)
    assert next_of(laptop, MarkerMoved) == MarkerMoved("lobby", 1)
    assert laptop.markers()[0].read == 1


@pytest.mark.parametrize(
    ("seq", "error"), [(-1, ValueError), (2**63, ValueError), (1.5, TypeError)]
)
def test_what_is_no_seq_cannot_be_marked(enter: Enter, seq: int, error: type[Exception]) -> None:
    alice = enter("Alice")
    with pytest.raises(error):
        alice.mark_read("lobby", seq)
    with pytest.raises(error):
        alice.mark_read_nowait("lobby", seq)
    assert alice.post("lobby", "still here") == 1
