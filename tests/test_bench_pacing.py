"""What times the bench's messages: numbers found in pieces of any size, and acks counted where a piece ends in one."""

import socket

import pytest
import zmq
from bench.dials import Dial
from bench.pacing import Ear, Journal, text
from bench.plain import PlainDealer
from bench.producing import RawProducer
from bench.wire import TEXT

ACK = b'"seq":'


def test_text_of_a_number_is_as_long_as_any_other() -> None:
    assert {len(text(number)) for number in (0, 7, 9_999_999)} == {len(TEXT)}


@pytest.mark.parametrize("size", [1, 3, 7, 8, 9, 150])
def test_ear_hears_each_message_once_whatever_the_pieces(size: int) -> None:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    journal = Journal(count=3, subscribers=2)
    ears = [Ear(theirs, journal), Ear(theirs, journal)]
    said = b"".join(b"MSG #bench " + text(number) + b"\r\n" for number in range(3))
    with ours, theirs:
        for ear in ears:
            assert not journal.received, "one of two has heard all, and none twice"
            for start in range(0, len(said), size):
                ours.sendall(said[start : start + size])
                ear.read()
    assert sorted(journal.received) == [0, 1, 2]


def test_journal_waits_for_the_last_subscriber() -> None:
    journal = Journal(count=1, subscribers=2)
    journal.hear(text(0))
    assert not journal.received
    journal.hear(text(0))
    assert list(journal.received) == [0]


def test_producer_counts_an_ack_that_comes_in_two_pieces() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        dial = Dial(server.getsockname()[1], [(b"", b"")])
        producer = RawProducer(dial, TEXT.encode(), ACK)
        answering, _ = server.accept()
        with answering:
            said = b"{" + ACK + b"1}{" + ACK + b"2}"
            for place in range(len(said)):
                answering.sendall(said[place : place + 1])
                producer.take(5.0)
        producer.close()
    assert producer.acked == 2


def test_plain_dealer_talks_with_a_router_in_messages_of_any_size() -> None:
    sizes = [0, 1, 255, 256, 300_000]
    with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
        router.linger, router.rcvtimeo = 0, 10_000
        port = router.bind_to_random_port("tcp://127.0.0.1")
        dealer = PlainDealer(port, b"one", b"")
        dealer.send(*(b"x" * size for size in sizes))
        assert [router.recv_multipart() for _ in sizes] == [[b"one", b"x" * it] for it in sizes]
        for size in sizes:
            router.send_multipart([b"one", b"y" * size])
        assert [dealer.recv() for _ in sizes] == [b"y" * size for size in sizes]
        dealer.close()
