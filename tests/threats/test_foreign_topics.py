"""Members who ask for what is not theirs: no topic, a part of one, somebody else's room, a room that they have left. They hear nothing of it."""

import os

import pytest
import zmq
from tests.stranger import Log, Stranger
from tests.threats.scene import monitored, post_works


@pytest.mark.parametrize("length", [0, 6, 16])
def test_member_hears_nothing_when_the_topic_is_not_theirs(
    alice: Stranger, mallory: Stranger, length: int
) -> None:
    secret = alice.write("create", name=f"secret-{os.urandom(4).hex()}")["room"]
    alice.enter(alice.wait_for("joined", lambda reply: reply["room"] == secret))
    assert mallory.sub is not None
    with monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as cut:
        mallory.sub.subscribe(secret[:length])
        if length != len(secret):
            assert cut.poll(10_000)
    alice.write("post", room=secret, text="for us only")
    assert post_works(alice)
    mallory.logs[secret] = Log(secret, 0, bytes(16))
    mallory.login(resuming=True)
    assert post_works(mallory)
    assert mallory.logs[secret].seq == 0


def test_member_who_left_is_cut_when_they_go_on_listening(
    alice: Stranger, mallory: Stranger
) -> None:
    name = f"room-{os.urandom(4).hex()}"
    room = alice.write("create", name=name)["room"]
    mallory.write("join", name=name)
    mallory.enter(mallory.wait_for("joined", lambda reply: reply["room"] == room))
    assert mallory.sub is not None
    mallory.sub.subscribe(room)  # twice: that it unsubscribes once changes nothing
    with monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as cut:
        mallory.write("leave", room=room)
        assert mallory.wait_for("left")["room"] == room
        assert cut.poll(10_000)
