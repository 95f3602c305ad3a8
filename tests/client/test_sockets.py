"""What a client reads of its sockets at once."""

from collections.abc import Iterator

import msgpack
import pytest
import zmq

from hubbub.client.sockets import Connection

ROOM, HALL = b"r" * 16, b"h" * 16


@pytest.fixture
def events() -> Iterator[Connection]:
    """A connection of events on which five frames have arrived, one of which is none."""
    with zmq.Context() as context, context.socket(zmq.XPUB) as publisher:
        publisher.bind("inproc://events")
        connection = Connection(context.socket(zmq.SUB), "inproc://events", zmq.Poller())
        connection.subscribe(b"")
        publisher.recv()
        for topic, published in ((ROOM, [b"1", b"2"]), (ROOM, [b"3"]), (HALL, [b"4"])):
            publisher.send_multipart([topic, msgpack.packb(published)])
        publisher.send_multipart([HALL, b"none"])
        publisher.send_multipart([ROOM, msgpack.packb([b"5"])])
        yield connection
        connection.close()


def test_what_has_arrived_of_a_room_in_a_row_is_read_together(events: Connection) -> None:
    assert list(events.publications(10, 10)) == [
        (ROOM, [b"1", b"2", b"3"]),
        (HALL, [b"4"]),
        (ROOM, [b"5"]),
    ]
    assert list(events.publications(10, 10)) == []


def test_no_more_is_read_after_so_many_frames_or_events(events: Connection) -> None:
    assert list(events.publications(1, 10)) == [(ROOM, [b"1", b"2"])]
    assert list(events.publications(10, 2)) == [(ROOM, [b"3"]), (HALL, [b"4"])]
    assert list(events.publications(10, 2)) == [(ROOM, [b"5"])]
