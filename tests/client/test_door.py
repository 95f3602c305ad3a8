"""Asking a door, and whom to trust. The door here is a bare ROUTER that gives a fixed answer."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import zmq

from hubbub.client import door
from hubbub.client.errors import NobodyListens, UnknownBroker, VersionUnsupported, WrongKey
from hubbub.client.home import Home
from hubbub.client.trust import Trust, server_key
from hubbub.common.addresses import Address
from hubbub.common.codec import QUESTION, DoorAnswer, encode
from hubbub.common.fingerprint import fingerprint

KEY = b"k" * 32
ANSWER = encode(DoorAnswer(broker="test", key=KEY, versions=[1]))


@contextmanager
def a_door(answer: bytes, host: str = "127.0.0.1") -> Iterator[Address]:
    """A door that answers every question by `answer`."""
    context = zmq.Context()
    socket = context.socket(zmq.ROUTER)
    socket.linger = 0
    port = socket.bind_to_random_port(f"tcp://{host}")
    stop = context.socket(zmq.PULL)
    stop.bind("inproc://stop")

    def serve() -> None:
        poller = zmq.Poller()
        poller.register(socket, zmq.POLLIN)
        poller.register(stop, zmq.POLLIN)
        while stop not in dict(poller.poll()):
            who, question = socket.recv_multipart()
            assert question == QUESTION
            socket.send_multipart([who, answer])
        socket.close()
        stop.close()

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield Address(host, port - 2)
    finally:
        with context.socket(zmq.PUSH) as end:
            end.connect("inproc://stop")
            end.send(b"")
        thread.join()
        context.term()


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
    with a_door(answer) as address, pytest.raises(VersionUnsupported, match="7, 8"):
        door.ask(address)


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
