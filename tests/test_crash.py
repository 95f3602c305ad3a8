"""A broker killed with -9 under two connected clients: nothing acked is lost or doubled, and both go on without being touched."""

import sqlite3
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path

import pytest
from tests.processes import Town

from hubbub.broker.core.event_runs import taken_apart
from hubbub.client import Client
from hubbub.client.updates import ConnectionRestored, Message, Update
from hubbub.common.codec import decode_event
from hubbub.common.events import MessagePosted

KILLS = 3
POSTS = 300
"""Of each client, between two kills."""


def stored_texts(database: Path) -> list[str]:
    """Return the texts of the lobby in the order of the log, as they are on disk."""
    with closing(sqlite3.connect(database)) as connection:
        runs = connection.execute("SELECT first, last, events FROM events ORDER BY room, last")
        events = [decode_event(event) for run in runs for event in taken_apart(*run)]
    return [event.text for event in events if isinstance(event, MessagePosted)]


def read_until(client: Client, count: int) -> list[Update]:
    """Take updates until `count` messages have come."""
    updates: list[Update] = []
    while sum(isinstance(update, Message) for update in updates) < count:
        update = client.next_event(20)
        assert update is not None, f"{client.name} got {len(updates)} updates and no more"
        updates.append(update)
    return updates


@pytest.mark.slow
def test_clients_lose_nothing_when_the_broker_is_killed(town: Town) -> None:
    broker = town.broker()
    with (
        Client(town.address, name="Alice", home=town.home("Alice"), timeout=20) as alice,
        Client(town.address, name="Bob", home=town.home("Bob"), timeout=20) as bob,
    ):
        futures: list[Future[int]] = []
        for kill in range(KILLS):
            for number in range(POSTS):
                futures.append(alice.post_nowait("lobby", f"alice {kill} {number}"))
                futures.append(bob.post_nowait("lobby", f"bob {kill} {number}"))
            futures[-POSTS].result(20)  # the kill falls into the middle of commits
            broker.kill()
            broker = town.broker(bind=town.address)
        seqs = [future.result(20) for future in futures]
        seen = {client.name: read_until(client, len(futures)) for client in (alice, bob)}
        positions = {client.position("lobby") for client in (alice, bob)}
    texts = stored_texts(town.data / "hubbub.db")
    assert len(texts) == len(set(texts)) == len(futures) == KILLS * POSTS * 2
    assert sorted(seqs) == list(range(1, len(futures) + 1))
    for updates in seen.values():
        assert [update.text for update in updates if isinstance(update, Message)] == texts
        assert any(isinstance(update, ConnectionRestored) for update in updates)
    assert len(positions) == 1
