"""IPv6 wherever an address is taken: to listen, to connect, in answers, in links."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.abilities import need_ipv6, need_names
from tests.processes import BROKER, CLIENT, OnTerminal, ThroughPipes, Town

from hubbub.broker.broker import Broker
from hubbub.client import Client
from hubbub.common.addresses import Address, parse
from hubbub.common.links import JoinLink


@pytest.fixture(autouse=True)
def ipv6() -> None:
    need_ipv6()


@pytest.fixture
def everywhere() -> Iterator[Broker]:
    with Broker.temporary(Address("::", 0)) as broker:
        yield broker


def test_a_broker_on_all_addresses_takes_ipv6_and_ipv4(everywhere: Broker, tmp_path: Path) -> None:
    port = everywhere.address.port
    for number, host in enumerate(("::1", "127.0.0.1", "::ffff:127.0.0.1", "localhost")):
        with Client(Address(host, port), name=f"n{number}", home=tmp_path) as client:
            assert client.post("lobby", f"from {host}") == number + 1


def test_a_client_joins_by_a_link_with_ipv6(tmp_path: Path) -> None:
    with Broker.temporary(Address("::1", 0)) as broker:
        link = JoinLink(broker.address, broker.public_key)
        assert str(link).startswith(f"hubbub://[::1]:{broker.address.port}/")
        with Client(str(link), name="Alice", home=tmp_path) as alice:
            assert alice.post("lobby", "hi") == 1


@pytest.mark.slow
@pytest.mark.parametrize("typed", ["::1", "[::1]"])
def test_people_type_ipv6_with_or_without_its_brackets(town: Town, typed: str) -> None:
    broker = town.start(OnTerminal, *BROKER, "--data", str(town.data))
    broker.sees("Enter server IP: ")
    broker.types(typed)
    broker.sees("Enter server port: ")
    broker.types("0")
    town.address = broker.sees_match(r"Server running on (\[::1\]:\d+)")[1]
    alice = town.on_terminal("Alice")
    alice.sees("Enter server IP: ")
    alice.types(typed)
    alice.sees("Enter server port: ")
    alice.types(town.address.rpartition(":")[2])
    alice.sees("Enter your name: ")
    alice.types("Alice")
    alice.sees("Welcome to the chat, Alice!")
    broker.sees_match(r"Connecting from \('::1', \d+\)")
    alice.types("/exit")
    assert alice.ends() == 0
    broker.sees("Alice has left the chat.")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("bind", "names"), [("[::1]", ["both.test", "six.test"]), ("127.0.0.1", ["both.test"])]
)
def test_a_name_leads_to_the_broker_by_whichever_address_it_listens_on(
    town: Town, bind: str, names: list[str]
) -> None:
    hosts = town.home("Alice") / "hosts"
    hosts.write_text("127.0.0.1 both.test\n::1 both.test six.test\n")
    in_such_a_world = need_names(hosts)
    town.broker(bind=f"{bind}:0")
    port = parse(town.address).port
    for name in names:
        place = f"{name}:{port}"
        ping = town.start(ThroughPipes, *in_such_a_world, *CLIENT, "ping", place, who="Alice")
        assert ping.ends() == 0, ping.transcript()
        for trust in ("--accept-new", "--times"):  # at first sight, and with the key known
            command = (*in_such_a_world, *CLIENT, place, "--name", "Alice", trust)
            alice = town.start(ThroughPipes, *command, who="Alice")
            alice.sees("Welcome to the chat, Alice!")
            alice.types("hi")
            alice.end_of_input()
            assert alice.ends() == 0, alice.transcript()
