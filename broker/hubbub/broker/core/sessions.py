"""Sessions: the state of live connections. Lost with the process, never stored.

A session is found by its DEALER's routing id, and counts only together with the key that the DEALER proved; its SUB is found by the
ephemeral key that `login` announced.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum, auto
from typing import NamedTuple

from hubbub.broker.core.buckets import Bucket
from hubbub.broker.core.records import AddDevice, Register
from hubbub.broker.core.state import Account


class Peer(NamedTuple):
    """Where a frame came from: the routing id, the hex of the proven key, the connection's number, the network that its address counts for ("": not known)."""

    routing_id: bytes
    key: str
    connection: int
    address: str = ""


class SessionState(IntEnum):
    """How far a session has come; `rules` says what is legal in each."""

    NEW = auto()
    GREETED = auto()
    CHECKING = auto()
    REGISTERING = auto()
    LIVE = auto()
    LEAVING = auto()


@dataclass(slots=True, eq=False)
class Session:
    """One client's connection. From LIVE on `account` is set."""

    peer: Peer
    heard: float
    """Monotonic time of its last frame."""
    state: SessionState = SessionState.NEW
    account: Account | None = None
    claim: Register | AddDevice | None = None
    """The record that it waits for while REGISTERING."""
    hashing: int | None = None
    """The ticket of its password that the hasher works on: for its login while CHECKING, for a new password while LIVE."""
    producer: bytes = b""
    resend_from: int | None = None
    """The write that its client was told to send again, and that has not come yet."""
    events_key: str = ""
    events_connection: int | None = None
    login_id: int = 0
    label: str = ""
    """What its device calls itself."""
    resuming: bool = False
    granted: set[bytes] = field(default_factory=set)
    """Topics that its SUB listens to."""
    subscriptions: Bucket | None = None
    """What is left of the subscriptions and their ends that its SUB may send; made with the first."""
    told: dict[bytes, int] = field(default_factory=dict)
    """By log id: the seq of the last head told."""
    reading: int | None = None
    """The ticket of its query that the reader works on."""


class Sessions:
    """All sessions, by routing id, by connection, by announced key and by account."""

    def __init__(self) -> None:
        self._by_routing_id: dict[bytes, Session] = {}
        self._by_connection: dict[int, Session] = {}
        self._by_events_key: dict[str, Session] = {}
        self._by_account: dict[int, list[Session]] = {}
        self._by_events_connection: dict[int, Session] = {}

    def __len__(self) -> int:
        return len(self._by_routing_id)

    def __iter__(self) -> Iterator[Session]:
        return iter(list(self._by_routing_id.values()))

    @property
    def live(self) -> int:
        """How many are logged in."""
        return sum(map(len, self._by_account.values()))

    def get(self, routing_id: bytes) -> Session | None:
        """Find by routing id."""
        return self._by_routing_id.get(routing_id)

    def on_connection(self, connection: int) -> Session | None:
        """Find by the number of its DEALER's connection."""
        return self._by_connection.get(connection)

    def announced(self, events_key: str) -> Session | None:
        """Find the live session that announced this key for its SUB."""
        return self._by_events_key.get(events_key)

    def of(self, account: int) -> list[Session]:
        """Return the live sessions of an account, oldest first."""
        return self._by_account.get(account, [])

    def open(self, peer: Peer, heard: float) -> Session:
        """Begin a session."""
        session = Session(peer, heard)
        self._by_routing_id[peer.routing_id] = session
        self._by_connection[peer.connection] = session
        return session

    def go_live(self, session: Session, account: Account) -> None:
        """Let its SUB in and count it among its account's sessions."""
        session.state = SessionState.LIVE
        session.account = account
        self._by_events_key[session.events_key] = session
        self._by_account.setdefault(account.number, []).append(session)

    def listens(self, session: Session, connection: int) -> None:
        """Note on which connection a session's SUB is."""
        self.deafen(session)
        session.events_connection = connection
        self._by_events_connection[connection] = session

    def listening_on(self, connection: int) -> Session | None:
        """Find the session whose SUB is on this connection."""
        return self._by_events_connection.get(connection)

    def deafen(self, session: Session) -> None:
        """A session's SUB is gone, and with it its grants."""
        if session.events_connection is not None:
            self._by_events_connection.pop(session.events_connection, None)
            session.events_connection = None
            session.granted.clear()

    def close(self, session: Session) -> None:
        """End a session; may be called twice."""
        self.deafen(session)
        if self._by_routing_id.get(session.peer.routing_id) is session:
            del self._by_routing_id[session.peer.routing_id]
        if self._by_connection.get(session.peer.connection) is session:
            del self._by_connection[session.peer.connection]
        if self._by_events_key.get(session.events_key) is session:
            del self._by_events_key[session.events_key]
        if session.account is not None:
            siblings = self._by_account.get(session.account.number, [])
            if session in siblings:
                siblings.remove(session)
            if not siblings:
                self._by_account.pop(session.account.number, None)
