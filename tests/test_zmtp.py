"""The peer made by hand is understood by the real broker: otherwise what it is refused would prove nothing."""

import os
from collections.abc import Callable, Iterator

import msgpack
import pytest
from tests.zmtp import Closed, KeyPair, Peer

from hubbub.broker.broker import Broker

Shake = Callable[[Peer, KeyPair, str], None]


@pytest.fixture(params=[False, True], ids=["curve", "plain"])
def insecure(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


@pytest.fixture
def broker(insecure: bool) -> Iterator[Broker]:
    with Broker.temporary(insecure=insecure) as broker:
        yield broker


@pytest.fixture
def shake(broker: Broker, insecure: bool) -> Shake:
    """Shake hands as the broker wants it."""

    def by_curve(peer: Peer, keys: KeyPair, kind: str) -> None:
        peer.curve(broker.public_key, keys, kind, b"\1" + os.urandom(31))

    def by_plain(peer: Peer, keys: KeyPair, kind: str) -> None:
        peer.plain(keys.public.hex().encode(), kind, b"\1" + os.urandom(31))

    return by_plain if insecure else by_curve


def replies(peer: Peer) -> Iterator[dict[str, object]]:
    while True:
        (payload,) = peer.receive()
        yield from msgpack.unpackb(payload)


def test_a_peer_made_by_hand_logs_in_posts_and_hears_its_post(broker: Broker, shake: Shake) -> None:
    port = broker.address.port
    events_keys = KeyPair.new()
    with Peer(port) as dealer, Peer(port + 1) as sub:
        shake(dealer, KeyPair.new(), "DEALER")
        login = {"type": "login", "id": 2, "name": "Alice", "events_key": events_keys.public}
        login["producer"] = os.urandom(16)
        dealer.send(msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}, login]))
        heard = replies(dealer)
        welcome = next(reply for reply in heard if reply["type"] == "welcome")
        lobby = welcome["rooms"][0]["room"]  # type: ignore[index] # as PROTOCOL.md has it
        shake(sub, events_keys, "SUB")
        sub.send(b"\1" + lobby)
        assert next(reply for reply in heard if reply["type"] == "subscribed")["room"] == lobby
        dealer.send(msgpack.packb([{"type": "post", "n": 1, "room": lobby, "text": "by hand"}]))
        published = b""
        while b"by hand" not in published:
            topic, published = sub.receive()
            assert topic == lobby


def test_the_door_answers_a_peer_made_by_hand(broker: Broker) -> None:
    with Peer(broker.address.port + 2) as visitor:
        visitor.null("DEALER")
        visitor.send(b"hubbub?")
        (answer,) = visitor.receive()
        assert msgpack.unpackb(answer)["key"] == broker.public_key


def test_a_peer_made_by_hand_is_refused_when_it_knows_another_key() -> None:
    with Broker.temporary() as broker, Peer(broker.address.port) as peer, pytest.raises(Closed):
        peer.curve(KeyPair.new().public, KeyPair.new(), "DEALER")
