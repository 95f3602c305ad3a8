"""Connections are told apart though their descriptors are used again and the two monitors are not in step."""

import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from tests.abilities import need_ipv6

from hubbub.broker.watch import UNKNOWN, Watch


@contextmanager
def connection(server: socket.socket, host: str) -> Iterator[tuple[socket.socket, socket.socket]]:
    with server:
        client = socket.create_connection((host, server.getsockname()[1]))
        broker, _ = server.accept()
        with client, broker:
            yield client, broker


@pytest.fixture
def accepted() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A client's end and the broker's end of one connection."""
    with connection(socket.create_server(("127.0.0.1", 0)), "127.0.0.1") as ends:
        yield ends


@pytest.fixture(params=["::1", "127.0.0.1"])
def accepted_by_ipv6(
    request: pytest.FixtureRequest,
) -> Iterator[tuple[str, socket.socket, socket.socket]]:
    """The same where the broker listens to both IPv6 and IPv4, and the address of the client."""
    need_ipv6()
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    with connection(server, request.param) as ends:
        yield request.param, *ends


def test_watch_numbers_connections_anew_when_a_descriptor_is_used_again() -> None:
    watch = Watch()
    assert watch.accepted(900, is_commands=True) is None
    first = watch.number(900)
    gone = watch.disconnected(900, is_commands=True)
    assert gone is not None
    assert gone.number == first
    watch.accepted(900, is_commands=True)
    assert watch.number(900) not in (first, UNKNOWN)


def test_watch_keeps_the_new_connection_when_the_other_monitor_tells_the_end_of_the_old_one_late() -> (
    None
):
    watch = Watch()
    watch.accepted(900, is_commands=False)
    old = watch.number(900)
    replaced = watch.accepted(900, is_commands=True)
    assert replaced is not None
    assert (replaced.number, replaced.is_commands) == (old, False)
    assert watch.disconnected(900, is_commands=False) is None
    assert watch.number(900) != UNKNOWN
    assert len(watch) == 1


def test_watch_keeps_a_live_connection_when_one_that_had_its_descriptor_is_told_of_late(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    _, broker = accepted
    watch = Watch()
    watch.accepted(broker.fileno(), is_commands=True)
    number = watch.number(broker.fileno())
    assert watch.accepted(broker.fileno(), is_commands=False) is None
    assert watch.disconnected(broker.fileno(), is_commands=False) is None
    assert watch.number(broker.fileno()) == number


def test_watch_shuts_a_connection_and_leaves_its_descriptor_to_its_owner(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    client, broker = accepted
    watch = Watch()
    watch.accepted(broker.fileno(), is_commands=True)
    watch.cut(watch.number(broker.fileno()))
    client.settimeout(10)
    assert client.recv(1) == b""
    assert broker.fileno() != -1


def test_watch_shuts_nothing_when_the_descriptor_is_another_connections_now(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    client, broker = accepted
    watch = Watch()
    watch.accepted(900, is_commands=True)
    watch.cut(watch.number(900))
    watch.cut(UNKNOWN)
    broker.sendall(b"x")
    assert client.recv(1) == b"x"


@pytest.mark.parametrize("network", ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"])
def test_watch_shuts_connections_from_a_network(
    accepted: tuple[socket.socket, socket.socket], network: str
) -> None:
    client, broker = accepted
    watch = Watch()
    watch.accepted(broker.fileno(), is_commands=True)
    watch.accepted(900, is_commands=True)  # gone before it could be asked for its peer
    watch.cut_network(network)
    client.settimeout(10)
    assert client.recv(1) == b""


@pytest.mark.parametrize("network", ["127.0.0.2", "192.0.2.0/24", "::1", "::/0"])
def test_watch_leaves_connections_from_other_networks(
    accepted: tuple[socket.socket, socket.socket], network: str
) -> None:
    client, broker = accepted
    watch = Watch()
    watch.accepted(broker.fileno(), is_commands=True)
    watch.cut_network(network)
    broker.sendall(b"x")
    assert client.recv(1) == b"x"


def test_watch_knows_and_shuts_connections_by_ipv6_and_shows_ipv4_plainly(
    accepted_by_ipv6: tuple[str, socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    host, client, broker = accepted_by_ipv6
    watch = Watch()
    with caplog.at_level(logging.DEBUG, "hubbub.broker"):
        watch.accepted(broker.fileno(), is_commands=True)
        for _ in range(2):  # once is told
            watch.log_peer(watch.number(broker.fileno()))
        watch.cut(watch.number(broker.fileno()))
        assert client.recv(1) == b""
        watch.disconnected(broker.fileno(), is_commands=True)
    peer = (host, client.getsockname()[1])
    assert caplog.messages == [
        f"A connection from {peer} was accepted.",
        f"Connecting from {peer}",
        f"The connection from {peer} has ended.",
    ]
