"""Token buckets: what is let through at once, what a second, and how many keys are remembered."""

from hypothesis import given
from hypothesis import strategies as st

from hubbub.broker.core.buckets import Bucket, Buckets


def test_a_new_bucket_gives_its_burst_and_no_more() -> None:
    bucket = Bucket(burst=3, rate=1)
    assert [bucket.take(1, 100.0) for _ in range(5)] == [True, True, True, False, False]


def test_a_bucket_fills_by_its_rate_and_never_above_its_burst() -> None:
    bucket = Bucket(burst=10, rate=2)
    assert bucket.take(10, 0.0)
    assert not bucket.take(3, 1.0)
    assert bucket.take(2, 1.0)
    assert not bucket.take(11, 3.0)
    assert bucket.take(10, 1000.0)
    assert not bucket.take(1, 1000.0)


def test_a_bucket_tells_how_long_to_wait() -> None:
    bucket = Bucket(burst=10, rate=4)
    assert bucket.wait(0.0) == 0.0
    bucket.take(10, 0.0)
    assert bucket.wait(0.0) == 0.25
    assert bucket.wait(0.0, 8) == 2.0
    assert bucket.wait(1.0, 8) == 1.0
    assert not bucket.take(8, 1.9)
    assert bucket.take(8, 2.0)


def test_a_full_bucket_lets_one_through_that_is_larger_than_its_burst_and_owes_the_rest() -> None:
    bucket = Bucket(burst=10, rate=1)
    assert bucket.take(25, 0.0)
    assert bucket.wait(0.0) == 16.0
    assert bucket.wait(0.0, 25) == 25.0
    assert not bucket.take(25, 24.0)
    assert bucket.take(25, 25.0)


def test_a_bucket_that_is_charged_owes_as_much_as_it_holds_at_most() -> None:
    bucket = Bucket(burst=10, rate=1)
    bucket.charge(4, 0.0)
    assert bucket.wait(0.0, 10) == 4.0
    bucket.charge(100, 0.0)
    assert bucket.wait(0.0) == 11.0
    assert not bucket.take(1, 10.5)
    assert bucket.take(1, 11.0)


def test_a_bucket_gives_nothing_for_a_clock_that_went_back() -> None:
    bucket = Bucket(burst=2, rate=1)
    assert bucket.take(2, 50.0)
    assert not bucket.take(1, 40.0)
    assert not bucket.take(1, 50.5)
    assert bucket.take(1, 51.0)


@given(
    burst=st.integers(1, 50),
    rate=st.integers(1, 50),
    steps=st.lists(st.tuples(st.integers(0, 8), st.integers(1, 60)), max_size=60),
)
def test_no_pattern_of_taking_gets_more_than_burst_and_rate_and_one_large_amount(
    burst: int, rate: int, steps: list[tuple[int, int]]
) -> None:
    bucket, now, taken = Bucket(burst, rate), 0.0, 0
    for eighths, amount in steps:
        now += eighths / 8  # exact in binary: no rounding in what is compared
        can = bucket.wait(now, amount) == 0.0
        assert bucket.take(amount, now) == can
        taken += amount * can
    largest = max((amount for _, amount in steps), default=0)
    assert taken <= burst + rate * now + max(0, largest - burst)


def test_each_key_has_a_bucket_of_its_own() -> None:
    buckets: Buckets[str] = Buckets(burst=1, rate=1)
    assert buckets.take("alice", 1, 0.0)
    assert not buckets.take("alice", 1, 0.0)
    assert buckets.take("bob", 1, 0.0)
    assert buckets.wait("alice", 0.5) == 0.5
    assert buckets.wait("carol", 0.5) == 0.0


def test_full_buckets_are_forgotten() -> None:
    buckets: Buckets[int] = Buckets(burst=1, rate=1)
    for key in range(100):
        buckets.take(key, 1, 0.0)
    for key in range(100, 200):
        buckets.take(key, 1, 5.0)
    assert len(buckets) == 100


def test_only_so_many_keys_are_remembered_and_the_one_used_longest_ago_goes_first() -> None:
    buckets: Buckets[int] = Buckets(burst=2, rate=0.001, most=10)
    for key in range(10):
        buckets.take(key, 2, 0.0)
    assert not buckets.take(0, 1, 0.0)
    for key in range(10, 15):
        buckets.take(key, 2, 0.0)
        assert len(buckets) <= 10
    assert not buckets.take(0, 1, 0.0), "used last of the first ten"
    assert buckets.take(1, 1, 0.0), "forgotten, so it begins anew"


def test_another_rate_holds_for_buckets_known_already() -> None:
    buckets: Buckets[str] = Buckets(burst=10, rate=1)
    assert buckets.take("alice", 10, 0.0)
    buckets.configure(burst=20, rate=10)
    assert buckets.wait("alice", 0.0, 10) == 1.0
    assert buckets.take("alice", 20, 2.0)
    buckets.configure(burst=1, rate=1)
    assert buckets.take("bob", 1, 2.0)
    assert not buckets.take("bob", 1, 2.0)
