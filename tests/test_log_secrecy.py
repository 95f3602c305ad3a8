"""The broker's log at its most talkative, through a conversation, abuse and failure: what must not be in it is not in it."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field

import msgpack
import pytest
import zmq
from tests.processes import BROKER, ThroughPipes, Town
from tests.stranger import Closed, Refused, Stranger
from zmq.utils import z85

from hubbub.common.addresses import parse

pytestmark = pytest.mark.slow

SAID = {"lobby": "pale-otter-17", "private": "quiet-heron-23", "room": "brass-lynx-31"}
DATA, DESCRIPTION, FORGED = "velvet-newt-47", "amber-wren-53", "cobalt-stoat-61"
REASON, AWAY = "russet-vole-67", "ashen-crane-71"
PASSWORD, WEAK, WRONG = "seven otters on a raft", "trustno1", "seven otters on a rift"


def spellings(secret: bytes) -> Iterator[str]:
    """Yield how bytes may come to stand in a log."""
    yield secret.hex()
    yield repr(secret)[2:-1]
    yield repr(bytearray(secret))[12:-2]
    yield ", ".join(map(str, secret[:8]))
    yield base64.b64encode(secret).decode().rstrip("=")
    yield base64.b32encode(secret).decode().rstrip("=")
    if len(secret) % 4 == 0:
        yield z85.encode(secret).decode()


@dataclass
class Secrets:
    """What no log may hold, beside what was said."""

    people: list[Stranger] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    keys: list[bytes] = field(default_factory=list)

    def needles(self) -> Iterator[str]:
        """Yield all of it as it may be spelled."""
        yield from self.texts
        yield from (code.replace("-", "") for code in self.texts)
        people = [
            secret
            for person in self.people
            for secret in (*map(z85.decode, person.device), person.routing_id, person.producer)
        ]
        for secret in (*self.keys, *people, *(text.encode() for text in self.texts)):
            yield from spellings(bytes(secret))


def converse(alice: Stranger, bob: Stranger) -> None:
    """Use all that carries texts."""
    lobby = alice.rooms["lobby"].id
    alice.write("post", room=lobby, text=SAID["lobby"], data={"note": DATA})
    bob.write("tell", to="Alice", text=SAID["private"])
    bob.wait_for("delivered")
    room = alice.write("create", name="den", description=DESCRIPTION)["room"]
    alice.write("post", room=room, text=SAID["room"])
    assert len(alice.ask("history", room=room, limit=9)["events"]) >= 1


class Operator:
    """Runs the operator's commands; meanwhile the people stay alive, however long it takes."""

    def __init__(self, town: Town, *people: Stranger) -> None:
        self._town = town
        self._people = people

    def makes_code(self, *command: str) -> str:
        """Run a command that makes a code, and return that."""
        return str(json.loads(self.runs(*command))["code"])

    def runs(self, *command: str) -> str:
        """Run a command to its good end; return what it prints for programs."""
        program = (*BROKER, *command, "--data", str(self._town.data), "--json")
        ended = self._town.start(ThroughPipes, *program)
        assert ended.ends() == 0, ended.transcript()
        for person in self._people:
            person.ask("ping")
        return ended.transcript()


def let_in(operator: Operator, alice: Stranger, bob: Stranger, stack: ExitStack) -> Secrets:
    """Use all ways in, of newcomers and of further devices, and those that are none; return what opened them, and the devices."""
    secrets = Secrets()

    def enters(name: str, **credentials: str) -> Stranger:
        stranger = Stranger(alice.host, alice.port, name, insecure=False, **credentials)
        secrets.people.append(stranger)
        stack.push(stranger).login()
        return stranger

    operator.runs("role", "Alice", "owner")
    assert alice.ask("set_password", password=WEAK)["code"] == "weak_password"
    assert alice.ask("set_password", password=PASSWORD)["type"] == "done"
    links = alice.ask("link")["code"], operator.makes_code("link", "Bob")
    invites = alice.ask("make_invite")["code"], operator.makes_code("invite")
    for wrong in ({"password": WRONG}, {"code": links[1]}, {"code": invites[0][:-1]}):
        with pytest.raises(Refused):
            enters("Alice", **wrong)
    phone = enters("Alice", password=PASSWORD, device="Phone")
    for name, code in (("Alice", links[0]), ("Bob", links[1])):
        assert enters(name, code=code).ask("logout")["type"] == "bye"
    for name, code in (("Dave", invites[0]), ("Erin", invites[1])):
        enters(name, code=code)
    assert alice.ask("remove_device", device=2)["type"] == "done"
    with pytest.raises(Closed, match=r"^device_removed"):
        phone.ask("ping")
    secrets.texts += [PASSWORD, WEAK, WRONG, *links, *invites]
    return secrets


