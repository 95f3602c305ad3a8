"""Days part the lines, times stand before them on request."""

from datetime import UTC, datetime, timedelta, timezone

from hubbub.client.line.dating import Dating
from hubbub.client.line.lines import Line, Span

ZONE = timezone(timedelta(hours=2))


def at(day: int, hour: int = 12, minute: int = 0) -> int:
    return round(datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp() * 1000)


def said(time: int | None, text: str = "hi") -> Line:
    return Line((Span(text),), time=time)


def shown(dating: Dating, *lines: Line, now: int) -> list[str]:
    return [str(each) for line in lines for each in dating.dated(line, now)]


def test_a_day_is_told_when_it_is_another() -> None:
    dating = Dating(times=False, days=True, zone=ZONE)
    lines = [said(at(20)), said(at(20, 13)), said(at(22)), said(at(22)), said(None, "notice")]
    assert shown(dating, *lines, now=at(22)) == [
        "─── Friday, 20 November 2026 ───",
        "hi",
        "hi",
        "─── Sunday, 22 November 2026 ───",
        "hi",
        "hi",
        "notice",
    ]


def test_today_needs_no_word() -> None:
    dating = Dating(times=False, days=True, zone=ZONE)
    assert shown(dating, said(at(22)), now=at(22, 13)) == ["hi"]


def test_the_first_word_of_a_new_day_is_parted_from_a_quiet_yesterday() -> None:
    dating = Dating(times=False, days=True, zone=ZONE)
    assert shown(dating, said(None, "Welcome"), now=at(21)) == ["Welcome"]
    assert shown(dating, said(at(22)), now=at(22)) == ["─── Sunday, 22 November 2026 ───", "hi"]


def test_a_day_ends_where_the_reader_is() -> None:
    dating = Dating(times=True, days=True, zone=ZONE)
    assert shown(dating, said(at(21, 21, 59)), said(at(21, 22, 1)), now=at(21, 21, 59)) == [
        "23:59 hi",
        "─── Sunday, 22 November 2026 ───",
        "00:01 hi",
    ]


def test_a_pipe_gets_whole_dates_and_no_rules() -> None:
    dating = Dating(times=True, days=False, zone=ZONE)
    assert shown(dating, said(at(20)), said(None), now=at(22)) == [
        "2026-11-20 14:00 hi",
        "2026-11-22 14:00 hi",
    ]


def test_a_time_of_the_past_is_told_in_few_words() -> None:
    dating = Dating(times=False, days=True, zone=ZONE)
    assert dating.since(at(22, 8), at(22, 12)) == "10:00"
    assert dating.since(at(20, 8), at(22, 12)) == "Friday, 20 November 2026, 10:00"


def test_a_time_beyond_every_calendar_is_shown_all_the_same() -> None:
    dating = Dating(times=True, days=True, zone=ZONE)
    assert shown(dating, said(2**63 - 1), now=at(22))[-1].endswith("hi")
