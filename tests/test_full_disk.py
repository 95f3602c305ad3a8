"""A disk that is full, by SQLite's own page limit: writes wait, reads go on, and nothing that was acked is lost."""

from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.stranger import Refused, Stranger

from hubbub.broker.broker import Broker
from hubbub.client import Client, Message

PAGES = 600
"""Room for the schema and some messages; of 4 KiB each."""


def fill(alice: Stranger) -> int:
    """Post until the broker refuses; return the number of posts that were acked."""
    lobby = alice.rooms["lobby"].id
    while True:
        outcome = alice.write("post", room=lobby, text="x" * 8000)
        if outcome["type"] != "acked":
            assert outcome["type"] == "resend"
            assert outcome["code"] == "storage_unavailable"
            assert outcome["n"] == alice.n
            alice.n -= 1
            return alice.n
        assert alice.n < PAGES, "the disk is never full"


def test_member_reads_on_when_the_disk_is_full(tmp_path: Path) -> None:
    with (
        Broker.temporary(data=tmp_path / "data", max_pages=PAGES) as broker,
        Stranger("127.0.0.1", broker.address.port, "Alice") as alice,
    ):
        acked = fill(alice)
        page = alice.ask("history", room=alice.rooms["lobby"].id, after=0, limit=1000)
        assert page["events"][0][0] == 1
        refused = alice.write("post", room=alice.rooms["lobby"].id, text="again")
        assert refused["code"] == "storage_unavailable"
        bob = Stranger("127.0.0.1", broker.address.port, "Bob")
        with pytest.raises(Refused, match="storage_unavailable"):
            bob.login()
        bob.context.destroy(linger=0)
        assert alice.ask("who")["names"] == ["Alice"]
        assert alice.ask("ping")["type"] == "pong"
    with Broker.temporary(data=tmp_path / "data") as broker:
        stored = broker.store.load().room_heads[1].seq
    assert stored == acked


def test_writes_go_on_when_the_disk_has_room_again(tmp_path: Path) -> None:
    with (
        Broker.temporary(data=tmp_path / "data", max_pages=PAGES) as broker,
        Stranger("127.0.0.1", broker.address.port, "Alice") as alice,
        Client(str(broker.address), name="Bob", home=tmp_path / "bob") as bob,
    ):
        acked = fill(alice)
        waiting = [bob.post_nowait("lobby", f"{number}") for number in range(20)]
        assert alice.ask("who")["online"] == 2
        broker.store.max_pages = None
        assert [future.result(20) for future in waiting] == list(range(acked + 1, acked + 21))
        texts = [message.text for message in bob.history("lobby", limit=20).messages]
        assert texts == [f"{number}" for number in range(20)]
        # An ack may come before the event: they travel on different connections.
        assert any(
            isinstance(update, Message) and update.seq == acked + 20 for update in bob.events(20)
        )
        position = bob.position("lobby")
        head = broker.store.load().room_heads[1]
        assert (position.seq, position.digest) == (head.seq, head.digest)


def test_nothing_acked_is_lost_when_the_disk_fills_under_load(tmp_path: Path) -> None:
    """Three programs write more than there is room for, all at once, and somebody else until it is full."""
    with ExitStack() as stack:
        broker = stack.enter_context(Broker.temporary(data=tmp_path / "data", max_pages=PAGES))
        # Before the disk is full: then nobody new is let in.
        alice = stack.enter_context(Stranger("127.0.0.1", broker.address.port, "Alice"))
        names = ("Bob", "Carol", "Dave")
        writers = {
            name: stack.enter_context(
                Client(str(broker.address), name=name, home=tmp_path / name, timeout=60)
            )
            for name in names
        }
        waiting = {
            name: [client.post_nowait("lobby", f"{n} {'x' * 8000}") for n in range(150)]
            for name, client in writers.items()
        }
        fill(alice)
        acked = {name: sum(post.done() for post in posts) for name, posts in waiting.items()}
        assert sum(acked.values()) < 450
        broker.store.max_pages = None
        seqs = {name: [post.result(60) for post in posts] for name, posts in waiting.items()}
        history = writers["Bob"].history("lobby", after=0, limit=10_000)
        for name in names:
            found = [(m.seq, m.text.split()[0]) for m in history if m.sender == name]
            assert found == [(seq, str(n)) for n, seq in enumerate(seqs[name])]
        assert all(client.verify("lobby").agrees for client in writers.values())
