"""What strangers and members try on the sockets, and that the others notice nothing."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import msgpack
import pytest
import zmq
from tests.stranger import Log, Stranger
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from hubbub.broker.broker import Broker
from hubbub.common.limits import FRAME_UP_BYTES


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker.temporary() as broker:
        yield broker


@pytest.fixture
def alice(broker: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, f"Alice-{os.urandom(4).hex()}") as alice:
        yield alice


@pytest.fixture
def mallory(broker: Broker) -> Iterator[Stranger]:
    with Stranger("127.0.0.1", broker.address.port, f"Mallory-{os.urandom(4).hex()}") as mallory:
        yield mallory


@contextmanager
def monitored(socket: "zmq.Socket[bytes]", events: int) -> "Iterator[zmq.Socket[bytes]]":
    monitor = socket.get_monitor_socket(events)
    try:
        yield monitor
    finally:
        socket.disable_monitor()
        monitor.close()


def post_works(person: Stranger) -> bool:
    """Whether an honest post still comes back to its sender's screen."""
    text = os.urandom(8).hex()
    lobby = person.rooms["lobby"]
    acked = person.write("post", room=lobby.id, text=text)
    person.until(lambda: lobby.seq >= acked["seq"])
    return text in lobby.texts


@pytest.mark.parametrize("offset", [0, 1, 2])
@pytest.mark.parametrize(
    "garbage",
    [b"", b"GET / HTTP/1.1\r\n\r\n", b"\xff" + bytes(8) + b"\x7f", bytes(300), os.urandom(2000)],
)
def test_broker_goes_on_when_garbage_comes(
    broker: Broker, alice: Stranger, offset: int, garbage: bytes
) -> None:
    with socket.create_connection(("127.0.0.1", broker.address.port + offset)) as stranger:
        stranger.sendall(garbage)
    assert post_works(alice)


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", "malformed"),
        (b"\xc1", "malformed"),
        (b"\x91", "malformed"),
        (b"\x90", "malformed"),
        (b"\x80", "malformed"),
        (msgpack.packb(7), "malformed"),
        (b"\xdd\xff\xff\xff\xff", "malformed"),
        (msgpack.packb([{"type": "ping", "id": 1}] * 513), "malformed"),
        (msgpack.packb([5]), "unknown_command"),
        (msgpack.packb([{"type": "ping"}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": "1"}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": 2**63}]), "invalid"),
        (msgpack.packb([{"type": "ping", "id": 1, "more": 1}]), "invalid"),
        (msgpack.packb([{"type": "post", "n": 0, "room": bytes(16), "text": ""}]), "invalid"),
        (b"\x91" * 2000, "malformed"),
        (bytes(FRAME_UP_BYTES + 1), "too_large"),
    ],
)
def test_member_gets_a_code_when_a_frame_is_wrong(
    alice: Stranger, mallory: Stranger, payload: bytes, code: str
) -> None:
    mallory.dealer.send(payload)
    assert mallory.wait_for("error")["code"] == code
    assert post_works(mallory)
    assert post_works(alice)


def test_member_is_told_when_a_message_has_two_frames(alice: Stranger, mallory: Stranger) -> None:
    mallory.dealer.send_multipart([msgpack.packb([{"type": "ping", "id": 1}]), b"more"])
    assert mallory.wait_for("error")["code"] == "malformed"
    assert post_works(alice)


def test_member_is_cut_when_a_message_has_many_frames(alice: Stranger, mallory: Stranger) -> None:
    with monitored(mallory.dealer, zmq.EVENT_DISCONNECTED) as cut:
        mallory.dealer.send_multipart([b"x"] * 300)
        assert cut.poll(10_000)
    assert post_works(alice)


def test_member_is_cut_when_a_frame_is_huge(alice: Stranger, mallory: Stranger) -> None:
    with monitored(mallory.dealer, zmq.EVENT_DISCONNECTED) as cut:
        mallory.dealer.send(bytes(4 * FRAME_UP_BYTES))
        assert cut.poll(10_000)
    assert post_works(alice)


