"""The bench's connections: real servers take them for subscribers, and each message that comes counts once."""

import random
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import msgpack
import pytest
import zmq
from bench.crowd import crowd
from bench.dials import Dial, open_all
from bench.listening import count_events, count_marks
from bench.producing import connected, fan_out, post_all
from bench.servers import BenchError, broker, relay
from bench.systems import Ours
from bench.wire import TEXT

ROOM = "bench"
SUBSCRIBERS = 3
CHANCE = 0.05
"""How much more may be counted, for marks that stand in headers by chance."""


class Heard(Exception):
    """Ends a count, which would go on for ever."""


def until(expected: int) -> Callable[[int], None]:
    def note(total: int) -> None:
        if total >= expected:
            raise Heard(total)

    return note


def idle(_part: int) -> None:
    """What is done beside counting: nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("encrypted", [False, True], ids=["insecure", "encrypted"])
@pytest.mark.parametrize("is_broker", [False, True], ids=["relay", "broker"])
def test_subscribers_of_a_server_hear_all_that_a_producer_posts(
    is_broker: bool, encrypted: bool, tmp_path: Path
) -> None:
    running = broker(tmp_path, encrypted=encrypted) if is_broker else relay(encrypted=encrypted)
    with running as target, (served := Ours(target)).context:
        producer = served.producer(ROOM)
        with crowd(served, SUBSCRIBERS, ROOM) as people:
            connected(producer, people)
            before, sent = people.received(), producer.sent
            post_all(producer, 50, 7)
            assert producer.acked == producer.sent == sent + 50
            _, lost = fan_out(producer, people, 0.1, 16)
            assert lost == 0
            expected = (producer.sent - sent) * SUBSCRIBERS
            assert expected <= people.received() - before <= expected * (1 + CHANCE)
        producer.close()


def test_messages_are_counted_by_their_text_when_reads_cut_them_anywhere() -> None:
    chance = random.Random(6)
    messages = [chance.randbytes(20).replace(b"|", b"") + TEXT.encode() for _ in range(200)]
    stream = b"".join(messages)
    ours, theirs = socket.socketpair()
    counted = 0

    def note(total: int) -> None:
        nonlocal stream, counted
        counted = total
        if not stream:
            raise Heard
        size = chance.randrange(1, 300)
        theirs.sendall(stream[:size])
        stream = stream[size:]

    ours.setblocking(False)
    with ours, theirs:
        theirs.sendall(b"a greeting")
        with pytest.raises(Heard):
            count_marks([ours], [Dial(0, [])], note, idle)
    assert counted == 200


@pytest.mark.parametrize("together", [1, 15, 16, 65535, 65536])
def test_events_of_a_publication_are_counted_by_the_head_of_its_array(together: int) -> None:
    with (
        zmq.Context() as context,
        context.socket(zmq.PAIR) as ours,
        context.socket(zmq.PAIR) as theirs,
    ):
        ours.bind("inproc://publications")
        theirs.connect("inproc://publications")
        for _ in range(3):
            theirs.send_multipart([bytes(16), msgpack.packb([b""] * together)])
        with pytest.raises(Heard, match=str(3 * together)):
            count_events(ours, until(3 * together), idle)


@contextmanager
def server(*answers: bytes) -> Iterator[int]:
    """Give one connection these answers, each to what it says next, and end it."""
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as thread:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                for answer in answers:
                    connection.recv(100)
                    connection.sendall(answer)

        served = thread.submit(serve)
        yield listener.getsockname()[1]
        served.result(10)


def test_connection_is_open_when_each_step_was_answered() -> None:
    with server(b"hello, +OK\r\n", b"... and :1\r\n") as port:
        [sock] = open_all([Dial(port, [(b"HELLO", b"+OK\r\n"), (b"JOIN", b":1\r\n"), (b"!", b"")])])
        sock.close()


def test_connection_fails_with_the_servers_words_when_it_is_ended_first() -> None:
    with server(b"-ERR too many") as port, pytest.raises(BenchError, match="too many"):
        open_all([Dial(port, [(b"HELLO", b"+OK\r\n")])])
