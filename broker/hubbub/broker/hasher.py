"""The hasher: passwords are hashed by Argon2id, and new ones estimated by zxcvbn, in worker threads. Argon2 lets go of the GIL while it works.

The core bounds how many wait. A password is never logged and never in an exception that leaves here.
"""

import logging
import threading
import unicodedata
from collections.abc import Callable
from functools import cache, partial
from typing import Final, assert_never

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError

from hubbub.broker.core.hashing import (
    Hash,
    Hashed,
    HashResult,
    NotHashed,
    TooWeak,
    Verified,
    Verify,
)
from hubbub.broker.core.limits import Passwords
from hubbub.broker.entries import Entry
from hubbub.broker.workers import Worker

log = logging.getLogger("hubbub.broker")

ESTIMATED_CHARACTERS: Final = 72
"""What zxcvbn looks at, at most: 80 ms of CPU for the dearest 72 characters found (measured). A longer password is at least as good as its beginning."""
_ADVICE: Final = "Use a few words that do not belong together."

_estimating = threading.Lock()
"""zxcvbn keeps the words that it was given in a table of its module's."""


class Hasher:
    """So many threads that take the next password from one queue. Made, asked and closed by the loop's thread."""

    def __init__(self, threads: int, wake: Callable[[], None]) -> None:
        """`wake` is called, in a worker's thread, after each password."""
        self._worker: Worker[HashResult] = Worker("hubbub-hasher", wake, threads=threads)
        self._is_closing = False

    def submit(self, task: Verify | Hash) -> None:
        """Queue a password."""
        self._worker.submit(partial(self._carry_out, task))

    def results(self) -> list[HashResult]:
        """Take the results that are there, in the order in which they came about. Raises what a worker could not catch: a fault of ours."""
        taken: list[HashResult] = []
        for result in self._worker.results():
            if isinstance(result, Exception):
                raise result
            taken.append(result)
        return taken

    def close(self) -> None:
        """End the threads, each behind the password that it is at; those that wait are not hashed."""
        self._is_closing = True
        self._worker.close()

    def _carry_out(self, task: Verify | Hash) -> HashResult:
        return NotHashed(task.ticket) if self._is_closing else carry_out(task)


def carry_out(task: Verify | Hash) -> HashResult:
    """Do what was asked, in the calling thread. Raises nothing: whatever goes wrong is logged without the password, and is `NotHashed`."""
    try:
        match task:
            case Verify():
                return _verify(task)
            case Hash():
                return _hash(task)
            case _:
                assert_never(task)
    except Exception as error:  # noqa: BLE001 - one login fails, the broker goes on
        text = "A password could not be hashed: {reason}"
        log.error(Entry("hash_failed", text, reason=type(error).__name__))
        return NotHashed(task.ticket)


def _verify(task: Verify) -> Verified:
    hasher = _hasher(task.parameters)
    password = _prepared(task.password)
    try:
        hasher.verify(task.phc or _of_nobody(task.parameters), password)
    except VerifyMismatchError:
        return Verified(task.ticket, matches=False)
    if hasher.check_needs_rehash(task.phc):
        return Verified(task.ticket, matches=True, renewed=hasher.hash(password))
    return Verified(task.ticket, matches=True)


def _hash(task: Hash) -> Hashed | TooWeak:
    advice = _advice(task)
    if advice is not None:
        return TooWeak(task.ticket, advice)
    return Hashed(task.ticket, _hasher(task.parameters).hash(_prepared(task.password)))


def _advice(task: Hash) -> str | None:
    """Return what would make a password harder to guess; None if it is hard enough."""
    from zxcvbn import zxcvbn  # noqa: PLC0415 - 14 MB, for brokers where a password is set

    if not task.password:
        return _ADVICE
    with _estimating:
        found = zxcvbn(task.password[:ESTIMATED_CHARACTERS], user_inputs=list(task.guessable))
    if found["score"] >= task.parameters.minimum_score:
        return None
    feedback = found["feedback"]
    return " ".join(filter(None, [feedback["warning"], *feedback["suggestions"]])) or _ADVICE


def _prepared(password: str) -> bytes:
    """Return the bytes that are hashed: in NFC, since keyboards differ in how they write an accent."""
    return unicodedata.normalize("NFC", password).encode()


@cache
def _hasher(parameters: Passwords) -> PasswordHasher:
    return PasswordHasher(parameters.time_cost, parameters.memory_kib, parameters.parallelism)


def _of_nobody(parameters: Passwords) -> str:
    """Return a hash that no password has, and that takes as long to find that out."""
    costs = f"m={parameters.memory_kib},t={parameters.time_cost},p={parameters.parallelism}"
    return f"$argon2id$v=19${costs}${'A' * 22}${'A' * 43}"
