"""The bound on what is written and not yet answered."""

import threading

from hubbub.client.gate import Gate


def test_gate_lets_the_next_in_when_one_has_left() -> None:
    gate = Gate(1)
    first = gate.enter(wait=True)
    inside = threading.Event()

    def come() -> None:
        gate.enter(wait=True)
        inside.set()

    waiting = threading.Thread(target=come)
    waiting.start()
    assert not inside.is_set()
    first.set_result(None)
    waiting.join()
    assert inside.is_set()


def test_gate_lets_in_without_a_place_who_must_not_wait_and_has_no_more_places_after() -> None:
    gate = Gate(1)
    for future in [gate.enter(wait=False) for _ in range(3)]:
        future.set_result(None)
    gate.enter(wait=True)
    gate.enter(wait=False).set_result(None)
    assert gate._places.empty()
