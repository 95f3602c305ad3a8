"""What is told once a batch is on disk, or is not."""

from collections.abc import Sequence
from typing import assert_never

from hubbub.broker.core.batch import Batch, Expelled, MembershipChanged, Registered
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import UNAVAILABLE_SECONDS, Context
from hubbub.broker.core.effects import Answer, Cut, CutNetwork, Effect, Publish, Send
from hubbub.broker.core.handlers.connection import goodbye, joined
from hubbub.broker.core.handlers.login import registered
from hubbub.broker.core.producers import Outcome, Runs
from hubbub.broker.core.records import (
    AddDevice,
    Decree,
    EndSession,
    Register,
    Submission,
    Tidy,
    UseDevice,
    Writes,
)
from hubbub.broker.core.sessions import Session, SessionState
from hubbub.broker.core.state import Account
from hubbub.common.commands import Order
from hubbub.common.errors import Code
from hubbub.common.limits import UNSUBSCRIBE_SECONDS
from hubbub.common.replies import Acked, Closing, Error, Left, Marked, Reply, Resend


def committed(context: Context, batch: Batch, now: Now) -> list[Effect]:
    """Silence who may hear no more, publish, acknowledge, tell markers, deliver, let in and see out, in this order: what a batch did, now that it is on disk."""
    for entry in batch.logs:
        entry.publish()
    context.state.move_markers(batch.changes.markers)
    put_out = {session for expelled in batch.expelled for session in _concerned(context, expelled)}
    effects = _silence(context, batch, put_out)
    effects += [Publish(room.log.id, events) for room, events in batch.published.items()]
    context.roster.hush(batch.hushed)
    for change in batch.memberships:
        effects += _tell_membership(context, change, now)
    effects += _tell_outcomes(context, batch)
    effects += _tell_markers(context, batch)
    for account, deliveries in batch.delivered.items():
        for session in context.sessions.of(account):
            if session not in put_out:
                effects.append(Send(session.peer.routing_id, tuple(deliveries), push=True))
    for claim in batch.registered:
        effects += _answer_claim(context, claim, now)
    for submission, answer in batch.answers:
        effects += _answer_decree(context, submission, answer)
    for account, code in batch.links.items():
        context.links.made(account, code, now.monotonic)
    for expelled in batch.expelled:
        effects += expel(context, expelled, now)
    for released in batch.released:
        effects += _see_out(context, released, now)
    for routing_id, logout in batch.ended:
        leaving = context.sessions.get(routing_id)
        if leaving is not None and _is_leaving(leaving, logout):
            effects += goodbye(context, leaving, now)
    return effects


def _silence(context: Context, batch: Batch, put_out: set[Session]) -> list[Effect]:
    """Cut those who were put out before anything is published: what followed in the same batch is not for them either.

    Of somebody put out of one room the SUB alone: it comes back by itself, and is granted their other rooms again.
    """
    deaf = {
        session
        for change in batch.memberships
        if change.by
        for session in context.sessions.of(change.account.number)
        if change.room.log.id in session.granted
    }
    subs = {session.events_connection for session in deaf | put_out}
    return [
        *(CutNetwork(network) for network in batch.cut_off),
        *(Cut(connection) for connection in sorted(filter(None, subs))),
    ]


def _is_leaving(session: Session, logout: int) -> bool:
    """Whether this is the session that asked, not one that began anew in its place."""
    return session.state is SessionState.LEAVING and session.login_id == logout


def _tell_outcomes(context: Context, batch: Batch) -> list[Effect]:
    """Tell each session that still waits for them what became of its writes, as runs."""
    effects: list[Effect] = []
    for writer, runs in batch.runs.items():
        session = _waiting(context, *writer)
        if session is None:
            continue
        _note_progress(session, runs)
        replies = [_outcome(outcome) for outcome in runs.outcomes]
        if writer in batch.behind:
            replies.append(Resend(n=batch.behind[writer].n + 1, code=Code.OUT_OF_ORDER))
        if replies:
            effects.append(Send(writer.routing_id, tuple(replies)))
    return effects


def _tell_markers(context: Context, batch: Batch) -> list[Effect]:
    """Tell every session of a person what one of them marked: no push, since nothing would tell of one that was dropped."""
    told: dict[int, list[Reply]] = {}
    for (account, number), log in batch.marked.items():
        read = context.state.accounts[account].markers.get(number)
        if read is not None:  # else the room was left behind the mark
            told.setdefault(account, []).append(Marked(room=log, read=read))
    return [
        Send(session.peer.routing_id, tuple(replies))
        for account, replies in told.items()
        for session in context.sessions.of(account)
    ]


def _waiting(context: Context, routing_id: bytes, account: int, producer: bytes) -> Session | None:
    """Find the session that wrote: one that began anew may be another account's, or have a new producer with the same numbers."""
    session = context.sessions.get(routing_id)
    if session is None or session.account is None:
        return None
    if session.account.number != account or session.producer != producer:
        return None
    return session


