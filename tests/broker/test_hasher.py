"""The hasher against real worker threads, and what it says of passwords."""

import logging
import threading
from collections.abc import Iterator

import pytest

from hubbub.broker.core.hashing import (
    Hash,
    Hashed,
    HashResult,
    NotHashed,
    TooWeak,
    Verified,
    Verify,
)
from hubbub.broker.core.limits import PASSWORDS, Passwords
from hubbub.broker.hasher import ESTIMATED_CHARACTERS, Hasher, carry_out

CHEAP = Passwords(time_cost=1, memory_kib=8192)
PASSWORD = "kelp under a lantern"
SECONDS = 15.0


class Loop:
    """What the loop is to the hasher: is woken, and takes results."""

    def __init__(self) -> None:
        self._woken = threading.Event()
        self.hasher = Hasher(2, self._woken.set)

    def takes(self, count: int) -> list[HashResult]:
        """Wait for so many results."""
        taken: list[HashResult] = []
        while len(taken) < count:
            assert self._woken.wait(SECONDS)
            self._woken.clear()
            taken += self.hasher.results()
        return taken


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.hasher.close()


def hash_of(password: str, parameters: Passwords = CHEAP) -> str:
    result = carry_out(Hash(1, password, (), parameters))
    assert isinstance(result, Hashed)
    return result.phc


def advice_on(password: str, *guessable: str, score: int = 2) -> str | None:
    parameters = Passwords(time_cost=1, memory_kib=8192, minimum_score=score)
    result = carry_out(Hash(1, password, guessable, parameters))
    return result.advice if isinstance(result, TooWeak) else None


def test_a_password_matches_its_own_hash_and_no_other(loop: Loop) -> None:
    loop.hasher.submit(Hash(1, PASSWORD, (), PASSWORDS))
    [made] = loop.takes(1)
    assert isinstance(made, Hashed)
    assert made.phc.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    loop.hasher.submit(Verify(2, made.phc, PASSWORD, PASSWORDS))
    loop.hasher.submit(Verify(3, made.phc, PASSWORD + "s", PASSWORDS))
    loop.hasher.submit(Verify(4, "", PASSWORD, PASSWORDS))
    results = sorted(loop.takes(3), key=lambda result: result.ticket)
    assert results == [
        Verified(2, matches=True),
        Verified(3, matches=False),
        Verified(4, matches=False),
    ]


def test_each_password_is_answered_once_when_many_wait(loop: Loop) -> None:
    phc = hash_of(PASSWORD)
    for ticket in range(60):
        loop.hasher.submit(Verify(ticket, phc, PASSWORD if ticket % 2 else "wrong", CHEAP))
    answers = {r.ticket: r.matches for r in loop.takes(60) if isinstance(r, Verified)}
    assert answers == {ticket: bool(ticket % 2) for ticket in range(60)}


def test_a_failure_is_told_and_logged_without_the_password_and_the_next_is_hashed(
    loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    loop.hasher.submit(Verify(1, f"no hash, {PASSWORD}", PASSWORD, CHEAP))
    loop.hasher.submit(Verify(2, hash_of(PASSWORD), PASSWORD, CHEAP))
    results = sorted(loop.takes(2), key=lambda result: result.ticket)
    assert results == [NotHashed(1), Verified(2, matches=True)]
    [record] = caplog.records
    assert getattr(record.msg, "event", None) == "hash_failed"
    assert "InvalidHash" in record.getMessage()
    assert PASSWORD not in caplog.text


def test_passwords_that_wait_are_not_hashed_when_the_broker_ends() -> None:
    loop = Loop()
    phc = hash_of(PASSWORD)
    for ticket in range(500):
        loop.hasher.submit(Verify(ticket, phc, PASSWORD, CHEAP))
    loop.hasher.close()
    results = loop.hasher.results()
    assert len(results) == 500
    assert sum(isinstance(result, NotHashed) for result in results) > 400


def test_a_password_is_hashed_anew_when_the_parameters_have_changed() -> None:
    raised = Passwords(time_cost=2, memory_kib=8192)
    result = carry_out(Verify(1, hash_of(PASSWORD), PASSWORD, raised))
    assert isinstance(result, Verified)
    assert result.matches
    assert carry_out(Verify(2, result.renewed, PASSWORD, raised)) == Verified(2, matches=True)
    wrong = carry_out(Verify(3, hash_of(PASSWORD), "wrong", raised))
    assert wrong == Verified(3, matches=False)


def test_the_words_of_one_person_make_no_password_of_another_weaker(loop: Loop) -> None:
    parameters = Passwords(time_cost=1, memory_kib=8192, minimum_score=1)
    name = "zyxwqvut"
    for ticket in range(40):
        guessable = (name,) if ticket % 2 else ("somebody",)
        loop.hasher.submit(Hash(ticket, name, guessable, parameters))
    weak = {result.ticket for result in loop.takes(40) if isinstance(result, TooWeak)}
    assert weak == set(range(1, 40, 2))


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("", "Use a few words"),
        ("password1", "common password"),
        ("aaaaaaaa", "Repeats"),
        ("qwertyui", "common password"),
        ("Alice1999", "."),
    ],
)
def test_the_advice_says_what_would_be_better_and_not_what_was_typed(
    password: str, says: str
) -> None:
    advice = advice_on(password, "Alice", "hub")
    assert advice is not None
    assert says in advice
    assert not password or password not in advice


def test_a_name_is_guessed_by_who_knows_it() -> None:
    assert advice_on("Wintergreenhub", score=2) is None
    assert advice_on("Wintergreenhub", "Wintergreenhub") is not None


def test_how_good_a_password_must_be_is_the_operators_to_say() -> None:
    assert advice_on("password1", score=0) is None
    assert advice_on("", score=0) is not None
    assert advice_on(PASSWORD, score=4) is None
    assert advice_on("Wintergreenhub", score=4) is not None


def test_a_password_longer_than_what_is_estimated_is_judged_by_its_beginning() -> None:
    assert advice_on("a" * 256) is not None
    assert advice_on("a" * ESTIMATED_CHARACTERS + PASSWORD) is not None
    assert advice_on((PASSWORD * 20)[:256]) is None


def test_no_secret_is_in_a_repr() -> None:
    phc = hash_of(PASSWORD)
    values = [
        Verify(1, phc, PASSWORD, CHEAP),
        Hash(1, PASSWORD, (), CHEAP),
        Verified(1, matches=True, renewed=phc),
        Hashed(1, phc),
    ]
    assert not [value for value in values if PASSWORD in repr(value) or phc in repr(value)]
