"""`apply`: carries out a batch of records on the shared state.

Deterministic: the same records on the same state, within the same limits, give the same events, numbers and digests, on any machine. It alone numbers events. Who waits for an
outcome is an opaque routing id to it; sessions are none of its concern.
"""

from collections.abc import Iterator, Sequence
from typing import assert_never

from hubbub.broker.core.bans import is_out
from hubbub.broker.core.batch import Batch, Writer
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.producers import Producer
from hubbub.broker.core.records import (
    AddDevice,
    Decree,
    EndSession,
    Refusal,
    Register,
    Submission,
    Tidy,
    UseDevice,
    Writes,
)
from hubbub.broker.core.registration import add_device, register, use_device
from hubbub.broker.core.rules import DECREES, OPERATORS, WRITES
from hubbub.broker.core.state import Account, State
from hubbub.broker.core.tidying import forget_producer, make_room_for_producer, tidy
from hubbub.common.commands import Write
from hubbub.common.errors import Code
from hubbub.common.replies import Done, Error, Reply


def apply(state: State, submissions: Sequence[Submission], limits: Limits) -> Batch:
    """Apply records in their order, within these limits; return what they change and say. Nothing of it may be told before it is committed."""
    batch = Batch(submissions, limits)
    for submission in submissions:
        record = submission.record
        match record:
            case Writes():
                writer = Writer(submission.routing_id, record.account, record.producer)
                _apply_writes(state, batch, record, writer)
            case Register():
                batch.registered.append(register(state, batch, record, submission.routing_id))
            case AddDevice():
                batch.registered.append(add_device(state, batch, record, submission.routing_id))
            case UseDevice():
                use_device(state, batch, record)
            case EndSession():
                _end_session(state, batch, record)
                batch.ended.append((submission.routing_id, record.id))
            case Decree():
                _apply_decree(state, batch, submission, record)
            case Tidy():
                tidy(state, batch, record)
            case _:
                assert_never(record)
        state.position += submission.count
    batch.changes.position = state.position
    batch.close()
    return batch


def _apply_writes(state: State, batch: Batch, record: Writes, writer: Writer) -> None:
    """Take the writes that carry the producer's next number; repeat the outcomes of those that were done before. Of somebody who is out nothing is taken, nor answered."""
    account = state.accounts[record.account]
    if is_out(state, account, record.key, record.time):
        return
    key = (record.account, record.producer)
    producer = state.producers.get(key)
    if producer is None:
        if record.writes[0].n > 1:
            text = "this producer is not known (any more): begin a new one, whether earlier writes were done is not known"
            batch.refused(writer, record.writes[0].n, Refusal(Code.PRODUCER_EXPIRED, text))
            return
        make_room_for_producer(state, batch, record.account)
        producer = Producer()
        state.add_producer(key, producer)
    producer.unpack()
    told = batch.runs_for(writer)
    done = 0
    while done < len(record.writes):
        n = record.writes[done].n
        if n > producer.n + 1:
            batch.behind[writer] = producer
            break
        if n == producer.n + 1:
            outcome, count = _carry_out(state, batch, account, record, done)
            done += count
            if isinstance(outcome, Refusal):
                producer.refused(batch.refused(writer, n, outcome))
            else:
                producer.succeeded(count, *outcome)
                told.succeeded(n, count, *outcome)
        else:
            _repeat(batch, producer, writer, n)
            done += 1
    producer.used = max(producer.used, record.time)
    batch.touched[key] = producer


def _carry_out(
    state: State, batch: Batch, account: Account, record: Writes, index: int
) -> tuple[tuple[bytes, int] | Refusal, int]:
    """Carry out a write, and those behind it that are like it; return its outcome, and how many they are together."""
    write = record.writes[index]
    row = WRITES[type(write)]
    outcome = record.refusals.get(index) or row.apply(state, batch, account, write, record.time)
    if isinstance(outcome, Refusal) or row.apply_more is None or index + 1 == len(record.writes):
        return outcome, 1
    return outcome, row.apply_more(state, batch, account, _alike(record, index), record.time) + 1


def _alike(record: Writes, first: int) -> Iterator[Write]:
    """Yield the write at `first` and those right behind it of its kind, in the order of their numbers."""
    writes, refusals = record.writes, record.refusals
    kind, n = type(writes[first]), writes[first].n
    for index in range(first, len(writes)):
        write = writes[index]
        if type(write) is not kind or write.n != n or index in refusals:
            return
        yield write
        n += 1


def _repeat(batch: Batch, producer: Producer, writer: Writer, n: int) -> None:
    """Tell the outcome of a write that was done before, word for word."""
    outcome = producer.remembered(n)
    if outcome is None:
        batch.refused(
            writer, n, Refusal(Code.ALREADY_DONE, "done before; its outcome is no longer kept")
        )
    elif outcome.code:
        batch.runs_for(writer).append(outcome)
    else:
        batch.runs_for(writer).succeeded(n, 1, outcome.room, outcome.seq)


def _apply_decree(state: State, batch: Batch, submission: Submission, decree: Decree) -> None:
    """Carry out an order, and keep the answer until it is on disk."""
    actor = None if decree.actor is None else state.accounts[decree.actor]
    order = decree.order
    row = DECREES.get(type(order)) or OPERATORS[type(order)]
    if actor is not None and is_out(state, actor, decree.key, decree.time):
        outcome: Reply | Refusal | None = Refusal(Code.FORBIDDEN, "you are out of this chat")
    else:
        outcome = row.check(order) or row.apply(state, batch, actor, order, decree)
    if isinstance(outcome, Refusal):
        reply: Reply = Error(id=order.id, code=outcome.code, text=outcome.text)
    else:
        reply = outcome or Done(id=order.id)
    batch.answers.append((submission, reply))


def _end_session(state: State, batch: Batch, record: EndSession) -> None:
    key = (record.account, record.producer)
    if record.close and key in state.producers:
        forget_producer(state, batch, key)