def _note_progress(session: Session, runs: Runs) -> None:
    """A client need not send again what has its outcome now, as when the write it was sent back to had been in flight all the time."""
    if session.resend_from is not None and runs.outcomes:
        last = max(outcome.n + outcome.count - 1 for outcome in runs.outcomes)
        if last >= session.resend_from:
            session.resend_from = None


def _answer_claim(context: Context, claim: Registered, now: Now) -> list[Effect]:
    if claim.account is not None:
        claim.account.committed = True
        if device := claim.account.devices.get(claim.record.key):
            device.committed = True
    return registered(context, context.sessions.get(claim.routing_id), claim, now)


def _answer_decree(context: Context, submission: Submission, reply: Reply) -> list[Effect]:
    """Tell the operator, or the session that ordered it if it is still there and the same account's."""
    decree = submission.record
    assert isinstance(decree, Decree), "only decrees are answered so"
    if decree.actor is None:
        return [Answer(submission.routing_id, reply)]
    session = context.sessions.get(submission.routing_id)
    if session is None or session.account is None or session.account.number != decree.actor:
        return []
    return [Send(submission.routing_id, (reply,))]


def expel(context: Context, expelled: Expelled, now: Now) -> list[Effect]:
    """End sessions at once: tell each why, hear nothing more of it, and cut it when that has had time to leave."""
    effects: list[Effect] = []
    closing = Closing(code=expelled.code, text=expelled.text)
    for session in _concerned(context, expelled):
        effects.append(Send(session.peer.routing_id, (closing,), push=True))
        effects += context.end(session, now)
        context.see_off(session.peer.connection, now)
    return effects


def _concerned(context: Context, expelled: Expelled) -> list[Session]:
    """Return the sessions that shall end."""
    sessions = context.sessions
    some = sessions if expelled.account is None else sessions.of(expelled.account)
    return [session for session in some if expelled.key in (None, session.peer.key)]


def _see_out(context: Context, account: Account, now: Now) -> list[Effect]:
    """Nobody is an account any longer whose name is free: tell so before somebody else comes by that name."""
    effects = context.presence(now, at_once=True)
    context.roster.leave(account.number)
    return effects + context.presence(now, at_once=True)


def _outcome(outcome: Outcome) -> Reply:
    if outcome.code:
        return Error(n=outcome.n, code=outcome.code, text=outcome.text)
    return Acked(n=outcome.n, room=outcome.room, seq=outcome.seq, count=outcome.count)


def _tell_membership(context: Context, change: MembershipChanged, now: Now) -> list[Effect]:
    """Tell every session of the person; those that left of their own will have a second to unsubscribe, the others are silenced."""
    effects: list[Effect] = []
    room = change.room
    left = Left(room=room.log.id, by=change.by, reason=change.reason)
    reply = joined(change.account, room) if change.joined else left
    for session in context.sessions.of(change.account.number):
        effects.append(Send(session.peer.routing_id, (reply,)))
        if change.joined:
            session.told[room.log.id] = room.log.published.seq
        else:
            session.told.pop(room.log.id, None)
            context.unsubscribe_by[session, room.log.id] = now.monotonic + UNSUBSCRIBE_SECONDS
    return effects


def failed(context: Context, submissions: Sequence[Submission], now: Now) -> list[Effect]:
    """Answer records of which nothing is on disk. A write keeps its number and is sent again."""
    effects: list[Effect] = []
    for submission in submissions:
        record = submission.record
        if isinstance(record, Decree):
            effects += _answer_decree(context, submission, unwritten(record.order))
            continue
        session = context.sessions.get(submission.routing_id)
        if isinstance(record, Register | AddDevice):
            claim = Registered(submission.routing_id, record, None, created=False, refusal=None)
            effects += registered(context, session, claim, now)
            continue
        if session is None:
            continue
        match record:
            case Writes(account=account, producer=producer, writes=writes):
                n = writes[0].n
                writer = _waiting(context, submission.routing_id, account, producer)
                if writer and (writer.resend_from is None or n < writer.resend_from):
                    effects += context.send_back(
                        writer, n, Code.STORAGE_UNAVAILABLE, UNAVAILABLE_SECONDS
                    )
            case EndSession(id=logout):
                if _is_leaving(session, logout):
                    effects += goodbye(context, session, now)
            case Tidy() | UseDevice():
                pass
            case _:
                assert_never(record)
    return effects


def unwritten(order: Order) -> Error:
    """Return the answer to an order while the store takes nothing."""
    return Error(
        id=order.id,
        code=Code.STORAGE_UNAVAILABLE,
        text="the broker cannot write to its store just now; try again",
        retry_after=UNAVAILABLE_SECONDS,
    )
