"""Which of a machine's addresses others can use. The machine here is made up; but the last test asks the real one."""

import ipaddress

import pytest

from hubbub.broker.errors import BindError
from hubbub.broker.interfaces import OwnAddress, by_interface, own_addresses, usable
from hubbub.common.addresses import Address

MACHINE = [
    OwnAddress(interface, ipaddress.ip_address(ip))
    for interface, ip in (
        ("lo", "127.0.0.1"),
        ("lo", "::1"),
        ("docker0", "172.17.0.1"),
        ("br-0123456789ab", "fd00:17::1"),
        ("wlan0", "fe80::1"),
        ("wlan0", "fd00::20"),
        ("wlan0", "192.168.1.20"),
        ("wg0", "10.8.0.2"),
    )
]


@pytest.mark.parametrize(
    ("host", "found"),
    [
        ("0.0.0.0", ["192.168.1.20", "10.8.0.2"]),
        ("*", ["192.168.1.20", "10.8.0.2"]),
        ("::", ["192.168.1.20", "10.8.0.2", "fd00::20", "fe80::1"]),
        ("192.168.1.20", ["192.168.1.20"]),
        ("fe80::1%lo", ["fe80::1"]),
        ("127.0.0.1", []),
        ("localhost", []),
        ("::1", []),
        ("::ffff:127.0.0.1", []),
        ("nosuch.invalid", []),
        ("no..such", []),
    ],
)
def test_a_broker_is_reached_at_the_addresses_it_listens_on(host: str, found: list[str]) -> None:
    assert [str(ip).partition("%")[0] for ip in usable(Address(host, 5000), MACHINE)] == found


def test_a_machine_of_containers_only_gives_what_it_has() -> None:
    inside = [address for address in MACHINE if address.interface in ("lo", "docker0")]
    assert [str(ip) for ip in usable(Address("0.0.0.0", 5000), inside)] == ["172.17.0.1"]


def test_an_address_of_two_interfaces_is_told_once() -> None:
    twice = [OwnAddress(name, ipaddress.ip_address("10.0.0.1")) for name in ("eth0", "eth1")]
    assert len(usable(Address("0.0.0.0", 5000), twice)) == 1


def test_this_machine_has_loopback() -> None:
    assert ipaddress.ip_address("127.0.0.1") in [address.ip for address in own_addresses()]


@pytest.mark.parametrize(
    ("interface", "host"),
    [
        ("wlan0", "192.168.1.20"),
        ("lo", "127.0.0.1"),
        ("br-0123456789ab", "fd00:17::1"),
        ("tun0", "fe80::7%tun0"),
    ],
)
def test_an_interface_stands_for_its_address(interface: str, host: str) -> None:
    machine = [*MACHINE, OwnAddress("tun0", ipaddress.ip_address("fe80::7"))]
    assert by_interface(Address(interface, 5000), machine) == Address(host, 5000)


def test_an_interface_without_an_address_is_refused() -> None:
    with pytest.raises(BindError, match="eth7 has no address"):
        by_interface(Address("eth7", 5000), MACHINE)
