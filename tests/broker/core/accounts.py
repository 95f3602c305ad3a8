"""What the tests of accounts have in common: a desk whose passwords cost little, a good password, codes, and what the owners are told."""

from dataclasses import replace
from typing import Unpack

from tests.broker.core.desk import SETTINGS, Desk, Person
from tests.broker.core.wire import Way

from hubbub.broker.core.context import Registration
from hubbub.broker.core.hashing import NotHashed
from hubbub.broker.core.limits import Limits, Passwords
from hubbub.broker.hasher import carry_out
from hubbub.common.codec import decode_event
from hubbub.common.commands import Link, MakeInvite, Order, SetPassword
from hubbub.common.events import Audited
from hubbub.common.replies import Done, InviteMade, LinkMade, Reply

PASSWORD = "kelp under a lantern"
CHEAP = Passwords(time_cost=1, memory_kib=8192)


def open_desk(
    registration: Registration = "open",
    limits: Limits | None = None,
    passwords: Passwords = CHEAP,
) -> Desk:
    return Desk(
        replace(SETTINGS, registration=registration, limits=limits or Limits(), passwords=passwords)
    )


def registration(desk: Desk, mode: Registration) -> None:
    """The operator says otherwise who may take a new name."""
    desk.core.reconfigure(replace(desk.core.context.settings, registration=mode))


def meets_by_invite(desk: Desk, name: str) -> Person:
    """Somebody comes by an invite of the operator's."""
    person = desk.connects(name).hello().logs_in(name, code=invites(desk))
    welcome = person.gets_welcome()
    return person.listens(*[room.room for room in welcome.rooms]).forgets()


def comes(desk: Desk, name: str, **way: Unpack[Way]) -> Person:
    """Somebody whom nobody knows asks to be let in."""
    return desk.connects(f"stranger {desk.new_events_key()!r}").hello().logs_in(name, **way)


def sets_password(person: Person, password: str = PASSWORD) -> Person:
    return person.sends(SetPassword(50, password)).gets(Done(50))


def links(person: Person) -> str:
    """Somebody asks for a code by which another device of theirs comes in."""
    person.sends(Link(51))
    [made] = person.unread
    assert isinstance(made, LinkMade)
    person.unread.clear()
    return made.code


def orders(desk: Desk, order: Order) -> Reply:
    """The operator gives an order; the reply says what became of it."""
    reply = desk.decrees(order).answered.pop()
    assert isinstance(reply, Reply)
    return reply


def invites(desk: Desk, uses: int = 1, seconds: int = 3600) -> str:
    """The operator makes an invite."""
    made = orders(desk, MakeInvite(52, uses, seconds))
    assert isinstance(made, InviteMade)
    return made.code


def fails_to_hash(desk: Desk) -> None:
    """The hasher fails at what waits for it."""
    desk.hasher = lambda task: NotHashed(task.ticket)
    desk.hashes_passwords()
    desk.hasher = carry_out


def audit(desk: Desk) -> list[Audited]:
    """What the owners are told, but for the time and the place of it."""
    room = desk.core.context.state.audit
    entries = desk.store.events[room.number] if room else []
    events = [decode_event(entry.event) for entry in entries]
    return [
        Audited(0, 0, e.by, e.action, e.subject, detail=e.detail)
        for e in events
        if isinstance(e, Audited)
    ]
