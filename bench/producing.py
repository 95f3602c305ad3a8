"""Producers: connections that post as fast as they may."""

import select
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, Protocol

import zmq
from bench.crowd import Crowd
from bench.dials import Dial, open_all
from bench.servers import BenchError
from bench.wire import TEXT

UNACKED: Final = 512
"""Posts under way of one producer, where a server acknowledges them: hubbub's own window."""
UNDELIVERED: Final = 2048
UNDELIVERED_COPIES: Final = 1_000_000
"""Posts that are not yet with all subscribers, and their copies: without a bound a server that stores nothing would only fill its buffers, and with 2.5 million NATS drops some of 5,000
subscribers. So fewer posts are under way to so many, 200; as few to 100 make a delivery there 1.5 times as dear."""
TOGETHER: Final = 128
"""Posts that a producer sends with one call."""
ANSWER_SECONDS: Final = 20.0
STALLED_SECONDS: Final = 2.0


class Producer(Protocol):
    """One connection that posts messages of 100 bytes to one room."""

    sent: int
    """Posts since it was made."""
    acked: int
    """Of these, how many the server answered; where it answers none: all that are sent."""

    @property
    def source(self) -> Any:
        """What a poller waits on for answers: a ZeroMQ socket or a descriptor."""

    def post(self, count: int, frames: int = 1) -> None:
        """Send so many in each of some frames, where the server knows frames."""

    def say(self, text: bytes) -> None:
        """Send one of another text that is as long."""

    def take(self, seconds: float) -> None:
        """Read what the server answers; wait so long for it at most."""

    def close(self) -> None:
        """Leave."""


class RawProducer:
    """A producer over a connection without ZeroMQ. `ack` is what stands in the server's answer once for each post; empty: it answers none."""

    def __init__(self, dial: Dial, post: bytes, ack: bytes) -> None:
        [self._socket] = open_all([dial])
        self._post, self._ack = post, ack
        self._around = post.split(TEXT.encode())
        self._tail = b""
        """The end of what came last, in which an ack may have begun."""
        self.sent = self.acked = 0

    @property
    def source(self) -> int:
        """What a poller waits on for answers."""
        return self._socket.fileno()

    def post(self, count: int, frames: int = 1) -> None:
        """Send so many; waits until the server has read enough of them."""
        self._send(self._post * (count * frames), count * frames)

    def say(self, text: bytes) -> None:
        """Send one of another text that is as long."""
        self._send(text.join(self._around), 1)

    def _send(self, data: bytes, posts: int) -> None:
        self._socket.setblocking(True)
        self._socket.sendall(data)
        self.sent += posts
        if not self._ack:
            self.acked = self.sent

    def take(self, seconds: float) -> None:
        """Read and count what the server answers; wait so long for it at most."""
        self._socket.settimeout(max(seconds, 0.0))
        try:
            answer = self._socket.recv(65536)
        except (BlockingIOError, TimeoutError):
            return
        if not answer:
            raise BenchError("the server ended the producer's connection")
        if self._ack:
            answer = self._tail + answer
            self.acked += answer.count(self._ack)
            self._tail = answer[max(0, len(answer) - len(self._ack) + 1) :]

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def saturate(
    producer: Producer, seconds: float, together: int, room_for: Callable[[int], bool]
) -> int:
    """Post for `seconds`, `together` with each call, and wait for every ack; return how many. `room_for(posts)` says whether more may be under way."""
    first, end = producer.sent, time.perf_counter() + seconds
    while time.perf_counter() < end:
        if producer.sent - producer.acked + together > UNACKED:
            _progress(producer)
        elif room_for(producer.sent - first):
            producer.post(together)
        else:
            producer.take(0.0005)
    while producer.acked < producer.sent:
        _progress(producer)
    return producer.sent - first


def post_all(producer: Producer, count: int, together: int) -> None:
    """Post so many, `together` with each call, as fast as they are answered, and wait for every ack."""
    last = producer.sent + count
    while producer.sent < last:
        some = min(together, last - producer.sent)
        while producer.sent - producer.acked + some > UNACKED:
            _progress(producer)
        producer.post(some)
    while producer.acked < producer.sent:
        _progress(producer)


def _progress(producer: Producer) -> None:
    before, end = producer.acked, time.perf_counter() + ANSWER_SECONDS
    while producer.acked == before:
        producer.take(0.1)
        if time.perf_counter() > end:
            raise BenchError("posts are not acknowledged any more")


def ingest(
    producers: Sequence[Producer], seconds: float, in_a_frame: int, share: int
) -> tuple[int, float]:
    """Let each post for `seconds` in frames of so many, with as many of `share` unacknowledged as there may be; return (posts, the seconds until all were acknowledged)."""
    sources = {producer.source: producer for producer in producers}
    poller = waiting_for(sources)
    before = sum(producer.sent for producer in producers)
    started = time.perf_counter()
    for producer in producers:
        producer.post(in_a_frame, share // in_a_frame)
    end = started + seconds
    while sources:
        ready = poller.poll(ANSWER_SECONDS * 1000)
        if not ready:
            raise BenchError("posts are not acknowledged any more")
        going_on = time.perf_counter() < end
        for source, _ in ready:
            producer = sources[source]
            producer.take(0)
            if not going_on:
                if producer.acked == producer.sent:
                    poller.unregister(source)
                    del sources[source]
            elif frames := (share - producer.sent + producer.acked) // in_a_frame:
                producer.post(in_a_frame, frames)
    return sum(producer.sent for producer in producers) - before, time.perf_counter() - started


def waiting_for(sources: Iterable[Any]) -> Any:
    """Return a poller: of the system where there are descriptors alone, which is cheaper."""
    sources = list(sources)
    is_plain = all(isinstance(source, int) for source in sources)
    poller = select.poll() if is_plain else zmq.Poller()
    for source in sources:
        poller.register(source, select.POLLIN if is_plain else zmq.POLLIN)
    return poller


def fan_out(
    producer: Producer, crowd: Crowd, seconds: float, together: int, undelivered: int = UNDELIVERED
) -> tuple[float, float]:
    """Return (messages a second that all subscribers received together, the share of them that was lost)."""
    before = settled(crowd)
    started = time.perf_counter()

    undelivered = max(together, min(undelivered, UNDELIVERED_COPIES // crowd.size))

    def room_for(posts: int) -> bool:
        return (posts + together - undelivered) * crowd.size <= crowd.received() - before

    count = saturate(producer, seconds, together, room_for)
    expected = before + count * crowd.size
    arrived, at = crowd.received(), time.perf_counter()
    while arrived < expected and time.perf_counter() - at < STALLED_SECONDS:
        producer.take(0.0005)
        if (received := crowd.received()) != arrived:
            arrived, at = received, time.perf_counter()
    lost = max(0.0, 1 - (arrived - before) / (expected - before))
    return (arrived - before) / (at - started), lost


def settled(crowd: Crowd) -> int:
    """Return what the subscribers have received, once nothing more comes."""
    received = -1
    while received != (received := crowd.received()):
        time.sleep(0.1)
    return received


def connected(producer: Producer, crowd: Crowd) -> None:
    """Return when every subscriber gets what is posted. Raises BenchError when it does not come to that."""
    for _ in range(100):
        before = settled(crowd)
        producer.post(1)
        producer.take(0.1)
        if settled(crowd) - before >= crowd.size:
            return
    raise BenchError(
        f"not all of the {crowd.size} subscribers get what is posted: {crowd.received()} {producer.sent}"
    )
