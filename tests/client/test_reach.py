"""What comes back from a port, and by which kind of address. The names are made up, the ports are real."""

import errno
import socket
from collections.abc import Iterator
from time import monotonic
from typing import Any

import pytest
from tests.abilities import need_ipv6

from hubbub.client.errors import NobodyListens
from hubbub.client.reach import DOOR, Echo, by_ipv6, check_address, knock
from hubbub.common.addresses import Address
from hubbub.common.errors import InvalidAddress

NAMES = {"four.test": ["127.0.0.1"], "six.test": ["::1"], "both.test": ["127.0.0.1", "::1"]}


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver, that knows some names more."""
    resolve = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, family: int, kind: int) -> list[Any]:
        if host not in NAMES:
            return resolve(host, port, family, kind)
        is_six = family == socket.AF_INET6
        found = [ip for ip in NAMES[host] if (":" in ip) is is_six]
        if not found:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [known for ip in found for known in resolve(ip, port, family, kind)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@pytest.fixture(params=["127.0.0.1", "::1"])
def listener(request: pytest.FixtureRequest) -> Iterator[socket.socket]:
    """Somebody listens on an address of the one kind, and nobody on that of the other."""
    need_ipv6()
    host = request.param
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as listener:
        yield listener


@pytest.mark.parametrize("offset", [0, DOOR])
def test_a_name_of_both_kinds_is_what_somebody_listens_on(
    listener: socket.socket, offset: int
) -> None:
    port = listener.getsockname()[1]
    place = Address("both.test", port - offset)
    assert by_ipv6(place) is (listener.family == socket.AF_INET6)
    assert knock(place, offset, monotonic() + 5) is Echo.OPEN


def test_a_name_of_both_kinds_is_ipv4_where_nobody_listens(unused_port: int) -> None:
    assert not by_ipv6(Address("both.test", unused_port))
    assert knock(Address("both.test", unused_port), 0, monotonic() + 5) is Echo.REFUSED


@pytest.mark.parametrize(
    ("host", "six"),
    [("four.test", False), ("127.0.0.1", False), ("six.test", True), ("::1", True)],
)
def test_other_hosts_are_what_they_are(host: str, six: bool) -> None:
    assert by_ipv6(Address(host, 5000)) is six


def test_an_address_out_of_reach_does_not_hide_that_another_refuses(
    monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    def connect(self: socket.socket, place: object) -> None:
        raise (
            OSError(errno.ENETUNREACH, "")
            if self.family == socket.AF_INET6
            else ConnectionRefusedError()
        )

    monkeypatch.setattr(socket.socket, "connect", connect)
    assert knock(Address("both.test", unused_port), 0, monotonic() + 5) is Echo.REFUSED
    with pytest.raises(NobodyListens, match=r"cannot reach six\.test"):
        knock(Address("six.test", unused_port), 0, monotonic() + 5)


def test_a_name_that_nobody_has_is_said_so() -> None:
    with pytest.raises(NobodyListens, match=r"^cannot find a machine called nosuch\.invalid$"):
        by_ipv6(Address("nosuch.invalid", 5000))


def test_an_address_of_every_link_is_refused_with_the_way_to_write_it() -> None:
    check_address(Address("fe80::1%lo", 5000))
    with pytest.raises(InvalidAddress, match=r"for example \[fe80::1%eth0\]:5000$"):
        check_address(Address("fe80::1", 5000))
