"""Budgets end to end: real sockets, small limits. Who keeps to the protocol loses nothing by them, who does not is cut, and the others feel neither."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgpack
import pytest
from tests.stranger import Closed, Stranger

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import Limits
from hubbub.client import Client
from hubbub.client.updates import ConnectionLost, Message
from hubbub.common.errors import Code

# On loopback everybody has the bots' budgets.
SMALL: Final = Limits(
    bot_posts_burst=50,
    bot_posts_a_second=500,
    bot_queries_burst=30,
    bot_queries_a_second=100,
    pages_burst=5,
    pages_a_second=50,
    delay_seconds=0.1,
    refusals_before_cut=20,
)
SECONDS: Final = 30.0


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.temporary(limits=SMALL) as broker:
        yield broker


@contextmanager
def enter(broker: Broker, folder: Path, name: str) -> Iterator[Client]:
    with Client(broker.address, name=name, home=folder / name) as client:
        yield client


@contextmanager
def stranger(broker: Broker, name: str) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, f"{name}-{os.urandom(4).hex()}") as person:
        yield person


@pytest.mark.slow
def test_client_that_posts_as_fast_as_it_can_loses_nothing_and_is_not_cut(
    broker: Broker, tmp_path: Path
) -> None:
    with enter(broker, tmp_path, "Robot") as robot:
        before = robot.history("lobby", limit=1)
        start = before.messages[-1].seq if before.messages else 0
        tickets = [robot.post_nowait("lobby", str(number)) for number in range(1500)]
        seqs = [ticket.result(SECONDS) for ticket in tickets]
        assert seqs == list(range(start + 1, start + 1501)), "all of them, in order, none twice"
        texts = [m.text for m in robot.history("lobby", after=start, limit=2000)]
        assert texts == [str(number) for number in range(1500)]
        read = 0
        while read < len(tickets):
            event = robot.next_event(SECONDS)
            assert event is not None
            assert not isinstance(event, ConnectionLost), "it was never cut"
            read += isinstance(event, Message)


@pytest.mark.slow
def test_two_programs_of_one_account_share_its_budget_and_neither_loses_anything(
    broker: Broker, tmp_path: Path
) -> None:
    with enter(broker, tmp_path, "Twin") as one, enter(broker, tmp_path, "Twin") as two:
        tickets = [
            client.post_nowait("lobby", f"{number} of {place}")
            for number in range(300)
            for place, client in enumerate((one, two))
        ]
        seqs = [ticket.result(SECONDS) for ticket in tickets]
        assert len(set(seqs)) == len(tickets)
        assert seqs[::2] == sorted(seqs[::2])
        assert seqs[1::2] == sorted(seqs[1::2])


def test_client_that_asks_as_fast_as_it_can_gets_every_answer(
    broker: Broker, tmp_path: Path
) -> None:
    with enter(broker, tmp_path, "Curious") as client:
        for _ in range(60):
            assert client.rooms()
            assert client.whois("Curious").online


def floods(rude: Stranger, honest: Stranger) -> None:
    """Post without a pause, whatever is answered, until one is told that one is cut; meanwhile the other one posts."""
    lobby = rude.rooms["lobby"].id
    for n in range(1, 1_000_000):
        rude.send({"type": "post", "n": n, "room": lobby, "text": "x"})
        if n % 100 == 0:
            assert honest.write("post", room=lobby, text="hi")["type"] == "acked"
        while rude.dealer.poll(0):
            for reply in msgpack.unpackb(rude.dealer.recv()):
                rude._take(reply)


def test_stranger_that_ignores_the_broker_is_cut_and_the_others_are_served(
    broker: Broker,
) -> None:
    with stranger(broker, "Alice") as alice, stranger(broker, "Mallory") as mallory:
        with pytest.raises(Closed) as closed:
            floods(mallory, alice)
        assert closed.value.code == Code.FLOODING
        assert alice.write("post", room=alice.rooms["lobby"].id, text="still")["type"] == "acked"
