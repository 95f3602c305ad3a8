"""Arrivals are told once each, also when libzmq has read them before."""

import socket
from collections.abc import Iterator

import pytest

from hubbub.broker.arrivals import Arrivals
from hubbub.broker.patrol import CAN_MEASURE

pytestmark = pytest.mark.skipif(not CAN_MEASURE, reason="only Linux tells what has arrived")


@pytest.fixture
def arrivals() -> Iterator[Arrivals]:
    arrivals = Arrivals()
    yield arrivals
    arrivals.close()


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection: the client's end and the broker's."""
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as broker,
    ):
        yield client, broker


def test_an_arrival_is_told_once_though_it_was_read_before(
    arrivals: Arrivals, ends: tuple[socket.socket, socket.socket]
) -> None:
    client, broker = ends
    arrivals.follow(broker.fileno())
    arrivals.take(10)  # whoever is new
    assert arrivals.take(10) == []
    client.sendall(b"x")
    assert broker.recv(10) == b"x"
    assert arrivals.take(10) == [broker.fileno()]
    assert arrivals.take(10) == []


def test_what_is_left_out_of_a_bounded_answer_comes_next_time(arrivals: Arrivals) -> None:
    pairs = [socket.socketpair() for _ in range(3)]
    for _, broker in pairs:
        arrivals.follow(broker.fileno())
    told = [*arrivals.take(2), *arrivals.take(2)]
    assert sorted(told) == sorted(broker.fileno() for _, broker in pairs)
    for pair in pairs:
        for end in pair:
            end.close()


def test_a_descriptor_that_is_closed_is_told_of_no_more_and_cannot_be_followed(
    arrivals: Arrivals, ends: tuple[socket.socket, socket.socket]
) -> None:
    _client, broker = ends
    fd = broker.fileno()
    arrivals.follow(fd)
    broker.close()
    arrivals.follow(fd)
    assert arrivals.take(10) == []