@pytest.mark.parametrize("length", [0, 6, 16])
def test_member_hears_nothing_when_the_topic_is_not_theirs(
    alice: Stranger, mallory: Stranger, length: int
) -> None:
    secret = alice.write("create", name=f"secret-{os.urandom(4).hex()}")["room"]
    alice.enter(alice.wait_for("joined", lambda reply: reply["room"] == secret))
    assert mallory.sub is not None
    with monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as cut:
        mallory.sub.subscribe(secret[:length])
        if length != len(secret):
            assert cut.poll(10_000)
    alice.write("post", room=secret, text="for us only")
    assert post_works(alice)
    mallory.logs[secret] = Log(secret, 0, bytes(16))
    mallory.login(resuming=True)
    assert post_works(mallory)
    assert mallory.logs[secret].seq == 0


def test_member_who_left_is_cut_when_they_go_on_listening(
    alice: Stranger, mallory: Stranger
) -> None:
    name = f"room-{os.urandom(4).hex()}"
    room = alice.write("create", name=name)["room"]
    mallory.write("join", name=name)
    mallory.enter(mallory.wait_for("joined", lambda reply: reply["room"] == room))
    assert mallory.sub is not None
    with monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as cut:
        mallory.write("leave", room=room)
        assert mallory.wait_for("left")["room"] == room
        assert cut.poll(10_000)


def test_stranger_is_cut_when_they_claim_a_routing_id(
    broker: Broker, alice: Stranger, mallory: Stranger
) -> None:
    forged = {"type": "post", "n": 1, "room": alice.rooms["lobby"].id, "text": "as Alice"}
    with mallory._socket(zmq.DEALER, zmq.curve_keypair()) as thief:
        thief.routing_id = alice.dealer.routing_id
        with monitored(thief, zmq.EVENT_DISCONNECTED) as cut:
            thief.connect(broker.address.endpoint())
            thief.send(msgpack.packb([forged]))
            assert cut.poll(10_000)
    assert post_works(mallory)
    page = mallory.ask("history", room=mallory.rooms["lobby"].id, limit=50)
    assert b"as Alice" not in b"".join(event for _, event in page["events"])


def test_stranger_never_connects_when_the_servers_key_is_another(
    broker: Broker, mallory: Stranger
) -> None:
    outcomes = (
        zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL | zmq.EVENT_DISCONNECTED
    )
    with (
        mallory._socket(zmq.DEALER, zmq.curve_keypair()) as dealer,
        monitored(dealer, outcomes) as outcome,
    ):
        dealer.curve_serverkey = zmq.curve_keypair()[0]
        dealer.connect(broker.address.endpoint())
        assert outcome.poll(10_000)
        event = parse_monitor_message(outcome.recv_multipart())["event"]
    assert event != zmq.EVENT_HANDSHAKE_SUCCEEDED


@pytest.mark.parametrize(
    "frames",
    [
        [b"\x02"],
        [b""],
        [b"\x01" + bytes(16), b"x"],
        [b"x", b"\x01" + bytes(16)],
        [b"a", b"b", b"c"],
    ],
)
def test_listener_is_cut_and_banned_when_it_sends_messages(
    broker: Broker, alice: Stranger, frames: list[bytes]
) -> None:
    """A SUB cannot send these, an XSUB can; see the guard in the loop."""
    keys = zmq.curve_keypair()
    name = f"Mallory-{os.urandom(4).hex()}"
    with Stranger("127.0.0.1", broker.address.port, name) as mallory:
        mallory.send({"type": "hello", "id": 1, "versions": [1]})
        mallory.ask("login", name=name, events_key=z85.decode(keys[0]), producer=os.urandom(16))
        with (
            mallory._socket(zmq.XSUB, keys) as listener,
            monitored(listener, zmq.EVENT_DISCONNECTED | zmq.EVENT_HANDSHAKE_FAILED_AUTH) as events,
        ):
            listener.connect(broker.address.endpoint(1))
            listener.send_multipart(frames)
            assert events.poll(10_000)
            assert parse_monitor_message(events.recv_multipart())["event"] == zmq.EVENT_DISCONNECTED
            assert events.poll(10_000), "libzmq connects again and is refused"
            refused = parse_monitor_message(events.recv_multipart())["event"]
            assert refused == zmq.EVENT_HANDSHAKE_FAILED_AUTH
    alice.login(resuming=True)
    assert post_works(alice)
