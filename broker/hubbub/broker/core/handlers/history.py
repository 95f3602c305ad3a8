"""History: pages of a room's events, of one's inbox, of what one exchanged with a person."""

from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect
from hubbub.broker.core.handlers.reading import fetch
from hubbub.broker.core.naming import person
from hubbub.broker.core.permissions import readable
from hubbub.broker.core.reads import Read, ReadEvents, ReadInbox
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.sessions import Session
from hubbub.broker.core.state import Account
from hubbub.common.commands import History
from hubbub.common.errors import Code


def history(context: Context, session: Session, command: History, now: Now) -> list[Effect]:
    """Begin reading a page, if the session may read that log."""
    assert session.account is not None, "history is legal in a live session only"
    query = _query(context, session.account, command, now)
    if isinstance(query, Refusal):
        return refuse(session, command, query.code, query.text)
    is_final = isinstance(query, ReadEvents) and _is_final(context, query)
    return fetch(context, session, command, query, is_final=is_final)


def _is_final(context: Context, query: ReadEvents) -> bool:
    """Whether a page can never be another: both its ends are given, and all between them is published. Who catches up asks so.

    No page of an empty log is, since it tells which event is the first; nor one that begins behind the head, since it tells the digest there.
    """
    head = context.state.rooms[query.room].log.published.seq
    if query.after is None or query.before is None:
        return False
    return head > 0 and query.after <= head and query.before <= head + 1


def _query(context: Context, account: Account, command: History, now: Now) -> Read | Refusal:
    if (command.room is None) == (command.peer is None):
        return Refusal(Code.INVALID, "history: give either room or with")
    span = (command.before, command.after, command.limit)
    if command.peer is not None:
        peer = person(context.state, command.peer)
        if isinstance(peer, Refusal):
            return peer
        return ReadInbox(account.number, peer.number, *span)
    if command.room == account.inbox.id:
        return ReadInbox(account.number, None, *span)
    room = readable(context.state, account, command.room or b"", now.wall)
    if isinstance(room, Refusal):
        return room
    return ReadEvents(room.number, *span, room.readable_from(account.number))
