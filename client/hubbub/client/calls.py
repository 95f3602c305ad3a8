"""What the app asks of a session: one small function a call. Pure.

Each takes the ticket that will carry the outcome. Rooms are given by name, in any case. Sizes and the shape of names were checked by the caller
(`hubbub.client.checks`), in the app's own thread.

What moderators order, and what is done with one's account, has no functions of its own: `hubbub.client.orders` sends the commands as they are.

To add a call: a function here, its method in `hubbub.client.client`.
"""

from dataclasses import dataclass
from typing import TypeVar

from msgspec.structs import replace

from hubbub.client.effects import Complete, Fail, Kept, Ticket
from hubbub.client.errors import Closed, NotMember
from hubbub.client.logs import LogReader, read_event
from hubbub.client.narrator import narrate
from hubbub.client.outbox import Entry
from hubbub.client.results import LogPosition, Marker, Member, People, Room, Unanswered
from hubbub.client.rooms import JoinedRoom
from hubbub.client.session import Session
from hubbub.client.updates import Message, PrivateMessage
from hubbub.common import commands
from hubbub.common.errors import Code, WireError
from hubbub.common.fields import Data, snake_case
from hubbub.common.names import LOBBY, fold
from hubbub.common.replies import MemberList, Page, Reply, RoomList, Roster


def is_open(session: Session, ticket: Ticket) -> bool:
    """Whether the session goes on; if not, the ticket is failed."""
    if session.is_over:
        session.do(Fail(ticket, Closed("this client is closed")))
    return not session.is_over


def room_named(session: Session, ticket: Ticket, name: str) -> JoinedRoom | None:
    """The room, or None after failing the ticket."""
    room = session.reading.rooms.named(name)
    if room is None and is_open(session, ticket):
        text = f"you are not in a room called {name!r}: join it first"
        session.do(Fail(ticket, NotMember(Code.NOT_MEMBER, text)))
    return room if room is not None and is_open(session, ticket) else None


def _reader(session: Session, ticket: Ticket, name: str | None) -> LogReader | None:
    """The reader of a room, without a name that of the inbox; or None after failing the ticket."""
    if name is not None:
        room = room_named(session, ticket, name)
        return None if room is None else room.reader
    return session.reading.inbox if is_open(session, ticket) else None


# Writes.


def post(
    session: Session, ticket: Ticket, room: str, text: str, data: Data | None, action: bool = False
) -> None:
    """Write to a room. Acknowledged with the message's seq."""
    target = room_named(session, ticket, room)
    if target is not None:
        id = target.id
        session.writing.write(
            lambda n: commands.Post(n, room=id, text=text, data=data, action=action),
            ticket,
            target.name,
        )


def tell(
    session: Session, ticket: Ticket, to: str, text: str, data: Data | None, action: bool = False
) -> None:
    """Write to a person. Acknowledged with the message's seq in one's own inbox."""
    if is_open(session, ticket):
        session.writing.write(
            lambda n: commands.Tell(n, to=to, text=text, data=data, action=action), ticket
        )


def create(session: Session, ticket: Ticket, wish: commands.Create) -> None:
    """Make a room and join it."""
    if is_open(session, ticket):
        session.writing.write(lambda n: replace(wish, n=n), ticket)


def join(session: Session, ticket: Ticket, name: str) -> None:
    """Become a member of a room."""
    if is_open(session, ticket):
        session.writing.write(lambda n: commands.Join(n, name=name), ticket)


def leave(session: Session, ticket: Ticket, name: str) -> None:
    """End one's membership of a room."""
    room = room_named(session, ticket, name)
    if room is not None:
        id = room.id
        session.writing.write(lambda n: commands.Leave(n, room=id), ticket, room.name)


def mark(session: Session, ticket: Ticket, room: str | None, seq: int) -> None:
    """Say how far one has read a room; None: the inbox. Acknowledged with where the marker stands then."""
    reader = _reader(session, ticket, room)
    if reader is not None:
        log = reader.log
        session.writing.write(lambda n: commands.Mark(n, room=log, seq=seq), ticket, room or "")


def cancel(session: Session, ticket: Ticket, id: int) -> None:
    """Have a write not happen, if the broker has not taken it; completes with whether it never will."""
    if is_open(session, ticket) and not session.writing.outbox.cancel(id, ticket):
        session.do(Complete(ticket, False))


def outbox(session: Session, ticket: Ticket) -> None:
    """What has no outcome yet, in order: a list of `Unanswered`."""
    session.do(Complete(ticket, [_unanswered(entry) for entry in session.writing.outbox]))


def _unanswered(entry: Entry) -> Unanswered:
    write = entry.write
    kind = snake_case(type(write).__name__)
    match write:
        case commands.Post(text=text, data=data):
            return Unanswered(entry.id, kind, entry.room, None, text, data)
        case commands.Tell(to=to, text=text, data=data):
            return Unanswered(entry.id, kind, None, to, text, data)
        case commands.Create(name=name) | commands.Join(name=name):
            return Unanswered(entry.id, kind, name)
        case _:
            return Unanswered(entry.id, kind, entry.room or None)


def keep(session: Session, ticket: Ticket) -> None:
    """Complete as soon as everything written before is in the outbox file, if there is one; fails if it cannot be."""
    session.do(Kept(ticket))


# Questions.


@dataclass(frozen=True, slots=True)
class Piece:
    """A page of messages, oldest first. `oldest` and `newest` are the seqs of its first and last event, message or not; None: it has none."""

    messages: tuple[Message | PrivateMessage, ...]
    more: bool
    first: int
    oldest: int | None
    newest: int | None


