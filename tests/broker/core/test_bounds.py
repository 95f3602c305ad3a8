"""Bounds that a flood runs into, and what still works then."""

import pytest
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.context import (
    BUSY_SECONDS,
    GATHERED_BYTES,
    GATHERED_RECORDS,
    GATHERED_RECORDS_OF_ONE,
)
from hubbub.broker.core.handlers import reading
from hubbub.broker.sequencer import BATCH_BYTES, BATCH_RECORDS
from hubbub.common.commands import Command, Hello, History, Login, Ping, Post, Rooms
from hubbub.common.errors import Code
from hubbub.common.limits import COMMANDS_PER_FRAME
from hubbub.common.replies import Acked, Error, Page, Pong, Resend, RoomList

BUSY = Resend(1, Code.BUSY, BUSY_SECONDS)


def flooded() -> tuple[Desk, Person, list[Person]]:
    """Alice's first post is in flight, and 16,384 records of a crowd are gathered behind it."""
    desk = Desk()
    alice = desk.meets("Alice")
    crowd = [
        desk.meets(f"Robot{number}")
        for number in range(GATHERED_RECORDS // GATHERED_RECORDS_OF_ONE)
    ]
    desk.stalls()
    alice.sends(Post(1, LOBBY, "in flight"))
    for robot in crowd:
        floods(robot)
    return desk, alice, crowd


def floods(robot: Person) -> None:
    """Send two windows of posts."""
    for first in range(1, GATHERED_RECORDS_OF_ONE, COMMANDS_PER_FRAME):
        robot.sends(*[Post(n, LOBBY, "x") for n in range(first, first + COMMANDS_PER_FRAME)])
    robot.gets()


@pytest.mark.slow
def test_writes_wait_when_16384_records_are_gathered_and_all_else_goes_on() -> None:
    desk, alice, _ = flooded()
    busy = Resend(2, Code.BUSY, BUSY_SECONDS)
    alice.sends(Post(2, LOBBY, "hi"), Ping(3)).gets(busy, Pong(3))
    alice.sends(History(4, LOBBY)).gets(Page(4, LOBBY, [], False, 0, bytes(16)))
    desk.connects("Bob").hello().logs_in("Bob").gets(
        refused(Code.BUSY, id=2, retry_after=BUSY_SECONDS)
    )
    desk.meets("Alice")
    desk.returns()
    alice.forgets().sends(Post(2, LOBBY, "hi")).gets()
    desk.goes_on()
    [acked] = alice.unread
    assert isinstance(acked, Acked)
    context = desk.core.context
    assert (context.gathered_records, context.gathered_bytes) == (0, 0)
    assert not context.gathered_of
    for batch in desk.batches:
        assert sum(submission.count for submission in batch.submissions) <= BATCH_RECORDS
        assert sum(submission.size for submission in batch.submissions) <= BATCH_BYTES


@pytest.mark.slow
def test_a_writer_goes_on_when_what_it_was_sent_back_to_was_in_flight_all_the_time() -> None:
    desk, alice, _ = flooded()
    alice.sends(Post(1, LOBBY, "in flight"), Post(2, LOBBY, "two")).gets(BUSY)
    desk.goes_on()
    alice.gets(Acked(1, LOBBY, 1))
    alice.sends(Post(2, LOBBY, "two")).gets(Acked(2, LOBBY, GATHERED_RECORDS + 2))


def test_who_keeps_to_no_window_has_to_wait_alone_and_nobody_waits_behind_them() -> None:
    desk = Desk()
    robot, alice = desk.meets("Robot"), desk.meets("Alice")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "in flight"))
    floods(robot)
    beyond = GATHERED_RECORDS_OF_ONE + 1
    robot.sends(Post(beyond, LOBBY, "x")).gets(Resend(beyond, Code.BUSY, BUSY_SECONDS))
    alice.sends(Post(2, LOBBY, "hi")).gets()
    desk.returns()
    desk.returns()
    half = GATHERED_RECORDS_OF_ONE // 2
    alice.gets(Acked(1, LOBBY, 1), Acked(2, LOBBY, half + 2))


def test_writes_wait_when_8_mib_are_gathered() -> None:
    desk = Desk()
    alice, crowd = desk.meets("Alice"), [desk.meets("Robot1"), desk.meets("Robot2")]
    desk.stalls()
    text, n = "x" * 8000, 1
    for _ in range(GATHERED_BYTES // (2 * 7 * 8000) + 2):
        for robot in crowd:
            robot.sends(*[Post(n + i, LOBBY, text) for i in range(7)])
        n += 7
    alice.sends(Post(1, LOBBY, "hi")).gets(BUSY)
    assert desk.core.context.gathered_bytes < GATHERED_BYTES + 64 * 1024


def test_one_frame_counts_its_bytes_once_however_its_commands_are_mixed() -> None:
    desk = Desk()
    alice, flooder = desk.meets("Alice"), desk.meets("Flooder")
    desk.stalls()
    mixed: list[Command] = []
    for n in range(1, 257):
        mixed += [Post(n, LOBBY, "x" * 150), Ping(n)]
    flooder.sends(Post(1, LOBBY, "in flight")).sends(*mixed)
    assert desk.core.context.gathered_bytes < 64 * 1024
    alice.sends(Post(1, LOBBY, "hi")).gets()


def test_a_flood_that_failed_is_gathered_no_longer() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    for n in range(1, 9):
        alice.sends(Post(n, LOBBY, "x"))
    desk.fails()
    context = desk.core.context
    assert (context.gathered_records, context.gathered_bytes) == (0, 0)


def test_a_frame_too_large_is_refused_whole() -> None:
    alice = Desk().meets("Alice")
    alice.sends(*[Post(n, LOBBY, "x" * 8000) for n in range(1, 10)])
    alice.gets(refused(Code.TOO_LARGE))
    alice.sends(Post(1, LOBBY, "hi")).gets(Acked(1, LOBBY, 1))


def test_a_frame_of_nonsense_is_refused_and_the_session_goes_on() -> None:
    alice = Desk().meets("Alice")
    for payload in (b"", b"\xc1", b"\x90", b"\x80", b"\x91\xc0"):
        alice.desk.takes(alice, payload)
    codes = [Code.MALFORMED] * 4 + [Code.UNKNOWN_COMMAND]
    alice.gets(*map(refused, codes))
    alice.sends(Ping(3)).gets(Pong(3))


def test_the_good_commands_of_a_frame_count_beside_a_bad_one() -> None:
    alice = Desk().meets("Alice")
    alice.sends(Ping(1), Post(1, b"short", "x"), Post(1, LOBBY, "hi"))
    alice.gets(Pong(1), refused(Code.INVALID, n=1), Acked(1, LOBBY, 1))


def test_queries_get_busy_when_one_begins_anew_to_have_more_pages_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "WAITING_READS", 2)
    desk = Desk()
    alice = desk.meets("Alice")
    again: list[Command] = []
    for number in range(3):
        login = Login(2, "Alice", desk.new_events_key(), alice.producer)
        again += [Hello(1, [1]), login, Rooms(10 + number)]
    alice.forgets().sends(*again)
    answers = [reply for reply in alice.unread if isinstance(reply, RoomList | Error)]
    assert answers == [refused(Code.BUSY, id=12)], "and pages of sessions that ended go nowhere"
    alice.sends(Rooms(13))
    assert isinstance(alice.unread[-1], RoomList)
