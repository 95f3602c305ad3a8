"""Being away, in a session and end to end."""

import pytest
from tests.client.conversation import INBOX, LOBBY, Conversation, Log
from tests.client.watching import SECONDS, Enter, next_of

from hubbub.client import BadText, Member, People, PersonAway, PersonBack, TooLarge, calls
from hubbub.common.commands import Away, Command, Who
from hubbub.common.limits import AWAY_BYTES
from hubbub.common.replies import Error, Noted, Roster

# A session


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def alice(lobby: Log) -> Conversation:
    return Conversation("Alice").logs_in(lobby)


def returns(alice: Conversation, lobby: Log) -> list[Command]:
    """Come back after a lost connection, every question answered; what was asked."""
    asked: list[Command] = []
    alice.loses_the_broker().connects()
    alice.hears(alice.welcome(lobby, inbox=Log(INBOX)), lobby.subscribed())
    while queries := [query for query in alice.sent if isinstance(query, Away | Who)]:
        asked += queries
        for query in queries:
            is_away = isinstance(query, Away)
            alice.hears(Noted(query.id) if is_away else Roster(query.id, 1, 1, ["Alice"]))
    return asked


def texts(commands: list[Command]) -> list[str | None]:
    return [command.text for command in commands if isinstance(command, Away)]


def test_being_away_is_said_again_in_each_later_session(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.away, "at lunch").sends(Away(4, "at lunch"))
    alice.hears(Noted(4)).completes("t")
    assert texts(returns(alice, lobby)) == ["at lunch"]
    assert texts(returns(alice, lobby)) == ["at lunch"]


def test_being_away_is_said_as_what_was_said_before(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.away, "at lunch").hears(Noted(4))
    said = [command for command in returns(alice, lobby) if isinstance(command, Away)]
    assert [(command.text, command.again) for command in said] == [("at lunch", True)]
    alice.calls(calls.away, "at lunch")
    [command] = alice.sent
    assert isinstance(command, Away)
    assert not command.again


def test_being_away_is_said_once_when_the_connection_is_lost_again_and_again(
    alice: Conversation, lobby: Log
) -> None:
    alice.calls(calls.away, "at lunch").hears(Noted(4))
    for _ in range(3):
        alice.loses_the_broker().connects().hears(alice.welcome(lobby, inbox=Log(INBOX)))
    assert texts(returns(alice, lobby)) == ["at lunch"]


def test_being_back_need_not_be_said_again(alice: Conversation, lobby: Log) -> None:
    alice.calls(calls.away, "at lunch").hears(Noted(4))
    alice.calls(calls.away, None).sends(Away(5)).hears(Noted(5)).completes("t")
    asked = returns(alice, lobby)
    assert [type(command) for command in asked] == [Who], "and the roster is asked for once"


def test_what_was_said_last_counts_when_the_connection_was_lost_meanwhile(
    alice: Conversation, lobby: Log
) -> None:
    alice.calls(calls.away, "at lunch")
    alice.loses_the_broker().calls(calls.away, None).calls(calls.away, "asleep")
    assert texts(returns(alice, lobby))[-1] == "asleep"
    alice.calls(calls.away, None).loses_the_broker()
    assert texts(returns(alice, lobby))[-1] is None


def test_a_broker_that_knows_no_away_is_not_asked_for_the_roster_twice(
    alice: Conversation, lobby: Log
) -> None:
    alice.calls(calls.away, "at lunch").hears(Error("unknown_command", "no such", id=4))
    alice.loses_the_broker().connects()
    alice.hears(alice.welcome(lobby, inbox=Log(INBOX)), lobby.subscribed())
    away = alice.query()
    assert isinstance(away, Away)
    alice.hears(Error("unknown_command", "no such", id=away.id))
    who = alice.query()
    assert isinstance(who, Who)
    alice.hears(Roster(who.id, 1, 1, ["Alice"])).sends()


# End to end


def test_others_see_who_is_away_and_who_is_back(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    bob.away("at lunch")
    assert next_of(alice, PersonAway) == PersonAway("Bob", "at lunch")
    assert alice.who() == People(2, ("Alice", "Bob"), {"Bob": "at lunch"})
    assert alice.whois("bob") == Member("Bob", online=True, away="at lunch")
    assert alice.members("lobby")[1].away == "at lunch"
    bob.back()
    assert next_of(alice, PersonBack) == PersonBack("Bob")
    assert alice.who().away == {}
    bob.away()
    assert next_of(alice, PersonAway) == PersonAway("Bob", "")


def test_who_comes_later_sees_who_is_away(enter: Enter) -> None:
    enter("Bob").away("at lunch", timeout=SECONDS)
    alice = enter("Alice")
    assert alice.whois("Bob").away == "at lunch"


@pytest.mark.parametrize(
    ("text", "error"),
    [("é" * (AWAY_BYTES // 2) + ".", TooLarge), ("\ud800", BadText), (7, TypeError)],
)
def test_what_cannot_be_said_of_being_away_is_refused(
    enter: Enter, text: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        enter("Alice").away(text)
