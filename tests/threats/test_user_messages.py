"""Messages sent up an XPUB, which libzmq takes for another connection's subscriptions: the sender is cut and banned, and nobody is granted a room for it."""

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from functools import partial

import pytest
import zmq
from tests.stranger import Log, Stranger, Stuck
from tests.threats.scene import RawMember, monitored, post_works
from tests.zmtp import Closed, Peer
from zmq.utils import z85
from zmq.utils.monitor import parse_monitor_message

from hubbub.broker import loop
from hubbub.broker.broker import Broker
from hubbub.broker.core.clock import Now
from hubbub.broker.loop import read_clock


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


JOINERS, FLOODERS, EAVESDROPPERS = 40, 4, 4


def enter_room(joiner: Stranger, start: threading.Barrier) -> bytes:
    """Make a room and listen to it, all at one moment; whose subscription is not granted within a second asks again, as clients do."""
    room: bytes = joiner.write("create", name=f"room-{os.urandom(8).hex()}")["room"]
    log = joiner.logs[room] = joiner.rooms["own"] = Log(room, 0, bytes(16))
    assert joiner.sub is not None
    start.wait()
    for _ in range(10):
        joiner.sub.subscribe(room)
        with suppress(Stuck):
            granted = joiner.wait_for("subscribed", lambda reply: reply["room"] == room, 1.0)
            log.seq = granted["seq"]
            return room
        joiner.sub.unsubscribe(room)
    pytest.fail("never granted")


def flood(sub: Peer, start: threading.Barrier) -> None:
    """Send what no SUB sends until we are cut."""
    burst = b"".join(sub.part(b"\2") for _ in range(50))
    start.wait()
    with suppress(Closed):
        while True:
            sub.raw(burst)


def eavesdrop(sub: Peer, lobby: bytes, start: threading.Barrier) -> None:
    """Do nothing wrong, but always stand in the queue behind others."""
    turns = b"".join(sub.part(action + lobby) for action in (b"\1", b"\0") * 200)
    start.wait()
    sub.raw(turns)


def topics_heard(subs: list[Peer]) -> set[bytes]:
    """Return the topics of all that has come to these."""
    heard = set()
    for sub in subs:
        sub.socket.settimeout(0.5)
        with suppress(TimeoutError):
            while True:
                heard.add(sub.receive()[0])
    return heard


def hears_own_post(joiner: Stranger) -> bool:
    log = joiner.rooms["own"]
    joiner.write("post", room=log.id, text="for my room only")
    return joiner.until(lambda: bool(log.events))


@pytest.mark.slow
def test_nobody_hears_a_room_by_anothers_messages_and_all_are_served(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without the guard, and with a loop that is busy for 30 ms a turn, 15 of 60 rooms were granted to others."""

    def slow_clock() -> Now:
        time.sleep(0.02)
        return read_clock()

    monkeypatch.setattr(loop, "read_clock", slow_clock)
    everybody = JOINERS + FLOODERS + EAVESDROPPERS
    start = threading.Barrier(everybody, timeout=30)
    with Broker.temporary() as broker, ExitStack() as stack:
        port, key = broker.address.port, broker.public_key
        members, subs = [], []
        for number in range(FLOODERS + EAVESDROPPERS):
            members.append(stack.enter_context(RawMember.enter(port, key, f"Mallory-{number}")))
            subs.append(stack.enter_context(members[-1].listen(key)))
        with ThreadPoolExecutor(everybody) as pool:
            names = [f"Joiner-{number}" for number in range(JOINERS)]
            joiners = list(pool.map(lambda name: Stranger("127.0.0.1", port, name), names))
            for joiner in joiners:
                stack.callback(joiner.context.destroy)
            list(pool.map(Stranger.login, joiners))
            floods = [pool.submit(flood, sub, start) for sub in subs[:FLOODERS]]
            floods += [
                pool.submit(eavesdrop, sub, members[-1].lobby, start) for sub in subs[FLOODERS:]
            ]
            rooms = set(pool.map(partial(enter_room, start=start), joiners))
            assert all(pool.map(hears_own_post, joiners))
            for done in floods:
                done.result()
        assert len(rooms) == JOINERS
        assert topics_heard(subs[FLOODERS:]).isdisjoint(rooms)
