"""The conversation of the design's section 7, by real processes with encryption on, line by line on all three screens."""

import re

import pytest
from tests.processes import OnTerminal, Program, ThroughPipes, Town

from hubbub.client import Client

pytestmark = pytest.mark.slow


def converse(alice: Program, bob: Program) -> None:
    """Let them talk and leave."""
    alice.sees("Bob has joined the chat.")
    alice.types("Hello, everyone!")
    bob.sees("Alice: Hello, everyone!")
    alice.types("@Bob: Hi Bob!")
    bob.sees("Private message from Alice: Hi Bob!")
    bob.types("@Alice: Hi Alice!")
    alice.sees("Private message from Bob: Hi Alice!")
    bob.types("/exit")
    assert bob.ends() == 0
    alice.sees("Bob has left the chat.")
    alice.types("/exit")
    assert alice.ends() == 0


def questions(town: Town, name: str) -> list[str]:
    host, _, port = town.address.rpartition(":")
    return [
        f"Enter server IP: {host}",
        f"Enter server port: {port}",
        f"Enter your name: {name}",
        f"Registration successful. Welcome to the chat, {name}!",
    ]


def without_ports(lines: list[str]) -> list[str]:
    return [re.sub(r"\('127\.0\.0\.1', \d+\)", "(address)", line) for line in lines]


def broker_screen(town: Town) -> list[str]:
    return [
        f"Server running on {town.address}",
        "Connecting from (address)",
        "Registration successful. Welcome to the chat, Alice!",
        "Connecting from (address)",
        "Registration successful. Welcome to the chat, Bob!",
        "Bob has left the chat.",
        "Alice has left the chat.",
    ]


def test_people_on_terminals_see_the_conversation(town: Town) -> None:
    broker = town.broker()
    alice, bob = town.chats(OnTerminal, "Alice"), town.chats(OnTerminal, "Bob")
    converse(alice, bob)
    assert alice.lines == [
        *questions(town, "Alice"),
        "Bob has joined the chat.",
        "Hello, everyone!",
        "@Bob: Hi Bob!",
        "Private message from Bob: Hi Alice!",
        "Bob has left the chat.",
        "/exit",
    ]
    assert bob.lines == [
        *questions(town, "Bob"),
        "Alice: Hello, everyone!",
        "Private message from Alice: Hi Bob!",
        "@Alice: Hi Alice!",
        "/exit",
    ]
    broker.sees("Alice has left the chat.")
    assert without_ports(broker.lines) == broker_screen(town)


def test_programs_on_pipes_see_the_conversation(town: Town) -> None:
    broker = town.broker()
    alice, bob = town.chats(ThroughPipes, "Alice"), town.chats(ThroughPipes, "Bob")
    converse(alice, bob)
    assert alice.lines == [
        *questions(town, "Alice"),
        "Bob has joined the chat.",
        "Private message from Bob: Hi Alice!",
        "Bob has left the chat.",
    ]
    assert bob.lines == [
        *questions(town, "Bob"),
        "Alice: Hello, everyone!",
        "Private message from Alice: Hi Bob!",
    ]
    broker.sees("Alice has left the chat.")
    assert without_ports(broker.lines) == broker_screen(town)


def test_the_conversation_goes_on_when_the_broker_was_killed(town: Town) -> None:
    broker = town.broker()
    alice, bob = town.chats(OnTerminal, "Alice"), town.chats(OnTerminal, "Bob")
    alice.sees("Bob has joined the chat.")
    alice.types("before")
    bob.sees("Alice: before")
    broker.kill()
    for person in (alice, bob):
        person.sees("Connection lost; trying again…")
    alice.types("@Bob: while it was away")
    town.broker(bind=town.address)
    for person in (alice, bob):
        person.sees("Connected again.")
    bob.sees("Private message from Alice: while it was away")
    bob.types("after")
    alice.sees("Bob: after")
    for person in (alice, bob):
        assert "has left" not in person.transcript()


def test_a_message_cannot_move_the_cursor_of_others(town: Town) -> None:
    town.broker()
    bob = town.chats(OnTerminal, "Bob")
    alice = town.chats(ThroughPipes, "Alice")
    alice.types("\x1b[2J\x1b[1;1Hhello")
    bob.sees(r"Alice: \x1b[2J\x1b[1;1Hhello")


def test_people_talk_in_a_room_of_their_own(town: Town) -> None:
    town.broker()
    alice, bob = town.chats(OnTerminal, "Alice"), town.chats(OnTerminal, "Bob")
    alice.types("/join dev")
    alice.sees("You have created dev and talk in it now.")
    bob.types("/join DEV")
    bob.sees("You talk in dev now.")
    alice.sees("Bob has joined dev.")
    alice.types("it compiles")
    bob.sees("Alice: it compiles")
    bob.types("/who dev", "/rooms")
    bob.sees(
        "Members of dev (2): Alice (owner), Bob",
        "dev    (2 members, you talk here)",
        "lobby  (2 members, joined)",
    )
    bob.types("/leave")
    bob.sees("You have left dev; you talk in lobby now.")
    alice.sees("Bob has left dev.")
    bob.types("lunch?")
    alice.sees("[lobby] Bob: lunch?")
    bob.types("/leave", "/leave nowhere", "/who dev", "/who nowhere")
    bob.sees("/exit leaves the chat", "You are not in nowhere.")
    bob.sees("you are not in a room called 'dev': join it first", "There is no room nowhere.")


def test_somebody_who_forgot_the_colon_is_told(town: Town) -> None:
    town.broker()
    alice = town.chats(OnTerminal, "Alice")
    alice.types("@Alice hi")
    alice.sees("To Alice alone: @Alice: text")
    alice.types("@Nobody hi", "@Nobody: hi")
    alice.sees("Not sent: nobody here is called 'Nobody'; to say it to everybody")
    alice.types("/who")
    alice.sees("Online (1): Alice")
    assert "To Nobody alone" not in alice.transcript()


def test_a_line_that_the_terminal_has_cut_is_not_sent(town: Town) -> None:
    town.broker()
    alice = town.chats(OnTerminal, "Alice")
    alice.types("x" * 4500)
    alice.sees("Not sent: this terminal cuts lines at 4,095 bytes; send it through a pipe.")
    alice.types("/exit")
    assert alice.ends() == 0
    with Client(town.address, name="Bob", home=town.home("Bob")) as bob:
        assert not bob.history("lobby")
