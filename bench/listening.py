"""The load generator's ears: as cheap as Python can make them, so that the server is measured and not the client.

Connections without ZeroMQ are read a large piece at a time, and each piece is searched for one byte, MARK, of which a message's text is made. Headers hold it by
chance as well (a sequence number, a time), which makes a thousandth at most.
"""

import selectors
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Final

import zmq
from bench.dials import READ_BYTES, Dial
from bench.wire import MARK, TEXT

KEEPALIVE_SECONDS: Final = 5.0
PARTS: Final = 50
"""Of the subscribers; each says at another moment that it is there, as clients do that came one after another: all at once they would be work for the server for a
quarter of a second, which is in one measurement and not in the next."""
_SHORT, _LONG = 0xDC, 0xDD
"""msgpack: arrays with a 16-bit and a 32-bit count; smaller ones are 0x90 + count."""

Note = Callable[[int], None]
"""Takes how many messages have come in all."""
Beside = Callable[[int], None]
"""Lets every `PARTS`th subscriber, from this one on, say that it is there."""


class Rota:
    """Whose turn it is to say that they are there."""

    def __init__(self, beside: Beside) -> None:
        self._beside = beside
        self._part = 0
        self._due = time.monotonic()

    def go_on(self) -> None:
        """Let those parts speak for which it is time."""
        while time.monotonic() > self._due:
            self._due += KEEPALIVE_SECONDS / PARTS
            self._beside(self._part)
            self._part = (self._part + 1) % PARTS


def count_marks(
    sockets: Sequence[socket.socket], dials: Sequence[Dial], note: Note, beside: Beside
) -> None:
    """Count what comes on connections, for ever; each says its `keepalive` every few seconds, and `beside` is called for each part in turn."""

    def speak(part: int) -> None:
        for sock, dial in zip(sockets[part::PARTS], dials[part::PARTS], strict=True):
            if dial.keepalive:
                with suppress(OSError):  # the server ended it: what is missing will be seen
                    sock.send(dial.keepalive)
        beside(part)

    buffer, rota, total = bytearray(READ_BYTES), Rota(speak), 0
    with selectors.DefaultSelector() as selector:
        for sock in sockets:
            selector.register(sock, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select(KEEPALIVE_SECONDS / PARTS):
                assert isinstance(key.fileobj, socket.socket)
                total += read_marks(key.fileobj, buffer, selector)
            note(total // len(TEXT))
            rota.go_on()


def read_marks(sock: socket.socket, buffer: bytearray, selector: selectors.BaseSelector) -> int:
    """Read what there is, of TLS all that is decrypted already, and count the marks in it."""
    marks = 0
    while True:
        try:
            size = sock.recv_into(buffer)
        except (BlockingIOError, ssl.SSLWantReadError):
            return marks
        except OSError:
            size = 0
        if not size:  # the server ended it: what is missing will be seen
            selector.unregister(sock)
            return marks
        marks += buffer.count(MARK, 0, size)
        if not isinstance(sock, ssl.SSLSocket):
            return marks


def count_events(subscriber: "zmq.Socket[bytes]", note: Note, beside: Beside) -> None:
    """Count the events of every publication that comes to a ZeroMQ socket, by the header of its array, for ever; the rest of it is read and dropped."""
    topic, head, rota = bytearray(16), bytearray(5), Rota(beside)
    total, frames = 0, 0
    while True:
        try:
            subscriber.recv_into(topic, flags=zmq.NOBLOCK)
            subscriber.recv_into(head)
            total += events_in(head)
            frames += 1
            if frames % 256:
                continue
            note(total)
        except zmq.Again:
            note(total)
            subscriber.poll(int(KEEPALIVE_SECONDS / PARTS * 1000))
        rota.go_on()


def events_in(head: bytearray) -> int:
    """Return how many events a publication has, by its first five bytes."""
    if head[0] == _SHORT:
        return int.from_bytes(head[1:3])
    if head[0] == _LONG:
        return int.from_bytes(head[1:5])
    return head[0] & 0x0F
