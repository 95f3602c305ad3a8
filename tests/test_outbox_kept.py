"""A program that is killed loses nothing that its calls returned for, and doubles nothing: real processes, a real broker."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.processes import ThroughPipes, Town

from hubbub.client import Client
from hubbub.client.errors import Cancelled

PROGRAM = """
import sys
from hubbub.client import Client
address, outbox = sys.argv[1:]
chat = Client(address, name="Bot", outbox=outbox)
print("in", flush=True)
for line in sys.stdin:
    chat.post_nowait("lobby", line.strip())
    print("kept", line.strip(), flush=True)
"""


def bot(town: Town, outbox: Path) -> ThroughPipes:
    program = town.start(
        ThroughPipes, sys.executable, "-c", PROGRAM, town.address, str(outbox), who="Bot"
    )
    program.sees("in\n")
    return program


def enters(town: Town, outbox: Path) -> Client:
    return Client(town.address, name="Bot", home=town.home("Bot"), outbox=outbox)


def said(client: Client) -> list[str]:
    return [message.text for message in client.history("lobby", limit=1000)]


def test_what_a_killed_program_wrote_while_the_broker_was_away_is_sent_later(
    town: Town, tmp_path: Path
) -> None:
    broker = town.broker()
    program = bot(town, tmp_path / "outbox")
    broker.kill()
    for number in range(20):
        program.types(f"message {number}")
        program.sees(f"kept message {number}\n")
    program.kill()
    town.broker(bind=town.address)
    with enters(town, tmp_path / "outbox") as again:
        again.flush()
        assert again.outbox() == []
        assert said(again) == [f"message {number}" for number in range(20)]


@pytest.mark.parametrize("count", [1, 7, 300])
def test_a_program_killed_in_the_middle_doubles_nothing(
    town: Town, tmp_path: Path, count: int
) -> None:
    town.broker()
    program = bot(town, tmp_path / "outbox")
    program.types(*(f"message {number}" for number in range(400)))
    program.sees(f"kept message {count}\n")
    program.kill()
    kept = [line for line in program.lines if line.startswith("kept ")]
    with enters(town, tmp_path / "outbox") as again:
        again.flush()
        there = said(again)
        assert there == [f"message {number}" for number in range(len(there))]
        assert len(there) >= len(kept)


def test_what_waits_can_be_listed_and_cancelled(town: Town, tmp_path: Path) -> None:
    broker = town.broker()
    with enters(town, tmp_path / "outbox") as chat, ThreadPoolExecutor(1) as pool:
        assert chat.post("lobby", "before") == 1
        broker.kill()
        wrong, right = (chat.post_nowait("lobby", text) for text in ("wrong", "right"))
        listed = chat.outbox()
        assert [(it.kind, it.room, it.text) for it in listed] == [
            ("post", "lobby", "wrong"),
            ("post", "lobby", "right"),
        ]
        cancelled = pool.submit(chat.cancel, listed[0].id, timeout=30)
        while [it.kind for it in chat.outbox()] != ["skip", "post"]:
            pass
        town.broker(bind=town.address)
        assert cancelled.result()
        assert isinstance(wrong.exception(), Cancelled)
        assert right.result() == 2
        assert not chat.cancel(listed[1].id)
        assert said(chat) == ["before", "right"]
