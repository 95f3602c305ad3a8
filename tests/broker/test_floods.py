"""Floods within the rules: whoever sends them is bounded, and the others are served."""

import os
import threading
from collections.abc import Iterator

import msgpack
import pytest
import zmq
from tests.broker.test_abuse import monitored, post_works
from tests.stranger import Stranger
from zmq.utils import z85

from hubbub.broker.auth import Auth
from hubbub.broker.broker import Broker
from hubbub.broker.errors import SecurityError
from hubbub.broker.watch import UNKNOWN
from hubbub.common.limits import QUERIES_PER_FRAME


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


@pytest.fixture
def alice(broker: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, "Alice") as alice:
        yield alice


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


def test_clients_that_wait_for_a_restart_are_watched_from_their_first_frame_on(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    data = tmp_path_factory.mktemp("data") / "broker"
    with Broker.temporary(data=data) as first:
        address = first.address
        key = z85.encode(first.public_key)
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    dealers = []
    for _ in range(50):
        dealer = context.socket(zmq.DEALER)
        dealer.linger, dealer.reconnect_ivl = 0, 10
        dealer.curve_serverkey = key
        dealer.curve_publickey, dealer.curve_secretkey = zmq.curve_keypair()
        dealer.connect(address.endpoint())
        dealer.send(msgpack.packb([{"type": "hello", "id": 1, "versions": [1]}]))
        dealers.append(dealer)
    with Broker.temporary(address, data=data) as broker:
        assert all(dealer.poll(10_000) for dealer in dealers)
        sessions = list(broker._loop._core.context.sessions)
        assert len(sessions) == len(dealers)
        assert UNKNOWN not in {session.peer.connection for session in sessions}
    context.destroy(linger=0)


@pytest.mark.parametrize("insecure", [False, True])
def test_broker_does_not_start_when_everybody_would_be_let_in(
    monkeypatch: pytest.MonkeyPatch, insecure: bool
) -> None:
    monkeypatch.setattr(Auth, "_decide", lambda *_: b"200")
    with pytest.raises(SecurityError, match="was let in"), Broker.temporary(insecure=insecure):
        pass
