"""Too many lines a second are thinned out: bounded, counted, and in order."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.client.line.lines import Line, Span
from hubbub.client.line.thinning import BURST, HOLD_SECONDS, LAST, LINES_A_SECOND, Thinning


def talk(*numbers: int) -> list[Line]:
    return [Line((Span(str(number)),), may_skip=True) for number in numbers]


def texts(lines: list[Line]) -> list[str]:
    return [str(line) for line in lines]


def test_a_burst_is_shown_whole() -> None:
    thinning = Thinning(0.0)
    assert texts(thinning.take(talk(*range(BURST)), 0.0)) == [str(n) for n in range(BURST)]
    assert thinning.wake_at() is None


def test_beyond_it_the_last_lines_are_shown_behind_the_count_of_the_others() -> None:
    thinning = Thinning(0.0)
    thinning.take(talk(*range(BURST)), 0.0)
    assert thinning.take(talk(*range(100, 130)), 0.0) == []
    assert thinning.wake_at() == HOLD_SECONDS
    assert thinning.take([], 0.5) == []
    first, *rest = texts(thinning.take([], HOLD_SECONDS))
    assert first == "(20 lines not shown: too fast to read; /history has all)"
    assert rest == [str(number) for number in range(130 - LAST, 130)]
    assert thinning.wake_at() is None


def test_a_few_too_many_are_only_late() -> None:
    thinning = Thinning(0.0)
    thinning.take(talk(*range(BURST)), 0.0)
    thinning.take(talk(100, 101), 0.0)
    assert texts(thinning.take([], HOLD_SECONDS)) == ["100", "101"]


def test_what_must_be_shown_is_and_no_held_line_comes_behind_it() -> None:
    thinning = Thinning(0.0)
    thinning.take(talk(*range(BURST)), 0.0)
    assert texts(thinning.take([*talk(1, 2), Line.of("for you"), *talk(3)], 0.0)) == ["for you"]
    assert texts(thinning.take([], HOLD_SECONDS)) == [
        "(2 lines not shown: too fast to read; /history has all)",
        "3",
    ]


def test_what_is_held_back_at_the_end_is_shown_or_counted() -> None:
    thinning = Thinning(0.0)
    thinning.take(talk(*range(BURST + LAST + 5)), 0.0)
    first, *rest = texts(thinning.release())
    assert first == "(5 lines not shown: too fast to read; /history has all)"
    assert len(rest) == LAST
    assert thinning.release() == []


@given(st.lists(st.tuples(st.floats(0, 2), st.integers(0, 300)), max_size=30))
def test_every_line_is_shown_once_in_order_or_counted(arrivals: list[tuple[float, int]]) -> None:
    thinning = Thinning(0.0)
    now, sent, shown = 0.0, 0, []
    for pause, count in arrivals:
        now += pause
        shown += texts(thinning.take(talk(*range(sent, sent + count)), now))
        sent += count
    shown += texts(thinning.take([], now + HOLD_SECONDS))
    numbers = [int(text) for text in shown if not text.startswith("(")]
    skipped = sum(int(text.split()[0][1:].replace(",", "")) for text in shown if "(" in text)
    assert numbers == sorted(set(numbers))
    assert len(numbers) + skipped == sent
    seconds = now + HOLD_SECONDS
    assert len(numbers) <= BURST + (LINES_A_SECOND + LAST) * (seconds + 1)
