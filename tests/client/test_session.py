"""The session's connection: login, loss, resuming, pings, silence, the end."""

import pytest
from tests.client.conversation import INBOX, LOBBY, TEA, Conversation, Log

from hubbub.client.effects import (
    ConnectEvents,
    DisconnectEvents,
    Emit,
    End,
    Fail,
    Reconnect,
    Send,
    Subscribe,
    Unsubscribe,
)
from hubbub.client.errors import (
    BadCode,
    BadCredentials,
    Banned,
    Closed,
    InviteRequired,
    LoginRefused,
    NameTaken,
    OutcomeUnknown,
    PutOut,
    RegistrationClosed,
    RequestError,
    VersionUnsupported,
)
from hubbub.client.link import Credentials
from hubbub.client.results import LoggedIn
from hubbub.client.updates import ConnectionLost, ConnectionRestored, Ended, LogReplaced
from hubbub.common.codec import VERSIONS
from hubbub.common.commands import Hello, Login, Logout, Ping, Post, Who
from hubbub.common.errors import Code
from hubbub.common.replies import Acked, Bye, Closing, Error, Greeted, Pong, Resend, Roster


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def alice() -> Conversation:
    return Conversation("Alice")


def number(n: int, size: int) -> bytes:
    return n.to_bytes(size, "big")


def test_a_client_greets_and_logs_in_with_a_fresh_events_key(alice: Conversation) -> None:
    alice.connects().does(
        DisconnectEvents(),
        Send(
            (
                Hello(1, versions=list(VERSIONS)),
                Login(2, name="Alice", events_key=number(2, 32), producer=number(1, 16)),
            )
        ),
    )


def test_a_client_is_in_when_whatever_happens_will_be_seen(alice: Conversation, lobby: Log) -> None:
    alice.connects()
    welcome = alice.welcome(lobby, created=True)
    alice.hears(Greeted(1, 1, "test"), welcome)
    alice.does(ConnectEvents("", 5001, number(2, 32)), Subscribe(LOBBY))
    alice.hears(lobby.subscribed()).sends(Who(3))
    alice.hears(Roster(3, 1, 1, ["Alice"])).completes("opening", LoggedIn("Alice", created=True))


def test_a_client_is_in_after_a_while_even_if_no_grant_comes(
    alice: Conversation, lobby: Log
) -> None:
    alice.connects()
    alice.hears(alice.welcome(lobby))
    alice.waits(3).completes("opening", LoggedIn("Alice", created=False))


def test_the_brokers_spelling_of_the_name_is_kept(lobby: Log) -> None:
    fullwidth = Conversation("\uff21lice").connects()
    welcome = fullwidth.welcome(lobby)
    fullwidth.hears(type(welcome)(2, "Alice", welcome.epoch, welcome.inbox, welcome.rooms, 5001, 0))
    assert fullwidth.session.name == "Alice"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("name_taken", NameTaken),
        ("invite_required", InviteRequired),
        ("registration_closed", RegistrationClosed),
        ("bad_credentials", BadCredentials),
        ("bad_code", BadCode),
        ("banned", Banned),
        ("locked_down", PutOut),
        ("version_unsupported", VersionUnsupported),
        ("some_code_of_the_future", LoginRefused),
    ],
)
def test_a_refused_login_ends_the_client(
    alice: Conversation, code: str, error: type[Exception]
) -> None:
    alice.connects().hears(Error(code, "no", id=2)).fails("opening", error)
    assert isinstance(alice.effects[-1], End)


def test_a_login_is_repeated_when_the_broker_is_busy(alice: Conversation) -> None:
    alice.connects().hears(Error("busy", "later", id=2)).does()
    alice.waits(0.5).does()
    alice.waits(0.5)
    assert [type(command) for command in alice.sent] == [Hello, Login]


def test_a_lost_connection_is_told_once_and_resumed_with_another_key(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby)
    alice.loses_the_broker().does(Emit((ConnectionLost(),)), DisconnectEvents())
    alice.loses_the_broker().does()
    alice.connects()
    assert (alice.login.resuming, alice.login.producer) == (True, number(1, 16))
    assert alice.login.events_key != number(2, 32)
    alice.hears(alice.welcome(lobby)).shows(ConnectionRestored())
    assert ConnectEvents("", 5001, alice.login.events_key) in alice.effects


def test_what_one_proves_oneself_by_is_said_until_the_welcome_and_then_forgotten(
    lobby: Log,
) -> None:
    alice = Conversation("Alice", credentials=Credentials("secret", "abcd", "laptop")).connects()
    assert (alice.login.password, alice.login.code) == ("secret", "abcd")
    assert alice.login.device == "laptop"
    alice.hears(Error("busy", "later", id=2)).waits(1)
    assert alice.login.password == "secret"
    alice.logs_in(lobby).loses_the_broker().connects()
    assert alice.login == Login(
        alice.login.id, "Alice", alice.login.events_key, alice.login.producer, resuming=True
    )


