"""A DEALER by hand over plain TCP, for servers without encryption: it costs the load generator about as little as the connections to other servers.

It says nothing by itself: who lives for more than 15 s has to say something now and then.
"""

import select
import socket
from collections import deque
from collections.abc import Sequence

from bench.dials import READ_BYTES
from bench.servers import BenchError
from tests.zmtp import COMMAND, LONG, Closed, Peer, frame

SHORT_HEADER, LONG_HEADER = 2, 9
"""Bytes: the flags, and one or eight bytes of length."""


class PlainDealer:
    """One connection. Messages are of one frame, both ways."""

    def __init__(self, port: int, routing_id: bytes, name: bytes) -> None:
        """Shake hands by PLAIN as `name`, or by NULL if it is empty. Raises BenchError when the server does not."""
        peer = Peer(port)
        try:
            if name:
                peer.plain(name, "DEALER", routing_id)
            else:
                peer.null("DEALER", routing_id)
        except (Closed, TimeoutError) as error:
            raise BenchError("the server does not let a producer in") from error
        self._socket = peer.socket
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._readable = select.poll()
        self._readable.register(self._socket, select.POLLIN)
        self._begun = b""
        self._arrived: deque[bytes] = deque()

    def fileno(self) -> int:
        """Return what a poller waits on: it is ready when something has come since `arrived`."""
        return self._socket.fileno()

    def send(self, *messages: bytes) -> None:
        """Send messages with one call; waits until the server has read enough of them."""
        self._socket.sendall(b"".join(map(frame, messages)))

    def poll(self, milliseconds: int) -> bool:
        """Say whether something has come, at the latest after so long."""
        return bool(self._arrived or self._readable.poll(milliseconds))

    def recv(self) -> bytes:
        """Wait for a message. Raises BenchError when the server has ended the connection."""
        while not self._arrived:
            self._read()
        return self._arrived.popleft()

    def arrived(self) -> Sequence[bytes]:
        """Read once, which waits if nothing has come, and return the messages that are complete."""
        self._read()
        arrived, self._arrived = self._arrived, deque()
        return arrived

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _read(self) -> None:
        read = self._socket.recv(READ_BYTES)
        if not read:
            raise BenchError("the server ended a producer's connection")
        data, at = self._begun + read, 0
        while len(data) >= at + SHORT_HEADER:
            flags = data[at]
            start = at + (LONG_HEADER if flags & LONG else SHORT_HEADER)
            end = start + int.from_bytes(data[at + 1 : start])
            if len(data) < max(start, end):
                break
            if not flags & COMMAND:
                self._arrived.append(data[start:end])
            at = end
        self._begun = data[at:]
