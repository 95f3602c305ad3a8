"""What the network sends is checked before anybody sees it."""

import ipaddress
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.announcements import Found, Surroundings, printable, read
from hubbub.common.addresses import Address

PRINT = b"abcd-efgh-2345-ijkl-mnop-qrst"
HERE = Surroundings([ipaddress.IPv4Network("192.168.1.0/24")])


def heard(*addresses: str, name: str = "lab", port: int | None = 5000) -> Found | None:
    return read(name, port, addresses, PRINT, HERE)


def test_an_announcement_is_read() -> None:
    assert heard("192.168.1.20") == Found("lab", Address("192.168.1.20", 5000), PRINT.decode())


@pytest.mark.parametrize(
    ("addresses", "best"),
    [
        (["fe80::1%lo", "fd00::2", "10.0.0.1"], "10.0.0.1"),
        (["172.17.0.1", "192.168.1.20"], "192.168.1.20"),
        (["172.17.0.2", "172.17.0.1"], "172.17.0.1"),
        (["fe80::1%lo", "2001:db8::1"], "2001:db8::1"),
        (["fe80::1%lo", "fe80::2"], "fe80::1%lo"),
        (["169.254.1.1", "fd00::2"], "fd00::2"),
        (["169.254.1.1", "fe80::1%lo"], "169.254.1.1"),
        (["127.0.0.1", "::1", "0.0.0.0", "::", "224.0.0.1", "ff02::1", "10.1.1.1"], "10.1.1.1"),
    ],
)
def test_the_best_address_is_taken(addresses: list[str], best: str) -> None:
    for order in (addresses, addresses[::-1]):
        found = heard(*order)
        assert found is not None
        assert found.address.host == best


def test_a_zone_is_shown_by_the_name_of_its_interface_if_it_has_one() -> None:
    [named, unnamed] = [heard("fe80::1%1"), heard("fe80::1%4000000")]
    assert named is not None
    assert named.address.host in ("fe80::1%lo", "fe80::1%lo0")  # Linux, macOS
    assert unnamed is not None
    assert unnamed.address.host == "fe80::1%4000000"


@pytest.mark.parametrize(
    "addresses",
    [[], ["127.0.0.1"], ["::1"], ["0.0.0.0"], ["fe80::1"], ["::ffff:10.0.0.1"], ["224.0.0.251"]],
)
def test_a_broker_that_nobody_could_reach_is_dropped(addresses: list[str]) -> None:
    assert heard(*addresses) is None


def test_addresses_beyond_the_bound_are_not_looked_at() -> None:
    assert heard(*["127.0.0.1"] * 32, "192.168.1.20") is None


def test_loopback_counts_where_one_listens_on_loopback() -> None:
    found = read("lab", 5000, ["127.0.0.1"], PRINT, Surroundings(is_loopback=True))
    assert found is not None
    assert found.address.is_loopback


@pytest.mark.parametrize("port", [None, 0, -1, 65534, 70_000])
def test_a_port_that_no_broker_can_have_is_dropped(port: int | None) -> None:
    assert heard("192.168.1.20", port=port) is None


@pytest.mark.parametrize(
    "fingerprint", [b"", b"x", PRINT.upper(), PRINT + b"\n", PRINT[:-1], b"\x1b[2J", PRINT * 2]
)
def test_what_has_no_fingerprint_is_no_broker(fingerprint: bytes) -> None:
    assert read("lab", 5000, ["192.168.1.20"], fingerprint, HERE) is None


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Küche  12", "Küche 12"),
        ("\x1b[2Jlab\r\n\tb", "[2Jlabb"),
        ("a\u202eb\u2066c\u200bd", "abcd"),
        ("a\u2028b", "a b"),
        ("n" * 80, "n" * 63),
        ("", "unnamed"),
        ("\x00\ud800 ", "unnamed"),
    ],
)
def test_a_name_becomes_safe_to_print(name: str, shown: str) -> None:
    assert printable(name) == shown


@given(st.text())
def test_any_name_becomes_safe_to_print(name: str) -> None:
    shown = printable(name)
    assert 1 <= len(shown) <= 63
    assert not any(category(c)[0] == "C" or category(c) in ("Zl", "Zp") for c in shown)
