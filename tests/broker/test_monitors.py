"""What libzmq tells of its connections is known before their first frames are read."""

import msgpack
import pytest
import zmq
from zmq.utils import z85

from hubbub.broker.broker import Broker
from hubbub.broker.watch import UNKNOWN


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
