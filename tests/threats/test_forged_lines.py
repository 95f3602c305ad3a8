"""Texts that would draw on other people's screens: in names, rooms, descriptions, reasons, labels of devices and what one says of being away. They are refused, or shown as what they are."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from tests.broker.operators import Operator
from tests.processes import ThroughPipes, Town
from tests.stranger import Map, Stranger

from hubbub.common.addresses import parse
from hubbub.common.limits import DEVICE_LABEL_CHARACTERS

LINES: Final = (
    "x\nAlice: forged",
    "x\r\nAlice: forged",
    "x\rAlice: forged",
    "\x1b[2J\x1b[HAlice: forged",
    "\x9b2JAlice: forged",
    "x\0Alice: forged",
    "x\u2028Alice: forged",
    "x\u2029Alice: forged",
    "x\x0bAlice: forged",
    "x\x85Alice: forged",
)
"""These would begin a line, or move the cursor."""
TURNED: Final = "\u202edegrof :ecilA\u202c \u2066x"
"""This turns a line around. It is no line's end and may be what a person's script needs, so it is taken, and escaped wherever it is shown."""
LABEL: Final = (TURNED + "".join(LINES))[:DEVICE_LABEL_CHARACTERS]


@pytest.mark.parametrize("text", LINES)
def test_member_is_refused_when_a_line_would_not_be_one(
    alice: Stranger, mallory: Stranger, text: str
) -> None:
    name = f"room{len(mallory.rooms)}-{LINES.index(text)}"
    room = mallory.write("create", name=name)["room"]
    refused = [
        mallory.write("create", name=f"other-{name}", description=text),
        mallory.ask("configure", room=room, description=text),
        mallory.ask("kick", room=room, name=alice.name, reason=text),
        mallory.ask("mute", room=room, name=alice.name, seconds=9, reason=text),
        mallory.ask("ban", kind="account", subject=alice.name, reason=text),
        mallory.ask("away", text=text),
    ]
    assert {reply["code"] for reply in refused} == {"bad_text"}
    named = [mallory.write("create", name=text), mallory.write("join", name=text)]
    assert [reply["code"] for reply in named] == ["bad_name", "bad_name"]


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with ExitStack() as stack:
        yield Operator(tmp_path / "data", stack)


def enters(operator: Operator, stack: ExitStack, name: str, device: str) -> Stranger:
    port = operator.broker.address.port
    return stack.enter_context(Stranger("127.0.0.1", port, name, device=device))


def test_operators_screen_shows_one_line_for_each_row_and_nothing_that_draws(
    operator: Operator,
) -> None:
    with ExitStack() as stack:
        alice = enters(operator, stack, "Alice", "laptop")
        mallory = enters(operator, stack, "Mallory", LABEL)
        operator.says("role", "Mallory", "owner")
        room = mallory.write("create", name="den", description=TURNED)["room"]
        assert mallory.ask("add", room=room, name="Alice")["type"] == "done"
        for order in ("kick", "mute"):
            fields: Map = {"room": room, "name": alice.name, "seconds": 60, "reason": TURNED}
            assert mallory.ask(order, **fields)["type"] in ("done", "error")
        ban = {"kind": "account", "subject": "Alice", "reason": TURNED}
        assert mallory.ask("ban", **ban)["type"] == "done"
        for command in (["users"], ["users", "Mallory"], ["rooms"], ["bans"], ["audit"]):
            table = operator.says(*command)
            assert all(line.isprintable() for line in table.split("\n")), command
            assert not re.search(r"^\W*(Alice:|forged)", table, re.MULTILINE), command
            for line in operator.says(*command, "--json").splitlines():
                assert line.isprintable(), command
                json.loads(line)
        assert len(operator.says("users").splitlines()) == 1 + 2
        assert len(operator.says("rooms").splitlines()) == 1 + 3
        assert len(operator.says("bans").splitlines()) == 1 + 1
        assert TURNED in [ban["reason"] for ban in operator.tells("bans")], "it is all there"
        refusal = operator.refuses("users", LINES[0])
        assert refusal.isprintable()


@pytest.mark.slow
def test_neither_the_log_nor_a_persons_screen_has_a_line_that_was_forged(town: Town) -> None:
    broker = town.broker("--log-level", "debug")
    bob = town.chats(ThroughPipes, "Bob")
    address = parse(town.address)
    with Stranger(address.host, address.port, "Mallory", device=LABEL) as mallory:
        bob.sees("Mallory has joined the chat.")
        lobby = mallory.rooms["lobby"].id
        for text in (*LINES, TURNED):
            mallory.write("post", room=lobby, text=text)
            mallory.write("post", room=lobby, text=text, action=True)
            mallory.write("tell", to="Bob", text=text)
            mallory.ask("hello", versions=[1], client=text[:64])
            mallory.login()
            mallory.ask("away", text=text)
        mallory.write("create", name="den", description=TURNED)
        mallory.write("tell", to="Bob", text="that was all")
        bob.sees("Private message from Mallory: that was all")
        bob.types("/who", "/rooms", "/history 50", "/exit")
        assert bob.ends() == 0
    for shown in (bob, broker):
        lines = shown.transcript().split("\n")
        assert all(line.isprintable() for line in lines)
        assert not [line for line in lines if line.startswith("Alice")]
    assert any("Alice: forged" in line for line in bob.lines), "it came, and was shown"
