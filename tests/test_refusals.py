"""Both programs, when they cannot do what they were asked: one line that says what to do, and exit code 1."""

import sys
from pathlib import Path

import pytest
from tests.processes import BROKER, CLIENT, OnTerminal, ThroughPipes, Town

pytestmark = pytest.mark.slow


def complaint(town: Town, *command: str, who: str = "broker") -> str:
    """Run a program that must fail with one line; return the line."""
    program = town.start(ThroughPipes, *command, who=who)
    program.end_of_input()
    assert program.ends() == 1
    assert len(program.lines) == 1
    return program.transcript()


def client_complaint(town: Town, *options: str, who: str = "Alice", address: str = "") -> str:
    return complaint(town, *CLIENT, "chat", address or town.address, *options, who=who)


def as_if_elsewhere(town: Town) -> str:
    """The broker's address in a form that leads to loopback and does not look so: as good as another machine's."""
    return f"127.1:{town.address.rpartition(':')[2]}"


def test_nobody_listens(town: Town, unused_port: int) -> None:
    line = client_complaint(town, "--name", "Alice", address=f"127.0.0.1:{unused_port}")
    assert line.startswith("hubbub: ")
    assert f"127.0.0.1:{unused_port}" in line


def test_a_name_that_is_taken(town: Town) -> None:
    town.broker()
    town.chats(ThroughPipes, "Alice")
    assert "Alice" in client_complaint(town, "--name", "Alice", who="Mallory")


def test_a_name_that_is_none(town: Town) -> None:
    town.broker()
    assert "':'" in client_complaint(town, "--name", "a:b")


def test_an_input_that_ends_too_early(town: Town) -> None:
    program = town.through_pipes("Alice")
    program.end_of_input()
    assert program.ends() == 1
    assert program.lines == ["Enter server IP: ", "hubbub: the input ended before the chat began"]


def test_a_person_is_asked_again(town: Town) -> None:
    town.broker()
    town.chats(ThroughPipes, "Alice")
    mallory = town.start(OnTerminal, *CLIENT, "chat", town.address, who="Mallory")
    for wrong in ("a:b", "", "Alice", "ALICE", "\N{CYRILLIC CAPITAL LETTER A}lice"):
        mallory.sees("Enter your name: ")
        mallory.types(wrong)
        if "lice" in wrong.lower():
            mallory.sees("Enter alone: another name.", "Enter password or link code: ")
            mallory.types("")
    mallory.sees("Enter your name: ")
    mallory.types("Mallory")
    mallory.sees("Registration successful. Welcome to the chat, Mallory!")


def test_a_person_is_asked_for_an_address_again(town: Town) -> None:
    alice = town.on_terminal("Alice")
    alice.sees("Enter server IP: ")
    alice.types("")
    alice.sees("Enter server port: ")
    alice.types("five thousand")
    alice.sees("127.0.0.1:five thousand", "Enter server IP: ")


def test_a_broker_with_another_key(town: Town) -> None:
    first = town.broker()
    alice = town.chats(ThroughPipes, "Alice")
    alice.types("/exit")
    assert alice.ends() == 0
    first.kill()
    town.data.rename(town.data.with_name("old"))
    town.broker(bind=town.address)
    line = client_complaint(town, "--name", "Alice")
    assert f"hubbub forget {town.address}" in line
    forget = town.through_pipes("Alice", "forget", town.address)
    assert forget.ends() == 0
    alice = town.through_pipes("Alice", "chat", town.address, "--name", "Alice")
    alice.sees("Registration successful. Welcome to the chat, Alice!")


FUTURE = (
    "import hubbub.common.codec as c; c.VERSIONS = (9,); from hubbub.client.cli import main; main()"
)
"""`hubbub` as it may be one day: it speaks another version of the protocol."""


@pytest.mark.parametrize("is_known", [False, True])
def test_a_client_of_another_age_is_told_which_side_to_update(town: Town, is_known: bool) -> None:
    town.broker()
    if is_known:
        town.chats(ThroughPipes, "Alice")
    later = (sys.executable, "-c", FUTURE, "chat", town.address, "--name", "Alice")
    line = complaint(town, *later, who="Alice")
    assert "speaks version 1 of the protocol, this client 9: ask its operator to update" in line


