"""Abuse that ends with a cut: it costs its address a strike, and without strikes nobody new is let in from there; whoever is connected stays."""

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgpack
import pytest
from tests.stranger import Stranger
from tests.threats.scene import DOOR, MIB, RawMember, linux_only, new_routing_id, post_works
from tests.zmtp import PATIENCE, Closed, KeyPair, Peer

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import Limits
from hubbub.client import Client

STRICT = Limits(
    strikes_burst=1,
    strikes_a_minute=1,
    unread_bytes=1 * MIB,
    subscriptions_burst=4,
    bot_queries_burst=50,
    bot_queries_a_second=1,
    delay_seconds=0,
    refusals_before_cut=5,
)
"""One abuse is enough, and none is forgiven while the test runs."""
FORGIVING = Limits(strikes_burst=1, strikes_a_minute=10_000)


@pytest.fixture
def strict(caplog: pytest.LogCaptureFixture) -> Iterator[Broker]:
    with caplog.at_level(logging.INFO, "hubbub.broker"), Broker.temporary(limits=STRICT) as broker:
        yield broker


@pytest.fixture
def alice(strict: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", strict.address.port, "Alice") as alice:
        yield alice


def goes_on_with(peer: Peer, payload: bytes) -> bool:
    """Send a frame again and again, whatever the answer, until we are cut for it."""
    peer.socket.settimeout(0.05)
    end = time.monotonic() + PATIENCE
    with suppress(Closed):
        while time.monotonic() < end:
            peer.raw(b"".join(peer.part(payload) for _ in range(20)))
            with suppress(TimeoutError):
                while True:
                    peer.read(1)
        return False
    return True


def many_frames(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    mallory.dealer.send(*[b"x"] * 100)
    return mallory.dealer.is_closed()


def many_messages_of_many_frames(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    with suppress(Closed):
        for _ in range(20):
            mallory.dealer.send(*[b"x"] * 100)
    return mallory.dealer.is_closed()


def endless(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    return mallory.dealer.send_endless(bytes(60_000), 256 * MIB) < 256 * MIB


def user_message(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    with mallory.listen(broker.public_key) as sub:
        sub.send(b"\2")
        return sub.is_closed()


def too_many_subscriptions(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    with mallory.listen(broker.public_key) as sub:
        sub.raw(b"".join(sub.part(b"\1" + mallory.lobby) for _ in range(10)))
        return sub.is_closed()


def anothers_place(_: RawMember, broker: Broker, alice: Stranger) -> bool:
    with (
        Stranger("127.0.0.1", broker.address.port, "Carol") as carol,
        Peer(broker.address.port) as thief,
    ):
        thief.curve(broker.public_key, KeyPair.new(), "DEALER", carol.routing_id)
        thief.send(msgpack.packb([{"type": "ping", "id": 1}]))
        return thief.is_closed()


def malformed(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    return goes_on_with(mallory.dealer, b"\xc1")


def flooding(mallory: RawMember, broker: Broker, alice: Stranger) -> bool:
    return goes_on_with(mallory.dealer, msgpack.packb([{"type": "who", "id": 1}] * 16))


ABUSES = [
    many_frames,
    many_messages_of_many_frames,
    pytest.param(endless, marks=linux_only),
    user_message,
    too_many_subscriptions,
    anothers_place,
    pytest.param(malformed, marks=pytest.mark.slow),
    pytest.param(flooding, marks=pytest.mark.slow),
]


def is_let_in(broker: Broker) -> bool:
    """Whether somebody new gets through a handshake on commands."""
    with Peer(broker.address.port) as peer:
        try:
            peer.curve(broker.public_key, KeyPair.new(), "DEALER", new_routing_id())
        except Closed:
            return False
    return True


def is_answered_at_the_door(broker: Broker) -> bool:
    with Peer(broker.address.port + DOOR) as visitor:
        try:
            visitor.null("DEALER")
            visitor.send(b"hubbub?")
            visitor.receive()
        except Closed:
            return False
    return True


@pytest.mark.parametrize("abuse", ABUSES)
def test_nobody_new_is_let_in_from_an_address_that_has_abused_too_often_and_who_is_in_stays(
    strict: Broker,
    alice: Stranger,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    abuse: Callable[[RawMember, Broker, Stranger], bool],
) -> None:
    with RawMember.enter(strict.address.port, strict.public_key, "Mallory") as mallory:
        assert abuse(mallory, strict, alice), "cut"
    assert not any(is_let_in(strict) for _ in range(3))
    assert not is_answered_at_the_door(strict)
    assert post_works(alice)
    [entry] = [text for text in caplog.messages if "Nobody new is let in" in text]
    assert "127.0.0.1" in entry
    strict.reconfigure(limits=FORGIVING)
    assert any(is_let_in(strict) for _ in range(1000))
    with Client(str(strict.address), name="Bob", home=tmp_path, timeout=20) as bob:
        bob.post("lobby", "forgiven")


def test_a_handshake_under_way_is_refused_when_no_strikes_are_left(
    strict: Broker, alice: Stranger
) -> None:
    """Its connection was there before."""
    with (
        RawMember.enter(strict.address.port, strict.public_key, "Mallory") as mallory,
        Peer(strict.address.port) as peer,
    ):
        peer.greet("CURVE")
        short = peer.curve_hello(strict.public_key)
        assert many_frames(mallory, strict, alice)
        keys = KeyPair.new()
        peer.curve_initiate(strict.public_key, keys, "DEALER", new_routing_id(), short)
        with pytest.raises(Closed, match="400"):
            peer._expect(b"READY")


@pytest.mark.parametrize(
    "message",
    [[b"x"] * 100, [msgpack.packb([{"type": "ping", "id": 1}])]],
    ids=["many-frames", "anothers-place"],
)
def test_whoever_leaves_behind_their_abuse_is_charged_all_the_same(
    strict: Broker, alice: Stranger, message: list[bytes]
) -> None:
    with Peer(strict.address.port) as peer:
        peer.curve(strict.public_key, KeyPair.new(), "DEALER", alice.routing_id)
        peer.send(*message)
    assert any(not is_let_in(strict) for _ in range(1000))


def test_one_faulty_program_does_not_lock_the_others_out_by_its_first_mistakes(
    broker: Broker,
) -> None:
    """Each of its connections, not each of its messages, counts: twenty at once are borne."""
    for _ in range(Limits().strikes_burst - 1):
        name = f"Faulty-{os.urandom(4).hex()}"
        with RawMember.enter(broker.address.port, broker.public_key, name) as faulty:
            with suppress(Closed):
                for _ in range(20):
                    faulty.dealer.send(*[b"x"] * 100)
            assert faulty.dealer.is_closed()
    with Stranger("127.0.0.1", broker.address.port, "Bob") as bob:
        assert post_works(bob)
