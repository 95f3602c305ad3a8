"""Damaged frames, requests and subscriptions in thousands: codec, core and the operator's socket bear them. `make fuzz` sends ten times as many, others each time."""

from collections.abc import Iterator
from typing import NoReturn

import pytest
import zmq
from tests.fuzz.siege import Siege

from hubbub.broker.core import rules
from hubbub.broker.core.rules import QueryRow
from hubbub.common.commands import Command, Who

A_SIEGE = 5_000
SEEDS = range(4)


@pytest.fixture
def context() -> Iterator["zmq.Context[zmq.Socket[bytes]]"]:
    with zmq.Context() as context:
        yield context


def besieged(seed: int, count: int, context: "zmq.Context[zmq.Socket[bytes]]") -> Siege:
    print(f'again: make fuzz ARGS="--seed {seed} --count {count}"')
    siege = Siege(seed, context)
    try:
        siege.goes_on(count)
    finally:
        siege.desk.close()
    return siege


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_core_stands_when_thousands_of_damaged_frames_come(
    context: "zmq.Context[zmq.Socket[bytes]]", seed: int
) -> None:
    heard = besieged(seed, A_SIEGE, context).heard
    refused = {"malformed", "invalid", "unknown_command", "too_large", "forbidden", "bad_code"}
    done = {"Welcome", "Acked", "Done", "Subscribed", "Joined", "LinkMade", "operator: Done"}
    assert refused | done <= heard.keys(), "it came as far as the handlers, on both ways"


def test_siege_finds_out_when_a_handler_fails(
    monkeypatch: pytest.MonkeyPatch, context: "zmq.Context[zmq.Socket[bytes]]"
) -> None:
    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    kind: type[Command] = Who
    monkeypatch.setitem(rules.QUERIES, kind, QueryRow(fail))
    with pytest.raises(ZeroDivisionError):
        besieged(0, A_SIEGE, context)


def test_siege_finds_out_when_the_operators_end_fails(
    monkeypatch: pytest.MonkeyPatch, context: "zmq.Context[zmq.Socket[bytes]]"
) -> None:
    monkeypatch.setattr("hubbub.broker.operator.service._memory", lambda: 1 // 0)
    with pytest.raises(AssertionError, match="request_failed"):
        besieged(0, A_SIEGE, context)


def test_siege_finds_out_when_a_row_is_lost(context: "zmq.Context[zmq.Socket[bytes]]") -> None:
    siege = Siege(0, context)
    try:
        siege.goes_on(200)
        siege.desk.store.devices.popitem()
        with pytest.raises(AssertionError, match="memory and rows differ"):
            siege.checks()
    finally:
        siege.desk.close()
