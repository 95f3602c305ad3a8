"""Login: who gets in. In this order:

- a key that may use the name already, without a further question;
- a `code`: one made for the name binds the key to it, an invite lets a newcomer in;
- a `password`: the hasher compares it while the session is CHECKING, then the key is bound;
- a newcomer, where registration is open.

Nobody comes in as an account that is banned or, by the state of lockdown, kept out (`admission`). Where registration is not open, a taken name and a free one
get the same answer; so do a wrong password, a name without one, and a name that nobody has, after the same work.
"""

from hubbub.broker.core.bans import account_ban, key_ban, told
from hubbub.broker.core.batch import Registered
from hubbub.broker.core.budgets import Kind, Price, rounded_up
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import (
    BUSY_SECONDS,
    HASHING_SECONDS,
    UNAVAILABLE_SECONDS,
    Context,
    Hashing,
    refuse,
)
from hubbub.broker.core.effects import Effect, LogPeer, Send
from hubbub.broker.core.handlers.connection import welcome
from hubbub.broker.core.hashing import Verified, Verify
from hubbub.broker.core.permissions import LOCKED_OUT, reaches
from hubbub.broker.core.records import AddDevice, Refusal, Register, UseDevice
from hubbub.broker.core.registration import (
    BAD_CODE,
    BAD_CREDENTIALS,
    CLOSED,
    NO_NEWCOMERS,
    OR_YOURS,
    invite_for,
    owner_of,
    vouches,
)
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account
from hubbub.common.codes import hash_of
from hubbub.common.commands import Login
from hubbub.common.errors import Code, InvalidCode, InvalidName
from hubbub.common.limits import ROUTING_ID_BYTES
from hubbub.common.names import canonical, fold
from hubbub.common.replies import Error

_KEY_ANNOUNCED = Refusal(Code.INVALID, "the events key must be a new one for each login")
_UNAVAILABLE = "nobody new can be let in just now; try again"
ROOMS_A_PAGE = 100
"""So many rooms in a `welcome` take the broker as long as a page does: 1,000 take 3 ms and 600 KB (measured)."""
_DAY_MILLIS = 24 * 3600 * 1000


def login(context: Context, session: Session, command: Login, now: Now) -> list[Effect]:
    """Let the owner of a name in; register a name that nobody has."""
    return [LogPeer(session.peer.connection), *_log_in(context, session, command, now)]


def _log_in(context: Context, session: Session, command: Login, now: Now) -> list[Effect]:
    name = _acceptable(context, session, command)
    if isinstance(name, Refusal):
        return refuse(session, command, name.code, name.text)
    session.login_id, session.events_key = command.id, command.events_key.hex()
    session.producer, session.resuming = command.producer, command.resuming
    session.label = "".join(filter(str.isprintable, command.device)).strip()
    if ban := key_ban(context.state, session.peer.key, now.wall):
        return _refuse(session, Refusal(Code.BANNED, told(ban)))  # it was connected before
    own = context.state.account_named(name)
    if own is not None and session.peer.key in own.devices:
        return _come_back(context, session, own, now)
    if command.code is not None:
        return _by_code(context, session, command.code, name, now)
    if command.password is not None:
        return _by_password(context, session, command.password, name, now)
    return _as_newcomer(context, session, name, now)


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


# The four ways in.


