"""Waiting longer after each refusal, never in step with others."""

from hubbub.client.backoff import FIRST_SECONDS, MOST_SECONDS, Backoff


def test_each_wait_is_about_twice_as_long_up_to_a_bound() -> None:
    backoff = Backoff()
    waits = [backoff.wait() for _ in range(100)]
    for place, wait in enumerate(waits):
        most = min(FIRST_SECONDS * 2**place, MOST_SECONDS)
        assert most / 2 <= wait <= most
    assert len(set(waits)) > 90, "no two alike, but by chance"


def test_the_waits_begin_anew_when_one_was_let_in() -> None:
    backoff = Backoff()
    for _ in range(10):
        backoff.wait()
    backoff.reset()
    assert backoff.wait() <= FIRST_SECONDS
