"""Messages: to a room, to a person."""

from collections.abc import Iterator
from itertools import takewhile

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.naming import person
from hubbub.broker.core.permissions import NOT_MEMBER, may_post, may_speak
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.state import Account, State
from hubbub.common.codec import data_size, encode
from hubbub.common.commands import Post, Skip, Tell
from hubbub.common.errors import Code, WireError
from hubbub.common.events import MessagePosted, MessageTold
from hubbub.common.limits import DATA_BYTES, TEXT_BYTES

_CANCELLED = Refusal(Code.CANCELLED, "cancelled before it was done")


def check_message(command: Post | Tell) -> Refusal | None:
    """Refuse a text or data over their bounds, a NUL character, and a message of nothing."""
    text, data = command.text, command.data
    if len(text) * 4 > TEXT_BYTES and len(text.encode()) > TEXT_BYTES:
        return Refusal(Code.TOO_LARGE, f"a text has at most {TEXT_BYTES} bytes of UTF-8")
    if "\0" in text:
        return Refusal(Code.BAD_TEXT, "a text cannot contain NUL characters")
    if data is None:
        return None if text else Refusal(Code.BAD_TEXT, "a message needs a text or data")
    try:
        size = data_size(data)
    except WireError as error:
        return Refusal(Code.BAD_TEXT, str(error))
    return (
        Refusal(Code.TOO_LARGE, f"data has at most {DATA_BYTES} bytes encoded")
        if size > DATA_BYTES
        else None
    )


def apply_post(
    state: State, batch: Batch, account: Account, command: Post, time: int
) -> tuple[bytes, int] | Refusal:
    """Append a message to a room in which the account may post now."""
    room = state.room_by_id.get(command.room)
    if room is None:
        return NOT_MEMBER
    if refusal := may_post(state, account, room, time):
        return refusal
    if room.slow:
        room.posted[account.number] = time
    event = _event(room.log.seq + 1, time, account.name, command)
    return command.room, batch.append_event(room, event)


def apply_more_posts(
    state: State, batch: Batch, account: Account, posts: Iterator[Post], time: int
) -> int:
    """Append those messages to the room of the first that follow it there."""
    first = next(posts)
    room = state.room_by_id[first.room]
    if room.slow:
        return 0
    more = takewhile(lambda post: post.room == first.room, posts)
    seq, sender = room.log.seq + 1, account.name
    events = [_event(n, time, sender, post) for n, post in enumerate(more, seq)]
    batch.append_events(room, events)
    return len(events)


def _event(seq: int, time: int, sender: str, post: Post) -> bytes:
    return encode(MessagePosted(seq, time, sender, post.text, post.data, post.action))


def apply_tell(
    state: State, batch: Batch, account: Account, command: Tell, time: int
) -> tuple[bytes, int] | Refusal:
    """Put one message into the inboxes of both parties; one's own, once, if they are the same."""
    if refusal := may_speak(state, account):
        return refusal
    to = person(state, command.to)
    if isinstance(to, Refusal):
        return to
    event = encode(
        MessageTold(
            time=time,
            sender=account.name,
            to=to.name,
            text=command.text,
            data=command.data,
            action=command.action,
        )
    )
    return account.inbox.id, send_private(state, batch, account, to, event)


def send_private(state: State, batch: Batch, account: Account, to: Account, event: bytes) -> int:
    """Put an event into the inboxes of both parties, once if they are the same; return its seq in the sender's."""
    state.last_message += 1
    batch.changes.messages.append((state.last_message, event))
    seq = batch.append_private(account, state.last_message, event, to.number)
    if to is not account:
        batch.append_private(to, state.last_message, event, account.number)
    return seq


def check_skip(command: Skip) -> Refusal:
    """Refuse it: that is the outcome of a number whose write was cancelled, and it is kept and repeated like any other."""
    return _CANCELLED


def apply_skip(state: State, batch: Batch, account: Account, command: Skip, time: int) -> Refusal:
    """Change nothing."""
    return _CANCELLED
