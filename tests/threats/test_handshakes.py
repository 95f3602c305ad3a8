"""Connections that never become clients: garbage, silence, bytes in drops, too many at once. They end in time, and the others are served."""

import selectors
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.abilities import need_ipv6
from tests.processes import BROKER, ThroughPipes, Town
from tests.stranger import Stranger
from tests.threats.scene import DOOR, MIB, RawMember, linux_only, memory, new_routing_id, post_works
from tests.zmtp import COMMAND, Closed, KeyPair, Peer, command, frame, greeting, metadata

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import Limits
from hubbub.client import Client
from hubbub.common.addresses import Address, parse

GARBAGE = [
    b"",
    b"GET / HTTP/1.1\r\n\r\n",
    b"\xff" + bytes(8) + b"\x7f",
    bytes(300),
    bytes(range(256)) * 8,
    greeting("CURVE") + frame(bytes(200), COMMAND),
    greeting("CURVE") + frame(command(b"HELLO", bytes(194)), COMMAND),
    greeting("NULL") + frame(command(b"READY", b"\x0bSocket-Type\xff\xff\xff\xff"), COMMAND),
    greeting("NULL") + frame(command(b"READY", metadata({"Socket-Type": b"DEALER"})), COMMAND),
    greeting("NULL", (3, 0)) + b"\x06" + (2**63).to_bytes(8, "big"),
    greeting("GSSAPI", (255, 255)),
]
EVERYWHERE = pytest.mark.parametrize("offset", [0, 1, DOOR], ids=["commands", "events", "door"])


