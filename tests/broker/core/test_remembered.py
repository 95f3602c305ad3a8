"""What a producer remembers of its writes, whatever became of them, and again from its row."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.broker.core.producers import Outcome, Producer
from hubbub.common.limits import WINDOW_COMMANDS

WROTE = st.tuples(
    st.sampled_from(["one room", "another"]), st.integers(1, 140), st.integers(-3, 1000)
)
"""Where, how many, and how much further on in the log; a marker may be further back."""


@given(st.lists(WROTE | st.just("refused"), min_size=1, max_size=60), st.integers(0, 60))
def test_a_producer_remembers_each_of_its_last_512_outcomes(
    done: list[tuple[str, int, int] | str], restart: int
) -> None:
    producer, seq = Producer(), 0
    expected: dict[int, tuple[bytes, int, str]] = {}
    for place, wrote in enumerate(done):
        if place == restart:
            producer = Producer.from_row(producer.row())
            producer.unpack()
        if isinstance(wrote, str):
            producer.refused(Outcome(producer.n + 1, 1, b"", 0, "forbidden", "no"))
            expected[producer.n] = b"", 0, "forbidden"
            continue
        room, count, further = wrote
        seq = max(1, seq + further)
        for number in range(count):
            expected[producer.n + 1 + number] = room.encode(), seq + number, ""
        producer.succeeded(count, room.encode(), seq)
        seq += count - 1
    row = producer.row()
    for remembering in (producer, Producer.from_row(row)):
        remembering.unpack()
        for n in range(max(1, producer.n + 1 - WINDOW_COMMANDS), producer.n + 1):
            outcome = remembering.remembered(n)
            assert outcome is not None
            assert (outcome.n, outcome.count, outcome.room, outcome.seq, outcome.code) == (
                n,
                1,
                *expected[n],
            )
        assert remembering.row() == row
