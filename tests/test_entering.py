"""The way into a chat, by real processes: which broker, which name, and what a second visit remembers."""

from pathlib import Path

import pytest
from tests.processes import OnTerminal, Program, ThroughPipes, Town

from hubbub.broker.broker import Broker
from hubbub.client import door
from hubbub.common.addresses import parse
from hubbub.common.links import JoinLink

pytestmark = pytest.mark.slow


def leave(person: Program) -> None:
    person.types("/exit")
    assert person.ends() == 0


def link_to(town: Town) -> str:
    address = parse(town.address)
    return str(JoinLink(address, door.ask(address).key))


def test_a_second_visit_takes_enter_twice(town: Town) -> None:
    town.broker()
    leave(town.chats(OnTerminal, "Alice"))
    alice = town.on_terminal("Alice")
    alice.sees(f"  1  {town.address}  you were Alice", "Enter takes 1.", "Enter server IP: ")
    alice.types("")
    alice.sees("Enter alone takes the name Alice, as last time.", "Enter your name: ")
    alice.types("")
    alice.sees("Registration successful. Welcome to the chat, Alice!")
    assert "Enter server port" not in alice.transcript()


def test_a_program_on_a_pipe_is_asked_the_same_at_every_visit(town: Town) -> None:
    town.broker()
    leave(town.chats(OnTerminal, "Alice"))
    for _ in range(2):
        leave(alice := town.chats(ThroughPipes, "Alice"))
        host, _, port = town.address.rpartition(":")
        assert alice.lines[:3] == [
            f"Enter server IP: {host}",
            f"Enter server port: {port}",
            "Enter your name: Alice",
        ]


def test_a_person_chooses_a_broker_by_its_number(town: Town) -> None:
    town.broker()
    leave(town.chats(OnTerminal, "Alice"))
    with Broker.temporary() as other:
        visit = town.on_terminal("Alice", str(other.address), "--name", "Alice")
        visit.sees("Welcome to the chat, Alice!")
        leave(visit)
        alice = town.on_terminal("Alice")
        alice.sees(f"  1  {other.address}", f"  2  {town.address}", "Enter server IP: ")
        for wrong in ("0", "3"):
            alice.types(wrong)
            alice.sees(f"there is no number {wrong} in the list", "Enter server IP: ")
        alice.types("2")
        alice.sees("Enter your name: ")
        alice.types("Bob")
        alice.sees("Welcome to the chat, Bob!")


def test_a_person_is_asked_again_when_nobody_listens(town: Town, unused_port: int) -> None:
    town.broker()
    host, _, port = town.address.rpartition(":")
    alice = town.on_terminal("Alice")
    for answer, reason in (
        (f"127.0.0.1:{unused_port}", "nobody listens"),
        (f"{host}:{int(port) + 1}", f"the broker's address is {town.address}"),
        (f"0.0.0.0:{port}", "a client needs the broker's own"),
        ("nosuch.invalid:5000", "cannot find a machine called nosuch.invalid"),
        ("hubbub://127.0.0.1:5000/abc", "this join link is cut off"),
    ):
        alice.sees("Enter server IP: ")
        alice.types(answer)
        alice.sees(reason)
    alice.sees("Enter server IP: ")
    alice.types(town.address)
    alice.sees("Enter your name: ")
    assert "Enter server port" not in alice.transcript()


@pytest.mark.parametrize("kind", [OnTerminal, ThroughPipes])
def test_a_join_link_answers_the_question_for_the_broker(
    town: Town, kind: type[OnTerminal] | type[ThroughPipes]
) -> None:
    town.broker()
    alice = town.on_terminal("Alice") if kind is OnTerminal else town.through_pipes("Alice")
    alice.sees("Enter server IP: ")
    alice.types(link_to(town))
    alice.sees("Enter your name: ")
    alice.types("Alice")
    alice.sees("Welcome to the chat, Alice!")


@pytest.mark.parametrize("words", [("{place}", "--name", "Alice"), ("--name=Alice", "{place}")])
@pytest.mark.parametrize("as_link", [False, True])
def test_an_address_without_a_command_is_a_chat(
    town: Town, words: tuple[str, ...], as_link: bool
) -> None:
    town.broker()
    place = link_to(town) if as_link else town.address
    alice = town.through_pipes("Alice", *(word.format(place=place) for word in words))
    alice.sees("Welcome to the chat, Alice!")
    leave(alice)


def test_a_home_that_cannot_be_used_is_told_before_any_question(town: Town) -> None:
    town.broker()
    (town.home("Alice") / "brokers").write_text("")
    alice = town.on_terminal("Alice", town.address)
    assert alice.ends() == 1
    assert alice.lines[0].startswith("hubbub: cannot use ")
    assert "name another folder by --home or HUBBUB_HOME" in alice.transcript().replace("\n", "")


def test_a_chat_needs_no_memory_of_it(town: Town) -> None:
    town.broker()
    Path(town.home("Alice") / "visits").write_text("in the way")
    leave(town.chats(OnTerminal, "Alice"))
