"""A log read again: equal digests prove that nothing is missing, and the first difference is named."""

import pytest
from tests.client.conversation import EPOCH, LOBBY, Log

from hubbub.client.results import LogPosition, Verification
from hubbub.client.verifying import verify
from hubbub.common.commands import History
from hubbub.common.digest import EMPTY
from hubbub.common.replies import Page

COUNT = 40


@pytest.fixture
def log() -> Log:
    log = Log(LOBBY, "lobby")
    for number in range(COUNT):
        log.post("Bob", f"message {number}")
    return log


def read(log: Log, position: LogPosition | None = None) -> Verification:
    """Verify, in pages of 7, what was received before the broker's side changed, or `position`."""

    def ask(wish: History) -> Page:
        return log.page(wish, most=7)

    return verify("lobby", position or LogPosition(EPOCH, COUNT, log.digests[-1]), ask)


def test_an_unchanged_log_agrees(log: Log) -> None:
    assert read(log) == Verification("lobby", EPOCH, 1, COUNT, log.digests[-1], None)


def test_what_came_later_is_not_compared(log: Log) -> None:
    position = LogPosition(EPOCH, COUNT, log.digests[-1])
    log.post("Bob", "later")
    found = read(log, position)
    assert (found.last, found.agrees) == (COUNT, True)


def test_an_empty_log_agrees() -> None:
    found = read(Log(LOBBY, "lobby"), LogPosition(EPOCH, 0, EMPTY))
    assert (found.count, found.agrees) == (0, True)


def test_a_log_whose_beginning_is_gone_agrees_from_where_it_begins(log: Log) -> None:
    log.first = 11
    found = read(log)
    assert (found.first, found.last, found.count, found.agrees) == (11, COUNT, 30, True)


@pytest.mark.parametrize("seq", [1, 2, 7, 8, 23, COUNT - 1, COUNT])
def test_a_changed_event_is_named(log: Log, seq: int) -> None:
    log.events[seq - 1] = log.events[0] + b"x"
    assert read(log).differs_at == seq


@pytest.mark.parametrize("seq", [1, 7, 8, COUNT])
def test_a_client_that_received_something_else_is_told(log: Log, seq: int) -> None:
    position = LogPosition(EPOCH, seq, b"another digest!!")
    found = read(log, position)
    assert found.differs_at == seq


def test_a_log_that_has_lost_its_end_is_found(log: Log) -> None:
    position = LogPosition(EPOCH, COUNT, log.digests[-1])
    del log.events[30:], log.digests[31:]
    assert read(log, position).differs_at == 31


def test_a_position_without_a_digest_is_compared_as_far_as_it_can_be(log: Log) -> None:
    assert read(log, LogPosition(EPOCH, COUNT, b"")).agrees
