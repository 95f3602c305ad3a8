"""The desk's hasher: passwords wait for it, and it takes them when the test says so."""

from collections.abc import Callable, Iterable

from hubbub.broker.core import effects as fx
from hubbub.broker.core.clock import Now
from hubbub.broker.core.core import Core
from hubbub.broker.core.hashing import Hash, HashResult, Verify
from hubbub.broker.hasher import carry_out


class Vault:
    """What the loop does for passwords. A desk is one: it has the core, and performs what that says."""

    core: Core
    now: Now

    def __init__(self) -> None:
        super().__init__()
        self.passwords: list[Verify | Hash] = []
        """What waits for the hasher."""
        self.passwords_wait = False
        self.hasher: Callable[[Verify | Hash], HashResult] = carry_out

    def _tell(self, effects: Iterable[fx.Effect]) -> None:
        raise NotImplementedError

    def _commit_what_waits(self) -> None:
        raise NotImplementedError

    def hashes_passwords(self) -> None:
        """The hasher does what it was asked."""
        passwords, self.passwords = self.passwords, []
        for task in passwords:
            self._tell(self.core.hashed(self.hasher(task), self.now))
        self._commit_what_waits()
