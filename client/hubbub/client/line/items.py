"""What the chat's loop is handed: by whoever waits for keys, for updates, for answers. Values only."""

from dataclasses import dataclass

from hubbub.client.line import actions
from hubbub.client.updates import Update


@dataclass(frozen=True, slots=True)
class Typed:
    """Somebody pressed Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """The client had news."""

    update: Update


@dataclass(frozen=True, slots=True)
class Stored:
    """What was typed some lines ago has been done, by somebody who talked in `room` then."""

    action: actions.Write
    room: str


@dataclass(frozen=True, slots=True)
class Failed:
    """What was typed some lines ago cannot be done."""

    number: int
    reason: str


class Returned:
    """Some time ago the connection was restored: by now everybody is back who comes back."""


class Replaced:
    """The broker has another record than before: one's rooms may be gone with the old one."""


class EndOfInput:
    """Nothing more will be typed."""


Item = Typed | Happened | Stored | Failed | Returned | Replaced | EndOfInput
