"""One reader of one log: order, gaps, pages, digests."""

from tests.client.conversation import LOBBY, Log

from hubbub.client.logs import HELD_EVENTS, Found, Hole, LogReader, Mismatch, Read, SeqRuns
from hubbub.common import digest
from hubbub.common.codec import decode_event
from hubbub.common.events import UnknownEvent
from hubbub.common.replies import Page, Stored


def written(count: int) -> Log:
    log = Log(LOBBY, "lobby")
    for number in range(1, count + 1):
        log.post("Bob", f"message {number}")
    return log


def fresh(log: Log) -> LogReader:
    return LogReader(log.id, 0, digest.EMPTY)


def offer(reader: LogReader, log: Log, seq: int) -> list[Found]:
    raw = log.events[seq - 1]
    return reader.offer([Read(seq, decode_event(raw), raw)])


def seqs(found: list[Found]) -> list[int]:
    assert all(isinstance(item, Read) for item in found), found
    return [item.seq for item in found if isinstance(item, Read)]


def catch_up(reader: LogReader, log: Log, now: float = 0.0, most: int = 1000) -> list[Found]:
    return reader.take_page(log.page(reader.question(1), most), now)


def test_events_are_read_in_order_and_repeats_dropped() -> None:
    log = written(3)
    reader = fresh(log)
    assert [seqs(offer(reader, log, seq)) for seq in (1, 1, 2, 1, 3)] == [[1], [], [2], [], [3]]
    assert (reader.seq, reader.digest) == (3, log.digests[3])


def test_a_gap_holds_what_follows_and_asks_for_the_hole_only() -> None:
    log = written(5)
    reader = fresh(log)
    assert [seqs(offer(reader, log, seq)) for seq in (1, 4, 5)] == [[1], [], []]
    query = reader.question(7)
    assert (query.after, query.before, query.room) == (1, 4, LOBBY)
    found = reader.take_page(log.page(query), 0)
    assert seqs(found) == [2, 3, 4, 5]
    assert [item.earlier for item in found if isinstance(item, Read)] == [True, True, False, False]
    assert (reader.is_complete, reader.digest) == (True, log.digests[5])


def test_pages_and_live_events_may_cross() -> None:
    log = written(5)
    reader = fresh(log)
    reader.reaches(3)
    page = log.page(reader.question(1))
    assert seqs(offer(reader, log, 1)) == [1]
    assert seqs(offer(reader, log, 4)) == []
    assert seqs(reader.take_page(page, 0)) == [2, 3, 4]


def test_what_is_not_known_of_is_left_to_arrive_live() -> None:
    log = written(5)
    reader = fresh(log)
    reader.reaches(3)
    query = reader.question(1)
    assert (query.after, query.before) == (0, 4)
    assert seqs(reader.take_page(log.page(query), 0)) == [1, 2, 3]
    assert reader.is_complete
    assert seqs(offer(reader, log, 4) + offer(reader, log, 5)) == [4, 5]


def test_what_is_held_is_bounded_and_the_rest_fetched() -> None:
    log = written(HELD_EVENTS + 100)
    reader = fresh(log)
    for seq in range(3, log.seq + 1):
        offer(reader, log, seq)
    found = catch_up(reader, log)
    assert seqs(found) == list(range(1, HELD_EVENTS + 3))
    assert not reader.is_complete
    assert seqs(catch_up(reader, log)) == list(range(HELD_EVENTS + 3, log.seq + 1))


def test_a_head_is_compared_when_the_cursor_comes_to_it() -> None:
    log = written(3)
    reader = fresh(log)
    assert reader.head(2, log.digests[2]) == []
    assert reader.is_complete, "a head may have overtaken its events"
    assert seqs(offer(reader, log, 1) + offer(reader, log, 2)) == [1, 2]
    assert reader.head(2, log.digests[2]) == []


