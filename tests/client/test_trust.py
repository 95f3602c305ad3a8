"""Trust by a join link. The ways without one are in `test_door.py`."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.watching import no_pump_is_left

from hubbub.broker.broker import Broker
from hubbub.client import Client, HomeUnusable, NameTaken, WrongKey
from hubbub.client.home import Home
from hubbub.client.trust import Trust, server_key
from hubbub.common.addresses import Address
from hubbub.common.errors import InvalidAddress
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink

KEY = b"k" * 32
OTHER = b"o" * 32
ELSEWHERE = Address("nosuch.invalid", 5000)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


def test_a_key_from_a_link_is_trusted_without_asking_anybody(home: Home) -> None:
    assert server_key(home, ELSEWHERE, Trust(key=KEY)) == KEY
    assert home.pinned(ELSEWHERE) is None, "not before it has proved to be the broker's"


def test_a_key_from_a_link_is_refused_when_another_is_pinned(home: Home) -> None:
    home.pin(ELSEWHERE, OTHER)
    with pytest.raises(WrongKey, match=f"run: hubbub forget {ELSEWHERE}$") as refused:
        server_key(home, ELSEWHERE, Trust(key=KEY))
    for key in (KEY, OTHER):
        assert fingerprint(key) in str(refused.value)
    assert home.pinned(ELSEWHERE) == OTHER


@pytest.mark.parametrize("pinned", [None, KEY])
def test_a_key_from_a_link_is_refused_when_it_has_not_the_given_fingerprint(
    home: Home, pinned: bytes | None
) -> None:
    if pinned:
        home.pin(ELSEWHERE, pinned)
    with pytest.raises(WrongKey, match=f"{fingerprint(KEY)}, not {fingerprint(OTHER)}$"):
        server_key(home, ELSEWHERE, Trust(fingerprint(OTHER), key=KEY))
    assert server_key(home, ELSEWHERE, Trust(fingerprint(KEY), key=KEY)) == KEY


def test_a_client_joins_by_a_link_and_knows_the_broker_from_then_on(
    broker: Broker, home: Home
) -> None:
    link = JoinLink(broker.address, broker.public_key)
    for place in (f" {str(link).upper()}/ ", link, str(broker.address)):
        with Client(place, name="Alice", home=home.folder) as alice:
            alice.post("lobby", "hi")
        assert home.pinned(broker.address) == broker.public_key


def test_a_client_with_a_link_for_another_broker_is_told_and_pins_nothing(
    broker: Broker, home: Home
) -> None:
    link = JoinLink(broker.address, home.device_key().public)
    with pytest.raises(WrongKey, match="than the join link says") as refused:
        Client(link, name="Alice", home=home.folder)
    assert fingerprint(broker.public_key) in str(refused.value)
    assert home.pinned(broker.address) is None


def test_a_client_with_a_link_pins_nothing_when_it_is_not_let_in(
    broker: Broker, home: Home, tmp_path: Path
) -> None:
    link = JoinLink(broker.address, broker.public_key)
    with Client(link, name="Alice", home=tmp_path / "alice"), pytest.raises(NameTaken):
        Client(link, name="Alice", home=home.folder)
    assert home.pinned(broker.address) is None


def test_a_client_that_cannot_pin_leaves_no_session_behind(broker: Broker, home: Home) -> None:
    home.device_key()
    (home.folder / "brokers").symlink_to("nowhere")  # no pin is there, and none can be made
    with pytest.raises(HomeUnusable):
        Client(JoinLink(broker.address, broker.public_key), name="Alice", home=home.folder)
    assert no_pump_is_left()


@pytest.mark.parametrize("address", ["hubbub://127.0.0.1:5000", "hubbub://127.0.0.1:5000/abc"])
def test_a_client_refuses_a_link_that_is_cut(home: Home, address: str) -> None:
    with pytest.raises(InvalidAddress, match="copy it whole"):
        Client(address, name="Alice", home=home.folder)


@pytest.mark.parametrize("address", ["0.0.0.0:5000", "*:5000", "[::]:5000", "127.0.0.1:0"])
def test_a_client_refuses_an_address_that_is_only_to_listen_on(home: Home, address: str) -> None:
    with pytest.raises(InvalidAddress, match="an address to listen on"):
        Client(address, name="Alice", home=home.folder)
