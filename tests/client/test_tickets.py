"""Tickets are Futures like any other: for those who wait, call back, gather or await."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, InvalidStateError, as_completed, wait
from typing import Any

import pytest

from hubbub.client.errors import Closed
from hubbub.client.tickets import new_future

BOUND = 10


def in_threads(*functions: Callable[[], object]) -> None:
    """Run them at once, and wait for all."""
    threads = [threading.Thread(target=function) for function in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
        assert not thread.is_alive()


def test_ticket_gives_its_result_once_and_cannot_be_cancelled() -> None:
    ticket = new_future()
    assert (ticket.done(), ticket.running(), ticket.cancel()) == (False, False, False)
    with pytest.raises(TimeoutError):
        ticket.result(0)
    ticket.set_result(7)
    assert (ticket.result(0), ticket.exception(0), ticket.done()) == (7, None, True)
    assert (ticket.cancel(), ticket.cancelled()) == (False, False)
    with pytest.raises(InvalidStateError):
        ticket.set_result(8)
    with pytest.raises(InvalidStateError):
        ticket.set_exception(Closed("late"))
    assert ticket.result(0) == 7


def test_ticket_raises_its_exception() -> None:
    ticket = new_future()
    ticket.set_exception(Closed("over"))
    with pytest.raises(Closed, match="over"):
        ticket.result(0)
    with pytest.raises(InvalidStateError):
        ticket.set_result(1)


def test_ticket_is_never_waited_for_in_vain_whatever_comes_first() -> None:
    tickets = [new_future() for _ in range(3000)]
    results: list[list[int]] = [[], []]

    def settles() -> None:
        for number, ticket in enumerate(tickets):
            ticket.set_result(number)

    def waits(into: list[int]) -> None:
        into += [ticket.result(BOUND) for ticket in tickets]

    in_threads(lambda: waits(results[0]), settles, lambda: waits(results[1]))
    assert results == [list(range(3000))] * 2


def test_callback_is_called_once_whether_it_came_before_or_after_the_outcome() -> None:
    tickets = [new_future() for _ in range(3000)]
    called: list[Future[Any]] = []

    def settles() -> None:
        for ticket in tickets:
            ticket.set_result(None)

    def asks() -> None:
        for ticket in tickets:
            ticket.add_done_callback(called.append)

    in_threads(asks, settles)
    assert len(called) == 3000
    assert set(called) == set(tickets)


def test_own_callbacks_are_called_first_and_a_failing_one_stops_no_other() -> None:
    called: list[str] = []

    def fails(_: Future[Any]) -> None:
        called.append("own")
        raise ValueError

    ticket = new_future(fails)
    ticket.add_done_callback(lambda _: called.append("later"))
    ticket.set_result(None)
    assert called == ["own", "later"]


def test_tickets_can_be_gathered() -> None:
    tickets = [new_future() for _ in range(3)]
    tickets[1].set_result(1)
    assert wait(tickets, return_when=FIRST_COMPLETED).done == {tickets[1]}
    gathered: list[int] = []

    def gathers() -> None:
        gathered.extend(ticket.result() for ticket in as_completed(tickets, BOUND))

    def settles() -> None:
        tickets[2].set_result(2)
        tickets[0].set_result(0)

    in_threads(gathers, settles)
    assert sorted(gathered) == [0, 1, 2]
    assert wait(tickets, BOUND).not_done == set()


def test_ticket_can_be_awaited() -> None:
    ticket = new_future()

    async def awaits() -> int:
        asyncio.get_running_loop().call_soon(ticket.set_result, 5)
        return int(await asyncio.wait_for(asyncio.wrap_future(ticket), BOUND))

    assert asyncio.run(awaits()) == 5
