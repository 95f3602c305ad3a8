"""Passwords: setting one. The hasher does the work; what it found becomes a record without the password."""

from hubbub.broker.core.auditing import Deed, note
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import HASHING_SECONDS, Context, Hashing, refuse
from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.handlers.login import verified
from hubbub.broker.core.hashing import Hash, Hashed, HashResult, NotHashed, TooWeak, Verified
from hubbub.broker.core.orders import SetPasswordHash
from hubbub.broker.core.records import Decree, Refusal
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account, State
from hubbub.common.commands import SetPassword
from hubbub.common.errors import Code
from hubbub.common.replies import Error


def set_password(
    context: Context, session: Session, command: SetPassword, now: Now
) -> list[Effect]:
    """Let the hasher estimate and hash a new password; the own name and the broker's make it no better."""
    account = session.account
    assert account is not None, "set_password is legal in a live session only"
    limits = context.settings.limits
    if session.hashing is not None or len(context.hashing) >= limits.hashes_waiting:
        text = "too many passwords are being hashed; try again"
        return refuse(session, command, Code.BUSY, text, HASHING_SECONDS)
    if wait := context.tries.change(account.number, now.monotonic):
        text = f"too many passwords were set; go on in {max(1, round(wait))} s"
        return refuse(session, command, Code.SLOW_DOWN, text, wait)
    ticket = session.hashing = context.ticket()
    context.hashing[ticket] = Hashing(session, command.id, account.number)
    guessable = (account.name, context.settings.broker_name, "hubbub")
    return [Hash(ticket, command.password, guessable, context.settings.passwords)]


def hashed(context: Context, result: HashResult, now: Now) -> list[Effect]:
    """Go on with whatever waited for the hasher, if its session is still there."""
    waiting = context.hashing.pop(result.ticket)
    session = waiting.session
    is_there = context.sessions.get(session.peer.routing_id) is session
    session.hashing = None
    if isinstance(result, Verified) and result.matches:  # also where a connection broke meanwhile
        context.tries.password_was_right(waiting.name, session.peer.address)
    if not is_there or session.state is SessionState.LEAVING:
        return []
    match result:
        case Verified():
            return verified(context, waiting, result, now)
        case Hashed():
            return _set(context, waiting, result, now)
        case TooWeak():
            text = f"this password is too easily guessed. {result.advice}"
            return _refuse(waiting, Code.WEAK_PASSWORD, text)
        case NotHashed():
            if session.state is SessionState.CHECKING:
                session.state = SessionState.GREETED
            text = "the password could not be hashed just now; try again"
            return _refuse(waiting, Code.BUSY, text, HASHING_SECONDS)


def _set(context: Context, waiting: Hashing, result: Hashed, now: Now) -> list[Effect]:
    unavailable = context.unavailable()
    if unavailable is not None:
        code, after = unavailable
        return _refuse(waiting, code, "nothing is taken just now; try again", after)
    order = SetPasswordHash(waiting.query, result.phc)
    decree = Decree(waiting.account, order, now.wall, key=waiting.session.peer.key)
    return [context.submit(decree, waiting.session.peer.routing_id)]


def _refuse(waiting: Hashing, code: Code, text: str, retry_after: float = 0.0) -> list[Effect]:
    error = Error(id=waiting.query, code=code, text=text, retry_after=retry_after)
    return [Send(waiting.session.peer.routing_id, (error,))]


def check_hash(command: SetPasswordHash) -> Refusal | None:
    """Refuse nothing: the hasher made it."""
    return None


def apply_hash(
    state: State, batch: Batch, actor: Account | None, order: SetPasswordHash, decree: Decree
) -> Refusal | None:
    """Let the actor's account have the password of this hash."""
    if actor is None or actor.released:
        return Refusal(Code.FORBIDDEN, "only whoever has a name sets its password")
    actor.password = order.phc
    batch.changes.accounts.append(actor.row())
    note(state, batch, actor, Deed(action="password", subject=actor.name), decree.time)
    return None
