"""The bound on what is written and not yet answered."""

import threading

from hubbub.client.gate import Gate
from hubbub.client.tickets import new_future


def test_gate_lets_the_next_in_when_one_has_left() -> None:
    gate = Gate(1)
    first, second = new_future(), new_future()
    gate.enter(first, wait=True)
    inside = threading.Event()

    def come() -> None:
        gate.enter(second, wait=True)
        inside.set()

    waiting = threading.Thread(target=come)
    waiting.start()
    assert not inside.is_set()
    first.set_result(None)
    waiting.join()
    assert inside.is_set()


def test_gate_lets_in_without_a_place_who_must_not_wait_and_has_no_more_places_after() -> None:
    gate = Gate(1)
    futures = [new_future() for _ in range(3)]
    for future in futures:
        gate.enter(future, wait=False)
    for future in futures:
        future.set_result(None)
    gate.enter(new_future(), wait=True)
    last = new_future()
    gate.enter(last, wait=False)
    last.set_result(None)
    assert gate._places.empty()
