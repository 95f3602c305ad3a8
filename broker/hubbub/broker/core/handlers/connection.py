"""A session's life: hello, login, ping, logout."""

from hubbub.broker.core.batch import Registered
from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context, refuse
from hubbub.broker.core.effects import Effect, LogEntry, LogPeer, Send
from hubbub.broker.core.permissions import own_role, shown
from hubbub.broker.core.records import EndSession, Refusal, Register
from hubbub.broker.core.registration import owner_of
from hubbub.broker.core.roles import ROLE_NAMES
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account, Room
from hubbub.broker.entries import Entry
from hubbub.common.codec import VERSIONS
from hubbub.common.commands import Hello, Login, Logout, Ping
from hubbub.common.errors import Code, InvalidName
from hubbub.common.limits import QUIET_START_SECONDS, ROUTING_ID_BYTES
from hubbub.common.names import canonical
from hubbub.common.replies import Bye, Error, Greeted, Joined, Pong, Welcome

_KEY_ANNOUNCED = Refusal(Code.INVALID, "the events key must be a new one for each login")


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


def login(context: Context, session: Session, command: Login, now: Now) -> list[Effect]:
    """Let the owner of a name in; register a name that nobody has."""
    return [LogPeer(session.peer.connection), *_log_in(context, session, command, now)]


def _log_in(context: Context, session: Session, command: Login, now: Now) -> list[Effect]:
    name = _acceptable(context, session, command)
    if isinstance(name, Refusal):
        return refuse(session, command, name.code, name.text)
    known = context.state.account_like(name)
    is_committed = known is not None and known.committed
    account = owner_of(context.state, name, session.peer.key) if is_committed else None
    if isinstance(account, Refusal):
        return refuse(session, command, account.code, account.text)
    rest = context.budgets.rest(account, now.monotonic) if account is not None else 0.0
    if rest > 0.0:
        text = "a client of yours sent more than this broker takes; wait"
        return refuse(session, command, Code.SLOW_DOWN, text, rest)
    session.login_id, session.events_key = command.id, command.events_key.hex()
    session.producer, session.resuming = command.producer, command.resuming
    if account is not None:
        return welcome(context, session, account, now, created=False)
    unavailable = context.unavailable()
    if unavailable is not None:
        return refuse(
            session, command, unavailable[0], "no new name can be taken just now; try again"
        )
    session.state = SessionState.REGISTERING
    session.claim = Register(name, session.peer.key, now.wall, command.device)
    return [context.submit(session.claim, session.peer.routing_id)]


def _acceptable(context: Context, session: Session, command: Login) -> str | Refusal:
    """Return the canonical name of a login, or what is wrong with the login whoever sends it."""
    routing_id, events_key = session.peer.routing_id, command.events_key.hex()
    if len(routing_id) != ROUTING_ID_BYTES or routing_id[0] == 0:
        return Refusal(Code.INVALID, "the routing id must be 32 bytes, the first not 0")
    if context.sessions.announced(events_key) is not None or events_key == session.peer.key:
        return _KEY_ANNOUNCED
    try:
        return canonical(command.name)
    except InvalidName as error:
        return Refusal(Code.BAD_NAME, str(error))


def registered(context: Context, session: Session, claim: Registered, now: Now) -> list[Effect]:
    """Answer a login whose registration is on disk, or was refused, or (neither account nor refusal) could not be written."""
    if session.state is not SessionState.REGISTERING or session.claim != claim.record:
        return []  # it began anew since, and may claim another name now
    refusal = claim.refusal
    if claim.account is None:
        refusal = refusal or Refusal(
            Code.STORAGE_UNAVAILABLE, "the broker cannot write to its store just now; try again"
        )
    elif context.sessions.announced(session.events_key) is not None:
        refusal = _KEY_ANNOUNCED  # by another session, since this one asked
    else:
        return welcome(context, session, claim.account, now, created=claim.created)
    session.state = SessionState.GREETED
    reply = Error(id=session.login_id, code=refusal.code, text=refusal.text)
    return [Send(session.peer.routing_id, (reply,))]


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
