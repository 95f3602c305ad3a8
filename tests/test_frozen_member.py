"""A member whose program is stopped, by a debugger, a full terminal or a laptop's lid: the others feel nothing, and when it wakes it is complete."""

import signal
import sys

import pytest
from tests.processes import ThroughPipes, Town

from hubbub.client import Client
from hubbub.client.updates import PersonLeft, Update

PROGRAM = """
import sys
from hubbub.client import Client, Message
with Client(sys.argv[1], name="Frozen", timeout=60) as chat:
    print("in", flush=True)
    for line in sys.stdin:
        messages = []
        while not messages or messages[-1].seq < int(line):
            update = chat.next_event(1)
            messages += [update] if isinstance(update, Message) else []
        position = chat.position("lobby")
        print("fetched" if any(m.earlier for m in messages) else "heard", "all", flush=True)
        print("has", position.seq, position.digest.hex(), flush=True)
"""
POSTS = 1500
TEXT = "x" * 8000
"""So many of them, each in a frame of its own, are more than what ZeroMQ and the kernel hold for somebody who does not read."""


def posts(client: Client, count: int = 50) -> int:
    """Post one after another, each acked; return the last one's seq."""
    return [client.post("lobby", TEXT) for _ in range(count)][-1]


def enters(town: Town) -> ThroughPipes:
    program = town.start(ThroughPipes, sys.executable, "-c", PROGRAM, town.address, who="Frozen")
    program.sees("in\n")
    return program


def is_complete(program: ThroughPipes, client: Client, head: int) -> None:
    while client.position("lobby").seq < head:
        client.next_event(1)
    program.types(str(head))
    program.sees("fetched all\n")  # what came to it while it was stopped is not all
    program.sees(f"has {head} {client.position('lobby').digest.hex()}\n")


@pytest.mark.slow
def test_a_member_who_was_frozen_is_complete_when_it_wakes(town: Town) -> None:
    town.broker()
    frozen = enters(town)
    with Client(town.address, name="Bob", home=town.home("Bob")) as bob:
        frozen.signal(signal.SIGSTOP)
        head = posts(bob, POSTS)
        frozen.signal(signal.SIGCONT)
        is_complete(frozen, bob, head)


@pytest.mark.slow
def test_a_member_who_was_given_up_meanwhile_is_complete_when_it_wakes(town: Town) -> None:
    broker = town.broker()
    frozen = enters(town)
    with Client(town.address, name="Bob", home=town.home("Bob")) as bob:
        frozen.signal(signal.SIGSTOP)
        posts(bob)
        update: Update | None = None
        while update != PersonLeft("Frozen"):  # silent for 15 s, and 5 s of grace
            update = bob.next_event(60)
            assert update is not None, "it is never given up"
        broker.sees("Frozen is disconnected.")
        head = posts(bob)
        frozen.signal(signal.SIGCONT)
        is_complete(frozen, bob, head)
        broker.sees("Frozen is connected again.")
