"""Batches as the core would make them: seqs without holes, digests chained, one number after another."""

from hubbub.broker.core.changes import AccountRow, Changes, LogHead, Membership, RoomRow
from hubbub.broker.core.event_runs import cut
from hubbub.broker.core.roles import Role
from hubbub.broker.store.interface import Store
from hubbub.common.digest import EMPTY, extend
from hubbub.common.names import fold

LOBBY = 1


def account(number: int, name: str) -> AccountRow:
    return AccountRow(number, name, 1_700_000_000_000 + number)


def since(seq: int) -> Membership:
    return Membership(seq, Role.MEMBER)


def room(number: int, name: str, description: str = "") -> RoomRow:
    return RoomRow(number, bytes([number]) * 16, name, fold(name), description, 1_700_000_000_000)


ALICE, BOB, CAROL = account(1, "Alice"), account(2, "Bob"), account(3, "Carol")


class Scribe:
    """Goes on from what the store holds. Fills a batch at a time; `write` commits it."""

    def __init__(self, store: Store) -> None:
        self._store = store
        state = store.load()
        self._rooms = dict(state.room_heads)
        self._inboxes = dict(state.inbox_heads)
        self._message = state.last_message
        self.batch = Changes(position=state.position)

    def adds(self, *rows: AccountRow | RoomRow) -> "Scribe":
        self.batch.accounts += [row for row in rows if isinstance(row, AccountRow)]
        self.batch.rooms += [row for row in rows if isinstance(row, RoomRow)]
        return self

    def posts(self, number: int, *events: bytes) -> "Scribe":
        """Post as one frame does: what it has in a room are runs of their own."""
        head = self._rooms.get(number, LogHead(0, EMPTY))
        for run in cut(number, head.seq, head.digest, events):
            self.batch.events.append(run)
            self._rooms[number] = LogHead(run.last, run.digest)
        self.batch.position += len(events)
        return self

    def sends(self, sender: AccountRow, receiver: AccountRow, *events: bytes) -> "Scribe":
        for event in events:
            self._message += 1
            self.batch.messages.append((self._message, event))
            self.batch.position += 1
            for mine, peer in {sender: receiver, receiver: sender}.items():
                last = self._inboxes.get(mine.account, LogHead(0, EMPTY))
                head = LogHead(last.seq + 1, extend(last.digest, event))
                self._inboxes[mine.account] = head
                self.batch.inbox.append(
                    (mine.account, head.seq, self._message, peer.account, head.digest)
                )
        return self

    def write(self) -> None:
        self._store.commit(self.batch)
        self.batch = Changes(position=self.batch.position)


def digest_after(written: list[bytes]) -> bytes:
    digest = EMPTY
    for event in written:
        digest = extend(digest, event)
    return digest
