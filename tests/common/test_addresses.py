import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.addresses import MAX_PORT, Address, parse
from hubbub.common.errors import InvalidAddress

hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.text("abcxyz019.-_", min_size=1, max_size=20),
)
addresses = st.builds(Address, hosts, st.integers(0, MAX_PORT))


@given(addresses)
def test_address_is_the_same_when_written_and_read_again(address: Address) -> None:
    assert parse(str(address)) == address
    assert parse(f" tcp://{address}/ ") == address
    assert parse(address.endpoint()) == address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("chat.example.org", "chat.example.org", 5000),
        ("127.0.0.1:7000", "127.0.0.1", 7000),
        ("tcp://10.0.0.2:5000", "10.0.0.2", 5000),
        ("[::1]", "::1", 5000),
        ("[fe80::1%eth0]:0", "fe80::1%eth0", 0),
        ("*:5000", "*", 5000),
        ("localhost:00080", "localhost", 80),
    ],
)
def test_address_is_read_when_a_person_types_it(text: str, host: str, port: int) -> None:
    assert parse(text) == Address(host, port)


@pytest.mark.parametrize(
    "text",
    [
        "", ":5000", "tcp://", "[]:5000", "host:", "host:port", "host:-1", "host:99999", "host:123456",
        "host:65534", "::1", "::1:5000", "[127.0.0.1]:5000", "[nonsense]", "[::1", "a b:5000", "ipc://x",
        "host:5000/room", "udp://host:1", "host;eth0:5000", "ho\0st", "host\n:1", "host:٣", "x@y:1",
    ],
)  # fmt: skip
def test_address_is_refused_when_it_cannot_be_read(text: str) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        parse(text)
    assert "\n" not in str(refusal.value)


@given(st.text(max_size=60))
def test_any_text_gives_an_address_or_a_refusal(text: str) -> None:
    try:
        address = parse(text)
    except InvalidAddress:
        return
    assert parse(str(address)) == address


def test_endpoints_are_three_ports_in_a_row() -> None:
    assert [Address("::1", 5000).endpoint(offset) for offset in range(3)] == [
        "tcp://[::1]:5000", "tcp://[::1]:5001", "tcp://[::1]:5002",
    ]  # fmt: skip
    assert Address("localhost", 1).endpoint(2) == "tcp://localhost:3"


@pytest.mark.parametrize("port", [-1, MAX_PORT + 1, 65535])
def test_address_refuses_a_port_when_the_two_above_it_do_not_fit(port: int) -> None:
    with pytest.raises(InvalidAddress, match="between 1 and 65533"):
        Address("localhost", port)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost", "LOCALHOST"])
def test_address_is_loopback_when_only_this_machine_reaches_it(host: str) -> None:
    assert Address(host, 1).is_loopback


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "*",
        "::",
        "10.0.0.1",
        "fe80::1%lo",
        "localhost.example.org",
        "127.0.0.1.example.org",
    ],
)
def test_address_is_not_loopback_when_others_reach_it(host: str) -> None:
    assert not Address(host, 1).is_loopback


@given(st.ip_addresses())
def test_loopback_agrees_with_the_standard_library(
    host: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    assert Address(str(host), 1).is_loopback == host.is_loopback
