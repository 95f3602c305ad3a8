"""What a test waits for of a client."""

import threading
from collections.abc import Callable
from typing import Final

from hubbub.client import Client
from hubbub.client.updates import Message, Update

Enter = Callable[..., Client]
SECONDS: Final = 5.0
"""Longer than anything here takes; only a failing test waits so long."""


def next_of(client: Client, kind: type[Update]) -> Update:
    """The next update of a kind; others before it are passed over."""
    for update in client.events(timeout=SECONDS):
        if isinstance(update, kind):
            return update
    raise AssertionError(f"no {kind.__name__} came")


def messages(client: Client, count: int) -> list[Message]:
    found: list[Message] = []
    while len(found) < count:
        message = next_of(client, Message)
        assert isinstance(message, Message)
        found.append(message)
    return found


def no_pump_is_left() -> bool:
    return not [thread for thread in threading.enumerate() if thread.name == "hubbub-pump"]