def test_another_digest_is_told_once() -> None:
    log = written(3)
    reader = fresh(log)
    offer(reader, log, 1)
    assert reader.head(1, b"x" * 16) == [Mismatch(1)]
    assert reader.head(1, b"x" * 16) == []
    assert reader.head(2, b"y" * 16) == []
    assert offer(reader, log, 2)[1:] == [Mismatch(2)]


def test_a_page_that_does_not_follow_on_is_told() -> None:
    log, other = written(3), written(3)
    other.digests[1] = b"x" * 16
    reader = fresh(log)
    offer(reader, log, 1)
    reader.reaches(3)
    found = catch_up(reader, other)
    assert found[0] == Mismatch(1)
    assert seqs(found[1:]) == [2, 3]


def test_what_the_broker_no_longer_has_is_told_and_passed() -> None:
    log = written(9)
    log.first = 6
    reader = fresh(log)
    offer(reader, log, 1)
    reader.reaches(9)
    found = catch_up(reader, log)
    assert found[0] == Hole(2, 5)
    assert seqs(found[1:]) == [6, 7, 8, 9]
    assert reader.digest == log.digests[9]


def test_a_log_that_was_cut_to_nothing_is_passed_and_its_digest_adopted_later() -> None:
    log = written(9)
    log.first = 10
    reader = fresh(log)
    reader.reaches(9)
    assert catch_up(reader, log) == [Hole(1, 9)]
    assert (reader.seq, reader.digest) == (9, b"")
    assert reader.head(9, log.digests[9]) == []
    assert reader.digest == log.digests[9]


def test_a_page_that_brings_nothing_is_not_asked_for_at_once_again() -> None:
    log = written(1)
    reader = fresh(log)
    reader.reaches(2)
    catch_up(reader, log)
    assert reader.not_before == 0.0
    catch_up(reader, log, now=5.0)
    assert (reader.is_complete, reader.not_before) == (False, 6.0)


def test_an_event_of_an_unknown_type_counts() -> None:
    log = Log(LOBBY)
    reader = fresh(log)
    raw = b"\x92\xa7unheard\x01"
    event = decode_event(raw)
    assert isinstance(event, UnknownEvent)
    assert seqs(reader.offer([Read(1, event, raw)])) == [1]
    assert reader.digest == digest.extend(digest.EMPTY, raw)


def test_an_event_that_cannot_be_read_counts_too() -> None:
    reader = LogReader(LOBBY, 0, digest.EMPTY)
    reader.reaches(1)
    reader.question(1)
    page = Page(1, LOBBY, [Stored(1, b"\xc1")], more=False, first=1, before=digest.EMPTY)
    assert reader.take_page(page, 0) == [Read(1, UnknownEvent(), b"\xc1", earlier=True)]


def test_runs_of_seqs_are_merged_and_taken_in_order() -> None:
    runs = SeqRuns()
    runs.add(3, 2)
    runs.add(5, 1)
    runs.add(9, 1)
    assert [seq for seq in range(1, 12) if runs.take(seq)] == [3, 4, 5, 9]


def test_a_head_within_a_run_is_compared_where_it_lies() -> None:
    log = written(6)
    reader = fresh(log)
    assert reader.head(3, log.digests[3]) == []
    run = [Read(seq, decode_event(raw), raw) for seq, raw in enumerate(log.events, 1)]
    assert seqs(reader.offer(run[:2])) == [1, 2]
    assert seqs(reader.offer(run[2:4])) == [3, 4]
    reader.head(5, b"x" * 16)
    found = reader.offer(run[4:])
    assert [type(item) for item in found] == [Read, Mismatch, Read]
    assert (found[1], reader.seq) == (Mismatch(5), 6)
    assert reader.digest == digest.extend(b"x" * 16, log.events[5])


def test_a_run_fills_a_hole_before_what_was_held() -> None:
    log = written(6)
    reader = fresh(log)
    run = [Read(seq, decode_event(raw), raw) for seq, raw in enumerate(log.events, 1)]
    assert reader.offer(run[3:5]) == []
    assert seqs(reader.offer(run[:4])) == [1, 2, 3, 4, 5]
    assert (reader.is_complete, reader.digest) == (True, log.digests[5])
