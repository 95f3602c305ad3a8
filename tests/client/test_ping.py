"""Asking a broker how it is: real brokers, and listeners that are none."""

import socket
from collections.abc import Iterator

import pytest
import zmq
from tests.client.test_door import ANSWER, HOURS, KEY, a_door, a_router
from zmq.utils import z85

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import Limits
from hubbub.client.errors import ConnectError, NobodyListens, Refused, WrongKey
from hubbub.client.ping import check
from hubbub.common.addresses import Address
from hubbub.common.codec import VERSIONS, DoorAnswer, encode
from hubbub.common.fingerprint import fingerprint
from hubbub.common.limits import CLIENT_MAX_FRAME_BYTES
from hubbub.common.links import JoinLink
from hubbub.common.replies import Error, Greeted


def test_a_broker_that_is_well_tells_what_it_is(broker: Broker) -> None:
    health = check(broker.address, None)
    assert (health.address, health.broker) == (broker.address, "hubbub")
    assert (health.key, health.protocol) == (broker.public_key, max(VERSIONS))
    assert health.software
    assert min(health.door, health.connecting, health.hello) > 0


@pytest.mark.parametrize("as_link", [False, True])
def test_a_known_key_is_compared(broker: Broker, as_link: bool) -> None:
    place = JoinLink(broker.address, broker.public_key) if as_link else broker.address
    assert check(place, broker.public_key).key == broker.public_key
    with pytest.raises(WrongKey, match=f"{broker.fingerprint}.*hubbub forget {broker.address}$"):
        check(place, KEY)


def test_the_key_of_a_link_is_compared(broker: Broker) -> None:
    with pytest.raises(WrongKey, match=f"{broker.fingerprint}, not {fingerprint(KEY)}"):
        check(JoinLink(broker.address, KEY), None)


def test_a_broker_without_encryption_is_asked_without() -> None:
    with Broker.temporary(insecure=True) as broker:
        assert check(broker.address, None, insecure=True).broker == "hubbub"
        with pytest.raises(Refused, match="run it without encryption"):
            check(broker.address, None, timeout=HOURS)


def test_an_encrypted_broker_refuses_who_comes_without(broker: Broker) -> None:
    with pytest.raises(Refused, match="run it with encryption"):
        check(broker.address, None, insecure=True, timeout=HOURS)


def test_whom_the_broker_denies_a_connection_is_told_so() -> None:
    limits = Limits(handshakes_burst=2, handshakes_a_second=1)
    with (
        Broker.temporary(limits=limits) as broker,
        pytest.raises(Refused, match="lets nobody in from here"),
    ):
        check_again_and_again(broker)


def check_again_and_again(broker: Broker) -> None:
    for _ in range(100):
        check(broker.address, None)


def test_only_a_broker_of_this_machine_is_asked_without_encryption() -> None:
    with pytest.raises(ConnectError, match="only on loopback"):
        check(Address("chat.example", 5000), None, insecure=True)


def test_a_broker_that_is_gone_is_told_without_waiting() -> None:
    with Broker.temporary() as broker:
        pass
    with pytest.raises(NobodyListens, match="is the broker started"):
        check(broker.address, None, timeout=HOURS)


@pytest.fixture
def only_a_door() -> Iterator[Address]:
    """A door, and a port for commands on which somebody listens and says nothing."""
    while True:
        with a_door(ANSWER) as address, socket.socket() as commands:
            try:
                commands.bind((address.host, address.port))
            except OSError:
                continue  # the system gave the door a place beside a port in use
            commands.listen()
            yield address
            return


def test_a_broker_that_takes_no_commands_is_not_well(only_a_door: Address) -> None:
    with pytest.raises(Refused, match=f"on port {only_a_door.port} no connection came about"):
        check(only_a_door, None, timeout=0.2)


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (None, "does not answer within 0.5 s"),
        (b"", "answers what cannot be read"),
        (b"HTTP/1.1 400", "answers what cannot be read"),
        (b"x" * 2 * CLIENT_MAX_FRAME_BYTES, "hung up"),
        (encode([]), "does not answer a greeting"),
        (encode([Greeted(2, 1, "test", "")]), "does not answer a greeting"),
        (encode([Greeted(1, 99, "test", "")]), "chose a version that was not offered: 99"),
        (encode([Error("bad", "no", id=1)]), "^no$"),
    ],
)
def test_who_does_not_greet_as_a_broker_does_is_not_well(answer: bytes | None, told: str) -> None:
    public, secret = zmq.curve_keypair()
    key = z85.decode(public)
    with (
        a_door(encode(DoorAnswer(broker="test", key=key, versions=[1]))) as address,
        a_router(answer, port=address.port, secret=secret),
        pytest.raises(ConnectError, match=told),
    ):
        check(address, None, timeout=0.5 if answer is None else HOURS)