def test_a_web_server_is_not_taken_for_a_broker(town: Town) -> None:
    server = town.start(
        ThroughPipes, sys.executable, "-u", "-m", "http.server", "--bind", "127.0.0.1", "0"
    )
    port = int(server.sees_match(r"port (\d+) ")[1])
    for typed in (port, port - 2):
        line = client_complaint(town, "--name", "Alice", address=f"127.0.0.1:{typed}")
        assert "something listens" in line
        assert "no hubbub broker" in line


@pytest.mark.parametrize("offset", [1, 2])
def test_another_port_of_the_broker_leads_to_its_address(town: Town, offset: int) -> None:
    town.broker()
    port = int(town.address.rpartition(":")[2]) + offset
    line = client_complaint(town, "--name", "Alice", address=f"127.0.0.1:{port}")
    assert line.endswith(f"the broker's address is {town.address}")


def test_a_port_in_use(town: Town, tmp_path: Path) -> None:
    town.broker()
    line = complaint(town, *BROKER, "--bind", town.address, "--data", str(tmp_path / "other"))
    assert line.startswith(f"hubbub-broker: port {town.address.rpartition(':')[2]}")


def test_a_data_folder_in_use(town: Town) -> None:
    town.broker()
    assert str(town.data) in complaint(
        town, *BROKER, "--bind", "127.0.0.1:0", "--data", str(town.data)
    )


def test_a_data_folder_that_cannot_be_made(town: Town, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    folder = tmp_path / "file" / "data"
    assert str(folder) in complaint(town, *BROKER, "--bind", "127.0.0.1:0", "--data", str(folder))


def test_a_data_folder_of_something_else(town: Town, tmp_path: Path) -> None:
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "cat.jpg").write_text("")
    assert str(foreign) in complaint(town, *BROKER, "--bind", "127.0.0.1:0", "--data", str(foreign))


def test_a_person_decides_whether_to_trust_a_broker_elsewhere(town: Town) -> None:
    town.broker()
    elsewhere = as_if_elsewhere(town)
    line = client_complaint(town, "--name", "Alice", address=elsewhere)
    fingerprint = line.rpartition("--trust ")[2]
    arguments = ("chat", elsewhere, "--name", "Alice")
    alice = town.on_terminal("Alice", *arguments)
    alice.sees(fingerprint, "(y/N)? ")
    alice.types("n")
    assert alice.ends() == 1
    alice = town.on_terminal("Alice", *arguments)
    alice.sees("(y/N)? ")
    alice.types("y")
    alice.sees("Welcome to the chat, Alice!")
    again = town.on_terminal("Alice", *arguments)
    again.sees("Welcome to the chat, Alice!")
    assert "(y/N)?" not in again.transcript()


def test_a_program_is_told_whether_to_trust_a_broker_elsewhere(town: Town) -> None:
    town.broker()
    elsewhere = as_if_elsewhere(town)
    line = client_complaint(town, "--name", "Alice", address=elsewhere)
    fingerprint = line.rpartition("--trust ")[2]
    assert fingerprint in client_complaint(
        town, "--name", "Alice", "--trust", "abcd", address=elsewhere
    )
    for name, options in (("Bob", ("--trust", fingerprint)), ("Carol", ("--accept-new",))):
        person = town.through_pipes(name, "chat", elsewhere, "--name", name, *options)
        person.sees(f"Welcome to the chat, {name}!")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no disk that is always full")
@pytest.mark.parametrize("arguments", [("--help",), ("chat",), ("forget", "127.0.0.1")])
def test_a_full_disk_is_told_in_one_line(town: Town, arguments: tuple[str, ...]) -> None:
    shell = ("/bin/sh", "-c", 'exec "$@" > /dev/full', "sh", *CLIENT, *arguments)
    assert complaint(town, *shell) == "hubbub: cannot read or write: No space left on device"


def test_a_broker_that_others_can_reach_says_so(town: Town) -> None:
    broker = town.broker("--no-announce", "--registration", "open", bind="0.0.0.0:0")
    broker.sees("fingerprint", "WARNING: Everybody who can reach this broker")


def test_a_person_is_asked_where_the_broker_shall_listen(town: Town) -> None:
    broker = town.start(OnTerminal, *BROKER, "--data", str(town.data))
    broker.sees("Enter server IP: ")
    broker.types("")
    broker.sees("Enter server port: ")
    broker.types("99999")
    broker.sees("port 99999 is not between", "Enter server IP: ")
    broker.types("127.0.0.1")
    broker.sees("Enter server port: ")
    broker.types("0")
    broker.sees_match(r"Server running on 127\.0\.0\.1:[1-9]")
    broker.presses("c")
    assert broker.ends() == 0
