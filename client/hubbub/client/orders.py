"""Orders and questions about accounts, rights and restraints: each is one command, sent as it was made, and one reply. Pure.

An order says what shall be so, so one that gets no answer is simply sent again (PROTOCOL.md, “Orders”, has what that may do). To add one: its method in `hubbub.client.account` or
`hubbub.client.moderation`, and what is read of its reply here if that is no mere `done`.
"""

from msgspec.structs import replace

from hubbub.client.calls import expect, is_open, room_named
from hubbub.client.checks import check_command
from hubbub.client.effects import Ticket
from hubbub.client.results import Ban, Device, Invite, LinkCode
from hubbub.client.session import Session
from hubbub.common.commands import Bans, Query
from hubbub.common.fields import LockdownLevel
from hubbub.common.replies import BanList, DeviceList, Done, InviteMade, LinkMade, Reply


def order(session: Session, ticket: Ticket, command: Query) -> None:
    """Have a command carried out; completes with what the reply tells. Raises RequestError for one that no broker takes: sent, it would end the client."""
    if is_open(session, ticket):
        check_command(command)
        session.reading.ask(lambda id: replace(command, id=id), _answer, ticket)


def order_in(session: Session, ticket: Ticket, room: str, command: Query) -> None:
    """The same in a room that one is in, by its name."""
    target = room_named(session, ticket, room)
    if target is not None:
        order(session, ticket, replace(command, room=target.id))


def _answer(reply: Reply) -> object:
    match reply:
        case LinkMade(code=code, seconds=seconds):
            return LinkCode(code, seconds)
        case InviteMade(code=code, uses=uses, expires=expires):
            return Invite(code, uses, expires)
        case DeviceList():
            return [
                Device(d.device, d.fingerprint, d.label, d.added, d.used, d.online, d.current)
                for d in reply.devices
            ]
        case _:
            expect(Done, reply)
            return None


def bans(session: Session, ticket: Ticket, after: str) -> None:
    """A page of the bans: a list of `Ban`, whether there are more, and how far the chat is locked down."""
    if is_open(session, ticket):
        session.reading.ask(lambda id: Bans(id, after=after), _bans, ticket)


def _bans(reply: Reply) -> tuple[list[Ban], bool, LockdownLevel]:
    page = expect(BanList, reply)
    listed = [Ban(b.kind, b.subject, b.by, b.created, b.until, b.reason) for b in page.bans]
    return listed, page.more, page.lockdown
