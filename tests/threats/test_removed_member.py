"""A member who was put out of a room and keeps listening: with the same connection, with a new one, and by asking again. Their other rooms go on, without a hole."""

import os
from pathlib import Path

import pytest
import zmq
from tests.stranger import Log, Stranger
from tests.threats.scene import monitored, post_works

from hubbub.broker.broker import Broker
from hubbub.client import Client, Message, RoomJoined, RoomLeft

TALKED = 300


class Rude(Stranger):
    """Somebody who does not unsubscribe."""

    def _forget(self, room: bytes) -> None:
        pass


@pytest.fixture
def garden(alice: Stranger) -> bytes:
    """A room of Alice's."""
    name = f"garden-{os.urandom(4).hex()}"
    room: bytes = alice.write("create", name=name)["room"]
    alice.enter(alice.wait_for("joined", lambda reply: reply["room"] == room))
    return room


def enters(alice: Stranger, member: Stranger, room: bytes) -> Log:
    """Alice makes somebody a member, who listens from then on."""
    assert alice.ask("add", room=room, name=member.name)["type"] == "done"
    return member.enter(member.wait_for("joined", lambda reply: reply["room"] == room))


def test_removed_member_hears_nothing_more_and_their_other_rooms_resume(
    broker: Broker, alice: Stranger, garden: bytes
) -> None:
    port = broker.address.port
    with Rude("127.0.0.1", port, f"Mallory-{os.urandom(4).hex()}") as mallory:
        heard = enters(alice, mallory, garden)
        lobby = mallory.rooms["lobby"]
        assert mallory.sub is not None
        with monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as cut:
            assert alice.ask("kick", room=garden, name=mallory.name)["type"] == "done"
            alice.write("post", room=garden, text="for us only")
            assert cut.poll(10_000), "the connection is shut, though nobody unsubscribed"
        assert mallory.wait_for("left")["by"] == alice.name
        # libzmq connects again and repeats all subscriptions by itself; one is granted.
        assert mallory.wait_for("subscribed")["room"] == lobby.id
        alice.write("post", room=garden, text="still for us only")
        assert post_works(mallory)
        assert "for us only" not in str(heard.events)
        assert not any(reply["type"] == "subscribed" for reply in mallory.replies)
        refused = mallory.ask("history", room=garden)
        assert refused["code"] == "not_member"


def test_removed_member_hears_nothing_over_a_new_session(
    alice: Stranger, mallory: Stranger, garden: bytes
) -> None:
    enters(alice, mallory, garden)
    assert alice.ask("kick", room=garden, name=mallory.name, seconds=60)["type"] == "done"
    mallory.wait_for("left")
    welcome = mallory.login(resuming=True)
    assert [room["name"] for room in welcome["rooms"]] == ["lobby"]
    assert mallory.sub is not None
    heard = mallory.logs[garden] = Log(garden, 0, bytes(16))
    mallory.sub.subscribe(garden)
    alice.write("post", room=garden, text="for us only")
    assert post_works(mallory)
    assert (heard.events, heard.waiting) == ([], {})
    join = mallory.write("join", name=next(n for n, log in alice.rooms.items() if log.id == garden))
    assert join["code"] == "barred"


def test_removed_member_who_is_added_again_reads_on_from_there(
    alice: Stranger, mallory: Stranger, garden: bytes
) -> None:
    enters(alice, mallory, garden)
    assert alice.ask("kick", room=garden, name=mallory.name)["type"] == "done"
    mallory.wait_for("left")
    alice.write("post", room=garden, text="while they were out")
    log = enters(alice, mallory, garden)
    alice.write("post", room=garden, text="welcome back")
    mallory.until(lambda: "welcome back" in log.texts)
    assert log.texts == ["welcome back"]


@pytest.mark.slow
def test_our_client_loses_nothing_of_its_other_rooms_when_it_is_put_out_of_one(
    broker: Broker, tmp_path: Path
) -> None:
    """Its SUB is shut in the middle of a conversation: what falls into the hole is fetched."""
    address, suffix = str(broker.address), os.urandom(4).hex()
    garden, attic = f"garden-{suffix}", f"attic-{suffix}"
    with (
        Client(address, name=f"Olga-{suffix}", home=tmp_path / "olga") as olga,
        Client(address, name=f"Bob-{suffix}", home=tmp_path / "bob") as bob,
    ):
        for room in (garden, attic):
            olga.create(room)
            bob.join(room)
        for number in range(TALKED):
            olga.post_nowait(attic, f"attic {number}")
            olga.post_nowait(garden, f"garden {number}")
            if number == TALKED // 2:
                olga.flush()
                olga.moderation.kick(bob.name, garden, reason="noise")
        olga.flush()
        olga.moderation.add(garden, bob.name)
        olga.post(garden, "welcome back")
        talk: dict[str | None, list[Message]] = {attic: [], garden: []}
        moves: list[RoomLeft | RoomJoined] = []
        lasts = {"welcome back", f"attic {TALKED - 1}"}
        while not lasts <= {message.text for said in talk.values() for message in said[-1:]}:
            update = bob.next_event(10)
            assert update is not None
            if isinstance(update, Message):
                talk[update.room].append(update)
            if isinstance(update, RoomLeft | RoomJoined) and update.room == garden:
                moves.append(update)
        bob.verify(attic)
    assert [message.text for message in talk[attic]] == [f"attic {n}" for n in range(TALKED)]
    *before, _ = [message.text for message in talk[garden]]
    assert len(before) <= TALKED // 2 + 1
    assert before == [f"garden {n}" for n in range(len(before))]
    assert RoomLeft(garden, olga.name, "noise") in moves
