"""Peers' addresses: written in one way, and what each counts for."""

import pytest

from hubbub.broker.networks import belongs, network_of, plain


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("::1", "::/64"),
        ("fe80::1%eth0", "fe80::%eth0/64"),
        ("", ""),
        ("no address", "no address"),
    ],
)
def test_an_address_counts_for_itself_or_its_64(host: str, network: str) -> None:
    assert network_of(host) == network


def test_an_ipv4_address_is_written_plainly() -> None:
    assert plain("::ffff:192.0.2.7") == "192.0.2.7"
    assert plain("::1") == "::1"


@pytest.mark.parametrize(
    ("host", "network", "does"),
    [
        ("192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "192.0.2.0/24", True),
        ("192.0.2.7", "192.0.2.9/24", True),
        ("192.0.3.7", "192.0.2.0/24", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("fe80::1%eth0", "fe80::/10", True),
        ("2001:db8::1", "192.0.2.0/24", False),
        ("192.0.2.7", "::/0", False),
    ],
)
def test_an_address_belongs_to_a_network(host: str, network: str, does: bool) -> None:
    assert belongs(host, network) == does


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ValueError, match="nonsense"):
        belongs("192.0.2.7", "nonsense")
