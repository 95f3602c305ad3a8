"""An app that does not read is not flooded, and catches up."""

import pytest
from tests.client.conversation import INBOX, LOBBY, Conversation, Log

from hubbub.client.showing import FULL, LAG_SECONDS, ROOM_AGAIN
from hubbub.client.updates import PersonJoined, PrivateMessage
from hubbub.common import events
from hubbub.common.codec import encode
from hubbub.common.replies import Delivered, Roster


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def inbox() -> Log:
    return Log(INBOX)


@pytest.fixture
def alice(lobby: Log, inbox: Log) -> Conversation:
    return Conversation("Alice").logs_in(lobby, inbox=inbox)


def test_an_app_that_does_not_read_is_not_flooded_and_catches_up(
    alice: Conversation, lobby: Log, inbox: Log
) -> None:
    alice.has_unread(FULL).sees(LOBBY, lobby.post("Bob", "later"), lobby.post("Bob", "on")).shows()
    alice.hears(Delivered(1, inbox.tell("Bob", "Alice", "psst"))).shows()
    alice.has_unread(ROOM_AGAIN + 1).sends()
    alice.has_unread(ROOM_AGAIN)
    alice.hears(lobby.page(alice.query())).says("later", "on")
    alice.hears(inbox.page(alice.query()))
    alice.shows(PrivateMessage("Bob", "Alice", "psst", None, 1000, 1, earlier=True))


def test_presence_is_asked_for_again_after_a_flood(alice: Conversation) -> None:
    change = events.PresenceChanged(2, 2, joined=["Bob"])
    alice.has_unread(FULL).sees(LOBBY, encode(change)).shows()
    alice.has_unread(0)
    alice.hears(Roster(alice.query().id, 2, 2, ["Alice", "Bob"])).shows(PersonJoined("Bob"))


def test_a_burst_may_wait_for_a_second_where_it_is_and_is_then_passed_over(
    alice: Conversation,
) -> None:
    alice.has_unread(FULL - 1)
    assert alice.session.takes_events(alice.now)
    alice.has_unread(FULL)
    assert not alice.session.takes_events(alice.now)
    alice.waits(LAG_SECONDS).has_unread(ROOM_AGAIN + 1)
    assert (alice.session.is_full, alice.session.takes_events(alice.now)) == (True, True)
    alice.has_unread(ROOM_AGAIN).has_unread(FULL)
    assert not alice.session.takes_events(alice.now)
