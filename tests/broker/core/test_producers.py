"""Exactly once: a producer's writes are taken in the order of their numbers, each a single time, however often they are sent."""

import pytest
from tests.broker.core.desk import START, WALL, Desk, Person
from tests.broker.core.memory_store import LOBBY, MemoryStore
from tests.broker.core.wire import refused

from hubbub.broker.core.apply import apply
from hubbub.broker.core.changes import ProducerRow
from hubbub.broker.core.clock import Now
from hubbub.broker.core.core import TIDY_SECONDS
from hubbub.broker.core.limits import LIMITS
from hubbub.broker.core.records import Submission, Writes
from hubbub.broker.errors import StorageError
from hubbub.common.codec import encode
from hubbub.common.commands import Create, Hello, Logout, Post, Skip, Tell, Write
from hubbub.common.errors import Code
from hubbub.common.limits import PRODUCER_LIFETIME_DAYS, PRODUCERS_PER_ACCOUNT, WINDOW_COMMANDS
from hubbub.common.replies import Acked, Bye, Error, Greeted, Reply, Resend

DAY = 24 * 3600


def posts(first: int, count: int = 1) -> list[Write]:
    return [Post(n, LOBBY, f"post {n}") for n in range(first, first + count)]


def returning(desk: Desk, person: Person, name: str) -> Person:
    """The same client over a new connection: it keeps its producer."""
    again = desk.connects(name)
    again.producer = person.producer
    again.hello().logs_in(name).gets_welcome()
    return again


def events_in_lobby(desk: Desk) -> int:
    return len(desk.store.events.get(1, []))


def test_a_repeated_write_gets_its_outcome_again_and_is_done_once() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    for _ in range(3):
        alice.sends(*posts(1, 3)).gets(Acked(1, LOBBY, 1, count=3))
    alice.sends(*posts(2)).gets(Acked(2, LOBBY, 2))
    assert events_in_lobby(desk) == 3


def test_a_write_repeated_within_one_batch_is_done_once() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.writes(posts(1), posts(2, 2), posts(2, 2), posts(3, 2))
    desk.goes_on()
    assert events_in_lobby(desk) == 4
    outcomes = [*[Acked(1, LOBBY, 1)], Acked(2, LOBBY, 2, 2), Acked(2, LOBBY, 2, 2)]
    alice.gets(*outcomes, Acked(3, LOBBY, 3, 2))


def test_a_write_sent_over_a_new_connection_is_done_once() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(*posts(1, 2))
    desk.goes_on()
    alice.vanishes()
    again = returning(desk, alice, "Alice")
    again.sends(*posts(1, 3)).gets(Acked(1, LOBBY, 1, count=3))


def test_a_repeated_refusal_says_the_same() -> None:
    alice = Desk().meets("Alice")
    for _ in range(2):
        alice.sends(Create(1, "no name"), Tell(2, "Nobody", "hi"), Post(3, b"?" * 16, "hi"))
        alice.gets(
            refused(Code.BAD_NAME, n=1),
            refused(Code.UNKNOWN_USER, n=2),
            refused(Code.NOT_MEMBER, n=3),
        )
    alice.sends(*posts(4)).gets(Acked(4, LOBBY, 1))


def test_an_outcome_survives_the_broker() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2), Tell(3, "Nobody", "hi")).forgets()
    restarted = Desk(store=desk.store)
    again = returning(restarted, alice, "Alice")
    again.sends(*posts(2), Tell(3, "Nobody", "hi"), *posts(4))
    again.gets(Acked(2, LOBBY, 2), refused(Code.UNKNOWN_USER, n=3), Acked(4, LOBBY, 3))


