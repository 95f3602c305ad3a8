"""What passes between people and the desk: keys, SUB connections, replies as tests compare them."""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TypedDict

import msgspec

from hubbub.broker.core.effects import Answer, Effect, Publish, Send
from hubbub.common.codec import decode_event
from hubbub.common.errors import Code
from hubbub.common.events import PresenceChanged
from hubbub.common.replies import (
    Acked,
    Delivered,
    Done,
    Error,
    InviteMade,
    Joined,
    Left,
    LinkMade,
    Marked,
    Reply,
    Welcome,
)


def key_of(owner: str) -> str:
    """The hex of a device key: everybody here keeps one under their name."""
    return blake2b(owner.encode(), digest_size=32).hexdigest()


def refused(
    code: Code, *, n: int | None = None, id: int | None = None, retry_after: float = 0.0
) -> Error:
    """An error as `gets` compares it: its text is for people."""
    return Error(code=code, text="", id=id, n=n, retry_after=retry_after)


class Way(TypedDict, total=False):
    """How somebody comes in: the fields of `login` that may be left out."""

    resuming: bool
    password: str
    code: str
    device: str


@dataclass(eq=False)
class Sub:
    """A SUB socket's connection."""

    key: str
    connection: int
    topics: set[bytes] = field(default_factory=set)
    heard: list[tuple[bytes, bytes]] = field(default_factory=list)
    is_cut: bool = False


def is_presence(event: bytes) -> bool:
    return isinstance(decode_event(event), PresenceChanged)


def tells_of_a_commit(effect: Effect) -> bool:
    """Whether it may be told only when a commit has returned."""
    match effect:
        case Answer(reply=reply):  # to an order; what the operator only asks needs no commit
            return isinstance(reply, Done | InviteMade | LinkMade)
        case Publish(events=events):
            return not all(map(is_presence, events))
        case Send(replies=replies):
            return any(
                isinstance(reply, Acked | Delivered | Joined | Left | Marked)
                or (isinstance(reply, Welcome) and reply.created)
                for reply in replies
            )
    return False


def without_text(reply: Reply) -> Reply:
    if not isinstance(reply, Error):
        return reply
    assert reply.text, "an error says something to people"
    return msgspec.structs.replace(reply, text="")
