"""Scripted conversations with a session: each step tells it one thing, and is followed by what it did."""

from collections.abc import Callable
from itertools import count
from typing import Any, Self

from hubbub.client import calls
from hubbub.client.effects import Acknowledge, Complete, Effect, Emit, Fail, Send
from hubbub.client.link import Credentials
from hubbub.client.outbox import Keeping
from hubbub.client.session import Session
from hubbub.client.updates import Message, Update
from hubbub.common import digest
from hubbub.common.codec import encode
from hubbub.common.commands import Command, History, Login, Ping, Who
from hubbub.common.events import Event, MessagePosted, MessageTold
from hubbub.common.replies import Head, Joined, Page, Reply, Roster, Stored, Subscribed, Welcome

LOBBY = b"L" * 16
TEA = b"T" * 16
INBOX = b"I" * 16
EPOCH = b"E" * 16


class Log:
    """A room's or inbox's log at the broker."""

    def __init__(self, id: bytes, name: str = "") -> None:
        self.id = id
        self.name = name
        self.first = 1
        self.read = 0
        self.events: list[bytes] = []
        self.digests = [digest.EMPTY]

    @property
    def seq(self) -> int:
        return len(self.events)

    def append(self, event: Event) -> bytes:
        raw = encode(event)
        self.events.append(raw)
        self.digests.append(digest.extend(self.digests[-1], raw))
        return raw

    def post(self, sender: str, text: str) -> bytes:
        return self.append(MessagePosted(self.seq + 1, 1000 + self.seq, sender, text))

    def tell(self, sender: str, to: str, text: str) -> bytes:
        return self.append(MessageTold(1000, sender, to, text))

    def head(self, seq: int | None = None) -> Head:
        seq = self.seq if seq is None else seq
        return Head(self.id, seq, self.digests[seq])

    def joined(self) -> Joined:
        return Joined(self.id, self.name, self.seq, self.digests[-1], read=self.read)

    def subscribed(self) -> Subscribed:
        return Subscribed(self.id, self.seq, self.digests[-1])

    def page(self, query: Command, most: int = 1000) -> Page:
        assert isinstance(query, History)
        after = max(query.after or 0, self.first - 1)
        before = min(query.before or self.seq + 1, self.seq + 1)
        seqs = list(range(after + 1, before))
        chosen = seqs[: min(most, query.limit)]
        if query.after is None:
            chosen = seqs[-min(most, query.limit) :]
        events = [Stored(seq, self.events[seq - 1]) for seq in chosen]
        start = self.digests[chosen[0] - 1] if chosen else b""
        return Page(query.id, self.id, events, len(chosen) < len(seqs), self.first, start)


class Conversation:
    """One session, its clock, and what it did in the last step."""

    def __init__(
        self,
        name: str = "Alice",
        keeping: Keeping | None = None,
        *,
        first_byte: int = 0,
        credentials: Credentials | None = None,
    ) -> None:
        """`first_byte`: of what it draws at random."""
        numbers = count(1)
        self.now = 100.0
        self.session = Session(
            name,
            random_bytes=lambda size: bytes([first_byte]) + next(numbers).to_bytes(size - 1, "big"),
            new_events_key=lambda: next(numbers).to_bytes(32, "big"),
            opening="opening",
            credentials=credentials,
            keeping=keeping,
        )
        self.effects: list[Effect] = []
        self.login: Login
        """The last one sent."""

    def _step(self) -> Self:
        self.effects = self.session.take(self.now)
        for command in self.sent:
            if isinstance(command, Login):
                self.login = command
        return self

    # What happens to it.

    def connects(self) -> Self:
        self.session.connected(self.now)
        return self._step()

    def loses_the_broker(self) -> Self:
        self.session.disconnected(self.now)
        return self._step()

    def hears(self, *replies: Reply) -> Self:
        self.session.received(replies, self.now)
        return self._step()

    def sees(self, topic: bytes, *events: bytes) -> Self:
        self.session.published(topic, events, self.now)
        return self._step()

    def waits(self, seconds: float) -> Self:
        self.now += seconds
        self.session.tick(self.now)
        return self._step()

    def has_unread(self, updates: int) -> Self:
        self.session.unread(updates, self.now)
        return self._step()

    def calls(self, function: Callable[..., None], *arguments: object, ticket: str = "t") -> Self:
        function(self.session, ticket, *arguments)
        return self._step()

    def posts(self, text: str, *, ticket: str = "t", room: str = "lobby") -> Self:
        return self.calls(calls.post, room, text, None, ticket=ticket)

    def logs_in(self, *logs: Log, inbox: Log | None = None, epoch: bytes = EPOCH) -> Self:
        """Go through a whole login: greet, welcome, subscriptions, roster."""
        if not self.session.is_live:
            self.connects()
        self.hears(self.welcome(*logs, inbox=inbox, epoch=epoch))
        welcomed = self.effects
        self.hears(*(log.subscribed() for log in logs))
        who = [query for query in self.sent if isinstance(query, Who)]
        self.hears(*(Roster(query.id, 1, 1, [self.session.name]) for query in who))
        self.effects = welcomed + self.effects
        return self

    def welcome(
        self, *logs: Log, inbox: Log | None = None, epoch: bytes = EPOCH, created: bool = False
    ) -> Welcome:
        """The broker's answer to the login sent last."""
        inbox = inbox or Log(INBOX)
        rooms = [log.joined() for log in logs]
        return Welcome(
            id=self.login.id,
            name=self.login.name,
            epoch=epoch,
            inbox=inbox.head(),
            inbox_read=inbox.read,
            rooms=rooms,
            events_port=5001,
            time=0,
            created=created,
        )

    # What it did.

    @property
    def sent(self) -> list[Command]:
        return [command for frame in self.frames for command in frame]

    @property
    def frames(self) -> list[tuple[Command, ...]]:
        return [effect.commands for effect in self.effects if isinstance(effect, Send)]

    @property
    def shown(self) -> list[Update]:
        return [
            update
            for effect in self.effects
            if isinstance(effect, Emit)
            for update in effect.updates
        ]

    @property
    def texts(self) -> list[str]:
        return [update.text for update in self.shown if isinstance(update, Message)]

    def query(self) -> Any:
        """The one query of this step, other than a ping."""
        [query] = [command for command in self.sent if not isinstance(command, Ping)]
        return query

    def does(self, *effects: Effect) -> Self:
        assert self.effects == list(effects)
        return self

    def sends(self, *commands: Command) -> Self:
        assert self.sent == list(commands)
        return self

    def shows(self, *updates: Update) -> Self:
        assert self.shown == list(updates)
        return self

    def says(self, *texts: str) -> Self:
        assert self.texts == list(texts)
        return self

    def acknowledges(self, *tickets: str, seq: int) -> Self:
        assert [e for e in self.effects if isinstance(e, Acknowledge)] == [
            Acknowledge(tickets, seq)
        ]
        return self

    def completes(self, ticket: str, result: object = None) -> Self:
        assert Complete(ticket, result) in self.effects
        return self

    def fails(self, ticket: str, error: type[Exception]) -> Self:
        [found] = [e.error for e in self.effects if isinstance(e, Fail) and e.ticket == ticket]
        assert type(found) is error
        return self
