"""`make demo`: a newcomer sees two people talk, may join them, and nothing is left behind."""

import signal
import sys
from typing import Final

import pytest
from tests.processes import ROOT, OnTerminal, ThroughPipes, Town, left_running

pytestmark = pytest.mark.slow

DEMO: Final = (sys.executable, str(ROOT / "examples" / "demo.py"))
QUICK: Final = (*DEMO, "--pause", "0")


def nothing_is_left(town: Town, who: str) -> bool:
    return not left_running(town.home(who)) and not list(town.home(who).iterdir())


def test_without_a_terminal_it_shows_the_conversation_and_ends(town: Town) -> None:
    demo = town.start(ThroughPipes, *QUICK, who="visitor")
    demo.sees(
        "broker | Server running on 127.0.0.1:",
        "Alice | Registration successful. Welcome to the chat, Alice!",
        "Alice > Hello, everyone!",
        "Bob | Alice: Hello, everyone!",
        "Bob | Private message from Alice: Hi Bob!",
        "Alice | Private message from Bob: Hi Alice!",
        "Alice | Bob has left the chat.",
        "That was all",
    )
    assert demo.ends() == 0
    assert nothing_is_left(town, "visitor")


def test_a_second_one_runs_beside_the_first_which_may_be_stopped(town: Town) -> None:
    first = town.start(ThroughPipes, *DEMO, "--pause", "60", who="first")
    first.sees("Alice | Bob has joined the chat.")
    second = town.start(ThroughPipes, *QUICK, who="second")
    second.sees("is taken; this demo uses", "That was all")
    assert second.ends() == 0
    first.signal(signal.SIGTERM)
    assert first.ends() == 128 + signal.SIGTERM
    assert nothing_is_left(town, "first")
    assert nothing_is_left(town, "second")


def test_in_a_terminal_one_joins_alice_and_bob(town: Town) -> None:
    demo = town.start(OnTerminal, *QUICK, who="visitor")
    demo.sees("Now you.", "Enter your name: ")
    demo.types("Carol")
    demo.sees("Welcome to the chat, Carol!", "Alice: Welcome, Carol!")
    demo.types("@Bob: hello")
    demo.sees("Private message from Bob: Hi Carol!")
    demo.presses("c")
    demo.sees("That was all")
    assert demo.ends() == 0
    assert nothing_is_left(town, "visitor")


def test_ctrl_c_ends_the_conversation(town: Town) -> None:
    demo = town.start(OnTerminal, *DEMO, "--pause", "60", who="visitor")
    demo.sees("Alice | Bob has joined the chat.")
    demo.presses("c")
    assert demo.ends() == 128 + signal.SIGINT
    assert nothing_is_left(town, "visitor")
