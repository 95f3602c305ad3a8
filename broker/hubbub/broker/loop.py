"""The loop: one thread that owns every socket, pumps, and performs the core's effects. It decides nothing.

A turn: wait; answer ZAP; note connections; take a few requests of the operator's; take subscriptions; take at most 16 frames of commands; take the workers' results; let the core's clock tick and
the patrol walk on, if it is time; begin a commit if none is in flight; send what was gathered, one frame for each session.
"""

import logging
import math
import time
from collections import deque
from collections.abc import Iterable
from functools import partial
from typing import Final, assert_never

import zmq

from hubbub.broker.auth import Auth
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import Snapshot
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Settings
from hubbub.broker.core.core import Core
from hubbub.broker.core.effects import (
    Answer,
    Cut,
    CutNetwork,
    Effect,
    Fetch,
    Grant,
    LogEntry,
    LogPeer,
    Publish,
    Resume,
    Revoke,
    Send,
    Strike,
    Submit,
)
from hubbub.broker.core.hashing import Hash, Verify
from hubbub.broker.core.reads import ReadResult
from hubbub.broker.entries import Entry
from hubbub.broker.errors import StorageError
from hubbub.broker.hasher import Hasher
from hubbub.broker.intake import Intake
from hubbub.broker.monitors import ASKED, Monitors
from hubbub.broker.operator.lists import Traffic
from hubbub.broker.operator.service import Operator
from hubbub.broker.outgoing import Outgoing
from hubbub.broker.pages import Pages
from hubbub.broker.patrol import Patrol
from hubbub.broker.poller import Handler, Poller, Socket
from hubbub.broker.sequencer import Sequencer
from hubbub.broker.sockets import Sockets, drain, is_readable, most_connections, send, send_all
from hubbub.broker.store.interface import Store
from hubbub.broker.wake import Waker
from hubbub.broker.watch import Service, Watch
from hubbub.broker.workers import Worker
from hubbub.common.codec import encode, split

log = logging.getLogger("hubbub.broker")

FAREWELL_SECONDS: Final = 0.1
"""How long the last replies may take to leave; a reply that does not is repeated when its client comes back."""
PROBE_SECONDS: Final = 1.0
"""How often a failed store is tried."""


