"""Connections are told apart though their descriptors are used again and the monitors are not in step; there are never too many of them."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest
from tests.abilities import need_ipv6

from hubbub.broker.core.limits import Limits
from hubbub.broker.strikes import Strikes
from hubbub.broker.watch import ACCEPTS_A_HANDSHAKE, UNKNOWN, Service, Watch


def new_watch(limits: Limits = Limits(), most: int = 1000) -> Watch:  # noqa: B008 - frozen
    return Watch(limits, most, Strikes(limits))


def number(watch: Watch, fd: int) -> int:
    connection = watch.on(fd)
    return UNKNOWN if connection is None else connection.number


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
    watch = new_watch()
    assert watch.accepted(900, Service.COMMANDS, 0.0) is None
    first = number(watch, 900)
    gone = watch.disconnected(900, Service.COMMANDS)
    assert gone is not None
    assert gone.number == first
    watch.accepted(900, Service.COMMANDS, 0.0)
    assert number(watch, 900) not in (first, UNKNOWN)


def test_watch_does_not_take_the_last_frames_of_one_that_is_gone_for_the_next_on_its_descriptor() -> (
    None
):
    watch = new_watch()
    watch.accepted(900, Service.COMMANDS, 0.0)
    first, handshake = watch.on(900), watch.handshake()
    assert watch.of(900, handshake) is first
    watch.disconnected(900, Service.COMMANDS)
    assert watch.of(900, handshake) is None
    watch.accepted(900, Service.COMMANDS, 0.0)
    assert watch.of(900, handshake) is None
    assert watch.of(900, watch.handshake()) is watch.on(900)


def test_watch_keeps_the_new_connection_when_the_other_monitor_tells_the_end_of_the_old_one_late() -> (
    None
):
    watch = new_watch()
    watch.accepted(900, Service.EVENTS, 0.0)
    old = number(watch, 900)
    replaced = watch.accepted(900, Service.COMMANDS, 0.0)
    assert replaced is not None
    assert (replaced.number, replaced.service) == (old, Service.EVENTS)
    assert watch.disconnected(900, Service.EVENTS) is None
    assert number(watch, 900) != UNKNOWN
    assert len(watch) == 1


def test_watch_keeps_a_live_connection_when_one_that_had_its_descriptor_is_told_of_late(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    _, broker = accepted
    watch = new_watch()
    watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
    before = number(watch, broker.fileno())
    assert watch.accepted(broker.fileno(), Service.EVENTS, 0.0) is None
    assert watch.disconnected(broker.fileno(), Service.EVENTS) is None
    assert number(watch, broker.fileno()) == before


def test_watch_shuts_a_connection_and_leaves_its_descriptor_to_its_owner(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    client, broker = accepted
    watch = new_watch()
    watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
    watch.cut(number(watch, broker.fileno()))
    client.settimeout(10)
    assert client.recv(1) == b""
    assert broker.fileno() != -1


def test_watch_shuts_nothing_when_the_descriptor_is_another_connections_now(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    client, broker = accepted
    watch = new_watch()
    watch.accepted(900, Service.COMMANDS, 0.0)
    watch.cut(number(watch, 900))
    watch.cut(UNKNOWN)
    broker.sendall(b"x")
    assert client.recv(1) == b"x"


def test_watch_shuts_nothing_when_the_descriptor_is_a_socket_of_another_kind_now(
    accepted: tuple[socket.socket, socket.socket],
) -> None:
    _, broker = accepted
    watch = new_watch()
    fd = broker.fileno()
    watch.accepted(fd, Service.COMMANDS, 0.0)
    known = number(watch, fd)
    one, other = socket.socketpair()
    with one, other:
        os.dup2(one.fileno(), fd)
        watch.cut(known)
        other.send(b"still here")
        assert one.recv(16) == b"still here"


@pytest.mark.parametrize("network", ["127.0.0.1", "127.0.0.0/8", "0.0.0.0/0"])
def test_watch_shuts_connections_from_a_network(
    accepted: tuple[socket.socket, socket.socket], network: str
) -> None:
    client, broker = accepted
    watch = new_watch()
    watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
    watch.accepted(900, Service.COMMANDS, 0.0)  # gone before it could be asked for its peer
    watch.cut_network(network)
    client.settimeout(10)
    assert client.recv(1) == b""


@pytest.mark.parametrize("network", ["127.0.0.2", "192.0.2.0/24", "::1", "::/0"])
def test_watch_leaves_connections_from_other_networks(
    accepted: tuple[socket.socket, socket.socket], network: str
) -> None:
    client, broker = accepted
    watch = new_watch()
    watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
    watch.cut_network(network)
    broker.sendall(b"x")
    assert client.recv(1) == b"x"


def test_watch_knows_and_shuts_connections_by_ipv6_and_shows_ipv4_plainly(
    accepted_by_ipv6: tuple[str, socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    host, client, broker = accepted_by_ipv6
    watch = new_watch()
    with caplog.at_level(logging.DEBUG, "hubbub.broker"):
        watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
        for _ in range(2):  # once is told
            watch.log_peer(number(watch, broker.fileno()))
        watch.cut(number(watch, broker.fileno()))
        assert client.recv(1) == b""
        watch.disconnected(broker.fileno(), Service.COMMANDS)
    peer = (host, client.getsockname()[1])
    assert caplog.messages == [
        f"A connection from {peer} was accepted.",
        f"Connecting from {peer}",
        f"The connection from {peer} has ended.",
    ]


@contextmanager
def connections(count: int) -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    with ExitStack() as stack:
        server = socket.create_server(("127.0.0.1", 0))
        ends = []
        for _ in range(count):
            client = stack.enter_context(socket.create_connection(server.getsockname()))
            client.settimeout(10)
            ends.append((client, stack.enter_context(server.accept()[0])))
        server.close()
        yield ends


def is_shut(client: socket.socket, broker: socket.socket) -> bool:
    """Whether the watch has shut a connection; if not, what is sent now arrives."""
    with suppress(OSError):
        broker.sendall(b"x")
    return client.recv(1) == b""


def turned_away(watch: Watch, ends: list[tuple[socket.socket, socket.socket]]) -> list[bool]:
    for _, broker in ends:
        watch.accepted(broker.fileno(), Service.COMMANDS, 0.0)
    return [is_shut(*pair) for pair in ends]


@pytest.mark.parametrize(
    "watch",
    [
        new_watch(most=3),
        new_watch(Limits(connections_per_address=3)),
        # two handshakes at once and one to be denied, each with its share of other connections
        new_watch(Limits(handshakes_burst=2), most=1000),
    ],
    ids=["all", "address", "rate"],
)
def test_watch_shuts_the_newest_connections_when_there_are_too_many(
    watch: Watch, caplog: pytest.LogCaptureFixture
) -> None:
    with connections(15) as ends:
        shut = turned_away(watch, ends)
    most = shut.index(True)
    assert most == (3 * ACCEPTS_A_HANDSHAKE if "at once" in caplog.text else 3)
    assert shut == [False] * most + [True] * (15 - most)
    assert len(caplog.messages) <= 5


def test_watch_bears_new_connections_when_others_have_gone() -> None:
    watch = new_watch(Limits(connections_per_address=2))
    with connections(3) as ends:
        assert turned_away(watch, ends[:2]) == [False, False]
        watch.disconnected(ends[0][1].fileno(), Service.COMMANDS)
        assert turned_away(watch, ends[2:]) == [False]


def test_watch_bears_more_when_the_bounds_are_set_anew() -> None:
    watch = new_watch(Limits(connections_per_address=2))
    with connections(5) as ends:
        assert turned_away(watch, ends[:3]) == [False, False, True]
        watch.configure(Limits(connections_per_address=4))
        assert turned_away(watch, ends[3:]) == [False, True]


def test_watch_shuts_new_connections_from_an_address_without_strikes_and_keeps_those_it_has(
    caplog: pytest.LogCaptureFixture,
) -> None:
    watch = new_watch(Limits(strikes_burst=1))
    with connections(3) as ends:
        assert turned_away(watch, ends[:1]) == [False]
        watch.strike(number(watch, ends[0][1].fileno()), "192.0.2.1", 0.0)
        assert turned_away(watch, ends[1:2]) == [True]
        assert not is_shut(*ends[0])
        watch.accepted(ends[2][1].fileno(), Service.EVENTS, 100.0)
        assert not is_shut(*ends[2])
    assert watch.turned_away == 1
    assert "turned away" not in caplog.text


def test_watch_charges_an_address_once_for_each_connection_also_when_that_is_gone() -> None:
    watch = new_watch(Limits(strikes_burst=3))
    before = watch.handshake()
    with connections(3) as ends:
        fd = ends[0][1].fileno()
        assert turned_away(watch, ends[:1]) == [False]
        for _ in range(5):
            watch.strike(number(watch, fd), "", 0.0)
        watch.disconnected(fd, Service.COMMANDS)
        gone = watch.latest(fd, watch.handshake())
        assert gone is not None
        assert watch.latest(fd, before) is None
        for _ in range(5):
            watch.charge(gone, 0.0)
            watch.strike(gone.number, "", 0.0)
        assert turned_away(watch, ends[1:2]) == [False]
        for _ in range(2):
            watch.strike(UNKNOWN, "127.0.0.1", 0.0)
        assert turned_away(watch, ends[2:]) == [True]
