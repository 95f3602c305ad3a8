"""Data folders with a past, made by the core itself: people register, create, join, leave, post, tell and mark, and the store keeps it.

with Chronicle(folder) as chronicle:
    chronicle.enters("Alice", "Bob")
    chronicle.writes("Alice", Create(0, "den"), Post(0, LOBBY, "hi"))
"""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec.structs import replace

from hubbub.broker.core.apply import apply
from hubbub.broker.core.limits import LIMITS
from hubbub.broker.core.records import Decree, Record, Register, Submission, Writes
from hubbub.broker.core.state import State
from hubbub.broker.folder import DataFolder
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.commands import Create, Join, Leave, Mark, Order, Post, Tell, Write

KEY = bytes(range(32))
WALL = 1_700_000_000_000


class Chronicle:
    """An open data folder and the state of its log. A call is a commit."""

    def __init__(self, folder: Path) -> None:
        with ExitStack() as opened:
            self.folder = opened.enter_context(DataFolder.open(folder))
            self.folder.server_key(lambda: KEY)
            self.store = SqliteStore.open(self.folder.database)
            opened.callback(self.store.close)
            self.state = State(self.store.load())
            self._opened = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._opened.close()

    def enters(self, *names: str) -> Self:
        """Let people register."""
        for name in names:
            self._commits(Register(name, name.lower().encode().hex().ljust(64, "0"), WALL))
        return self

    def writes(self, name: str, *writes: Write) -> Self:
        """Let somebody write, with the next numbers of their one producer; refusals are as good as any outcome."""
        account = self.state.account_named(name)
        assert account is not None
        producer = name.encode().ljust(16, b"\0")
        known = self.state.producers.get((account.number, producer))
        first = 1 + (known.n if known else 0)
        numbered = [replace(write, n=n) for n, write in enumerate(writes, first)]
        return self._commits(Writes(account.number, producer, WALL, numbered))

    def decrees(self, *orders: Order) -> Self:
        """Carry out orders of the operator."""
        for order in orders:
            self._commits(Decree(None, order, WALL, bytes(10)))
        return self

    def room(self, name: str) -> bytes:
        """Return a room's id."""
        room = self.state.room_named(name)
        assert room is not None
        return room.log.id

    def _commits(self, record: Record) -> Self:
        batch = apply(self.state, [Submission(record, b"", 1, 100)], LIMITS)
        self.store.commit(batch.changes)
        return self


def small_town(folder: Path) -> None:
    """A folder in which each table has rows: Alice, Bob and Carol; the lobby, the den (Alice, Bob), the attic (Carol; Bob has left)."""
    with Chronicle(folder) as town:
        town.enters("Alice", "Bob", "Carol")
        lobby = town.room("lobby")
        for number in range(1, 8):
            town.writes("Alice", Post(0, lobby, f"text {number}"))
        town.writes("Alice", Create(0, "den", "quiet"))
        town.writes("Carol", Create(0, "attic"))
        den = town.room("den")
        town.writes("Bob", Join(0, "den"), Join(0, "attic"), Post(0, den, "hush"))
        town.writes("Bob", Leave(0, town.room("attic")))
        for number in range(4):
            town.writes("Alice", Tell(0, "Bob", f"psst {number}"))
        town.writes("Bob", Tell(0, "Carol", "hey"), Tell(0, "Bob", "note to self"))
        town.writes("Carol", Mark(0, lobby, 3))
