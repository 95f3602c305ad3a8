"""Messages sent at an even pace, and when each was acknowledged and received by the last subscriber, all by one clock: one thread sends and receives.

Every text carries its number, which is found in whatever a connection reads. A message is timed when it is sent, not when it was due, so that a late turn of
this loop (told as `lateness`) is no server's. What remains in every figure is the reading itself, of as many connections as there are subscribers.
"""

import gc
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import zmq
from bench.crowd import Ears
from bench.producing import Producer, waiting_for
from bench.servers import BenchError
from bench.wire import MARK, TEXT

NUMBER: Final = re.compile(rb"#(\d{7})")
NUMBER_BYTES: Final = 8
PIECE_BYTES: Final = 8192
"""Of a connection, a piece at a time: more than a message or two is seldom there."""
FRAMES_A_TURN: Final = 128
PATIENCE_SECONDS: Final = 2.0
"""What has not come so long after the last message was sent counts as lost."""


def text(number: int) -> bytes:
    """Return the text of a message: as long as TEXT."""
    return (b"#%07d" % number).ljust(len(TEXT), MARK)


@dataclass(slots=True)
class Journal:
    """When each message was sent, acknowledged and received by the last of its subscribers, in seconds."""

    count: int
    subscribers: int
    sent: list[float] = field(default_factory=list)
    acked: list[float] = field(default_factory=list)
    received: dict[int, float] = field(default_factory=dict)
    lateness: list[float] = field(default_factory=list)
    """How much later than due each was sent."""
    _left: list[int] = field(init=False)

    def __post_init__(self) -> None:
        """Nobody has received anything yet."""
        self._left = [self.subscribers] * self.count

    def hear(self, data: bytes) -> None:
        """Note the messages that stand in what one subscriber has read."""
        for digits in NUMBER.findall(data):
            number = int(digits)
            self._left[number] -= 1
            if not self._left[number]:
                self.received[number] = time.perf_counter()

    def is_complete(self, *, answers: bool) -> bool:
        """Say whether all was sent, received and, by a server that `answers`, acknowledged."""
        return len(self.received) == self.count and (len(self.acked) == self.count or not answers)


class Ear:
    """A plain connection of one subscriber."""

    __slots__ = ("_begun", "_journal", "_socket")

    def __init__(self, sock: socket.socket, journal: Journal) -> None:
        self._socket = sock
        self._journal = journal
        self._begun = b""

    def read(self) -> None:
        """Read what there is, of TLS all that is decrypted already."""
        self._read()
        if isinstance(self._socket, ssl.SSLSocket):
            while self._socket.pending():
                self._read()

    def _read(self) -> None:
        try:
            piece = self._socket.recv(PIECE_BYTES)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        if not piece:
            raise BenchError("a server ended a subscriber's connection")
        data = self._begun + piece
        begins = data.rfind(b"#", -NUMBER_BYTES + 1)
        self._begun = data[begins:] if begins >= 0 else b""
        self._journal.hear(data)


def pace(producer: Producer, ears: Ears, journal: Journal, rate: int, *, answers: bool) -> None:
    """Send `journal.count` messages, `rate` a second, and read until all have come or no more do."""
    first = producer.sent
    started = time.perf_counter()

    def send() -> None:
        for _ in os.read(beat, PIECE_BYTES):
            number = len(journal.sent)
            journal.sent.append(time.perf_counter())
            journal.lateness.append(journal.sent[-1] - started - number / rate)
            producer.say(text(number))

    def take() -> None:
        producer.take(0)
        now = time.perf_counter()
        journal.acked += [now] * (producer.acked - first - len(journal.acked))

    with _beats(started, journal.count, rate) as beat, _without_pauses():
        sources = {beat: send, **_reading(ears, journal)}
        if answers:
            sources[producer.source] = take
        _pump(sources, journal, answers=answers)


def reading_alone(subscribers: int, count: int) -> list[float]:
    """Return the seconds from when a message is there for every subscriber until the last has it, for so many messages: what all figures hold of this loop."""
    pairs = [socket.socketpair() for _ in range(subscribers)]
    journal = Journal(count, subscribers)
    took = []
    try:
        sources = _reading(Ears([theirs for _, theirs in pairs]), journal)
        poller = waiting_for(sources)
        for number in range(count):
            for ours, _ in pairs:
                ours.send(text(number))
            started = time.perf_counter()
            while number not in journal.received:
                for source, _ in poller.poll(100):
                    sources[source]()
            took.append(journal.received[number] - started)
    finally:
        for pair in pairs:
            for sock in pair:
                sock.close()
    return took


def _pump(sources: Mapping[Any, Callable[[], None]], journal: Journal, *, answers: bool) -> None:
    poller = waiting_for(sources)
    while not journal.is_complete(answers=answers):
        for source, _ in poller.poll(100):
            sources[source]()
        all_sent = len(journal.sent) == journal.count
        if all_sent and time.perf_counter() > journal.sent[-1] + PATIENCE_SECONDS:
            return


def _reading(ears: Ears, journal: Journal) -> Mapping[Any, Callable[[], None]]:
    """Return what reads each source of the subscribers'."""
    events = ears.events
    if events is None:
        return {sock.fileno(): Ear(sock, journal).read for sock in ears.sockets}

    def read() -> None:
        try:
            for _ in range(FRAMES_A_TURN):
                events.recv(zmq.NOBLOCK)
                journal.hear(events.recv())
        except zmq.Again:
            pass

    return {events: read}


@contextmanager
def _beats(started: float, count: int, rate: int) -> Iterator[int]:
    """Yield a descriptor on which a byte comes when a message is due. (A poller waits by whole milliseconds, which is no pace.)"""
    reading, writing = os.pipe()

    def beat() -> None:
        for number in range(count):
            time.sleep(max(0.0, started + number / rate - time.perf_counter()))
            os.write(writing, b".")

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        yield reading
    finally:
        thread.join()
        os.close(reading)
        os.close(writing)


@contextmanager
def _without_pauses() -> Iterator[None]:
    """Let Python collect no garbage, which would be no server's pause."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
