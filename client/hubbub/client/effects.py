"""What the session asks of whoever drives it. Values only: the pump performs them, in order, and decides nothing.

A ticket is the driver's own mark for one call of the app; the session never looks into it and hands it back once, with the outcome.

To add an effect: a dataclass here, its name in `Effect`, and its line in `hubbub.client.pump`.
"""

from dataclasses import dataclass
from typing import Any

from hubbub.client.updates import Update
from hubbub.common.commands import Command
from hubbub.common.errors import HubbubError

Ticket = Any
"""In the pump a Future; in tests any value."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send these commands to the broker as one frame. If it cannot be sent now, drop it: the session asks again."""

    commands: tuple[Command, ...]


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Cut the connection of commands and make a new one after `delay` seconds."""

    delay: float = 0.0


@dataclass(frozen=True, slots=True)
class ConnectEvents:
    """Open a fresh connection for events in place of any other, with the key pair whose public half is `key`. An empty `host` is the broker's own."""

    host: str
    port: int
    key: bytes


@dataclass(frozen=True, slots=True)
class DisconnectEvents:
    """Cut the connection of events and forget its subscriptions."""


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask for a room's events on the connection of events."""

    topic: bytes


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ask for no more of them."""

    topic: bytes


@dataclass(frozen=True, slots=True)
class Emit:
    """Show these to the app."""

    updates: tuple[Update, ...]


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The writes with these tickets are on disk, as events seq, seq + 1 …"""

    tickets: tuple[Ticket, ...]
    seq: int


@dataclass(frozen=True, slots=True)
class Complete:
    """The call with this ticket came to `result`."""

    ticket: Ticket
    result: object = None


@dataclass(frozen=True, slots=True)
class Kept:
    """The call with this ticket asked until everything written before is in the outbox file: tell it whether it is."""

    ticket: Ticket


@dataclass(frozen=True, slots=True)
class Fail:
    """The call with this ticket failed."""

    ticket: Ticket
    error: HubbubError


@dataclass(frozen=True, slots=True)
class End:
    """The session is over, by its user's wish or, with an error, by itself. Nothing follows."""

    error: HubbubError | None = None


Effect = (
    Send
    | Reconnect
    | ConnectEvents
    | DisconnectEvents
    | Subscribe
    | Unsubscribe
    | Emit
    | Acknowledge
    | Complete
    | Kept
    | Fail
    | End
)
