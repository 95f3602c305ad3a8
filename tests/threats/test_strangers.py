"""Strangers: without a key, with old versions of ZMTP, with a key of their own before a login, with another server's key. Nothing of theirs gets in."""

import os
from collections.abc import Callable

import msgpack
import pytest
import zmq
from tests.stranger import Stranger
from tests.threats.scene import DOOR, monitored, new_routing_id, post_works
from tests.zmtp import SIGNATURE, Closed, KeyPair, Peer, command, frame
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from hubbub.broker.broker import Broker

ZMTP_1 = frame(b"")
"""An anonymous peer of ZMTP 1.0: an empty frame with its routing id, then messages."""
ZMTP_2 = SIGNATURE + b"\x01\x05" + frame(b"")
"""The same of ZMTP 2.0: revision 1, socket type DEALER."""
HELLO = msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}])


def by_null(peer: Peer, kind: str) -> None:
    peer.null(kind, new_routing_id())


def by_plain(peer: Peer, kind: str) -> None:
    peer.plain(KeyPair.new().public.hex().encode(), kind, new_routing_id())


@pytest.mark.parametrize(("offset", "kind"), [(0, "DEALER"), (1, "SUB")])
@pytest.mark.parametrize("shake", [by_null, by_plain])
def test_stranger_is_cut_when_it_shows_no_key(
    broker: Broker, shake: Callable[[Peer, str], None], offset: int, kind: str
) -> None:
    with Peer(broker.address.port + offset) as peer, pytest.raises(Closed):
        shake(peer, kind)


@pytest.mark.parametrize("offset", [0, 1], ids=["commands", "events"])
@pytest.mark.parametrize("opening", [ZMTP_1, ZMTP_2], ids=["1.0", "2.0"])
def test_stranger_is_cut_when_it_speaks_an_old_zmtp(
    broker: Broker, alice: Stranger, opening: bytes, offset: int
) -> None:
    with Peer(broker.address.port + offset) as peer:
        peer.raw(opening + frame(HELLO))
        assert peer.is_closed()
    assert post_works(alice)


@pytest.mark.parametrize("skipped", ["HELLO", "INITIATE"])
def test_stranger_is_cut_when_it_sends_messages_before_the_end_of_the_handshake(
    broker: Broker, skipped: str
) -> None:
    with Peer(broker.address.port) as peer:
        peer.greet("CURVE")
        if skipped == "INITIATE":
            peer.curve_hello(broker.public_key)
            peer.read_frame()
        peer.raw(frame(command(b"MESSAGE", bytes(8) + HELLO)) + frame(HELLO))
        assert peer.is_closed()


def test_stranger_is_cut_when_its_vouch_is_another_keys(broker: Broker) -> None:
    """Whoever names a public key must have its secret: a vouch sealed by another proves nothing."""
    forged = KeyPair(KeyPair.new().public, KeyPair.new().secret)
    with Peer(broker.address.port) as peer, pytest.raises(Closed):
        peer.curve(broker.public_key, forged, "DEALER", new_routing_id())


def test_stranger_never_connects_when_the_servers_key_is_another(
    broker: Broker, mallory: Stranger
) -> None:
    outcomes = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_DISCONNECTED
    )
    with (
        mallory._socket(zmq.DEALER, zmq.curve_keypair()) as dealer,
        monitored(dealer, outcomes) as outcome,
    ):
        dealer.curve_serverkey = zmq.curve_keypair()[0]
        dealer.connect(broker.address.endpoint())
        assert outcome.poll(10_000)
        event = parse_monitor_message(outcome.recv_multipart())["event"]
    assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED


@pytest.mark.slow
def test_listener_hears_nothing_before_its_key_was_announced(broker: Broker) -> None:
    with Peer(broker.address.port + 1) as sub:
        sub.greet("CURVE")
        short = sub.curve_hello(broker.public_key)
        sub.curve_initiate(broker.public_key, KeyPair.new(), "SUB", b"", short)
        with pytest.raises(Closed):  # held until the handshake's time is over; READY never comes
            sub.read_frame()


@pytest.mark.slow
def test_listener_is_served_soon_after_its_login_though_it_came_before(
    broker: Broker, alice: Stranger
) -> None:
    keys = zmq.curve_keypair()
    login = {"type": "login", "id": 2, "name": f"Bob-{os.urandom(4).hex()}"}
    login |= {"events_key": z85.decode(keys[0]), "producer": os.urandom(16)}
    with (
        alice._socket(zmq.SUB, keys) as sub,
        alice._socket(zmq.DEALER, zmq.curve_keypair()) as dealer,
    ):
        with monitored(sub, zmq.EVENT_CONNECTED) as connected:
            sub.reconnect_ivl = 100
            sub.subscribe(alice.rooms["lobby"].id)
            sub.connect(broker.address.endpoint(1))
            assert connected.poll(10_000)
        dealer.routing_id = new_routing_id()
        dealer.connect(broker.address.endpoint())
        dealer.send(msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}, login]))
        poller = zmq.Poller()
        poller.register(dealer, zmq.POLLIN)
        poller.register(sub, zmq.POLLIN)  # one that nobody polls does not subscribe again
        kinds: list[str] = []
        while "subscribed" not in kinds:
            assert poller.poll(10_000), kinds
            while sub.poll(0):
                sub.recv_multipart()
            while dealer.poll(0):
                kinds += [reply["type"] for reply in msgpack.unpackb(dealer.recv())]
        assert "welcome" in kinds


def test_anybody_gets_nothing_but_the_one_answer_at_the_door(broker: Broker) -> None:
    with Peer(broker.address.port + DOOR) as visitor:
        visitor.null("DEALER")
        for question in (HELLO, b"", b"hubbub", b"hubbub??"):
            visitor.send(question)
        visitor.send(b"hubbub?", b"and more")
        visitor.send(b"hubbub?")
        (answer,) = visitor.receive()
        assert msgpack.unpackb(answer)["key"] == broker.public_key
