"""A write that is sent twice because nobody knows whether it was done: the broker is killed between the commit and the answer, and it was done once."""

import sqlite3
from contextlib import closing

import pytest
from tests.processes import Town
from tests.stranger import Map, Stranger
from tests.threats.scene import post_works

from hubbub.common.addresses import parse


def rows_with(town: Town, table: str, text: str) -> int:
    """Count the rows on disk that hold this text."""
    with closing(sqlite3.connect(town.data / "hubbub.db")) as connection:
        found = connection.execute(
            f"SELECT count(*) FROM {table} WHERE instr(event, ?)", (text.encode(),)
        )
        return int(found.fetchone()[0])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["post", "tell"])
def test_a_write_is_one_row_when_it_is_sent_again_after_a_kill_behind_its_commit(
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
    assert rows_with(town, "events" if kind == "post" else "messages", "only once") == 1
