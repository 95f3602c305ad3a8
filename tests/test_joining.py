"""What a broker prints at its start for those who want to join, and that following it works. What is bound to all addresses is spoken to on loopback."""

import json
import re
import signal
import socket

import pytest
from tests.abilities import need_ipv6
from tests.processes import BROKER, ThroughPipes, Town

from hubbub.broker.interfaces import own_addresses
from hubbub.broker.joining import MOST_SHOWN, first_invite, invitation, join_addresses
from hubbub.common.addresses import Address, parse
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink, parse_link
from hubbub.common.replies import InviteMade

KEY = bytes(range(32))


def screen(*addresses: str) -> list[str]:
    return str(invitation([parse(address) for address in addresses], KEY)).splitlines()


def test_the_invitation_is_short_and_has_all_that_one_needs() -> None:
    assert screen("192.168.1.20:5000") == [
        "",
        "Others join with",
        "    hubbub chat 192.168.1.20:5000",
        "or, sure to meet this broker and no other, with its join link",
        "    hubbub chat hubbub://192.168.1.20:5000/aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq",
        "Without the link they compare its fingerprint",
        f"    {fingerprint(KEY)}",
    ]


def test_the_invitation_offers_several_addresses_and_one_link() -> None:
    shown = screen("192.168.1.20:5000", "[fd00::20]:5000")
    assert shown[1] == "Others join with one of"
    assert shown[2:4] == [
        "    hubbub chat 192.168.1.20:5000",
        "    hubbub chat '[fd00::20]:5000'",  # unquoted a pattern, for some shells
    ]
    assert sum("hubbub://" in line for line in shown) == 1


def test_the_invitation_fits_a_terminal_of_100_columns_and_its_commands_one_of_40() -> None:
    shown = screen("255.255.255.255:65533")
    assert max(map(len, shown)) <= 100
    assert len(shown[2]) <= 40


def test_the_invitation_says_so_when_there_is_no_network() -> None:
    shown = screen()
    assert "no address on a network" in shown[1]
    assert fingerprint(KEY) in shown[-1]


@pytest.mark.parametrize(
    ("bound", "advertised", "shown"),
    [
        ("192.0.2.7:5000", None, ["192.0.2.7:5000"]),
        ("chat.example.org:7000", None, ["chat.example.org:7000"]),
        ("0.0.0.0:5000", "chat.example.org:443", ["chat.example.org:443"]),
        ("127.0.0.1:5000", "chat.example.org:443", ["chat.example.org:443"]),
    ],
)
def test_one_address_is_shown_when_one_is_named(
    bound: str, advertised: str | None, shown: list[str]
) -> None:
    addresses = join_addresses(parse(bound), parse(advertised) if advertised else None)
    assert [str(address) for address in addresses] == shown


@pytest.mark.slow
def test_a_broker_on_all_addresses_shows_those_of_this_machine(town: Town) -> None:
    broker = town.broker("--no-announce", "--registration", "open", bind="0.0.0.0:0")
    broker.sees_match(r"WARNING: Everybody .* read the lobby\.\n")
    port = parse(town.address).port
    shown = re.findall(r"hubbub chat (?!hubbub:)(\S+)\n", broker.transcript())
    mine = {str(own.ip) for own in own_addresses() if not own.ip.is_loopback}
    assert len(shown) <= MOST_SHOWN
    assert {parse(address).host for address in shown} <= mine
    assert all(parse(address).port == port for address in shown)
    assert bool(shown) == any(ip.count(".") == 3 for ip in mine)


@pytest.mark.slow
def test_a_person_joins_by_the_printed_link_without_a_question(town: Town) -> None:
    broker = town.broker("--advertise", "127.0.0.1")
    link = broker.sees_match(r"hubbub chat (hubbub://\S+)\n")[1]
    assert str(parse_link(link).address) == town.address
    alice = town.through_pipes("Alice", "chat", link, "--name", "Alice")
    alice.types("hello")
    alice.end_of_input()
    assert alice.ends() == 0
    broker.sees("Welcome to the chat, Alice!")


@pytest.mark.slow
def test_a_broker_on_loopback_prints_its_address_and_nothing_else(town: Town) -> None:
    broker = town.broker()
    alice = town.through_pipes("Alice", "chat", town.address, "--name", "Alice")
    broker.sees("Connecting from ")
    alice.end_of_input()
    assert alice.ends() == 0
    assert broker.lines[0] == f"Server running on {town.address}"
    assert broker.lines[1].startswith("Connecting from ('127.0.0.1', ")


