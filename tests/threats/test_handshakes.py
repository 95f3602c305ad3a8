"""Connections that never become clients: garbage, silence, bytes in drops, too many at once. They end in time, and the others are served."""

import socket

import pytest
from tests.stranger import Stranger
from tests.threats.scene import post_works

from hubbub.broker.broker import Broker


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\xff" + bytes(8) + b"\x7f",
        bytes(300),
        bytes(range(256)) * 8,
    ],
)
def test_broker_goes_on_when_garbage_comes(
    broker: Broker, alice: Stranger, offset: int, garbage: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", broker.address.port + offset)) as stranger:
        stranger.sendall(garbage)
    assert post_works(alice)
