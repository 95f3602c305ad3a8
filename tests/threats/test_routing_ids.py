"""Routing ids: whoever claims another's is cut, and those that libzmq makes by itself cannot be guessed."""

import multiprocessing
from contextlib import ExitStack

import msgpack
import pytest
import zmq
from tests.stranger import Stranger
from tests.threats.scene import DOOR, monitored, post_works
from tests.zmtp import KeyPair, Peer

from hubbub.broker.broker import Broker
from hubbub.common.zmq_setup import prepare_zmq


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


def test_member_is_told_nobodys_routing_id(alice: Stranger, mallory: Stranger) -> None:
    """Whoever knew one could claim it, and would get what is sent to its owner until the owner speaks again."""
    lobby = mallory.rooms["lobby"].id
    assert post_works(alice)
    alice.write("tell", to=mallory.name, text="hello")
    heard = [
        mallory.wait_for("delivered"),
        mallory.ask("who"),
        mallory.ask("rooms"),
        mallory.ask("members", room=lobby),
        mallory.ask("whois", name=alice.name),
        mallory.ask("history", room=lobby, limit=100),
        *mallory.presence,
    ]
    assert alice.name.encode() in msgpack.packb(heard)
    assert alice.dealer.routing_id not in msgpack.packb(heard)


@pytest.mark.parametrize("routing_id", [b"", b"\0" + bytes(4), b"\0" + bytes(range(31)), b"short"])
def test_member_is_refused_when_their_routing_id_is_no_secret(
    broker: Broker, routing_id: bytes
) -> None:
    with Peer(broker.address.port) as peer:
        peer.curve(broker.public_key, KeyPair.new(), "DEALER", routing_id)
        login = {"type": "login", "id": 2, "name": "Mallory", "events_key": bytes(range(32))}
        login["producer"] = bytes(16)
        peer.send(msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}, login]))
        replies: list[dict[str, object]] = []
        while len(replies) < 2:
            replies += msgpack.unpackb(peer.receive()[0])
        assert [reply["type"] for reply in replies] == ["greeted", "error"]


def first_id(_: int) -> bytes:
    """Return the routing id that a socket of this process gives its first peer without one."""
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger = 0
        port = router.bind_to_random_port("tcp://127.0.0.1")
        with Peer(port) as peer:
            peer.null("DEALER")
            peer.send(b"who am I?")
            assert router.poll(10_000)
            return router.recv()


def started_like_a_broker(number: int) -> bytes:
    prepare_zmq()
    return first_id(number)


def test_the_routing_ids_that_libzmq_makes_differ_from_start_to_start() -> None:
    """It never seeds rand(), and a peer that claims the next id would abort the process. So the broker seeds it before its first socket."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, maxtasksperchild=1) as pool:
        unseeded = {pool.apply(first_id, (number,)) for number in range(2)}
        seeded = {pool.apply(started_like_a_broker, (number,)) for number in range(3)}
    assert len(unseeded) == 1, "what is guarded against is still so"
    assert len(seeded) == 3


def test_broker_lives_on_when_strangers_claim_the_ids_that_an_unseeded_libzmq_would_give(
    broker: Broker, alice: Stranger
) -> None:
    """The claims go before twenty peers that leave the choice to the broker's libzmq."""
    spawn = multiprocessing.get_context("spawn")
    with spawn.Pool(1, maxtasksperchild=1) as pool:
        first = int.from_bytes(pool.apply(first_id, (0,))[1:], "big")
    with ExitStack() as stack:
        for place in range(40):
            peer = stack.enter_context(Peer(broker.address.port + DOOR))
            claimed = b"\0" + ((first + place) % 2**32).to_bytes(4, "big")
            peer.null("DEALER", claimed if place < 20 else b"")
        assert post_works(alice)
