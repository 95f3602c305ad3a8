"""The connection of commands as a session sees it: hello and login, pings, silence. Pure; it sends through the `do` it is given.

OFFLINE ── connected ──▶ GREETING ── welcome ──▶ LIVE
   ▲                        │  ▲                  │ login_required, another epoch, a new producer
   └── disconnected ────────┴──┼──────────────────┤
                               └─── greet ────────┘
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from hubbub.client.effects import ConnectEvents, DisconnectEvents, Effect, Send
from hubbub.common.codec import VERSIONS
from hubbub.common.commands import Hello, Login, Ping
from hubbub.common.limits import PING_SECONDS, SILENT_SECONDS
from hubbub.common.replies import Welcome

LOGIN_SECONDS: Final = 5.0
"""A login not answered for this long is sent again; each time twice as long. A broker that has thousands of logins before it would otherwise only ever
read those that were given up already."""
LOGIN_AGAIN_SECONDS: Final = 1.0
"""Until a login is sent again that the broker was too busy for; each time twice as long."""
LOGIN_MOST_SECONDS: Final = 30.0
LOGIN_AGAIN_MOST_SECONDS: Final = 8.0
"""The longest that these waits become."""
ABSENT_SECONDS: Final = 30.0
"""ZeroMQ makes a lost connection again by itself, within 5 seconds of the broker's return; in case it gave up, it is told to."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What lets somebody in whose key the broker does not know, said until the first welcome and then forgotten. `device` is what this device is to be called."""

    password: str | None = field(default=None, repr=False)
    code: str | None = field(default=None, repr=False)
    device: str = ""

    @property
    def prove(self) -> bool:
        """Whether there is a password or a code in them."""
        return self.password is not None or self.code is not None


class Phase(Enum):
    """Where the connection stands."""

    OFFLINE = auto()
    GREETING = auto()
    LIVE = auto()
    OVER = auto()


class Link:
    """One client's connection of commands, over all its reconnects."""

    def __init__(
        self,
        name: str,
        client: str,
        new_events_key: Callable[[], bytes],
        ids: Iterator[int],
        do: Callable[[Effect], None],
        credentials: Credentials,
    ) -> None:
        self.phase = Phase.OFFLINE
        self.resuming = False
        self._name = name
        self._client = client
        self._new_events_key = new_events_key
        self._ids = ids
        self._do = do
        self._credentials = credentials
        self._hello = self._login = -1
        self._events: ConnectEvents | None = None
        self._key = b""
        self._heard = 0.0
        self._next = 0.0
        self._tries = 0
        """Logins sent since the last welcome."""

    def greet(self, now: float, producer: bytes) -> None:
        """Begin a session on a fresh or standing connection, with a new key for events."""
        self.phase = Phase.GREETING
        self._heard = now
        self._tries += 1
        self._next = now + self._patience(LOGIN_SECONDS, LOGIN_MOST_SECONDS)
        self._hello, self._login = next(self._ids), next(self._ids)
        self._key = self._new_events_key()
        self._do(DisconnectEvents())
        hello = Hello(self._hello, versions=list(VERSIONS), client=self._client)
        login = Login(
            self._login,
            name=self._name,
            events_key=self._key,
            producer=producer,
            resuming=self.resuming,
            password=self._credentials.password,
            code=self._credentials.code,
            device=self._credentials.device,
        )
        self._do(Send((hello, login)))

    def greet_later(self, now: float, retry_after: float) -> None:
        """The broker is busy, or wants no login for `retry_after` seconds."""
        patience = self._patience(LOGIN_AGAIN_SECONDS, LOGIN_AGAIN_MOST_SECONDS)
        self._next = now + max(patience, retry_after)

    def _patience(self, seconds: float, most: float) -> float:
        """Return `seconds`, doubled for each login in vain before the present one."""
        return min(seconds * 2.0 ** min(self._tries - 1, 10), most)

    @property
    def is_proving(self) -> bool:
        """Whether the login has a password or a code in it, that somebody has typed and waits to hear about."""
        return self._credentials.prove

    def is_greeting(self, id: int) -> bool:
        """Whether `id` is that of the present hello or login."""
        return self.phase is Phase.GREETING and id in (self._hello, self._login)

    def welcomed(self, welcome: Welcome, now: float) -> None:
        """The session is live: have its events connected."""
        self.phase = Phase.LIVE
        self.resuming = True
        self._credentials = Credentials()  # this key is known from now on
        self._tries = 0
        self._name = welcome.name
        self._next = now + PING_SECONDS
        self._events = ConnectEvents(welcome.events_host, welcome.events_port, self._key)
        self._do(self._events)

    def connect_events(self) -> None:
        """Have the connection of events made anew, in the same session."""
        if self._events is not None:
            self._do(self._events)

    def lost(self, now: float) -> None:
        """The connection is gone."""
        self.phase = Phase.OFFLINE
        self._heard = now
        self._do(DisconnectEvents())

    def heard(self, now: float) -> None:
        """Something came from the broker."""
        self._heard = now

    def is_silent(self, now: float) -> bool:
        """Whether the broker has said nothing, or the connection was gone, for so long that another should be made."""
        return self._silent_at is not None and now >= self._silent_at

    @property
    def _silent_at(self) -> float | None:
        if self.phase is Phase.OFFLINE and self.resuming:
            return self._heard + ABSENT_SECONDS
        if self.phase is Phase.GREETING:
            return max(self._heard + SILENT_SECONDS, self._next)
        return self._heard + SILENT_SECONDS if self.phase is Phase.LIVE else None

    def tick(self, now: float, producer: bytes) -> None:
        """Ping, or repeat the login."""
        if now < self._next:
            return
        if self.phase is Phase.LIVE:
            self._next = now + PING_SECONDS
            self._do(Send((Ping(next(self._ids)),)))
        elif self.phase is Phase.GREETING:
            heard = self._heard
            self.greet(now, producer)
            self._heard = heard

    def wake_at(self) -> float | None:
        """When to come back."""
        silent_at = self._silent_at
        if silent_at is not None and self.phase in (Phase.GREETING, Phase.LIVE):
            return min(self._next, silent_at)
        return silent_at