def test_outcomes_of_those_who_post_in_turn_survive_in_few_bytes() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    for n in range(1, WINDOW_COMMANDS + 1):
        alice.sends(*posts(n))
        bob.sends(*posts(3 * n - 2, 3))
    assert all(len(row.outcomes) < 1000 for row in desk.store.producers.values())
    restarted = Desk(store=desk.store)
    alice, bob = (returning(restarted, one, name) for one, name in ((alice, "Alice"), (bob, "Bob")))
    for n in range(1, WINDOW_COMMANDS + 1):
        alice.sends(*posts(n)).gets(Acked(n, LOBBY, 4 * n - 3))
    for n in range(2 * WINDOW_COMMANDS + 1, 3 * WINDOW_COMMANDS + 1):
        bob.sends(*posts(n)).gets(Acked(n, LOBBY, n + 1 + (n - 1) // 3))
    alice.sends(*posts(WINDOW_COMMANDS + 1)).gets(Acked(513, LOBBY, 4 * WINDOW_COMMANDS + 1))


@pytest.mark.parametrize("outcomes", [b"", b"\xa5" * 9, encode([1]), encode([]) + b"\0"])
def test_damaged_outcomes_are_refused_when_they_are_loaded(outcomes: bytes) -> None:
    store = MemoryStore(producers={(1, b"p" * 16): ProducerRow(1, WALL, outcomes)})
    with pytest.raises(StorageError, match="damaged: restore it from a backup"):
        Desk(store=store)


def test_a_write_beyond_the_next_is_sent_back_to_it() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2)).forgets()
    alice.sends(*posts(4, 2)).gets(Resend(3, Code.OUT_OF_ORDER))
    alice.sends(*posts(1), *posts(3), *posts(5))
    alice.gets(Acked(1, LOBBY, 1), Acked(3, LOBBY, 3), Resend(4, Code.OUT_OF_ORDER))
    assert events_in_lobby(desk) == 3


def test_a_session_is_sent_back_once_in_a_batch() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1))
    desk.stalls()
    alice.forgets().writes(posts(2), posts(4), posts(5), posts(6))
    desk.goes_on()
    alice.gets(Acked(2, LOBBY, 2), Resend(3, Code.OUT_OF_ORDER))


def test_a_run_of_acks_is_one_reply_and_another_room_begins_another() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Create(1, "garden")).forgets()
    garden = desk.core.context.state.rooms[2].log.id
    desk.stalls()
    alice.writes(posts(2), posts(3, 2), [Post(5, garden, "x")], posts(6), [Create(7, "")], posts(8))
    desk.goes_on()
    alice.gets(
        Acked(2, LOBBY, 1),
        Acked(3, LOBBY, 2, count=2),
        Acked(5, garden, 2),
        Acked(6, LOBBY, 4),
        refused(Code.BAD_NAME, n=7),
        Acked(8, LOBBY, 5),
    )


def test_runs_of_one_batch_merge() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.writes(posts(1), posts(2), posts(3, 3), posts(6))
    desk.goes_on()
    assert len(desk.batches[-1].submissions) == 3
    alice.gets(Acked(1, LOBBY, 1), Acked(2, LOBBY, 2, count=5))


def test_a_run_is_broken_when_somebody_else_writes_in_between() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.stalls()
    alice.sends(*posts(1))
    alice.sends(*posts(2))
    bob.sends(*posts(1))
    alice.sends(*posts(3))
    desk.goes_on()
    alice.gets(Acked(1, LOBBY, 1), Acked(2, LOBBY, 2), Acked(3, LOBBY, 4))
    bob.gets(Acked(1, LOBBY, 3))


def test_outcomes_are_remembered_for_512_numbers() -> None:
    alice = Desk().meets("Alice")
    alice.sends(Tell(1, "Nobody", "hi"), Tell(2, "Nobody", "hi"))
    alice.sends(*posts(3, WINDOW_COMMANDS - 1)).forgets()
    alice.sends(Tell(2, "Nobody", "hi")).gets(refused(Code.UNKNOWN_USER, n=2))
    alice.sends(Tell(1, "Nobody", "hi")).gets(refused(Code.ALREADY_DONE, n=1))
    alice.sends(*posts(3)).gets(Acked(3, LOBBY, 1))


