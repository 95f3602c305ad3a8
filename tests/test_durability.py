"""`--durability process`: what is acknowledged survives the broker's end in whatever way, and the broker says what it gives up."""

import pytest
from tests.processes import BROKER, ThroughPipes, Town

from hubbub.client import Client, Message

WARNING = "WARNING: A power cut takes the last messages with it, though they were acknowledged"


def test_a_killed_broker_loses_nothing_that_it_acknowledged(town: Town) -> None:
    broker = town.broker("--durability", "process")
    broker.sees(WARNING)
    with Client(town.address, name="Alice", home=town.home("Alice"), timeout=20) as alice:
        for kill in range(3):
            futures = [alice.post_nowait("lobby", f"{kill} {number}") for number in range(500)]
            futures[250].result(20)  # the kill falls into the middle of commits
            broker.kill()
            broker = town.broker("--durability", "process", bind=town.address)
            for future in futures:
                future.result(20)
        # An ack may come before the event: they travel on different connections.
        assert any(
            isinstance(update, Message) and update.seq == 1500 for update in alice.events(20)
        )
        assert alice.verify("lobby").agrees
        assert alice.position("lobby").seq == 1500


def test_a_broker_says_nothing_of_it_unless_asked_for(town: Town) -> None:
    broker = town.broker()
    with Client(town.address, name="Alice", home=town.home("Alice"), timeout=20):
        broker.sees("Welcome to the chat, Alice!")
    assert WARNING not in broker.transcript()


@pytest.mark.parametrize("word", ["none", "DISK", ""])
def test_a_word_that_promises_nothing_known_is_refused(word: str, town: Town) -> None:
    refused = town.start(ThroughPipes, *BROKER, "--durability", word)
    assert refused.ends() == 1
    refused.sees(f'--durability: {word!r} is not "disk" or "process"')
