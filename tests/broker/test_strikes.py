"""Strikes are counted by address, come back by time, and what is said of them is said once; time is an argument."""

import logging

import pytest

from hubbub.broker.core.limits import Limits
from hubbub.broker.strikes import Strikes

HERE, THERE = "192.0.2.7", "2001:db8::/64"


def new_strikes(burst: int = 3, a_minute: int = 6) -> Strikes:
    return Strikes(Limits(strikes_burst=burst, strikes_a_minute=a_minute))


def test_an_address_is_shut_out_when_its_strikes_are_used_up_and_others_are_not() -> None:
    strikes = new_strikes(burst=3)
    seen = []
    for _ in range(3):
        seen.append(strikes.are_used_up(HERE, 0.0))
        strikes.charge(HERE, 0.0)
    assert seen == [False] * 3
    assert strikes.are_used_up(HERE, 0.0)
    assert not strikes.are_used_up(THERE, 0.0)


def test_an_address_is_let_in_again_when_a_strike_has_come_back() -> None:
    strikes = new_strikes(burst=1, a_minute=6)
    strikes.charge(HERE, 0.0)
    assert strikes.are_used_up(HERE, 9.9)
    assert not strikes.are_used_up(HERE, 10.1)
    strikes.charge(HERE, 10.1)
    assert strikes.are_used_up(HERE, 19.9)


def test_abuse_by_many_connections_at_once_is_owed_up_to_as_many_strikes_again() -> None:
    strikes = new_strikes(burst=3, a_minute=6)
    for _ in range(1000):
        strikes.charge(HERE, 0.0)
    assert strikes.are_used_up(HERE, 39.9)
    assert not strikes.are_used_up(HERE, 40.1)


def test_other_bounds_hold_at_once() -> None:
    strikes = new_strikes(burst=1, a_minute=1)
    strikes.charge(HERE, 0.0)
    strikes.configure(Limits(strikes_burst=1, strikes_a_minute=600))
    assert strikes.are_used_up(HERE, 0.05)
    assert not strikes.are_used_up(HERE, 0.15)


def test_it_is_logged_once_until_an_address_has_all_its_strikes_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    strikes = new_strikes(burst=2, a_minute=6)
    with caplog.at_level(logging.INFO, "hubbub.broker"):
        for now in (0.0, 0.0, 0.1, 15.0, 30.0):
            strikes.charge(HERE, now)
        assert len(caplog.messages) == 1
        for _ in range(2):
            strikes.charge(HERE, 1000.0)
        assert len(caplog.messages) == 2
        assert all(HERE in text for text in caplog.messages)


def test_many_addresses_do_not_fill_the_log(caplog: pytest.LogCaptureFixture) -> None:
    strikes = new_strikes(burst=1)
    with caplog.at_level(logging.INFO, "hubbub.broker"):
        for number in range(1000):
            strikes.charge(f"2001:db8:0:{number:x}::/64", 0.0)
    assert 1 <= len(caplog.messages) <= 10