def test_an_unknown_producer_is_expired_when_it_does_not_begin_at_1() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(5, 3)).gets(refused(Code.PRODUCER_EXPIRED, n=5))
    alice.sends(*posts(1)).gets(Acked(1, LOBBY, 1))
    assert events_in_lobby(desk) == 1


def test_a_producer_belongs_to_its_account() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2)).forgets()
    bob = desk.connects("Bob").hello()
    bob.producer = alice.producer
    bob.logs_in("Bob").gets_welcome()
    bob.sends(*posts(2)).gets(refused(Code.PRODUCER_EXPIRED, n=2))
    bob.sends(*posts(1)).gets(Acked(1, LOBBY, 3))
    alice.sends(*posts(3)).gets(Acked(3, LOBBY, 4))


def test_a_refusal_uses_up_its_number_and_a_transient_one_does_not() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Post(1, LOBBY, "")).gets(refused(Code.BAD_TEXT, n=1))
    desk.fails()
    alice.sends(*posts(2)).gets(Resend(2, Code.STORAGE_UNAVAILABLE, 1.0))
    desk.recovers()
    alice.sends(*posts(2)).gets(Acked(2, LOBBY, 1))


def test_a_clean_logout_closes_the_producer() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2), Logout(3)).gets(Acked(1, LOBBY, 1, 2), Bye(3))
    assert desk.store.producers == {}
    again = returning(desk, alice, "Alice")
    again.sends(*posts(3)).gets(refused(Code.PRODUCER_EXPIRED, n=3))


def test_a_logout_may_keep_the_producer_for_a_later_session() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2), Logout(3, close_producer=False)).gets(Acked(1, LOBBY, 1, 2), Bye(3))
    returning(desk, alice, "Alice").sends(*posts(2, 2)).gets(Acked(2, LOBBY, 2, 2))


def tidies_later(desk: Desk, seconds: float) -> None:
    """Go on when so much time, by the wall clock, has passed since the start: the hour is over."""
    now = desk.now
    desk.now = Now(now.monotonic + TIDY_SECONDS, START.wall + round(seconds * 1000))
    desk.ticks()


def test_a_producer_is_forgotten_90_days_after_its_last_use() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(*posts(1))
    desk.passes(10)
    bob.sends(*posts(1))
    # A new broker on the same store. Nobody waits 90 days for a test.
    later = Desk(store=desk.store)
    tidies_later(later, PRODUCER_LIFETIME_DAYS * DAY + 5)
    returning(later, alice, "Alice").sends(*posts(2)).gets(refused(Code.PRODUCER_EXPIRED, n=2))
    returning(later, bob, "Bob").sends(*posts(2)).gets(Acked(2, LOBBY, 3))
    assert [account for account, _ in later.store.producers] == [2]


def test_nobody_who_is_back_in_an_hour_is_forgotten_when_the_clock_jumps_ahead() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    for person in (alice, bob):
        person.sends(*posts(1))
    later = Desk(store=desk.store)
    later.now = later.now._replace(wall=later.now.wall + 91 * DAY * 1000)
    later.ticks()
    again = returning(later, alice, "Alice")
    tidies_later(later, 91 * DAY)
    again.sends(*posts(2)).gets(Acked(2, LOBBY, 3))
    returning(later, bob, "Bob").sends(*posts(2)).gets(refused(Code.PRODUCER_EXPIRED, n=2))
    assert [account for account, _ in later.store.producers] == [1]


def test_a_clock_that_jumps_back_does_not_age_a_producer() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1))
    right = desk.now.wall
    desk.now = desk.now._replace(wall=0)
    alice.sends(*posts(2))
    assert [row.used for row in desk.store.producers.values()] == [right]


@pytest.mark.parametrize("close", [True, False])
def test_the_same_numbers_of_a_new_producer_are_no_repeats(close: bool) -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1, 2), Logout(3, close_producer=close)).forgets()
    desk.meets("Alice").sends(*posts(1, 2)).gets(Acked(1, LOBBY, 3, count=2))


def begins_anew(alice: Person, producer: bytes) -> None:
    alice.producer = producer
    alice.sends(Hello(1, [1])).gets(Greeted(1, 1, "hub"))
    alice.logs_in("Alice").gets_welcome()


