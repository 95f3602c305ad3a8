"""Searching the local network, which is loopback here: what is announced by zeroconf alone is found, checked and forgotten."""

import gc
import ipaddress
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from time import monotonic

import pytest
from tests.abilities import need_multicast, one_network
from tests.processes import PATIENCE, ROOT, environment
from zeroconf import IPVersion, ServiceInfo, Zeroconf

from hubbub.client.announcements import Found
from hubbub.client.discovery import Search, find
from hubbub.common.addresses import Address
from hubbub.common.fingerprint import fingerprint

pytestmark = one_network

LOOPBACK = ["127.0.0.1"]
PRINT = fingerprint(os.urandom(32))
"""Ours: other tests may announce brokers on this machine at the same time."""


@pytest.fixture
def network() -> Iterator[Zeroconf]:
    """Something that announces services on loopback."""
    need_multicast()
    zeroconf = Zeroconf(interfaces=LOOPBACK, ip_version=IPVersion.V4Only)
    yield zeroconf
    zeroconf.close()


def service(name: str, *, port: int = 5000, address: str = "127.0.0.1") -> ServiceInfo:
    return ServiceInfo(
        "_hubbub._tcp.local.",
        f"{name}._hubbub._tcp.local.",
        addresses=[ipaddress.ip_address(address).packed],
        port=port,
        properties={"v": "1", "fp": PRINT},
    )


def announce(network: Zeroconf, *services: ServiceInfo) -> None:
    """Answer for these from now on, without the seconds that asking others for conflicts takes."""
    for info in services:
        info.set_server_if_missing()
        network.registry.async_add(info)


def await_found(search: Search, count: int) -> list[Found]:
    """Collect until so many are found."""
    begun = monotonic()
    seconds = 0.0
    while (
        len(found := [one for one in search.collect(seconds) if one.fingerprint == PRINT]) != count
    ):
        seconds = monotonic() - begun + 0.02
        assert seconds < PATIENCE, found
    return found


@pytest.mark.slow
def test_a_search_finds_brokers_by_name_and_leaves_out_what_is_none(network: Zeroconf) -> None:
    broken = [service("reserved", port=0), service("nobody", address="0.0.0.0")]
    strange = service("strange")
    strange._set_properties({"fp": "\x1b[2J"})
    announce(network, service("lab"), service("K\u00fcche"), strange, *broken)
    with Search(LOOPBACK) as search:
        assert await_found(search, 2) == [
            Found("K\u00fcche", Address("127.0.0.1", 5000), PRINT),
            Found("lab", Address("127.0.0.1", 5000), PRINT),
        ]


@pytest.mark.slow
def test_a_search_forgets_a_broker_that_says_goodbye(network: Zeroconf) -> None:
    lab = service("lab")
    announce(network, lab)
    with Search(LOOPBACK) as search:
        await_found(search, 1)
        network.unregister_service(lab)
        await_found(search, 0)


@pytest.mark.slow
def test_a_search_keeps_to_its_bound_when_too_many_announce_themselves(network: Zeroconf) -> None:
    announce(network, *(service(f"broker {number:03}") for number in range(90)))
    begun = monotonic()
    with Search(LOOPBACK) as search:
        while len(found := search.collect(monotonic() - begun + 0.02)) < 64:
            assert monotonic() - begun < PATIENCE, found
        assert len(search.collect(monotonic() - begun + 0.5)) <= 64


@pytest.fixture
def left_sockets() -> Iterator[None]:
    """A socket that it could not bind zeroconf leaves to the garbage collector, which warns; see that it does so in this test."""
    yield
    gc.collect()


leaves_sockets = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@leaves_sockets
@pytest.mark.usefixtures("left_sockets")
@pytest.mark.parametrize("interfaces", [["192.0.2.99"], ["no address"], ["::2"]])
def test_nothing_is_found_and_nothing_raised_without_a_network(interfaces: list[str]) -> None:
    assert find(PATIENCE, interfaces) == [], "at once, not after the time given"


@leaves_sockets
@pytest.mark.usefixtures("left_sockets")
def test_nothing_is_found_and_nothing_raised_when_the_port_is_another_s() -> None:
    begun = monotonic()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        while True:
            try:
                other.bind(("", 5353))  # without leave to share it
                break
            except OSError as error:  # an earlier test's search is ending still
                if monotonic() - begun > PATIENCE:
                    pytest.skip(f"a program of this machine has mDNS's port: {error}")
        assert find(PATIENCE, LOOPBACK) == []


def test_a_search_can_be_closed_twice_and_collected_from_afterwards() -> None:
    search = Search(LOOPBACK)
    search.close()
    search.close()
    assert search.collect(0) == []


def test_who_does_not_search_does_not_load_what_a_search_needs() -> None:
    check = "import sys, hubbub.client.discovery; sys.exit(str({'zeroconf', 'asyncio'} & sys.modules.keys()))"
    child = subprocess.run(
        [sys.executable, "-c", check],
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.stderr == "set()\n"