def history(session: Session, ticket: Ticket, room: str | None, wish: commands.History) -> None:
    """A `Piece` of a room; without a room, of the private messages: with the `peer` of the wish, or all."""
    if room is not None:
        target = room_named(session, ticket, room)
        if target is not None:
            wish = replace(wish, room=target.id)
            _ask_history(session, ticket, wish, target.name)
    elif is_open(session, ticket):
        if wish.peer is None and session.reading.inbox is not None:
            wish = replace(wish, room=session.reading.inbox.log)
        _ask_history(session, ticket, wish, "")


def _ask_history(session: Session, ticket: Ticket, wish: commands.History, name: str) -> None:
    session.reading.ask(lambda id: replace(wish, id=id), lambda reply: _piece(reply, name), ticket)


def _piece(reply: Reply, name: str) -> Piece:
    page = expect(Page, reply)
    updates = (
        narrate(read_event(e.event), room=name, seq=e.seq, earlier=True) for e in page.events
    )
    messages = tuple(u for u in updates if isinstance(u, Message | PrivateMessage))
    oldest, newest = (page.events[0].seq, page.events[-1].seq) if page.events else (None, None)
    return Piece(messages, page.more, page.first, oldest, newest)


def stored(session: Session, ticket: Ticket, room: str | None, wish: commands.History) -> None:
    """A `Page` of a room as the broker keeps it; None: of the inbox."""
    reader = _reader(session, ticket, room)
    if reader is not None:
        wish = replace(wish, room=reader.log)
        session.reading.ask(
            lambda id: replace(wish, id=id), lambda reply: expect(Page, reply), ticket
        )


def rooms(session: Session, ticket: Ticket, after: str) -> None:
    """A page of all rooms, by name: a list of `Room`, and whether there are more."""
    if is_open(session, ticket):
        session.reading.ask(
            lambda id: commands.Rooms(id, after=after),
            lambda reply: _room_list(session, expect(RoomList, reply)),
            ticket,
        )


def _room_list(session: Session, reply: RoomList) -> tuple[list[Room], bool]:
    role = session.reading.rooms.role
    listed = [
        Room(
            info.name,
            info.description,
            info.members,
            role(info.room),
            info.private,
            info.read_only,
            info.history,
            info.slow,
        )
        for info in reply.rooms
    ]
    return listed, reply.more


def members(session: Session, ticket: Ticket, name: str, after: str) -> None:
    """A page of a room's members, by name: a list of `Member`, and whether there are more."""
    room = room_named(session, ticket, name)
    if room is not None:
        id = room.id
        session.reading.ask(
            lambda query: commands.Members(query, room=id, after=after), _member_list, ticket
        )


def _member_list(reply: Reply) -> tuple[list[Member], bool]:
    page = expect(MemberList, reply)
    listed = [
        Member(info.name, info.online, info.away, info.role, info.muted_until)
        for info in page.members
    ]
    return listed, page.more


def who(session: Session, ticket: Ticket) -> None:
    """The `People` online."""
    if is_open(session, ticket):
        session.reading.ask(commands.Who, _people, ticket)


def whois(session: Session, ticket: Ticket, name: str) -> None:
    """The `Member` of the lobby that has this name, present or absent."""
    if is_open(session, ticket):
        session.reading.ask(lambda id: commands.Whois(id, name=name), _person, ticket)


def _person(reply: Reply) -> Member:
    listed, _ = _member_list(reply)
    if len(listed) != 1:
        raise WireError(Code.INVALID, f"the broker tells of {len(listed)} people instead of one")
    return listed[0]


def _people(reply: Reply) -> People:
    roster = expect(Roster, reply)
    away = {name: roster.away[name] for name in roster.names if name in roster.away}
    return People(roster.online, tuple(roster.names), away)


def away(session: Session, ticket: Ticket, text: str | None) -> None:
    """Say that one is away; None: that one is back. Said again by itself in each later session."""
    if is_open(session, ticket):
        session.reading.say_away(text, ticket)


def position(session: Session, ticket: Ticket, name: str | None) -> None:
    """The `LogPosition` of a room; None: of the inbox."""
    reader = _reader(session, ticket, name)
    if reader is not None:
        session.do(Complete(ticket, LogPosition(session.reading.epoch, reader.seq, reader.digest)))


def markers(session: Session, ticket: Ticket) -> None:
    """The `Marker` of each room one is in, the lobby first, and of the private messages."""
    if not is_open(session, ticket):
        return
    listed = [
        Marker(room.name, room.reader.marker, room.reader.seq, room.reader.start)
        for room in sorted(session.reading.rooms, key=_lobby_first)
    ]
    inbox = session.reading.inbox
    if inbox is not None:
        listed.append(Marker(None, inbox.marker, inbox.seq, inbox.start))
    session.do(Complete(ticket, listed))


def _lobby_first(room: JoinedRoom) -> tuple[bool, str]:
    return room.name != LOBBY, fold(room.name)


def flush(session: Session, ticket: Ticket) -> None:
    """Complete when everything written before is answered."""
    if is_open(session, ticket):
        session.writing.flush(ticket)


def give_up(session: Session, ticket: Ticket) -> None:
    """End without waiting: completes with how many writes are left unanswered."""
    session.do(Complete(ticket, len(session.writing.outbox)))
    session.give_up()


_Reply = TypeVar("_Reply", bound=Reply)


def expect(kind: type[_Reply], reply: Reply) -> _Reply:
    """The reply, which carries our query's id, as what that query is answered with."""
    if not isinstance(reply, kind):
        raise WireError(
            Code.INVALID,
            f"the broker answered with {type(reply).__name__} in place of {kind.__name__}",
        )
    return reply
