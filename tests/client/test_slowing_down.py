"""A client that is told to slow down waits as long as it is told, then goes on where it was."""

import pytest
from tests.client.conversation import LOBBY, Conversation, Log

from hubbub.client import calls, orders
from hubbub.client.effects import DisconnectEvents, Emit, Fail, Reconnect
from hubbub.client.errors import RequestError
from hubbub.client.outbox import Outbox
from hubbub.client.updates import ConnectionLost
from hubbub.common.commands import Hello, History, Login, Post, SetPassword, Who
from hubbub.common.errors import Code
from hubbub.common.replies import Acked, Closing, Error, Resend

SLOW_DOWN = Code.SLOW_DOWN


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def alice(lobby: Log) -> Conversation:
    return Conversation().logs_in(lobby)


def test_a_post_is_sent_again_when_the_time_is_over(alice: Conversation) -> None:
    alice.posts("hi").sends(Post(1, LOBBY, "hi"))
    alice.hears(Resend(1, SLOW_DOWN, 7.5)).posts("there").sends()
    alice.waits(4.0).waits(3.4)
    assert not [command for command in alice.sent if isinstance(command, Post)]
    alice.waits(0.1)
    alice.sends(Post(1, LOBBY, "hi"), Post(2, LOBBY, "there"))
    alice.hears(Acked(1, LOBBY, 1, count=2))


def test_a_longer_wait_than_that_of_the_same_flight_is_heeded() -> None:
    box = Outbox(bytes(16))
    box.add(Post(1, LOBBY, "hi"), "ticket")
    assert list(box.frames(0.0))
    box.go_back(1, 0.0, 0.1)
    assert list(box.frames(0.1))
    box.go_back(1, 0.2, 3.0)
    for now in (1.0, 2.0, 3.1):
        box.tick(now)
        assert not list(box.frames(now))
    assert box.wake_at(3.1) == 3.2
    assert list(box.frames(3.2))


def test_a_question_is_asked_again_when_the_time_is_over(alice: Conversation) -> None:
    alice.calls(calls.who).hears(Error(SLOW_DOWN, "", id=4, retry_after=3.0)).sends()
    assert alice.session.wake_at(alice.now) == pytest.approx(alice.now + 3.0)
    alice.waits(2.9).sends()
    alice.waits(0.1).sends(Who(5))


def test_a_question_that_may_not_be_asked_soon_is_refused_and_keeps_no_other_waiting(
    alice: Conversation,
) -> None:
    alice.calls(orders.order, SetPassword(0, password="x"))
    alice.hears(Error(SLOW_DOWN, "too many passwords were set", id=4, retry_after=30.0))
    [failed] = [effect.error for effect in alice.effects if isinstance(effect, Fail)]
    assert isinstance(failed, RequestError)
    assert (failed.code, failed.retry_after) == (SLOW_DOWN, 30.0)
    alice.calls(calls.who).sends(Who(5))


def test_catching_up_goes_on_when_the_time_is_over(alice: Conversation, lobby: Log) -> None:
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen"))
    query = alice.query()
    alice.hears(Error(SLOW_DOWN, "", id=query.id, retry_after=2.0)).sends()
    alice.waits(1.9).sends()
    alice.waits(0.1)
    asked = alice.query()
    assert isinstance(asked, History)
    assert alice.hears(lobby.page(asked)).texts == ["lost", "seen"]


def test_a_login_is_repeated_when_the_time_is_over() -> None:
    alice = Conversation().connects()
    alice.hears(Error(SLOW_DOWN, "", id=alice.login.id, retry_after=9.0)).does()
    alice.waits(8.9).does()
    alice.waits(0.1)
    assert [type(command) for command in alice.sent] == [Hello, Login]


def test_a_client_that_is_cut_for_flooding_comes_back_when_it_was_told(
    alice: Conversation,
) -> None:
    alice.hears(Closing(Code.FLOODING, "too much", 10.0))
    alice.does(Emit((ConnectionLost(),)), DisconnectEvents(), Reconnect(10.0))
    alice.loses_the_broker().does()