def _come_back(context: Context, session: Session, account: Account, now: Now) -> list[Effect]:
    device = account.devices[session.peer.key]
    if not (account.committed and device.committed):  # another session has just claimed it
        record = Register(account.name, session.peer.key, now.wall, session.label, may_be_new=False)
        return _claim(context, session, record)
    if refusal := admission(context, account, now):
        return _refuse(session, refusal)
    if rest := context.budgets.rest(account, now.monotonic):
        text = "a client of yours sent more than this broker takes; wait"
        return _refuse(session, Refusal(Code.SLOW_DOWN, text), rest)
    price = Price(Kind.PAGES, 1 + len(account.rooms) // ROOMS_A_PAGE)
    if wait := context.budgets.of(account, now.monotonic).take((price,), now.monotonic):
        text = "this name logs in more often than this broker takes; wait"
        return _refuse(session, Refusal(Code.SLOW_DOWN, text), rounded_up(wait))
    effects = welcome(context, session, account, now, created=False)
    if device.used + _DAY_MILLIS <= now.wall and context.unavailable() is None:
        used = UseDevice(account.number, session.peer.key, now.wall)
        effects.append(context.submit(used))
    return effects


def _by_code(context: Context, session: Session, typed: str, name: str, now: Now) -> list[Effect]:
    address = session.peer.address
    if wait := context.tries.code(address, now.monotonic):
        return _slow_down(session, wait)
    try:
        code = hash_of(typed)
    except InvalidCode as error:
        return _refuse(session, Refusal(Code.BAD_CODE, str(error)))
    account, key, maker = _account(context, name), session.peer.key, None
    if account is not None:
        maker = context.links.maker(account.number, key, code, now.monotonic)
    if account is not None and maker is not None and vouches(account, maker):
        context.tries.code_was_right(address)
        device = AddDevice(
            account.number, key, now.wall, session.label, by_code=True, made_by=maker
        )
        return _bind(context, session, account, device, now)
    if invite_for(context.state, code, now.wall) is None:
        return _refuse(session, BAD_CODE)
    context.tries.code_was_right(address)
    if context.settings.registration == "closed":  # its invites wait until it is no longer
        return _refuse(session, CLOSED)
    return _register(context, session, name, now, invite=code)


def _by_password(
    context: Context, session: Session, password: str, name: str, now: Now
) -> list[Effect]:
    if len(context.hashing) >= context.settings.limits.hashes_waiting:
        text = "too many passwords are being checked; try again"
        return _refuse(session, Refusal(Code.BUSY, text), HASHING_SECONDS)
    folded = fold(name)
    if wait := context.tries.password(folded, session.peer.address, now.monotonic):
        return _slow_down(session, wait)
    account = _account(context, name)
    number, phc = (account.number, account.password) if account is not None else (None, "")
    ticket = session.hashing = context.ticket()
    context.hashing[ticket] = Hashing(session, session.login_id, number, folded, phc)
    session.state = SessionState.CHECKING
    return [Verify(ticket, phc, password, context.settings.passwords)]


def verified(context: Context, waiting: Hashing, result: Verified, now: Now) -> list[Effect]:
    """Go on with a login whose password the hasher has compared."""
    session = waiting.session
    session.state = SessionState.GREETED
    account = context.state.accounts.get(waiting.account or 0)
    if not result.matches or account is None:
        return _refuse(session, BAD_CREDENTIALS)
    if account.password != waiting.phc:  # set anew, or hashed anew at another login
        text = "the password was changed just now; try again"
        return _refuse(session, Refusal(Code.BUSY, text), BUSY_SECONDS)
    device = AddDevice(
        account.number,
        session.peer.key,
        now.wall,
        session.label,
        verified=waiting.phc,
        renewed=result.renewed,
    )
    return _bind(context, session, account, device, now)


def _as_newcomer(context: Context, session: Session, name: str, now: Now) -> list[Effect]:
    registration = context.settings.registration
    if registration == "open":
        return _register(context, session, name, now)
    if reaches(context.state, "no_new_accounts"):
        return _refuse(session, NO_NEWCOMERS)
    if registration == "invite":
        text = f"newcomers need an invite code here. {OR_YOURS}"
        return _refuse(session, Refusal(Code.INVITE_REQUIRED, text))
    return _refuse(session, CLOSED)


# What they have in common.


def _account(context: Context, name: str) -> Account | None:
    """Return the account of this very name, if it is on disk."""
    account = context.state.account_named(name)
    return account if account is not None and account.committed else None


def _register(
    context: Context, session: Session, name: str, now: Now, invite: bytes = b""
) -> list[Effect]:
    """Claim a name for somebody who may have a new one."""
    known = context.state.account_like(name)
    if known is not None and known.committed:  # else `apply` knows better
        owner = owner_of(context.state, name, session.peer.key)
        if isinstance(owner, Refusal):
            return _refuse(session, owner)
    if reaches(context.state, "no_new_accounts"):
        return _refuse(session, NO_NEWCOMERS)
    if wait := context.tries.newcomer(session.peer.address, now.monotonic):
        return _slow_down(session, wait)
    return _claim(
        context, session, Register(name, session.peer.key, now.wall, session.label, invite)
    )


def _bind(
    context: Context, session: Session, account: Account, device: AddDevice, now: Now
) -> list[Effect]:
    """Let the session's key use an account from now on."""
    if refusal := admission(context, account, now):
        return _refuse(session, refusal)
    effects = _claim(context, session, device)
    if device.by_code and session.claim is device:
        context.links.take(account.number, device.key)
    return effects


def _claim(context: Context, session: Session, record: Register | AddDevice) -> list[Effect]:
    """Submit what must be on disk before the session goes live."""
    unavailable = context.unavailable()
    if unavailable is not None:
        code, after = unavailable
        return _refuse(session, Refusal(code, _UNAVAILABLE), after)
    session.state = SessionState.REGISTERING
    session.claim = record
    return [context.submit(record, session.peer.routing_id)]


def registered(
    context: Context, session: Session | None, claim: Registered, now: Now
) -> list[Effect]:
    """Answer a login whose claim is on disk, or was refused, or (neither account nor refusal) could not be written. None: its session is gone."""
    record = claim.record
    if isinstance(record, AddDevice) and record.by_code:
        settle = context.links.give_back if claim.account is None else context.links.forget
        settle(record.account, record.key)
    if session is None or session.state is not SessionState.REGISTERING or session.claim != record:
        return []  # it began anew since, and may claim another name now
    refusal, after = claim.refusal, 0.0
    if claim.account is not None:
        refusal = _still_admitted(context, session, claim.account, now)
        if refusal is None:
            return welcome(context, session, claim.account, now, created=claim.created)
    elif refusal is None:
        refusal = Refusal(Code.STORAGE_UNAVAILABLE, _UNAVAILABLE)
        after = UNAVAILABLE_SECONDS
    session.state = SessionState.GREETED
    return _refuse(session, refusal, after)


def _still_admitted(
    context: Context, session: Session, account: Account, now: Now
) -> Refusal | None:
    """Refuse what has become impossible while a claim was on its way to the disk."""
    if context.sessions.announced(session.events_key) is not None:
        return _KEY_ANNOUNCED
    if ban := key_ban(context.state, session.peer.key, now.wall):
        return Refusal(Code.BANNED, told(ban))
    return admission(context, account, now)


def admission(context: Context, account: Account, now: Now) -> Refusal | None:
    """Refuse somebody who may not come in now, or not once more, though they are who they say."""
    if refusal := kept_out(context, account, now):
        return refusal
    most = context.settings.limits.sessions_per_account
    if len(context.sessions.of(account.number)) >= most:
        text = f"{account.name} is logged in {most} times already; leave elsewhere first"
        return Refusal(Code.TOO_MANY_SESSIONS, text)
    return None


def kept_out(context: Context, account: Account, now: Now) -> Refusal | None:
    """Refuse somebody who may not be here now."""
    if ban := account_ban(context.state, account.number, now.wall):
        return Refusal(Code.BANNED, told(ban))
    if reaches(context.state, "accounts_only") and not account.is_trusted:
        return LOCKED_OUT
    return None


def _refuse(session: Session, refusal: Refusal, retry_after: float = 0.0) -> list[Effect]:
    error = Error(
        id=session.login_id, code=refusal.code, text=refusal.text, retry_after=retry_after
    )
    return [Send(session.peer.routing_id, (error,))]


def _slow_down(session: Session, wait: float) -> list[Effect]:
    text = f"too many tries; go on in {max(1, round(wait))} s"
    return _refuse(session, Refusal(Code.SLOW_DOWN, text), wait)
