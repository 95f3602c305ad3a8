"""The local sequencer: what a session submitted first is taken first, sessions take turns, a bounded batch at a time."""

from hubbub.broker.core.records import Submission, Tidy
from hubbub.broker.sequencer import BATCH_BYTES, BATCH_RECORDS, LocalSequencer


def submission(number: int, *, of: bytes = b"", count: int = 1, size: int = 100) -> Submission:
    return Submission(Tidy(number), of, count, size)


def sequencer_of(*submissions: Submission) -> LocalSequencer:
    sequencer = LocalSequencer()
    for each in submissions:
        sequencer.submit(each)
    return sequencer


def test_a_sequencer_gives_batches_in_the_order_of_submission() -> None:
    submissions = [submission(number) for number in range(BATCH_RECORDS * 2 + 5)]
    sequencer = sequencer_of(*submissions)
    batches = []
    while batch := sequencer.take():
        batches.append(batch)
    assert [len(batch) for batch in batches] == [BATCH_RECORDS, BATCH_RECORDS, 5]
    assert [each for batch in batches for each in batch] == submissions


def test_sessions_take_turns_and_each_one_s_order_stays() -> None:
    many = [submission(number, of=b"robot", count=512) for number in range(5)]
    few = [submission(number, of=b"alice") for number in range(2)]
    sequencer = sequencer_of(*many, *few)
    assert sequencer.take() == [many[0], few[0]]
    sequencer.submit(submission(9, of=b"bob"))
    assert sequencer.take() == [many[1], few[1], submission(9, of=b"bob")]
    assert sequencer.take() == many[2:4]
    assert sequencer.drop() == many[4:]


def test_a_sequencer_gives_nothing_when_it_has_nothing() -> None:
    sequencer = LocalSequencer()
    assert list(sequencer.take()) == []
    assert list(sequencer.drop()) == []


def test_a_batch_ends_before_the_submission_that_breaks_the_bound_of_records() -> None:
    big = submission(1, count=BATCH_RECORDS - 1)
    sequencer = sequencer_of(big, submission(2), submission(3))
    assert sequencer.take() == [big, submission(2)]
    assert sequencer.take() == [submission(3)]


def test_a_batch_ends_before_the_submission_that_breaks_the_bound_of_bytes() -> None:
    half = submission(1, size=BATCH_BYTES // 2)
    sequencer = sequencer_of(half, half, submission(2, size=1))
    assert sequencer.take() == [half, half]
    assert sequencer.take() == [submission(2, size=1)]


def test_a_submission_over_the_bound_goes_alone() -> None:
    huge = submission(1, count=BATCH_RECORDS + 1, size=BATCH_BYTES + 1)
    sequencer = sequencer_of(huge, submission(2))
    assert sequencer.take() == [huge]
    assert sequencer.take() == [submission(2)]


def test_a_sequencer_forgets_what_is_dropped() -> None:
    sequencer = sequencer_of(submission(1), submission(2))
    assert sequencer.drop() == [submission(1), submission(2)]
    assert list(sequencer.take()) == []
    sequencer.submit(submission(3))
    assert sequencer.take() == [submission(3)]