def test_a_session_is_told_outcomes_of_its_own_producer_only() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(*posts(1, 2))
    begins_anew(alice, b"new producer....")
    desk.goes_on()
    alice.gets()
    alice.sends(*posts(1)).gets(Acked(1, LOBBY, 3))


def test_a_session_that_resumes_its_producer_is_told_what_was_in_flight() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(*posts(1, 2))
    begins_anew(alice, alice.producer)
    desk.goes_on()
    outcome: Reply = Acked(1, LOBBY, 1, count=2)
    alice.gets(outcome)


def test_a_failure_of_another_producer_sends_nobody_back() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(*posts(1, 2))
    begins_anew(alice, b"new producer....")
    desk.fails()
    alice.gets()


def test_later_writes_are_sent_back_when_the_first_of_a_new_producer_had_to_wait() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.fails()
    alice.sends(*posts(1)).gets(Resend(1, Code.STORAGE_UNAVAILABLE, 1.0))
    alice.sends(*posts(2)).gets(Resend(1, Code.STORAGE_UNAVAILABLE, 1.0))
    desk.recovers()
    alice.sends(*posts(3)).gets(Resend(1, Code.OUT_OF_ORDER))
    alice.sends(*posts(1, 3)).gets(Acked(1, LOBBY, 1, count=3))


def test_nothing_is_taken_from_a_write_on_that_had_to_wait() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1)).forgets()
    desk.stalls()
    alice.writes(posts(2), posts(3))
    desk.fails()
    alice.gets(Resend(2, Code.STORAGE_UNAVAILABLE, 1.0))
    desk.recovers()
    alice.sends(*posts(4)).gets(Resend(2, Code.OUT_OF_ORDER))
    desk.stalls()
    alice.writes(posts(2), posts(3, 2)).gets()
    desk.goes_on()
    alice.gets(Acked(2, LOBBY, 2), Acked(3, LOBBY, 3, count=2))


def test_a_session_is_sent_back_to_what_is_next_when_the_batch_is_done() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1))
    desk.stalls()
    alice.forgets().writes(posts(2), posts(5), posts(3, 2))
    desk.goes_on()
    alice.gets(Acked(2, LOBBY, 2), Acked(3, LOBBY, 3, count=2), Resend(5, Code.OUT_OF_ORDER))


def test_a_number_that_is_skipped_is_used_and_its_outcome_repeated() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Post(1, LOBBY, "one"), Skip(2), Post(3, LOBBY, "three"))
    skipped = Error("cancelled", "", n=2)
    alice.gets(Acked(1, LOBBY, 1), skipped, Acked(3, LOBBY, 2))
    alice.sends(Post(2, LOBBY, "two after all")).gets(skipped)
    assert events_in_lobby(desk) == 2


def test_a_write_that_was_taken_cannot_be_skipped_any_more() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*posts(1)).gets(Acked(1, LOBBY, 1))
    alice.sends(Skip(1)).gets(Acked(1, LOBBY, 1))
    assert events_in_lobby(desk) == 1


def test_the_producer_used_longest_ago_is_forgotten_when_an_account_has_too_many() -> None:
    desk = Desk()
    desk.meets("Alice")
    desk.meets("Bob").sends(*posts(1))
    state, store = desk.core.context.state, desk.store
    ids = [b"%016d" % number for number in range(PRODUCERS_PER_ACCOUNT + 2)]
    records = [Writes(1, id, WALL + time, posts(1)) for time, id in enumerate(ids)]
    records[2:2] = [Writes(1, ids[0], WALL + 3, posts(2))]
    for record in records:
        store.commit(apply(state, [Submission(record, b"", 1, 100)], LIMITS).changes)
    kept = {id for account, id in store.producers if account == 1}
    assert kept == set(ids) - {ids[1], ids[2]}
    assert kept == {id for account, id in state.producers if account == 1}
    assert len(store.producers) == PRODUCERS_PER_ACCOUNT + 1  # and Bob's