def put_out(operator: Operator, alice: Stranger, key: bytes) -> None:
    """Use all that keeps somebody out, with reasons."""
    alice.ask("away", text=AWAY)
    lobby = alice.rooms["lobby"].id
    for order, fields in (
        ("mute", {"room": lobby, "name": "Bob", "seconds": 60}),
        ("kick", {"name": "Dave", "seconds": 60}),
        ("ban", {"kind": "account", "subject": "Erin"}),
        ("ban", {"kind": "key", "subject": key.hex()}),
    ):
        assert alice.ask(order, reason=REASON, **fields)["type"] == "done"
    operator.runs("ban", "192.0.2.7", "--reason", REASON)
    for command in (("users", "Alice"), ("bans",), ("audit",), ("lockdown", "no_new_accounts")):
        operator.runs(*command)
    operator.runs("lockdown", "normal")


def misbehave(broker: ThroughPipes, alice: Stranger, bob: Stranger) -> None:
    """Send what a broker complains about, with texts in it."""
    post = {"type": "post", "n": 99, "room": alice.rooms["lobby"].id, "text": FORGED}
    for payload in (b"\xc1" + FORGED.encode(), msgpack.packb([{**post, FORGED: FORGED}])):
        bob.dealer.send(payload)
        bob.wait_for("error")
    with bob._socket(zmq.DEALER, zmq.curve_keypair()) as thief:
        thief.routing_id = alice.dealer.routing_id
        thief.connect(f"tcp://{bob.host}:{bob.port}")
        thief.send(msgpack.packb([post]))
        broker.sees("claimed another's place")
    keys = zmq.curve_keypair()
    login = {"name": "Carol", "events_key": z85.decode(keys[0]), "producer": os.urandom(16)}
    with Stranger(bob.host, bob.port, "Carol") as carol:
        carol.ask("hello", versions=[1])
        carol.ask("login", **login)
        with carol._socket(zmq.XSUB, keys) as listener:
            listener.connect(f"tcp://{bob.host}:{bob.port + 1}")
            listener.send(FORGED.encode())
            broker.sees("is disconnected and banned.")


def log_of_it_all(town: Town, form: str) -> tuple[str, Secrets]:
    """Return the whole log, and the secrets that there were."""
    options = ("--log-level", "debug", "--log-format", form, "--data", str(town.data))
    broker = town.start(ThroughPipes, *BROKER, "--bind", "127.0.0.1:0", *options)
    address = parse(broker.sees_match(r"Server running on (127\.0\.0\.1:\d+)")[1])
    with (
        Stranger(address.host, address.port, "Alice") as alice,
        Stranger(address.host, address.port, "Bob") as bob,
        ExitStack() as stack,
    ):
        converse(alice, bob)
        secrets = let_in(operator := Operator(town, alice, bob), alice, bob, stack)
        put_out(operator, alice, key := os.urandom(32))
        misbehave(broker, alice, bob)
        assert bob.ask("logout")["type"] == "bye"
        secrets.people += [alice, bob]
        secrets.keys += [key, bytes.fromhex((town.data / "server.key").read_text().strip())]
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    return broker.transcript(), secrets


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_holds_no_messages_and_no_secrets(town: Town, form: str) -> None:
    log, secrets = log_of_it_all(town, form)
    for known in (
        "Alice",
        "Bob",
        "has left the chat.",
        "claimed another's place",
        "has ended.",
        "Dave",
        "Erin",
    ):
        assert known in log, "the log was read"
    said = (*SAID.values(), DATA, DESCRIPTION, FORGED, REASON, AWAY, "$argon2")
    for needle in (*said, *secrets.needles()):
        assert needle.lower() not in log.lower()


def test_each_line_of_a_json_log_is_an_object_for_programs(town: Town) -> None:
    log, _ = log_of_it_all(town, "json")
    lines = [json.loads(line) for line in log.splitlines()]
    events = [line["event"] for line in lines]
    assert (events[0], events[-1]) == ("server_running", "server_stopped")
    assert {"client_connecting", "user_entered", "user_left", "place_claimed"} < set(events)
    for line in lines:
        assert {"time", "level", "event", "text"} <= line.keys()
        assert line["level"] in ("debug", "info", "warning", "error")
    entered = next(line for line in lines if line["event"] == "user_entered")
    assert entered["name"] == "Alice"
    connecting = lines[events.index("client_connecting")]
    assert connecting["address"] == "127.0.0.1"
    assert isinstance(connecting["port"], int)