def read_clock() -> Now:
    """Read both clocks."""
    return Now(time.monotonic(), time.time_ns() // 1_000_000)


class Loop:
    """Runs a core on its sockets and store. Made and run in one thread; `stop` is safe from any other and from signal handlers."""

    def __init__(  # noqa: PLR0913, PLR0917 - the parts that only `Broker` puts together
        self,
        core: Core,
        sockets: Sockets,
        auth: Auth,
        store: Store,
        sequencer: Sequencer,
        door: bytes,
        waker: Waker,
        operator: Operator,
    ) -> None:
        self._core = core
        self._sockets = sockets
        self._auth = auth
        self._watch = watch = Watch(core.context.settings.limits, most_connections(), auth.strikes)
        self._monitors = Monitors(sockets, watch, core, self._perform)
        self._intake = Intake(core, sockets, auth, self._monitors, door, self._perform)
        self._patrol = Patrol(
            watch, lambda: core.context.settings.limits, self._is_drained, core.is_heard
        )
        self._operator = operator
        self._store = store
        self._pages = Pages(store.read)
        self._sequencer = sequencer
        self._waker = waker
        self._writer: Worker[Batch | Snapshot] = Worker("hubbub-writer", waker.wake)
        self._reader: Worker[tuple[int, ReadResult | None]] = Worker("hubbub-reader", waker.wake)
        self._hasher = Hasher(core.context.settings.passwords.workers, waker.wake)
        self._outgoing = Outgoing(sockets.commands)
        self._in_flight: Batch | None = None
        self._failed = False
        self._probe_at = math.inf
        self._stopping = False
        self._new_settings: deque[Settings] = deque()
        self._now = read_clock()
        handlers: dict[Socket | int, Handler] = {
            sockets.zap: self._answer_zap,
            sockets.commands_monitor: partial(self._read_monitor, Service.COMMANDS),
            sockets.events_monitor: partial(self._read_monitor, Service.EVENTS),
            sockets.door_monitor: partial(self._read_monitor, Service.DOOR),
            operator.socket: self._take_requests,
            sockets.events: lambda: self._intake.take_subscriptions(self._now),
            sockets.commands: lambda: self._intake.take_commands(self._now),
            sockets.door: self._intake.answer_door,
            waker.fd: self._wake,
        }
        self._poller = Poller(handlers)

    def reconfigure(self, settings: Settings) -> None:
        """Let other settings hold from the next turn on. Safe from any thread."""
        self._new_settings.append(settings)
        self._waker.wake()

    def stop(self) -> None:
        """Let `run` shut down cleanly and return."""
        self._stopping = True
        self._waker.wake()

    def run(self) -> None:
        """Serve until `stop`, then commit what was taken, tell the sessions, and end the workers. Sockets and store are the caller's to close."""
        try:
            while not self._stopping:
                self._turn()
            self._shut_down()
        finally:
            self._writer.close()
            self._reader.close()
            self._hasher.close()
            self._patrol.close()

    def _turn(self) -> None:
        tick_at, patrol_at, probe_at = self._core.deadline(), self._patrol.deadline, self._probe_at
        ready = self._poller.wait(min(tick_at, patrol_at, probe_at) - time.monotonic())
        self._now = read_clock()
        for handle in ready:
            handle()
        if self._now.monotonic >= tick_at:
            self._perform(self._core.tick(self._now))
        if self._now.monotonic >= patrol_at:
            self._patrol.look(self._now.monotonic)
        if self._now.monotonic >= probe_at:
            self._probe_at = math.inf
            self._writer.submit(self._store.recover)
        self._begin_commit()
        self._send()

    def _wake(self) -> None:
        """Do what other threads have woken the loop for."""
        self._waker.rest()
        self._take_settings()
        self._take_results()

    def _take_settings(self) -> None:
        while self._new_settings:
            settings = self._new_settings.popleft()
            self._core.reconfigure(settings)
            self._auth.configure(settings.limits)
            self._watch.configure(settings.limits)

    def _shut_down(self) -> None:
        """Read no more commands; commit what was taken; say goodbye."""
        while self._in_flight is not None or self._begin_commit():
            self._waker.wait(1.0)
            self._take_results()
        self._perform(self._core.closing())
        self._send()
        self._deliver()

    def _deliver(self) -> None:
        """Give ZeroMQ's threads time to write the last replies, while whoever connects still gets an answer.

        LINGER would hold the end up for a second for each client that is gone; here nothing waits longer than a tenth.
        """
        end = time.monotonic() + FAREWELL_SECONDS
        while (left := end - time.monotonic()) > 0:
            if self._sockets.zap.poll(math.ceil(left * 1000)):
                self._answer_zap()

    # What comes in.

    def _answer_zap(self) -> None:
        requests = list(drain(self._sockets.zap))
        if not self._stopping:  # connections have their numbers before their handshakes
            self._monitors.read(self._now, ASKED)
        for request in requests:
            reply = self._auth.answer(request, self._watch.handshake(), self._now)
            if reply is not None:
                send_all(self._sockets.zap, reply)

    def _read_monitor(self, service: Service) -> None:
        self._monitors.read(self._now, (service,))

    def _is_drained(self) -> bool:
        self._poller.used(self._sockets.commands)
        return not is_readable(self._sockets.commands)

    def _take_requests(self) -> None:
        watch = self._watch
        traffic = Traffic(len(watch), watch.turned_away, self._auth.refused)
        for effects in self._operator.take(self._now, traffic):
            self._perform(effects)

    # Commits and pages.

    def _begin_commit(self) -> bool:
        """Apply the next batch and hand it to the writer, if none is in flight; return whether one is."""
        if self._in_flight is not None or self._failed:
            return False
        submissions = self._sequencer.take()
        if not submissions:
            return False
        batch = self._in_flight = self._core.apply(submissions)
        self._writer.submit(partial(self._commit, batch))
        return True

    def _commit(self, batch: Batch) -> Batch:
        self._store.commit(batch.changes)
        return batch

    def _take_results(self) -> None:
        for written in self._writer.results():
            match written:
                case Batch():
                    self._in_flight = None
                    self._perform(self._core.committed(written, self._now))
                case Snapshot():
                    log.warning(Entry("store_recovered", "The store works again."))
                    self._failed = False
                    self._perform(self._core.restored(written, self._now))
                case _:
                    self._storage_failed(written)
        for read in self._reader.results():
            if isinstance(read, Exception):
                raise read
            self._perform(self._core.fetched(*read))
            self._perform(self._operator.fetched(*read))
        for result in self._hasher.results():
            self._perform(self._core.hashed(result, self._now))

    def _storage_failed(self, error: Exception) -> None:
        """Refuse writes, and probe each second, until the store works again."""
        if not isinstance(error, StorageError):
            raise error
        if not self._failed:
            log.error(Entry("store_failed", "Writes are refused: {reason}", reason=str(error)))
        self._failed = True
        self._probe_at = self._now.monotonic + PROBE_SECONDS
        if self._in_flight is not None:
            batch, self._in_flight = self._in_flight, None
            self._perform(self._core.failed(batch.submissions, self._now))
        self._perform(self._core.drop(self._sequencer.drop(), self._now))

    def _read(self, effect: Fetch) -> tuple[int, ReadResult | None]:
        try:
            read = self._pages.read if effect.is_final else self._store.read
            return effect.ticket, read(effect.query)
        except StorageError as error:
            log.error(Entry("page_failed", "A page could not be read: {reason}", reason=str(error)))
            return effect.ticket, None

    # What goes out.

    def _perform(self, effects: Iterable[Effect]) -> None:  # noqa: PLR0912 - a case an effect
        for effect in effects:
            match effect:
                case Send():
                    self._outgoing.add(effect)
                case Answer():
                    self._operator.send(effect)
                    self._poller.used(self._operator.socket)
                case Publish():
                    self._publish(effect)
                case Submit():
                    self._sequencer.submit(effect.submission)
                case Fetch():
                    self._reader.submit(partial(self._read, effect))
                case Verify() | Hash():
                    self._hasher.submit(effect)
                case Grant():  # while a subscription is read: the poller knows that the socket is used
                    self._sockets.events.setsockopt(zmq.SUBSCRIBE, effect.topic)
                case Revoke():
                    self._sockets.events.setsockopt(zmq.UNSUBSCRIBE, effect.topic)
                case Cut():
                    self._watch.cut(effect.connection)
                case Strike():
                    now = self._now.monotonic
                    self._watch.strike(effect.connection, effect.network, now)
                case CutNetwork():
                    self._watch.cut_network(effect.network)
                case Resume():
                    self._intake.resume(effect.peer, self._now)
                case LogPeer():
                    self._watch.log_peer(effect.connection)
                case LogEntry():
                    log.log(effect.level, effect.entry)
                case _:
                    assert_never(effect)

    def _publish(self, effect: Publish) -> None:
        """Publish in one frame, or as few as the bound allows: [topic][array of bin]."""
        for chunk in split(effect.events):
            send(self._sockets.events, effect.topic, encode(chunk))
        self._poller.used(self._sockets.events)

    def _send(self) -> None:
        """Send what was gathered for each session; end those that cannot take a reply."""
        if not self._outgoing:
            return
        self._poller.used(self._sockets.commands)
        for routing_id, is_gone in self._outgoing.flush():
            self._perform(self._core.unreachable(routing_id, self._now, is_gone=is_gone))
