"""Waking the loop: from any thread, at any time, also before and after there is one."""

import contextlib
import os
import select
import signal
import threading
from collections.abc import Iterator

import pytest

from hubbub.broker.wake import Waker

LONG = 10.0


@pytest.fixture
def waker() -> Iterator[Waker]:
    with contextlib.closing(Waker()) as waker:
        yield waker


def is_awake(waker: Waker) -> bool:
    return bool(select.select([waker.fd], [], [], 0)[0])


def test_a_wake_lasts_until_the_loop_rests(waker: Waker) -> None:
    assert not is_awake(waker)
    waker.rest()
    waker.wake()
    waker.wake()
    assert is_awake(waker)
    waker.rest()
    assert not is_awake(waker)


def test_a_wait_is_ended_by_another_thread(waker: Waker) -> None:
    other = threading.Thread(target=waker.wake)
    other.start()
    waker.wait(LONG)
    other.join()
    assert not is_awake(waker)


def test_more_wakes_than_the_pipe_holds_are_one(waker: Waker) -> None:
    for _ in range(100_000):
        waker.wake()
    while is_awake(waker):
        waker.rest()
    waker.wake()
    assert is_awake(waker)


def test_a_signal_wakes_while_it_may(waker: Waker) -> None:
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        with waker.on_signals():
            signal.raise_signal(signal.SIGUSR1)
            waker.wait(LONG)
        signal.raise_signal(signal.SIGUSR1)
        assert not is_awake(waker)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_wake_after_the_end_goes_nowhere(waker: Waker) -> None:
    waker.close()
    # The numbers of its descriptors are somebody else's now.
    reading, writing = os.pipe()
    try:
        waker.wake()
        assert not select.select([reading], [], [], 0)[0]
    finally:
        os.close(reading)
        os.close(writing)
