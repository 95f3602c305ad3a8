import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.addresses import MAX_PORT, Address, parse, parse_answers
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
        ("[fe80::1%4]", "fe80::1%4", 5000),
        ("TCP://[::FFFF:10.0.0.2]:1/", "::FFFF:10.0.0.2", 1),
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
        "[fe80::1%]:1", "[fe80::1%a b]:1", "[fe80::1%eth0\n]:1", "[fe80::1%a%b]:1", "h" * 254,
    ],
)  # fmt: skip
def test_address_is_refused_when_it_cannot_be_read(text: str) -> None:
    with pytest.raises(InvalidAddress) as refusal:
        parse(text)
    assert "\n" not in str(refusal.value)


def test_address_without_a_port_takes_the_default_that_is_given() -> None:
    assert parse("host", default_port=0) == Address("host", 0)
    assert parse("host:7", default_port=0) == Address("host", 7)


@pytest.mark.parametrize("text", ["::1", "fe80::1%eth0", "2001:db8::5000"])
def test_address_says_how_ipv6_is_written_when_its_brackets_are_missing(text: str) -> None:
    with pytest.raises(InvalidAddress, match=rf"in brackets, \[{text}\]:5000$"):
        parse(text)


def test_address_repeats_only_the_beginning_when_something_long_was_typed() -> None:
    with pytest.raises(InvalidAddress) as refusal:
        parse("x y" * 10_000)
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    ("host", "port", "address"),
    [
        ("", "", Address("127.0.0.1", 5000)),
        (" 10.0.0.2 ", " 7000 ", Address("10.0.0.2", 7000)),
        ("::1", "", Address("::1", 5000)),
        ("[::1]", "5000", Address("::1", 5000)),
        ("fe80::1%eth0", "1", Address("fe80::1%eth0", 1)),
        ("[fe80::1%eth0]", "1", Address("fe80::1%eth0", 1)),
        ("chat.example.org", "7", Address("chat.example.org", 7)),
    ],
)
def test_host_and_port_are_read_when_they_are_asked_for_in_turn(
    host: str, port: str, address: Address
) -> None:
    assert parse_answers(host, port) == address


@pytest.mark.parametrize(
    ("host", "port"),
    [("[::1", "1"), ("::1]", "1"), ("host", "x"), ("host:1", "1"), ("1::2::3", "")],
)
def test_host_and_port_are_refused_when_either_cannot_be_read(host: str, port: str) -> None:
    with pytest.raises(InvalidAddress):
        parse_answers(host, port)


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


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.8.9.10", "localhost", "LOCALHOST",
        "::1", "0:0:0:0:0:0:0:1", "::1%lo", "::ffff:127.0.0.1", "::FFFF:7f00:1",
    ],
)  # fmt: skip
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
        "::ffff:10.0.0.1",
        "::ffff:0:0",
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
    if not getattr(host, "ipv4_mapped", None):  # of these it knows since 3.13 only
        assert Address(str(host), 1).is_loopback == host.is_loopback


@pytest.mark.parametrize("host", ["*", "0.0.0.0", "::", "0::0", "::ffff:0.0.0.0"])
def test_address_is_a_wildcard_when_it_stands_for_all_of_the_machine(host: str) -> None:
    assert Address(host, 1).is_wildcard
    assert not Address(host, 1).is_loopback


@pytest.mark.parametrize("host", ["10.0.0.1", "::1", "localhost", "fe80::1%eth0", "example.org"])
def test_address_is_no_wildcard_when_it_is_one_of_many(host: str) -> None:
    assert not Address(host, 1).is_wildcard


@pytest.mark.parametrize(
    ("host", "lacks"),
    [("fe80::1", True), ("fe80::1%eth0", False), ("fd00::1", False), ("169.254.0.1", False)],
)
def test_a_link_local_address_of_ipv6_lacks_its_zone_unless_it_has_one(
    host: str, lacks: bool
) -> None:
    assert Address(host, 5000).lacks_zone is lacks
