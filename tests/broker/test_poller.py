"""Waiting for sockets: nothing that can be read may be slept over, however the socket was used before."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest
import zmq

from hubbub.broker.poller import Handler, Poller, Socket
from hubbub.broker.wake import Waker

LONG = 10.0
"""Seconds: a wait that is over before was not for nothing."""

Pair = Callable[[], tuple[Socket, Socket]]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Makes a socket to poll, and one to send it something."""
    with ExitStack() as opened:
        context: zmq.Context[Socket] = opened.enter_context(zmq.Context())

        def make() -> tuple[Socket, Socket]:
            polled, peer = context.socket(zmq.ROUTER), context.socket(zmq.DEALER)
            for socket in (polled, peer):
                opened.callback(socket.close, linger=0)
            polled.bind(f"inproc://{id(polled)}")
            peer.connect(f"inproc://{id(polled)}")
            return polled, peer

        yield make


def handlers(count: int) -> list[Handler]:
    """Return so many that can be told apart; none is called here."""
    return [partial(pytest.fail, f"handler {number} was called") for number in range(count)]


def test_what_waits_is_told_and_what_does_not_is_not(pair: Pair) -> None:
    (quiet, _), (busy, peer) = pair(), pair()
    first, second = handlers(2)
    poller = Poller({quiet: first, busy: second})
    assert poller.wait(0) == []
    peer.send(b"")
    assert poller.wait(LONG) == [second]
    busy.recv_multipart()
    assert poller.wait(0) == []


def test_the_most_urgent_comes_first_whatever_came_first(pair: Pair) -> None:
    pairs = [pair() for _ in range(3)]
    in_order = handlers(3)
    poller = Poller(dict(zip([polled for polled, _ in pairs], in_order, strict=True)))
    poller.wait(0)
    for _, peer in reversed(pairs):
        peer.send(b"")
    assert poller.wait(LONG) == in_order


def test_what_comes_during_the_wait_ends_it(pair: Pair) -> None:
    polled, peer = pair()
    [handler] = handlers(1)
    poller = Poller({polled: handler})
    assert poller.wait(0) == []
    sender = threading.Thread(target=peer.send, args=[b""])
    sender.start()
    try:
        assert poller.wait(LONG) == [handler]
    finally:
        sender.join()


def test_what_its_handler_left_unread_is_told_again(pair: Pair) -> None:
    polled, peer = pair()
    [handler] = handlers(1)
    poller = Poller({polled: handler})
    for _ in range(3):
        peer.send(b"")
    for _ in range(3):
        assert poller.wait(LONG) == [handler]
        polled.recv_multipart()  # and with it libzmq takes note of all three
    assert poller.wait(0) == []


def test_what_came_while_a_socket_was_used_is_told(pair: Pair) -> None:
    polled, peer = pair()
    [handler] = handlers(1)
    poller = Poller({polled: handler})
    poller.wait(0)
    for _ in range(3):
        peer.send(b"")
        polled.getsockopt(zmq.EVENTS)  # its descriptor will not tell of this any more
        poller.used(polled)
        assert poller.wait(LONG) == [handler]
        polled.recv_multipart()


def test_what_came_while_a_socket_was_used_without_a_word_is_told_one_wait_later(
    pair: Pair,
) -> None:
    polled, peer = pair()
    [handler] = handlers(1)
    poller = Poller({polled: handler})
    poller.wait(0)
    poller.wait(0)
    peer.send(b"")
    polled.getsockopt(zmq.EVENTS)
    poller.wait(0)
    assert poller.wait(LONG) == [handler]


def test_a_plain_descriptor_is_told_as_long_as_it_can_be_read(pair: Pair) -> None:
    polled, peer = pair()
    message, wake = handlers(2)
    waker = Waker()
    try:
        poller = Poller({polled: message, waker.fd: wake})
        assert poller.wait(-1) == []
        waker.wake()
        assert poller.wait(LONG) == [wake]
        peer.send(b"")
        assert poller.wait(LONG) == [message, wake]
        polled.recv_multipart()
        waker.rest()
        assert poller.wait(0) == []
    finally:
        waker.close()
