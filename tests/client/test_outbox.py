"""The outbox alone: numbers, frames, window, going back."""

from hubbub.client.outbox import PATIENCE_SECONDS, Entry, Outbox
from hubbub.common.codec import encode
from hubbub.common.commands import Leave, Mark, Post, Write
from hubbub.common.limits import (
    COMMANDS_PER_FRAME,
    FRAME_UP_BYTES,
    WINDOW_BYTES,
    WINDOW_COMMANDS,
)

ROOM = b"R" * 16


def outbox(*texts: str) -> Outbox:
    box = Outbox(b"p" * 16)
    write(box, *texts)
    return box


def write(box: Outbox, *texts: str) -> None:
    for text in texts:
        box.add(Post(box.next_n, ROOM, text), text)


def numbers(frames: list[tuple[Write, ...]]) -> list[int]:
    return [write.n for frame in frames for write in frame]


def sent(box: Outbox, now: float = 0.0) -> list[int]:
    return numbers(list(box.frames(now)))


def tickets(settled: list[tuple[int, Entry]]) -> list[tuple[int, str]]:
    return [(offset, entry.ticket) for offset, entry in settled]


def test_writes_travel_together_and_once() -> None:
    box = outbox("a", "b")
    assert list(box.frames(0)) == [(Post(1, ROOM, "a"), Post(2, ROOM, "b"))]
    assert sent(box) == []
    write(box, "c")
    assert sent(box) == [3]


def test_a_frame_stays_within_its_bytes() -> None:
    box = outbox(*("x" * 8000 for _ in range(20)))
    frames = list(box.frames(0))
    assert numbers(frames) == list(range(1, 21))
    assert len(frames) > 1
    assert all(len(encode(frame)) <= FRAME_UP_BYTES for frame in frames)


def test_the_window_bounds_what_is_in_flight() -> None:
    box = outbox(*("x" for _ in range(WINDOW_COMMANDS + 100)))
    frames = list(box.frames(0))
    assert len(numbers(frames)) == WINDOW_COMMANDS
    assert all(len(frame) <= COMMANDS_PER_FRAME for frame in frames)
    box.settle(1, 30, 0)
    assert sent(box) == list(range(WINDOW_COMMANDS + 1, WINDOW_COMMANDS + 31))


def test_the_window_bounds_the_bytes_in_flight() -> None:
    box = outbox(*("x" * 8000 for _ in range(100)))
    frames = list(box.frames(0))
    assert sum(len(encode(frame)) for frame in frames) <= WINDOW_BYTES
    in_flight = len(numbers(frames))
    assert 60 < in_flight < 100
    box.settle(1, 1, 0)
    assert sent(box) == [in_flight + 1]


def test_a_run_answers_many_and_a_repeat_none() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    assert tickets(box.settle(1, 2, 0)) == [(0, "a"), (1, "b")]
    assert box.settle(1, 2, 0) == []
    assert tickets(box.settle(2, 2, 0)) == [(1, "c")]
    assert len(box) == 0


def test_an_answer_out_of_order_counts_and_is_not_repeated() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    assert tickets(box.settle(2, 1, 0)) == [(0, "b")]
    assert (box.first_n, box.answered) == (1, 0)
    assert tickets(box.settle(1, 3, 0)) == [(0, "a"), (2, "c")]
    assert (box.first_n, box.answered) == (4, 3)


def test_an_answer_to_what_was_never_sent_is_ignored() -> None:
    box = outbox("a")
    assert box.settle(1, 1, 0) == []
    sent(box)
    assert box.settle(2, 500, 0) == []


def test_going_back_sends_from_there_after_the_wait() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    box.go_back(2, 10.0, 0.5)
    assert sent(box, 10.4) == []
    assert box.wake_at(10.4) == 10.5
    assert sent(box, 10.5) == [2, 3]


def test_one_flight_goes_back_once() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    box.go_back(1, 10.0, 0.0)
    assert sent(box, 10.0) == [1, 2, 3]
    box.go_back(1, 10.1, 0.0)
    assert sent(box, 10.1) == []
    box.tick(11.0)
    assert sent(box, 11.0) == [1, 2, 3], "no progress shows that it was another loss"


def test_a_stale_refusal_does_not_send_answered_writes_again() -> None:
    box = outbox("a", "b")
    sent(box)
    box.settle(1, 1, 0)
    box.go_back(1, 1.0, 0.0)
    assert sent(box, 1.0) == []


def test_without_progress_everything_unanswered_is_sent_again() -> None:
    box = outbox("a", "b")
    sent(box, 5.0)
    assert box.wake_at(5.0) == 5.0 + PATIENCE_SECONDS
    box.tick(6.9)
    assert sent(box, 6.9) == []
    box.settle(1, 1, 6.9)
    box.tick(7.0)
    assert sent(box, 7.0) == [], "there was progress"
    box.tick(8.9)
    assert sent(box, 8.9) == [2]
    box.settle(2, 1, 9.0)
    assert box.wake_at(9.0) is None


def test_an_ack_that_crosses_going_back_is_not_sent_again() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    box.go_back(1, 0.0, 0.0)
    box.settle(1, 2, 0.0)
    assert sent(box, 0.0) == [3]


def test_another_producer_numbers_the_rest_from_one() -> None:
    box = outbox("a", "b", "c")
    sent(box)
    box.settle(1, 1, 0)
    box.settle(3, 1, 0)
    box.restart(b"q" * 16)
    assert (box.producer, box.next_n) == (b"q" * 16, 2)
    assert list(box.frames(0)) == [(Post(1, ROOM, "b"),)]
    assert (box.answered, box.written) == (2, 3)


def test_what_was_sent_can_be_given_up_and_the_rest_kept() -> None:
    box = outbox("a")
    sent(box)
    write(box, "b")
    assert [entry.ticket for entry in box.remove_sent()] == ["a"]
    box.restart(b"q" * 16)
    assert list(box.frames(0)) == [(Post(1, ROOM, "b"),)]


def test_an_event_claims_one_write_in_flight() -> None:
    box = outbox("a", "a")
    assert not box.claim(lambda write: True), "nothing was sent"
    sent(box)
    assert [box.claim(lambda write: True) for _ in range(3)] == [True, True, False]


def test_writes_go_to_the_ids_that_rooms_have_in_another_log() -> None:
    box, tea, inbox = outbox(), b"T" * 16, b"I" * 16
    box.add(Post(1, ROOM, "a"), None, "Tea")
    box.add(Leave(2, ROOM), None, "Tea")
    box.add(Mark(3, ROOM, 9), None, "Tea")
    box.add(Mark(4, ROOM, 9), None)
    box.add(Mark(5, ROOM, 9), None, "gone")
    box.move({"tea": tea}, inbox)
    assert list(box.frames(0)) == [
        (Post(1, tea, "a"), Leave(2, tea), Mark(3, tea, 0), Mark(4, inbox, 0), Mark(5, ROOM, 0))
    ]
