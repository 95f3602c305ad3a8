"""Routing ids: whoever claims another's is cut, and those that libzmq makes by itself cannot be guessed."""

import msgpack
import zmq
from tests.stranger import Stranger
from tests.threats.scene import monitored, post_works

from hubbub.broker.broker import Broker


def test_stranger_is_cut_when_they_claim_a_routing_id(
    broker: Broker, alice: Stranger, mallory: Stranger
) -> None:
    forged = {"type": "post", "n": 1, "room": alice.rooms["lobby"].id, "text": "as Alice"}
    with mallory._socket(zmq.DEALER, zmq.curve_keypair()) as thief:
        thief.routing_id = alice.dealer.routing_id
        with monitored(thief, zmq.EVENT_DISCONNECTED) as cut:
            thief.connect(broker.address.endpoint())
            thief.send(msgpack.packb([forged]))
            assert cut.poll(10_000)
    assert post_works(mallory)
    page = mallory.ask("history", room=mallory.rooms["lobby"].id, limit=50)
    assert b"as Alice" not in b"".join(event for _, event in page["events"])
