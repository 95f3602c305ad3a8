"""A write that is sent twice because nobody knows whether it was done: the broker is killed between the commit and the answer, and it was done once."""

import sqlite3
from contextlib import closing

import pytest
from tests.processes import Town
from tests.stranger import Map, Stranger
from tests.threats.scene import post_works

from hubbub.common.addresses import parse


def times_stored(town: Town, kind: str, text: str) -> int:
    """Count how often this text stands on disk."""
    stored = "SELECT events FROM events" if kind == "post" else "SELECT event FROM messages"
    with closing(sqlite3.connect(town.data / "hubbub.db")) as connection:
        return sum(row.count(text.encode()) for [row] in connection.execute(stored))


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["post", "tell"])
def test_a_write_is_stored_once_when_it_is_sent_again_after_a_kill_behind_its_commit(
    town: Town, kind: str
) -> None:
    broker = town.broker()
    address = parse(town.address)
    with (
        Stranger(address.host, address.port, "Alice") as alice,
        Stranger(address.host, address.port, "Bob") as bob,
    ):
        lobby = alice.rooms["lobby"].id
        to: Map = {"room": lobby} if kind == "post" else {"to": "Bob"}
        write = alice.next(kind, text="only once", **to)
        alice.send(write)
        heard = bob.rooms["lobby"] if kind == "post" else bob.inbox
        bob.until(lambda: "only once" in heard.texts)  # so it is on disk; Alice has read no answer
        broker.kill()
        town.broker(bind=town.address)
        alice.reconnect()
        alice.replies.clear()
        alice.login(resuming=True)
        for _ in range(3):
            alice.send(write)
        answers = [alice.outcome(write["n"]) for _ in range(3)]
        assert {(answer["type"], answer["seq"]) for answer in answers} == {("acked", 1)}
        bob.reconnect()
        bob.login(resuming=True)
        assert post_works(bob)
        assert heard.texts.count("only once") == 1
    assert times_stored(town, kind, "only once") == 1
