"""Asking a door, and whom to trust. The door here is a bare ROUTER that gives a fixed answer."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from hubbub.broker.broker import Broker
from hubbub.client import door
from hubbub.client.errors import (
    NobodyListens,
    UnknownBroker,
    VersionUnsupported,
    WrongKey,
    other_version,
)
from hubbub.client.home import Home
from hubbub.client.trust import Trust, server_key
from hubbub.common.addresses import Address
from hubbub.common.codec import DoorAnswer, encode
from hubbub.common.fingerprint import fingerprint

KEY = b"k" * 32
ANSWER = encode(DoorAnswer(broker="test", key=KEY, versions=[1]))


@contextmanager
def a_router(
    answer: bytes | None, host: str = "127.0.0.1", port: int | None = None, secret: bytes = b""
) -> Iterator[int]:
    """A ROUTER that answers whatever comes by `answer`, encrypted if it has a key; on any free port if on no other."""
    context = zmq.Context()
    router = context.socket(zmq.ROUTER)
    router.linger = 0
    if secret:
        router.curve_server, router.curve_secretkey = True, secret
    port = router.bind_to_random_port(
        f"tcp://{host}", *((port, port + 1) if port else (49152, 65536))
    )
    stop = context.socket(zmq.PULL)
    stop.bind("inproc://stop")

    def serve() -> None:
        poller = zmq.Poller()
        poller.register(router, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        while stop not in dict(poller.poll()):
            who, _ = router.recv_multipart()
            if answer is not None:
                router.send_multipart([who, answer])
        router.close()
        stop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield port
    finally:
        with context.socket(zmq.PUSH) as end:
            end.connect("inproc://stop")
            end.send(b"")
        thread.join()
        context.term()


@contextmanager
def a_door(answer: bytes, host: str = "127.0.0.1") -> Iterator[Address]:
    """A door that answers every question by `answer`."""
    with a_router(answer, host) as port:
        yield Address(host, port - 2)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_a_door_tells_name_key_and_versions() -> None:
    with a_door(ANSWER) as address:
        assert door.ask(address) == DoorAnswer(broker="test", key=KEY, versions=[1])


def test_an_address_where_nobody_listens_says_so() -> None:
    with a_door(ANSWER) as address:
        pass
    with pytest.raises(
        NobodyListens, match=rf"nobody listens at {address}; is the broker started\?"
    ):
        door.ask(address, timeout=0.05)


HOURS = 3600.0
"""What nobody may wait for: the test would run out of time."""


def test_a_refused_connection_is_told_without_waiting() -> None:
    with a_door(ANSWER) as address:
        pass
    with pytest.raises(NobodyListens, match="nobody listens"):
        door.ask(address, HOURS)
    with pytest.raises(NobodyListens, match="nobody listens"):
        door.check_presence(address)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Something that listens and speaks no ZeroMQ, where a broker has its door."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_stranger_that_hangs_up_is_told_without_waiting(listener: socket.socket) -> None:
    def hang_up() -> None:
        for _ in range(2):  # the knock, and the visit
            listener.accept()[0].close()

    thread = threading.Thread(target=hang_up)
    thread.start()
    with pytest.raises(NobodyListens, match="no hubbub broker"):
        door.ask(Address("127.0.0.1", listener.getsockname()[1] - 2), HOURS)
    thread.join()


def test_a_stranger_that_says_nothing_is_waited_for(listener: socket.socket) -> None:
    with pytest.raises(NobodyListens, match="no hubbub broker"):
        door.ask(Address("127.0.0.1", listener.getsockname()[1] - 2), timeout=0.05)


@pytest.mark.parametrize("offset", [1, 2])
def test_one_of_the_other_ports_is_recognized(broker: Broker, offset: int) -> None:
    place = Address("127.0.0.1", broker.address.port + offset)
    with pytest.raises(NobodyListens, match=f"port {place.port} is .* {broker.address}$"):
        door.ask(place)


def test_a_broker_is_present_when_its_door_is_closed_to_us(listener: socket.socket) -> None:
    door.check_presence(Address("127.0.0.1", listener.getsockname()[1] - 2))
    door.check_presence(Address("127.0.0.1", listener.getsockname()[1]))


@pytest.mark.parametrize("host", ["nosuch.invalid", "no..such"])
def test_a_machine_that_is_not_found_is_named(host: str) -> None:
    with pytest.raises(NobodyListens, match=rf"^cannot find a machine called {host}$"):
        door.ask(Address(host, 5000), timeout=0.05)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400", encode({"key": b"short"})])
def test_something_else_is_not_taken_for_a_broker(answer: bytes) -> None:
    with a_door(answer) as address, pytest.raises(NobodyListens, match="no hubbub broker"):
        door.ask(address)


def test_a_broker_of_another_age_is_refused() -> None:
    answer = encode(DoorAnswer(broker="test", key=KEY, versions=[7, 8]))
    with (
        a_door(answer) as address,
        pytest.raises(VersionUnsupported, match=r"7, 8.*update hubbub on"),
    ):
        door.ask(address)


@pytest.mark.parametrize(
    ("theirs", "remedy"), [([1, 2], "ask its operator to update it"), ([5], "on this machine")]
)
def test_the_older_side_is_to_be_updated(theirs: list[int], remedy: str) -> None:
    assert remedy in str(other_version("chat.example:5000", theirs, ours=[3, 4]))


def test_a_broker_on_this_machine_is_pinned_without_asking(home: Home) -> None:
    with a_door(ANSWER) as address:
        assert server_key(home, address, Trust()) == KEY
    assert server_key(home, address, Trust()) == KEY, "now nobody is asked"


ELSEWHERE = Address("chat.example", 5000)


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[Address]:
    """A broker off loopback; only its name is made up."""
    with a_door(ANSWER) as address:
        ask = door.ask
        monkeypatch.setattr(door, "ask", lambda _: ask(address))
        yield ELSEWHERE


def test_an_unknown_broker_elsewhere_is_refused_with_its_fingerprint(
    home: Home, elsewhere: Address
) -> None:
    with pytest.raises(UnknownBroker, match=f"--trust {fingerprint(KEY)}") as refused:
        server_key(home, elsewhere, Trust())
    assert refused.value.fingerprint == fingerprint(KEY)
    assert home.pinned(elsewhere) is None


@pytest.mark.parametrize(
    "trust",
    [
        Trust(accept_new=True),
        Trust(fingerprint=fingerprint(KEY).upper()),
        Trust(confirm=lambda shown: shown == fingerprint(KEY)),
    ],
)
def test_a_broker_that_is_vouched_for_is_pinned(
    home: Home, elsewhere: Address, trust: Trust
) -> None:
    assert server_key(home, elsewhere, trust) == KEY
    assert home.pinned(elsewhere) == KEY


def test_a_person_may_say_no(home: Home, elsewhere: Address) -> None:
    with pytest.raises(UnknownBroker, match=r"^Not trusted; nothing was sent\.$"):
        server_key(home, elsewhere, Trust(confirm=lambda _: False))
    assert home.pinned(elsewhere) is None


@pytest.mark.parametrize("prepare", [lambda home: None, lambda home: home.pin(ELSEWHERE, KEY)])
def test_another_fingerprint_than_the_given_one_is_refused(
    home: Home, elsewhere: Address, prepare: Callable[[Home], None]
) -> None:
    prepare(home)
    with pytest.raises(WrongKey, match=fingerprint(KEY)):
        server_key(home, elsewhere, Trust(fingerprint=fingerprint(b"x" * 32)))
