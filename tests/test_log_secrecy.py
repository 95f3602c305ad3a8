"""The broker's log at its most talkative, through a conversation, abuse and failure: what must not be in it is not in it."""

import base64
import json
import os
import signal
from collections.abc import Iterator
from typing import Any

import msgpack
import pytest
import zmq
from tests.processes import BROKER, ThroughPipes, Town
from tests.stranger import Stranger
from zmq.utils import z85

from hubbub.common.addresses import parse

pytestmark = pytest.mark.slow

SAID = {"lobby": "pale-otter-17", "private": "quiet-heron-23", "room": "brass-lynx-31"}
DATA, DESCRIPTION, FORGED = "velvet-newt-47", "amber-wren-53", "cobalt-stoat-61"


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


def converse(alice: Stranger, bob: Stranger) -> None:
    """Use all that carries texts."""
    lobby = alice.rooms["lobby"].id
    alice.write("post", room=lobby, text=SAID["lobby"], data={"note": DATA})
    bob.write("tell", to="Alice", text=SAID["private"])
    bob.wait_for("delivered")
    room = alice.write("create", name="den", description=DESCRIPTION)["room"]
    alice.write("post", room=room, text=SAID["room"])
    assert len(alice.ask("history", room=room, limit=9)["events"]) >= 1


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


def log_of_it_all(town: Town, form: str) -> tuple[str, list[bytes]]:
    """Return the whole log, and the secrets that there were."""
    options = ("--log-level", "debug", "--log-format", form, "--data", str(town.data))
    broker = town.start(ThroughPipes, *BROKER, "--bind", "127.0.0.1:0", *options)
    address = parse(broker.sees_match(r"Server running on (127\.0\.0\.1:\d+)")[1])
    with (
        Stranger(address.host, address.port, "Alice") as alice,
        Stranger(address.host, address.port, "Bob") as bob,
    ):
        converse(alice, bob)
        misbehave(broker, alice, bob)
        bob.ask("logout")
        secrets: list[Any] = [
            bytes.fromhex((town.data / "server.key").read_text().strip()),
            *(bytes(z85.decode(person.device[1])) for person in (alice, bob)),
            *(person.dealer.getsockopt(zmq.ROUTING_ID) for person in (alice, bob)),
            *(person.producer for person in (alice, bob)),
        ]
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    return broker.transcript(), secrets


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_log_holds_no_messages_and_no_secrets(town: Town, form: str) -> None:
    log, secrets = log_of_it_all(town, form)
    for known in ("Alice", "Bob", "has left the chat.", "claimed another's place", "has ended."):
        assert known in log, "the log was read"
    texts = [*SAID.values(), DATA, DESCRIPTION, FORGED]
    for needle in [*texts, *(spelling for secret in secrets for spelling in spellings(secret))]:
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