def test_a_guesser_is_told_when_to_try_again_and_not_kept_waiting() -> None:
    alice = Conversation("Alice", credentials=Credentials(password="wrong")).connects()
    alice.hears(Error("slow_down", "too many tries", id=2, retry_after=30.0))
    [failed] = [effect for effect in alice.effects if isinstance(effect, Fail)]
    assert isinstance(failed.error, LoginRefused)
    assert (failed.error.code, failed.error.retry_after) == ("slow_down", 30.0)
    assert isinstance(alice.effects[-1], End)


def test_what_one_proves_oneself_by_is_in_no_text() -> None:
    assert "secret" not in repr(Credentials("secret", "secret", "laptop"))


def test_pings_go_out_every_five_seconds(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    alice.waits(4.9).sends()
    alice.waits(0.1).sends(Ping(4))
    alice.hears(Pong(4)).waits(5).sends(Ping(5))


def test_a_silent_broker_is_left_and_looked_for_again(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    for _ in range(2):
        alice.waits(5)
    alice.waits(5).does(Emit((ConnectionLost(),)), DisconnectEvents(), Reconnect())
    alice.waits(29).does()
    alice.waits(1)
    assert Reconnect() in alice.effects, "in case ZeroMQ gave up"


def test_a_broker_that_shuts_down_says_when_to_come_back(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    alice.hears(Closing("shutting_down", "", 2.5))
    alice.does(Emit((ConnectionLost(),)), DisconnectEvents(), Reconnect(2.5))
    alice.loses_the_broker().does()


def test_a_broker_that_was_flooded_is_come_back_to(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    alice.hears(Closing("flooding", "", 9.0))
    alice.does(Emit((ConnectionLost(),)), DisconnectEvents(), Reconnect(9.0))


@pytest.mark.parametrize("code", ["banned", "kicked", "device_removed", "locked_down"])
def test_whoever_is_put_out_does_not_come_back(alice: Conversation, lobby: Log, code: str) -> None:
    alice.logs_in(lobby).posts("unanswered")
    alice.hears(Closing(code, "until tomorrow: spam")).fails("t", OutcomeUnknown)
    [ended] = alice.shown
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, Banned if code == "banned" else PutOut)
    assert (ended.reason.code, str(ended.reason)) == (code, "until tomorrow: spam")
    assert isinstance(alice.effects[-1], End)


def test_whoever_is_put_out_while_the_session_begins_anew_does_not_come_back(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby).hears(Error("login_required", "", id=99))
    [ended] = alice.hears(Closing("kicked", "by Bob: spam")).shown
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, PutOut)


def test_a_session_that_is_closed_for_a_reason_unknown_here_ends(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby)
    alice.hears(Closing("replaced", "logged in elsewhere"))
    assert [type(effect) for effect in alice.effects] == [Emit, End]
    [ended] = alice.shown
    assert isinstance(ended, Ended)
    assert "logged in elsewhere" in str(ended.reason)


@pytest.mark.parametrize(
    "reply",
    [Error("login_required", "", id=99), Resend(1, "login_required"), Error("login_required", "")],
)
def test_a_session_that_the_broker_forgot_logs_in_again(
    alice: Conversation, lobby: Log, reply: Error | Resend
) -> None:
    alice.logs_in(lobby).posts("hi").sends(Post(1, LOBBY, "hi"))
    alice.hears(reply)
    assert [type(command) for command in alice.sent] == [Hello, Login]
    alice.hears(alice.welcome(lobby)).sends(Post(1, LOBBY, "hi"))


def test_writes_wait_for_the_welcome(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby).loses_the_broker()
    alice.posts("one", ticket="a").sends()
    alice.connects().posts("two", ticket="b").sends()
    alice.hears(alice.welcome(lobby))
    assert alice.frames == [(Post(1, LOBBY, "one"), Post(2, LOBBY, "two"))]
    alice.hears(Acked(1, LOBBY, 1, 2)).acknowledges("a", "b", seq=1)


def test_replies_to_an_earlier_session_are_ignored(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby).posts("hi").loses_the_broker().connects()
    alice.hears(Acked(1, LOBBY, 1), Error("unknown_room", "", n=1), Resend(1, "busy")).does()


@pytest.fixture
def restored(alice: Conversation, lobby: Log) -> Log:
    """Alice has one acknowledged write and one that waits, and the log that she comes back to is another."""
    lobby.post("Bob", "in the old log")
    alice.logs_in(lobby).posts("first").hears(Acked(1, LOBBY, 2))
    alice.posts("second", ticket="s").loses_the_broker().connects()
    new = Log(b"another log's id", "lobby")
    alice.hears(alice.welcome(new, epoch=b"N" * 16))
    alice.shows(ConnectionRestored(), LogReplaced()).sends(Post(2, new.id, "second"))
    return new


def test_a_log_restored_from_a_backup_may_know_the_producer(
    alice: Conversation, restored: Log
) -> None:
    alice.hears(Acked(2, LOBBY, 3)).acknowledges("s", seq=3)


@pytest.mark.parametrize(
    "answer", [Error("producer_expired", "", n=2), Resend(1, "out_of_order")], ids=["new", "older"]
)
def test_a_log_that_has_less_than_it_acknowledged_gets_another_producer_at_once(
    alice: Conversation, restored: Log, answer: Error | Resend
) -> None:
    old_producer = alice.login.producer
    alice.hears(answer)
    assert alice.login.producer != old_producer
    alice.hears(alice.welcome(restored, epoch=b"N" * 16))
    alice.sends(Post(1, restored.id, "second"))
    alice.hears(Acked(1, restored.id, 1)).acknowledges("s", seq=1)


def test_a_log_that_has_lost_what_it_acknowledged_gets_another_producer(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby).posts("lost").hears(Acked(1, LOBBY, 1))
    alice.posts("waits", ticket="w")
    behind = Resend(1, "out_of_order")
    alice.hears(behind).does()
    alice.waits(2).sends(Post(2, LOBBY, "waits"))
    old_producer = alice.login.producer
    alice.hears(behind)
    assert alice.login.producer != old_producer
    alice.hears(alice.welcome(lobby)).sends(Post(1, LOBBY, "waits"))
    alice.hears(Acked(1, LOBBY, 1)).acknowledges("w", seq=1)


def test_a_producer_that_the_broker_has_not_heard_of_goes_back_to_its_first_write(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby).posts("one").posts("two")
    alice.hears(Error("producer_expired", "", n=2))
    alice.sends(Post(1, LOBBY, "one"), Post(2, LOBBY, "two"))


def test_a_broker_that_does_not_answer_the_logout_keeps_nobody(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby)
    alice.session.close("close")
    alice.waits(0).sends(Logout(4))
    alice.waits(1.9).does()
    alice.waits(0.1).completes("close")


def test_subscriptions_are_repeated_until_granted(alice: Conversation, lobby: Log) -> None:
    alice.connects()
    alice.hears(alice.welcome(lobby))
    alice.waits(1).does(Unsubscribe(LOBBY), Subscribe(LOBBY))
    alice.waits(1).does()
    alice.waits(1)
    assert alice.effects[:2] == [Unsubscribe(LOBBY), Subscribe(LOBBY)]
    alice.waits(4)
    assert alice.effects[-2:] == [ConnectEvents("", 5001, number(2, 32)), Subscribe(LOBBY)]
    alice.hears(lobby.subscribed()).waits(60)
    assert Subscribe(LOBBY) not in alice.effects


def test_a_lost_events_connection_is_given_time_to_return(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    alice.session.events_lost(alice.now)
    alice.waits(0.9).does()
    alice.waits(0.1).does(Unsubscribe(LOBBY), Subscribe(LOBBY))


def test_closing_waits_for_the_unanswered_then_logs_out(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby).posts("last words")
    alice.session.close("close")
    alice.waits(0).sends()
    alice.hears(Acked(1, LOBBY, 1)).sends(Logout(4))
    alice.hears(Bye(4)).completes("close")
    assert alice.effects[-1] == End()


def test_closing_ends_when_the_broker_says_that_nobody_is_logged_in(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby)
    alice.session.close("close")
    alice.waits(0).sends(Logout(4))
    alice.hears(Error(Code.LOGIN_REQUIRED, "log in first", id=3)).completes("close")
    assert alice.effects[-1] == End()


def test_closing_with_nothing_unanswered_and_no_broker_is_done_at_once(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby).loses_the_broker()
    alice.session.close("close")
    alice.waits(0).completes("close")
    assert alice.effects[-1] == End()


def test_giving_up_tells_each_caller_what_is_known(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby).posts("sent", ticket="sent").loses_the_broker()
    alice.posts("kept", ticket="kept")
    alice.session.give_up()
    alice.waits(0).fails("sent", OutcomeUnknown).fails("kept", Closed)


def test_giving_up_keeps_the_producer_at_the_broker(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby).posts("sent")
    alice.session.give_up()
    alice.waits(0).sends(Logout(4, close_producer=False))


def test_after_the_end_nothing_is_taken(alice: Conversation, lobby: Log) -> None:
    alice.logs_in(lobby)
    alice.session.give_up()
    alice.waits(0)
    alice.posts("too late").fails("t", Closed)
    alice.hears(Closing("shutting_down", "", 1)).does()
    alice.connects().does()
    alice.sees(LOBBY, lobby.post("Bob", "hi")).does()
    assert alice.session.wake_at(alice.now) is None


def test_a_frame_that_the_broker_cannot_read_ends_the_client(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby).posts("hi").hears(Error("malformed", "not a frame"))
    alice.fails("t", OutcomeUnknown)
    [ended] = alice.shown
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, RequestError)
    assert ended.reason.code == "malformed"


def test_every_ticket_is_failed_when_a_login_is_refused_later(
    alice: Conversation, lobby: Log
) -> None:
    alice.logs_in(lobby, Log(TEA, "tea"), inbox=Log(INBOX)).posts("hi", ticket="post")
    alice.loses_the_broker().connects()
    alice.hears(Error("name_taken", "released and taken", id=alice.login.id))
    assert [effect.ticket for effect in alice.effects if isinstance(effect, Fail)] == ["post"]
