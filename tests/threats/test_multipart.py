"""Messages of many frames, of huge ones, and without an end: the sender is cut, and what the broker holds of them is bounded."""

import logging
import time
from contextlib import ExitStack, suppress
from typing import Final

import msgpack
import pytest
import zmq
from tests.processes import ThroughPipes, Town
from tests.stranger import Stranger, ask_door
from tests.threats.scene import (
    DOOR,
    MIB,
    RawMember,
    linux_only,
    memory,
    monitored,
    new_routing_id,
    post_works,
)
from tests.zmtp import LONG, PATIENCE, Closed, KeyPair, Peer

from hubbub.broker import patrol
from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import LIMITS
from hubbub.broker.patrol import UNFINISHED_BYTES
from hubbub.common.addresses import Address, parse
from hubbub.common.limits import FRAME_UP_BYTES

ENDLESS: Final = 1024 * MIB
"""What nobody bears; who is not cut sends so much."""
BORNE: Final = 160 * MIB
"""What the broker's memory may grow by: the bound of one connection, and what the fastest sends in a round of the patrol, twice over."""


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


@pytest.fixture
def process(town: Town) -> tuple[ThroughPipes, Address, bytes]:
    """A broker in a process of its own, whose memory can be told; its address and key."""
    process = town.broker()
    address = parse(town.address)
    with zmq.Context() as context:
        return process, address, bytes(ask_door(context, address.host, address.port)["key"])


LARGE, SMALL, SUBSCRIPTION = bytes(60_000), b"", b"\1" + bytes(400)


@linux_only
@pytest.mark.slow
@pytest.mark.parametrize(
    ("service", "part"),
    [("commands", LARGE), ("commands", SMALL), ("events", SUBSCRIPTION), ("door", bytes(400))],
    ids=["commands-large", "commands-small", "events", "door"],
)
def test_whoever_sends_a_message_without_an_end_is_cut_before_it_fills_the_memory(
    process: tuple[ThroughPipes, Address, bytes], service: str, part: bytes
) -> None:
    broker, address, key = process
    before = memory(broker.process_id)
    with (
        Stranger(address.host, address.port, "Alice") as alice,
        RawMember.enter(address.port, key, "Mallory") as mallory,
        mallory.listen(key) as sub,
        Peer(address.port + DOOR) as visitor,
    ):
        visitor.null("DEALER")
        sender = {"commands": mallory.dealer, "events": sub, "door": visitor}[service]
        sent = sender.send_endless(part, ENDLESS)
        assert sent < ENDLESS, "cut while it was sending"
        assert post_works(alice)
    assert memory(broker.process_id, "VmHWM") - before < BORNE


def has_ended(peer: Peer) -> bool:
    """Whether the other side has ended the connection by now."""
    peer.socket.setblocking(False)
    try:
        return not all(iter(lambda: peer.socket.recv(65_536), None))
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@linux_only
@pytest.mark.slow
def test_many_who_send_messages_without_an_end_are_bounded_together(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each stays below the bound of one connection."""
    most, size = 4 * MIB, UNFINISHED_BYTES - 2 * len(LARGE)
    monkeypatch.setattr(patrol, "UNREAD_BYTES_IN_ALL", most)
    with (
        caplog.at_level(logging.WARNING, "hubbub.broker"),
        Broker.temporary() as broker,
        Stranger("127.0.0.1", broker.address.port, "Alice") as alice,
        ExitStack() as stack,
    ):
        peers = []
        for _ in range(2 * most // size):
            peers.append(stack.enter_context(Peer(broker.address.port)))
            peers[-1].curve(broker.public_key, KeyPair.new(), "DEALER", new_routing_id())
            assert peers[-1].send_endless(LARGE, size) < UNFINISHED_BYTES
        end = time.monotonic() + PATIENCE
        while len(peers) * size > most and time.monotonic() < end:
            peers = [peer for peer in peers if not has_ended(peer)]
            assert post_works(alice)
        assert 0 < len(peers) <= most // size
    assert "all together have sent too much" in caplog.text


@pytest.mark.parametrize("size", [512 + 1, FRAME_UP_BYTES, 2**31, 2**63])
def test_listener_is_cut_when_a_frame_is_longer_than_any_subscription(
    broker: Broker, alice: Stranger, size: int
) -> None:
    """By its length alone: the frame need not come."""
    with RawMember.enter(broker.address.port, broker.public_key, f"Mallory-{size}") as mallory:
        with mallory.listen(broker.public_key) as sub:
            sub.raw(bytes((LONG,)) + size.to_bytes(8, "big"))
            assert sub.is_closed()
        mallory.dealer.raw(bytes((LONG,)) + (4 * FRAME_UP_BYTES + size).to_bytes(8, "big"))
        assert mallory.dealer.is_closed()
    assert post_works(alice)


@pytest.mark.parametrize("count", [LIMITS.frames_per_message, LIMITS.frames_per_message + 1])
def test_member_is_cut_from_so_many_frames_on(broker: Broker, count: int) -> None:
    with RawMember.enter(broker.address.port, broker.public_key, f"Mallory-{count}") as mallory:
        mallory.dealer.send(*[b"x"] * count)
        if count > LIMITS.frames_per_message:
            assert mallory.dealer.is_closed()
        else:
            (reply,) = msgpack.unpackb(mallory.dealer.receive()[0])
            assert (reply["type"], reply["code"]) == ("error", "malformed")


@pytest.mark.slow
def test_the_others_are_served_while_a_message_of_very_many_frames_is_dropped(
    broker: Broker, alice: Stranger
) -> None:
    """All of it lies in the broker, so it is read to its end, over many turns."""
    frames = 50_000
    with RawMember.enter(broker.address.port, broker.public_key, "Mallory-many") as mallory:
        with suppress(Closed):
            mallory.dealer.send(*[b""] * frames)
        assert post_works(alice)
        assert mallory.dealer.is_closed()
