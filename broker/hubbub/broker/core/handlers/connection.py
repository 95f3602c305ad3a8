"""A session's life: hello, welcome, ping, logout. `login` decides who gets in."""

from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect, LogEntry, Send
from hubbub.broker.core.permissions import own_role, shown
from hubbub.broker.core.records import EndSession
from hubbub.broker.core.roles import ROLE_NAMES
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account, Room
from hubbub.broker.entries import Entry
from hubbub.common.codec import VERSIONS
from hubbub.common.commands import Hello, Logout, Ping
from hubbub.common.errors import Code
from hubbub.common.limits import QUIET_START_SECONDS
from hubbub.common.replies import Bye, Greeted, Joined, Pong, Welcome


def hello(context: Context, session: Session, command: Hello, now: Now) -> list[Effect]:
    """Begin anew, and agree on a version."""
    effects: list[Effect] = []
    if session.state is not SessionState.NEW:
        effects += context.end(session, now)
        session = context.sessions.open(session.peer, now.monotonic)
    spoken = set(command.versions) & set(VERSIONS)
    if not spoken:
        text = f"this broker speaks versions {VERSIONS[0]} to {VERSIONS[-1]} of the protocol, the client {sorted(command.versions)}"
        return effects + refuse(session, command, Code.VERSION_UNSUPPORTED, text)
    session.state = SessionState.GREETED
    settings = context.settings
    reply = Greeted(
        id=command.id,
        version=max(spoken),
        broker=settings.broker_name,
        software=settings.software,
    )
    return [*effects, Send(session.peer.routing_id, (reply,))]


def welcome(
    context: Context, session: Session, account: Account, now: Now, *, created: bool
) -> list[Effect]:
    """Let a session go live: tell its rooms and heads, and the others that its person has come."""
    effects: list[Effect] = []
    if account.number not in context.roster and context.roster.contradicts(account.number):
        effects += context.presence(now, at_once=True)
    context.sessions.go_live(session, account)
    quietly = session.resuming and now.monotonic < context.started + QUIET_START_SECONDS
    context.roster.arrive(account.number, account.name, quietly=quietly)
    rooms = list(context.state.rooms_of(account))
    logs = [account.inbox, *(room.log for room in rooms)]
    session.told = {entry.id: entry.published.seq for entry in logs}
    reply = Welcome(
        id=session.login_id,
        name=account.name,
        epoch=context.state.epoch,
        inbox=account.inbox.head(),
        rooms=[joined(account, room) for room in rooms],
        events_port=context.settings.events_port,
        time=now.wall,
        events_host=context.settings.events_host,
        created=created,
        inbox_read=account.markers.get(INBOX, 0),
        role=ROLE_NAMES[account.role],
        has_password=bool(account.password),
    )
    if session.resuming:
        entry = Entry("user_returned", "{name} is connected again.", name=account.name)
    else:
        greeting = "Registration successful. Welcome to the chat, {name}!"
        entry = Entry("user_entered", greeting, name=account.name)
    effects += [LogEntry(entry), Send(session.peer.routing_id, (reply,))]
    return effects + context.presence(now)


def joined(account: Account, room: Room) -> Joined:
    """Return a membership as a session is told it."""
    head = room.log.published
    return Joined(
        room=room.log.id,
        name=room.name,
        seq=head.seq,
        digest=head.digest,
        description=room.description,
        read=account.markers.get(room.number, 0),
        role=ROLE_NAMES[own_role(account, room)],
        private=room.private,
        read_only=room.read_only,
        history=shown(since_joined=room.since_joined),
        slow=room.slow,
    )


def ping(context: Context, session: Session, command: Ping, now: Now) -> list[Effect]:
    """Tell the heads that moved since they were last told."""
    heads = []
    if session.account is not None:
        logs = [session.account.inbox]
        logs += [room.log for room in context.state.rooms_of(session.account)]
        for entry in logs:
            if session.told.get(entry.id) != entry.published.seq:
                session.told[entry.id] = entry.published.seq
                heads.append(entry.head())
    return [Send(session.peer.routing_id, (Pong(id=command.id, heads=heads),))]


def logout(context: Context, session: Session, command: Logout, now: Now) -> list[Effect]:
    """End the session behind its writes; at once if no record is taken now."""
    assert session.account is not None, "logout is legal in a live session only"
    session.state, session.login_id = SessionState.LEAVING, command.id
    if context.unavailable() is not None:
        return goodbye(context, session, now)
    record = EndSession(
        session.account.number, session.producer, command.close_producer, command.id
    )
    return [context.submit(record, session.peer.routing_id)]


def goodbye(context: Context, session: Session, now: Now) -> list[Effect]:
    """Answer a logout, and tell the others at once if it was the person's last session."""
    account = session.account
    effects: list[Effect] = [Send(session.peer.routing_id, (Bye(id=session.login_id),))]
    effects += context.end(session, now)
    if account is not None and not context.sessions.of(account.number):
        if context.roster.contradicts(account.number):
            effects += context.presence(now, at_once=True)
        context.roster.leave(account.number)
        entry = Entry("user_left", "{name} has left the chat.", name=account.name)
        effects.append(LogEntry(entry))
        effects += context.presence(now)
    return effects
