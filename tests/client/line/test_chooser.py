"""The brokers to choose from: known ones and found ones, each once."""

import os
from pathlib import Path

import pytest
from tests.abilities import one_network
from tests.client.test_discovery import LOOPBACK, announce, await_found, network, service
from zeroconf import Zeroconf

from hubbub.client.announcements import Found
from hubbub.client.discovery import Search
from hubbub.client.home import Home, KnownBroker
from hubbub.client.line.chooser import Offer, merged, offers
from hubbub.common.addresses import Address
from hubbub.common.fingerprint import fingerprint

__all__ = ["network"]

HERE, LAB, OTHER = (Address(host, 5000) for host in ("127.0.0.1", "192.0.2.7", "192.0.2.8"))
KEY = b"k" * 32


def known(address: Address, name: str = "", key: bytes = KEY) -> KnownBroker:
    return KnownBroker(address, key, since=0, name=name, visited=0)


def found(address: Address, name: str = "lab", key: bytes = KEY) -> Found:
    return Found(name, address, fingerprint(key))


def test_nothing_is_offered_where_nothing_is() -> None:
    assert merged([], []) == []


def test_known_brokers_come_first_with_the_name_used_there() -> None:
    assert merged([known(HERE, "Alice"), known(OTHER)], [found(LAB, key=b"l" * 32)]) == [
        Offer(HERE, "you were Alice"),
        Offer(OTHER, "known"),
        Offer(LAB, "lab, found here"),
    ]


@pytest.mark.parametrize("where", [HERE, LAB])
def test_a_broker_that_is_known_and_found_is_offered_once(where: Address) -> None:
    assert merged([known(HERE, "Alice")], [found(where)]) == [Offer(HERE, "lab, you were Alice")]


def test_what_takes_the_place_of_a_known_broker_is_not_offered_beside_it() -> None:
    assert merged([known(HERE)], [found(HERE, key=b"x" * 32)]) == [Offer(HERE, "known")]


def test_a_home_that_cannot_be_read_offers_nothing(tmp_path: Path) -> None:
    (tmp_path / "brokers").write_text("")
    assert offers(Home(tmp_path), None) == []


def test_only_the_latest_of_many_known_brokers_are_offered(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for port in range(1, 13):
        home.pin(Address("127.0.0.1", port), KEY)
        os.utime(tmp_path / "brokers" / f"127.0.0.1,{port}", (port, port))
    assert [offer.address.port for offer in offers(home, None)] == list(range(12, 3, -1))


@one_network
@pytest.mark.slow
def test_what_the_search_has_found_is_offered(network: Zeroconf, tmp_path: Path) -> None:
    announce(network, service("lab"))
    search = Search(LOOPBACK)
    await_found(search, 1)
    assert Offer(HERE, "lab, found here") in offers(Home(tmp_path), search)
