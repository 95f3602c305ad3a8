"""Queries that the store's reader answers: what is asked now, and the reply that its result becomes."""

from typing import Final, assert_never

from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect, Fetch, Send
from hubbub.broker.core.permissions import NOT_MEMBER, Power, may, own_role, shown
from hubbub.broker.core.reads import BansPage, EventsPage, MembersPage, Read, ReadResult, RoomsPage
from hubbub.broker.core.records import Refusal
from hubbub.broker.core.roles import ROLE_NAMES
from hubbub.broker.core.sessions import Session
from hubbub.common.commands import Bans, History, Members, Query
from hubbub.common.errors import Code
from hubbub.common.replies import (
    BanInfo,
    BanList,
    MemberInfo,
    MemberList,
    Page,
    Reply,
    RoomInfo,
    RoomList,
    Stored,
)

WAITING_READS: Final = 4096
"""Pages that the reader may have before it, those of ended sessions included; beyond it queries get `busy`. About 2 s of its work."""


def fetch(
    context: Context, session: Session, command: Query, query: Read, *, is_final: bool = False
) -> list[Effect]:
    """Ask the reader, one page at a time for each session. `is_final`: the answer will never be another."""
    if len(context.reads) >= WAITING_READS:
        return refuse(session, command, Code.BUSY, "too many pages are being read; ask again")
    if session.reading is not None:
        return refuse(
            session, command, Code.BUSY, "one page at a time: wait for the one you asked for"
        )
    ticket = session.reading = context.ticket()
    context.reads[ticket] = (session, command)
    return [Fetch(query, ticket, is_final)]


def fetched(context: Context, ticket: int, result: ReadResult | None) -> list[Effect]:
    """Answer the query that the reader worked on; None: the store could not be read."""
    waiting = context.reads.pop(ticket, None)
    if waiting is None:
        return []
    session, command = waiting
    session.reading = None
    if context.sessions.get(session.peer.routing_id) is not session:
        return []
    if result is None:
        return refuse(
            session,
            command,
            Code.STORAGE_UNAVAILABLE,
            "the broker cannot read its store now; ask again",
        )
    refusal = _forbidden_meanwhile(context, session, command, result)
    if refusal is not None:
        return refuse(session, command, refusal.code, refusal.text)
    return [Send(session.peer.routing_id, (_reply(context, session, command, result),))]


def _forbidden_meanwhile(
    context: Context, session: Session, command: Query, result: ReadResult
) -> Refusal | None:
    """Refuse a page of a room whose member the person was when they asked, and is no longer, or is anew and may read less; and bans to whom they no longer concern."""
    assert session.account is not None, "only live sessions have something read"
    if isinstance(command, Bans):
        return may(session.account, Power.BAN, session.account.role)
    number = session.account.number
    log = command.room if isinstance(command, History | Members) else None
    room = context.state.room_by_id.get(log or b"")
    if room is None:
        return None
    if not room.shows(number):
        return NOT_MEMBER
    first = result.events[0][0] if isinstance(result, EventsPage) and result.events else None
    if first is not None and first < room.readable_from(number):
        return Refusal(Code.BUSY, "what you may read has just changed; ask again")
    return None


def _reply(context: Context, session: Session, command: Query, result: ReadResult) -> Reply:
    account = session.account
    assert account is not None, "only live sessions have something read"
    match result:
        case EventsPage():
            events = [Stored(seq, event) for seq, event in result.events]
            return Page(
                id=command.id,
                room=_log_id(session, command),
                events=events,
                more=result.more,
                first=result.first,
                before=result.before,
            )
        case RoomsPage():
            rooms = [
                RoomInfo(
                    room=row.room,
                    name=row.name,
                    description=row.description,
                    members=row.members,
                    private=row.private,
                    read_only=row.read_only,
                    history=shown(since_joined=row.since_joined),
                    slow=row.slow,
                )
                for row in result.rooms
                if not row.private or context.state.room_by_id[row.room].shows(account.number)
            ]
            return RoomList(id=command.id, rooms=rooms, more=result.more)
        case MembersPage():
            room = command.room if isinstance(command, Members) else b""
            members = [
                member_info(context, account, name, room) for account, name in result.members
            ]
            return MemberList(id=command.id, room=room, members=members, more=result.more)
        case BansPage():
            bans = [BanInfo(**ban._asdict()) for ban in result.bans]
            return BanList(id=command.id, bans=bans, lockdown=result.lockdown, more=result.more)
        case _:
            assert_never(result)


def member_info(context: Context, account: int, name: str, room: bytes) -> MemberInfo:
    """Return a person as the list of a room's members shows them."""
    roster, state = context.roster, context.state
    place = state.room_by_id[room]
    role = own_role(state.accounts[account], place)
    return MemberInfo(
        name=name,
        online=account in roster,
        away=roster.away(account),
        role=ROLE_NAMES[role],
        muted_until=place.restraint(account).muted,
    )


def _log_id(session: Session, command: Query) -> bytes:
    """Return the log that a page is of: the room asked for, or the own inbox."""
    if isinstance(command, History) and command.room is not None:
        return command.room
    return session.account.inbox.id if session.account else b""
