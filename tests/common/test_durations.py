"""Durations are read as they are meant, or refused with an example."""

import pytest

from hubbub.common.durations import is_duration, parse_duration, spell
from hubbub.common.errors import InvalidDuration


@pytest.mark.parametrize(
    ("typed", "seconds", "spelt"),
    [
        ("1s", 1, "1 second"),
        ("30s", 30, "30 seconds"),
        ("90s", 90, "90 seconds"),
        ("10m", 600, "10 minutes"),
        ("60m", 3600, "1 hour"),
        ("2H", 7200, "2 hours"),
        (" 7d ", 7 * 86400, "7 days"),
        ("2w", 14 * 86400, "14 days"),
        ("3650d", 3650 * 86400, "3,650 days"),
    ],
)
def test_a_duration_is_read_and_spelt(typed: str, seconds: int, spelt: str) -> None:
    assert parse_duration(typed) == seconds
    assert spell(seconds) == spelt


@pytest.mark.parametrize("typed", ["", "m", "10", "10 m", "-1s", "1.5h", "10min", "\u0661s", "ten"])
def test_what_is_no_duration_is_refused_by_an_example(typed: str) -> None:
    assert not is_duration(typed)
    with pytest.raises(InvalidDuration, match="for example 30s, 10m, 2h, 7d"):
        parse_duration(typed)


def test_a_duration_of_nothing_or_of_too_much_is_refused_by_its_bounds() -> None:
    for typed in ("0s", "3651d"):
        with pytest.raises(InvalidDuration, match="at least 1s and at most 3,650 days"):
            parse_duration(typed)
    with pytest.raises(InvalidDuration, match="at most 6 hours"):
        parse_duration("7h", 6 * 3600)


def test_no_time_is_spelt_too() -> None:
    assert spell(0) == "0 seconds"
