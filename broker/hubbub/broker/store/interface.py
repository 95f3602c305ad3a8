"""What the broker asks of a store. One contract test runs on every implementation."""

from typing import Protocol

from hubbub.broker.core.changes import Changes, Snapshot
from hubbub.broker.core.reads import Read, ReadResult


class Store(Protocol):
    """A durable home of the log. `commit` and `recover` are called by one thread, `read` by another, `close` when both have ended."""

    def load(self) -> Snapshot:
        """Return the committed state. A new store gives its log an epoch of 16 random bytes and the lobby as room number 1."""
        ...

    def commit(self, changes: Changes) -> None:
        """Write a batch in one transaction: on return it is on disk.

        Raises StorageError when it cannot tell that; the store then takes no further commit until `recover` has returned. (After a failed sync
        the batch may be found on disk all the same: what `recover` returns is the truth.)
        """
        ...

    def recover(self) -> Snapshot:
        """Reopen, check, write a probe, and return the committed state. Raises StorageError while that fails."""
        ...

    def read(self, query: Read) -> ReadResult:
        """Answer from what is committed. Raises StorageError."""
        ...

    def close(self) -> None:
        """Release files and locks. May be called twice."""
        ...