@pytest.mark.slow
@pytest.mark.parametrize("bind", ["0.0.0.0:0", "[::]:0"])
def test_a_program_reads_the_invitation_as_json(town: Town, bind: str) -> None:
    if bind.startswith("["):
        need_ipv6()
    options = ("--no-announce", "--registration", "open", "--log-format", "json")
    broker = town.start(ThroughPipes, *BROKER, "--bind", bind, "--data", str(town.data), *options)
    broker.sees_match(r'"no_owner".*\n')
    running, joining, warning, ownerless = map(json.loads, broker.lines)
    assert running["event"] == "server_running"
    address = parse(running["bind"])
    assert address == Address(parse(bind).host, running["port"])
    assert joining["event"] == "invitation"
    links = [parse_link(link) for link in joining["links"]]
    assert [str(link.address) for link in links] == joining["addresses"]
    assert {fingerprint(link.key) for link in links} <= {joining["fingerprint"]}
    assert (warning["event"], warning["level"]) == ("registration_open", "warning")
    assert ownerless["command"] == f"hubbub-broker role YOURNAME owner --data {town.data}"


@pytest.mark.slow
def test_a_broker_told_an_interface_prints_the_address_that_it_has(town: Town) -> None:
    loopback = next(own.interface for own in own_addresses() if str(own.ip) == "127.0.0.1")
    assert socket.if_nametoindex(loopback)
    town.broker(bind=f"{loopback}:0")
    assert parse(town.address).host == "127.0.0.1"


@pytest.mark.slow
@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_a_broker_warns_of_nobody_when_not_everybody_may_take_a_name(
    registration: str, town: Town
) -> None:
    broker = town.broker("--no-announce", "--registration", registration, bind="0.0.0.0:0")
    broker.sees("fingerprint")
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    assert "WARNING" not in broker.transcript()


def test_the_first_invite_is_shown_with_the_link_or_alone_when_there_is_no_network() -> None:
    made = InviteMade(0, "abcd-efgh-ijkl-mnop", 25, 1_700_000_000_000)
    first, _, shown, rest = first_invite([parse("192.168.1.20:5000")], KEY, made).split("\n")
    assert first.startswith("The first 25 newcomers join, until 2023-11-14 22:13 UTC, ")
    assert shown == f"    hubbub chat {JoinLink(parse('192.168.1.20:5000'), KEY, made.code)}"
    assert not rest
    assert "    abcd-efgh-ijkl-mnop" in first_invite([], KEY, made).split("\n")


@pytest.mark.slow
def test_newcomers_join_by_the_invite_of_the_first_start_and_others_do_not(town: Town) -> None:
    options = ("--advertise", "127.0.0.1", "--registration", "invite")
    broker = town.broker(*options)
    link = broker.sees_match(r"hubbub chat (hubbub://\S+/\w{16})\n")[1]
    assert parse_link(link).code
    broker.sees(
        f"Newcomers need an invite. To make one:\n    hubbub-broker invite --data {town.data}\n"
    )
    for name in ("Alice", "Bob"):
        person = town.through_pipes(name, "chat", link, "--name", name)
        person.end_of_input()
        assert person.ends() == 0
        broker.sees(f"Welcome to the chat, {name}!")
    stranger = town.through_pipes(
        "Mallory", "chat", town.address, "--name", "Mallory", "--accept-new"
    )
    stranger.end_of_input()
    assert stranger.ends() == 1
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    again = town.broker(*options)
    again.sees("Newcomers need an invite.")
    assert not re.search(r"hubbub://\S+/\w{52}/", again.transcript())
    alice = town.through_pipes("Alice", "chat", town.address, "--name", "Alice")
    again.sees("Welcome to the chat, Alice!")
    alice.end_of_input()
    assert alice.ends() == 0


@pytest.mark.slow
def test_no_code_is_shown_to_what_collects_the_log_as_json(town: Town) -> None:
    options = ("--bind", "127.0.0.1:0", "--advertise", "127.0.0.1", "--data", str(town.data))
    further = ("--registration", "invite", "--log-format", "json", "--log-level", "debug")
    broker = town.start(ThroughPipes, *BROKER, *options, *further)
    broker.sees_match(r'"no_owner".*\n')
    entries = {entry["event"]: entry for entry in map(json.loads, broker.transcript().split("\n"))}
    assert entries["registration_invite"]["command"] == f"hubbub-broker invite --data {town.data}"
    assert not re.search(r"/\w{52}/", broker.transcript())
