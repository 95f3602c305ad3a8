"""However somebody leaves the line client: what was written is stored, and the others are told."""

import signal

import pytest
from tests.processes import OnTerminal, ThroughPipes, Town

from hubbub.client import Client

pytestmark = pytest.mark.slow


def test_the_end_of_piped_input_leaves_when_all_is_stored(town: Town) -> None:
    town.broker()
    alice = town.chats(ThroughPipes, "Alice")
    bob = town.through_pipes("Bob", "chat", town.address, "--name", "Bob")
    bob.types(*(f"line {number}" for number in range(1, 701)), "@Alice: that was all")
    bob.end_of_input()
    assert bob.ends() == 0
    alice.sees(*(f"Bob: line {number}\n" for number in (1, 2, 350, 700)))
    alice.types("/exit")
    assert alice.ends() == 0
    assert [line for line in alice.lines if line.startswith("Bob: ")] == [
        f"Bob: line {n}" for n in range(1, 701)
    ]
    assert "Private message from Bob: that was all" in alice.lines


@pytest.mark.parametrize("key", ["c", "d"])
def test_a_key_leaves(town: Town, key: str) -> None:
    town.broker()
    alice, bob = town.chats(OnTerminal, "Alice"), town.chats(OnTerminal, "Bob")
    bob.types("bye")
    alice.sees("Bob: bye")
    bob.presses(key)
    assert bob.ends() == 0
    alice.sees("Bob has left the chat.")
    assert "Traceback" not in bob.transcript()


@pytest.mark.parametrize(("key", "code"), [("c", 130), ("d", 1)])
def test_a_key_leaves_before_the_chat_has_begun(town: Town, key: str, code: int) -> None:
    alice = town.on_terminal("Alice")
    alice.sees("Enter server IP: ")
    alice.presses(key)
    assert alice.ends() == code
    assert alice.transcript() in ("Enter server IP:", "Enter server IP: ^C")


def test_the_others_are_told_when_the_terminal_is_closed(town: Town) -> None:
    town.broker()
    alice, bob = town.chats(OnTerminal, "Alice"), town.chats(OnTerminal, "Bob")
    alice.sees("Bob has joined the chat.")
    bob.signal(signal.SIGHUP)
    alice.sees("Bob has left the chat.")


def test_a_line_that_cannot_be_sent_fails_a_pipe_in_the_end(town: Town) -> None:
    town.broker()
    alice = town.through_pipes("Alice", "chat", town.address, "--name", "Alice")
    alice.types("@Nobody: hi", "but this is stored")
    alice.end_of_input()
    assert alice.ends() == 1
    complaints = [line for line in alice.lines if line.startswith("hubbub: ")]
    assert len(complaints) == 1
    assert "Nobody" in complaints[0]


def test_the_broker_stops_when_told(town: Town) -> None:
    broker = town.broker()
    alice = town.chats(OnTerminal, "Alice")
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    assert broker.lines[-1] == "Server stopped."
    alice.sees("Connection lost; trying again…")
    alice.types("/exit")
    assert alice.ends() == 0


def test_what_was_written_while_the_broker_was_away_is_stored_before_leaving(town: Town) -> None:
    broker = town.broker()
    alice = town.chats(OnTerminal, "Alice")
    broker.kill()
    alice.sees("Connection lost; trying again…")
    alice.types("my last words", "/who", "/exit")
    alice.sees("The broker is out of reach; ask again when it is back.")
    alice.sees("Waiting until all you wrote is stored; Ctrl-C gives up.")
    town.broker(bind=town.address)
    assert alice.ends() == 0
    with Client(town.address, name="Bob", home=town.home("Bob")) as bob:
        assert [message.text for message in bob.history("lobby")] == ["my last words"]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (("one",), "hubbub: 1 message has no answer: it may have been stored, or not."),
        (
            ("one", "@Alice: two"),
            "hubbub: 2 messages have no answer: each may have been stored, or not.",
        ),
        (("/help",), None),
    ],
)
def test_whoever_gives_up_waiting_is_told_what_has_no_answer(
    town: Town, lines: tuple[str, ...], told: str | None
) -> None:
    broker = town.broker()
    alice = town.chats(OnTerminal, "Alice")
    broker.kill()
    alice.sees("Connection lost; trying again…")
    alice.types(*lines, "/exit")
    if told is not None:
        alice.sees("Ctrl-C gives up.")
        alice.presses("c")
    assert alice.ends() == int(told is not None)
    if told is not None:
        assert alice.lines[-2:] == ["^C", told]


def test_a_pipe_says_nothing_in_a_room_that_it_did_not_mean(town: Town) -> None:
    town.broker()
    alice = town.through_pipes("Alice", "chat", town.address, "--name", "Alice")
    alice.types("/join no/name", "a secret of that room")
    alice.end_of_input()
    assert alice.ends() == 1
    with Client(town.address, name="Bob", home=town.home("Bob")) as bob:
        assert not bob.history("lobby")
