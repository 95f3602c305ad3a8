"""`examples/participant.py`: the bot that people copy. It greets, answers, never answers a program, and survives its broker."""

import signal
import sys
from collections.abc import Callable
from typing import Final

import pytest
from tests.processes import PATIENCE, ROOT, ThroughPipes, Town

from hubbub.client import Client, Message, PrivateMessage, Update

pytestmark = pytest.mark.slow

PARTICIPANT: Final = (sys.executable, "-u", str(ROOT / "examples" / "participant.py"))


def joins(town: Town, name: str, *options: str) -> ThroughPipes:
    participant = town.start(
        ThroughPipes, *PARTICIPANT, name, f"--broker={town.address}", *options, who=name
    )
    participant.sees(f"{name} is in the chat.")
    return participant


def hears(client: Client, expected: Callable[[Update], bool]) -> Update:
    """Return the next update that is expected."""
    for update in client.events(PATIENCE):
        if expected(update):
            return update
    pytest.fail(f"{client.name} did not hear it")


def test_participant_welcomes_who_joins(town: Town) -> None:
    town.broker()
    joins(town, "Alice", "--greets")
    with Client(town.address, name="Carol", home=town.home("Carol")) as carol:
        welcome = hears(carol, lambda update: isinstance(update, Message))
    assert isinstance(welcome, Message)
    assert (welcome.sender, welcome.text.partition("!")[0]) == ("Alice", "Welcome, Carol")


def test_participant_answers_a_person_and_never_an_automatic_message(town: Town) -> None:
    town.broker()
    bob = joins(town, "Bob")
    with Client(town.address, name="Carol", home=town.home("Carol")) as carol:
        carol.tell("Bob", "an answer of a program", {"automatic": True})
        carol.tell("Bob", "hello\x1b[2J")
        answer = hears(carol, lambda update: isinstance(update, PrivateMessage) and not update.own)
        bob.signal(signal.SIGTERM)
        assert bob.ends() == 0
        private = carol.history(with_="Bob")
    assert isinstance(answer, PrivateMessage)
    assert (answer.sender, answer.data) == ("Bob", {"automatic": True})
    assert [message.sender for message in private] == ["Carol", "Carol", "Bob"]
    assert r"Private message from Carol: 'hello\x1b[2J'" in bob.lines


@pytest.mark.parametrize("first", ["Alice", "Bob"])
def test_participants_talk_whoever_comes_first(town: Town, first: str) -> None:
    town.broker()
    options = {"Alice": ["--talks-to", "Bob"], "Bob": []}
    people = {
        name: joins(town, name, *options[name]) for name in sorted(options, reverse=first == "Bob")
    }
    people["Alice"].sees("> Hello, everyone!", "Private message from Bob: 'Hi Alice!")


def test_participant_talks_once_though_its_friend_comes_twice(town: Town) -> None:
    town.broker()
    alice = joins(town, "Alice", "--talks-to", "Bob")
    for _ in ("first", "again"):
        bob = joins(town, "Bob")
        alice.sees("Bob has joined the chat.")
        bob.signal(signal.SIGTERM)
        assert bob.ends() == 0
        alice.sees("Bob has left the chat.")
    assert alice.lines.count("> Hello, everyone!") == 1


def test_participant_goes_on_when_its_broker_has_come_back(town: Town) -> None:
    broker = town.broker()
    bob = joins(town, "Bob")
    broker.kill()
    bob.sees("Connection lost; trying again.")
    town.broker(bind=town.address)
    bob.sees("Connected again.")
    with Client(town.address, name="Carol", home=town.home("Carol")) as carol:
        carol.tell("Bob", "still there?")
        hears(carol, lambda update: isinstance(update, PrivateMessage) and not update.own)


def test_participant_waits_for_a_broker_that_is_not_there_yet(town: Town) -> None:
    broker = town.broker()
    broker.kill()
    bob = town.start(ThroughPipes, *PARTICIPANT, "Bob", f"--broker={town.address}", who="Bob")
    bob.sees("nobody listens at", "Trying again.")
    town.broker(bind=town.address)
    bob.sees("Bob is in the chat.")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_participant_says_farewell_when_it_is_told_to_end(
    town: Town, number: signal.Signals
) -> None:
    town.broker()
    bob = joins(town, "Bob")
    with Client(town.address, name="Carol", home=town.home("Carol")) as carol:
        bob.signal(number)
        assert bob.ends() == 0
        farewell = hears(carol, lambda update: isinstance(update, Message))
    assert isinstance(farewell, Message)
    assert (farewell.sender, farewell.text) == ("Bob", "Goodbye, everyone!")
    assert "Not sent" not in bob.transcript()


def test_participant_ends_without_its_broker_too(town: Town) -> None:
    broker = town.broker()
    bob = joins(town, "Bob")
    broker.kill()
    bob.sees("Connection lost; trying again.")
    bob.signal(signal.SIGTERM)
    assert bob.ends() == 0
    bob.sees("Not sent: ")


def test_participant_ends_with_the_reason_when_its_name_is_taken(town: Town) -> None:
    town.broker()
    joins(town, "Bob")
    other = town.start(ThroughPipes, *PARTICIPANT, "Bob", f"--broker={town.address}", who="other")
    assert other.ends() == 1
    [reason] = other.lines
    assert "Bob" in reason