@EVERYWHERE
@pytest.mark.parametrize("garbage", GARBAGE)
def test_broker_goes_on_when_garbage_comes(
    broker: Broker, alice: Stranger, offset: int, garbage: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", broker.address.port + offset)) as stranger:
        stranger.sendall(garbage)
    assert post_works(alice)


@linux_only
@pytest.mark.slow
def test_ten_thousand_garbage_connections_leave_the_broker_alive_and_small(town: Town) -> None:
    """Each costs it less than 5 KB for good: 48 MiB is what all of them may, though most of the memory is used again."""
    process = town.broker()
    address = parse(town.address)
    with Stranger(address.host, address.port, "Alice") as alice:
        assert post_works(alice)
        before = memory(process.process_id)
        for number in range(10_000):
            where = (address.host, address.port + number % 3)
            with socket.create_connection(where, 10) as stranger, suppress(OSError):
                stranger.sendall(GARBAGE[number % len(GARBAGE)])
            if number % 1000 == 0:
                assert post_works(alice)
        assert post_works(alice)
        assert memory(process.process_id) - before < 48 * MIB


# Slow handshakes: what each sends at once, and then in drops.

NOTHING = (b"", b"")
HALF_A_GREETING = (greeting("CURVE")[:20], b"")
GREETING_IN_DROPS = (b"", greeting("CURVE") + bytes(100))
GREETING_ONLY = (greeting("CURVE"), b"")
COMMAND_IN_DROPS = (greeting("CURVE"), frame(command(b"HELLO", bytes(194)), COMMAND))
READY_IN_DROPS = (
    greeting("NULL"),
    frame(command(b"READY", metadata({"Socket-Type": b"DEALER"})), COMMAND)[:-1],
)


@pytest.mark.slow
def test_strangers_are_cut_in_time_when_they_are_silent_or_send_in_drops(
    broker: Broker, alice: Stranger
) -> None:
    """ZeroMQ gives a handshake 5 s, however busy it looks; the test gives it 10."""
    manners = [NOTHING, HALF_A_GREETING, GREETING_IN_DROPS, GREETING_ONLY, COMMAND_IN_DROPS]
    begin = time.monotonic()
    with ExitStack() as stack, selectors.DefaultSelector() as selector:
        for offset in (0, 1, DOOR):
            for opening, drops in [*manners, READY_IN_DROPS] if offset == DOOR else manners:
                peer = stack.enter_context(Peer(broker.address.port + offset))
                peer.raw(opening)
                selector.register(peer.socket, selectors.EVENT_READ, iter(drops))
        while selector.get_map():
            assert time.monotonic() < begin + 10
            for key, _ in selector.select(0.1):
                assert isinstance(key.fileobj, socket.socket)
                if is_over(key.fileobj):
                    selector.unregister(key.fileobj)
            for key in list(selector.get_map().values()):
                assert isinstance(key.fileobj, socket.socket)
                for byte in key.data:
                    with suppress(OSError):
                        key.fileobj.send(bytes((byte,)))
                    break
    assert post_works(alice)


def is_over(connection: socket.socket) -> bool:
    try:
        return not connection.recv(4096)
    except ConnectionResetError:
        return True


# Too many at once.


@pytest.fixture
def small_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """A broker with the bounds that the test names."""
    with Broker.temporary(limits=request.param) as broker:
        yield broker


@pytest.mark.parametrize(
    "small_broker", [Limits(connections=12), Limits(connections_per_address=12)], indirect=True
)
def test_the_newest_connections_are_shut_when_there_are_too_many_and_the_others_live_on(
    small_broker: Broker, tmp_path: Path
) -> None:
    port = small_broker.address.port

    def is_let_in(visitor: Peer) -> bool:
        try:
            visitor.null("DEALER")
            visitor.send(b"hubbub?")
            visitor.receive()
        except Closed:
            return False
        return True

    with Stranger("127.0.0.1", port, "Alice") as alice, ExitStack() as stack:
        let_in = [is_let_in(stack.enter_context(Peer(port + DOOR))) for _ in range(20)]
        assert let_in == sorted(let_in, reverse=True)
        assert 8 <= let_in.count(True) <= 10, "beside Alice's two, and her visit at the door"
        assert post_works(alice)
        stack.close()
        with Client(f"127.0.0.1:{port}", name="Bob", home=tmp_path, timeout=20) as bob:
            bob.post("lobby", "there is room again")
        assert post_works(alice)


@pytest.mark.slow
def test_broker_serves_on_when_it_has_few_descriptors(town: Town, tmp_path: Path) -> None:
    """Without any left libzmq's thread would spin on what it cannot accept: 190,000 failed accepts in 1.2 s."""
    few = ("/bin/sh", "-c", 'ulimit -n 160 && exec "$0" "$@"')
    options = ("--bind", "127.0.0.1:0", "--data", str(town.data))
    process = town.start(ThroughPipes, *few, *BROKER, *options)
    address = parse(process.sees_match(r"Server running on (\S+)\n")[1])
    with Stranger(address.host, address.port, "Alice") as alice, ExitStack() as stack:
        for number in range(400):
            stack.enter_context(Peer(address.port + number % 3))
            if number % 40 == 0:
                assert post_works(alice)
        process.sees("is turned away: there are")
        stack.close()
        with Client(str(address), name="Bob", home=tmp_path / "bob", timeout=20) as bob:
            bob.post("lobby", "there is room again")


@pytest.mark.parametrize(
    "small_broker", [Limits(handshakes_burst=12, handshakes_a_second=2)], indirect=True
)
def test_too_many_handshakes_from_one_address_are_refused_and_later_ones_are_not(
    small_broker: Broker, tmp_path: Path
) -> None:
    port, key = small_broker.address.port, small_broker.public_key

    def shake() -> bytes:
        """Return what the broker says to us instead of READY."""
        with Peer(port) as peer:
            try:
                peer.curve(key, KeyPair.new(), "DEALER", new_routing_id())
            except Closed as error:
                return bytes(error.args[0])
        return b""

    with Stranger("127.0.0.1", port, "Alice") as alice:
        answers = [shake() for _ in range(12)]
        refused = command(b"ERROR", b"\x03400")
        assert set(answers) == {b"", refused}
        assert answers[-1] == refused
        assert post_works(alice), "who is in stays in"
        with Client(f"127.0.0.1:{port}", name="Bob", home=tmp_path, timeout=20) as bob:
            bob.post("lobby", "it was worth the wait")  # denied at first, tried again by itself


def test_ipv4_clients_of_an_ipv6_socket_count_by_their_ipv4_address() -> None:
    """They come as ::ffff:127.0.0.1; bans and bounds name 127.0.0.1."""
    need_ipv6()
    with (
        Broker.temporary(Address("::ffff:127.0.0.1", 0)) as broker,
        RawMember.enter(broker.address.port, broker.public_key, "Alice"),
    ):
        (session,) = broker._loop._core.context.sessions
        assert session.peer.address == "127.0.0.1"
