"""Floods within the rules: whoever sends them is bounded, and the others are served."""

import os
import threading

import msgpack
import zmq
from tests.stranger import Stranger
from tests.threats.scene import monitored, post_works
from zmq.utils import z85

from hubbub.broker.broker import Broker
from hubbub.common.limits import QUERIES_PER_FRAME


def test_member_is_cut_when_they_subscribe_in_a_loop_and_the_others_are_served(
    broker: Broker, alice: Stranger
) -> None:
    keys = zmq.curve_keypair()
    stop = threading.Event()
    with Stranger("127.0.0.1", broker.address.port, "Mallory") as mallory:
        mallory.send({"type": "hello", "id": 1, "versions": [1]})
        mallory.ask(
            "login", name="Mallory", events_key=z85.decode(keys[0]), producer=os.urandom(16)
        )
        with (
            mallory._socket(zmq.XSUB, keys) as listener,
            monitored(listener, zmq.EVENT_DISCONNECTED) as cut,
        ):
            listener.connect(broker.address.endpoint(1))
            lobby = b"\x01" + mallory.rooms["lobby"].id

            def flood() -> None:
                while not stop.is_set():
                    if listener.poll(10, zmq.POLLOUT):
                        listener.send(lobby)

            flooder = threading.Thread(target=flood)
            flooder.start()
            try:
                assert all(post_works(alice) for _ in range(20))
                assert cut.poll(10_000)
            finally:
                stop.set()
                flooder.join()


def test_a_frame_of_too_many_queries_is_refused(alice: Stranger) -> None:
    pings = [{"type": "ping", "id": id} for id in range(QUERIES_PER_FRAME + 1)]
    alice.dealer.send(msgpack.packb(pings))
    assert alice.wait_for("error")["code"] == "malformed"
    for _ in pings[1:]:
        alice.wait_for("pong")
    alice.dealer.send(msgpack.packb(pings[1:]))
    for _ in pings[1:]:
        alice.wait_for("pong")
    assert post_works(alice)
