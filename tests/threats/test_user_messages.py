"""Messages sent up an XPUB, which libzmq takes for another connection's subscriptions: the sender is cut and banned, and nobody is granted a room for it."""

import os

import pytest
import zmq
from tests.stranger import Stranger
from tests.threats.scene import monitored, post_works
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from hubbub.broker.broker import Broker


@pytest.mark.parametrize(
    "frames",
    [
        [b"\x02"],
        [b""],
        [b"\x01" + bytes(16), b"x"],
        [b"x", b"\x01" + bytes(16)],
        [b"a", b"b", b"c"],
    ],
)
def test_listener_is_cut_and_banned_when_it_sends_messages(
    broker: Broker, alice: Stranger, frames: list[bytes]
) -> None:
    """A SUB cannot send these, an XSUB can; see the guard in the loop."""
    keys = zmq.curve_keypair()
    name = f"Mallory-{os.urandom(4).hex()}"
    with Stranger("127.0.0.1", broker.address.port, name) as mallory:
        mallory.send({"type": "hello", "id": 1, "versions": [1]})
        mallory.ask("login", name=name, events_key=z85.decode(keys[0]), producer=os.urandom(16))
        with (
            mallory._socket(zmq.XSUB, keys) as listener,
            monitored(listener, zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH) as events,
        ):
            listener.connect(broker.address.endpoint(1))
            listener.send_multipart(frames)
            assert events.poll(10_000)
            assert parse_monitor_message(events.recv_multipart())["event"] == zmq.EVENT_DISCONNECTED
            assert events.poll(10_000), "libzmq connects again and is refused"
            refused = parse_monitor_message(events.recv_multipart())["event"]
            assert refused == zmq.EVENT_HANDSHAKE_FAILED_AUTH
    alice.login(resuming=True)
    assert post_works(alice)
