"""The thread that drives a session: it owns the sockets, moves frames, performs effects, and decides nothing.

Everything from outside comes as a call: `submit` from any thread. Outcomes go to the Futures that are the session's tickets, updates to a queue.
Heartbeats go on while the app is busy. Whatever ends it, no Future is left waiting and no socket open.
"""

import contextlib
import logging
import socket as system_sockets
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from os import urandom
from queue import SimpleQueue
from time import monotonic
from typing import Any, Final, assert_never

import zmq

from hubbub.client import calls, sockets
from hubbub.client.backoff import DENIED_TRIES, Backoff
from hubbub.client.effects import (
    Acknowledge,
    Complete,
    ConnectEvents,
    DisconnectEvents,
    Effect,
    Emit,
    End,
    Fail,
    Kept,
    Reconnect,
    Send,
    Subscribe,
    Unsubscribe,
)
from hubbub.client.errors import Closed, NobodyListens, not_connected
from hubbub.client.link import Credentials
from hubbub.client.outbox import Keeping
from hubbub.client.outbox_file import OutboxFile
from hubbub.client.results import LoggedIn
from hubbub.client.session import Session
from hubbub.client.sockets import Connection, KeyPair
from hubbub.client.target import Target
from hubbub.client.tickets import earlier_future, new_future, settle
from hubbub.client.updates import Update
from hubbub.common.codec import decode_replies, encode
from hubbub.common.errors import HubbubError, WireError

REACH_SECONDS: Final = 3.0
"""Until the first connection stands; later ones are tried for ever."""
STOP_SECONDS: Final = 5.0
"""More than a turn and the last frame's linger take."""
FRAMES_A_TURN: Final = 256
EVENTS_A_TURN: Final = 1000
"""Read from one socket before the others, and the app, get their turn."""
LAG_POLL_SECONDS: Final = 0.005
FULL_POLL_SECONDS: Final = 0.1
"""While the app has too much unread, how often to see whether it has caught up: as long as the events wait for it, and later."""

PUMP_THREAD: Final = "hubbub-pump"

_log = logging.getLogger(__name__)

Call = Callable[[Session], None]


class Pump:
    """One daemon thread, from `start` to the session's end. `opening` completes with the first login."""

    def __init__(self, target: Target, outbox: OutboxFile | None = None) -> None:
        self.updates: SimpleQueue[Update | None] = SimpleQueue()
        """None: there will be no more."""
        self.opening: Future[LoggedIn] = new_future()
        self.error: HubbubError | None = None
        """Why it ended, if not by its user's wish."""
        self.turned_away: Callable[[], None] = lambda: None
        """Called in the pump's thread, each time that a broker which had let us in refuses the connection. Must not wait."""
        self._target = replace(target, credentials=Credentials())  # the session forgets its own
        self._outbox = outbox
        self._calls: deque[tuple[Future[Any], Call]] = deque()
        self._told = False
        self._over = False
        self._is_kept = False
        """Whether what this turn has changed is in the outbox file, if there is one."""
        self._effects: deque[Effect] = deque()
        """What is still to be performed of a turn; if one fails, the tickets in the others are not forgotten."""
        self._wake_in, self._wake_out = system_sockets.socketpair()
        self._wake_in.setblocking(False)
        self._wake_out.setblocking(False)
        self._thread = threading.Thread(target=self._run, name=PUMP_THREAD, daemon=True)
        self._event_keys: dict[bytes, KeyPair] = {}
        self._session = Session(
            target.name,
            random_bytes=urandom,
            new_events_key=self._new_events_key,
            opening=self.opening,
            client=target.client,
            credentials=target.credentials,
            keeping=None if outbox is None else Keeping(outbox, outbox.kept, earlier_future),
        )

    # From any thread.

    def start(self) -> None:
        """Begin."""
        try:
            self._thread.start()
        except RuntimeError:  # no more threads
            self._wake_in.close()
            self._wake_out.close()
            if self._outbox is not None:
                self._outbox.close()
            raise

    @property
    def is_mine(self) -> bool:
        """Whether the caller runs in the pump's own thread, as the callback of a Future does: it must not wait there."""
        return threading.get_ident() == self._thread.ident

    @staticmethod
    def is_anyones() -> bool:
        """Whether the caller runs in the pump's thread of any client: two of them must not wait for each other."""
        return threading.current_thread().name == PUMP_THREAD

    def submit(self, ticket: Future[Any], call: Call) -> None:
        """Have `call` made with the session, in the pump's thread; the ticket is failed with Closed if that is too late."""
        self._calls.append((ticket, call))
        if not self._told:
            self._told = True
            with contextlib.suppress(OSError):  # full: it will wake; closed: it is over
                self._wake_in.send(b"!")
        if self._over:  # asked last: either the pump's own last look saw the call, or this does
            self._refuse_calls()

    def stop(self) -> int | None:
        """End without waiting for answers; returns how many writes have none, None if the thread is held up. Does nothing after the end."""
        ticket: Future[int] = new_future()
        self.submit(ticket, lambda session: calls.give_up(session, ticket))
        try:
            return ticket.result(STOP_SECONDS)
        except Closed:
            return 0
        except TimeoutError:
            return None
        finally:
            self._thread.join(STOP_SECONDS)

    # In the pump's thread.

    def _run(self) -> None:
        try:
            self._pump()
        except HubbubError as error:
            self._fail(error)
        except BaseException as error:  # noqa: BLE001 - the edge of the loop: a fault of ours ends the client, not silently
            _log.exception("the client's pump has failed")
            failure = Closed(f"the client has failed: {error!r}")
            failure.__cause__ = error
            self._fail(failure)
        finally:
            self._over = True
            if self._outbox is not None:
                self._outbox.close()
            self._refuse_calls()
            self.updates.put(None)
            self._wake_in.close()
            self._wake_out.close()

    def _pump(self) -> None:
        self._context = sockets.new_context()
        try:
            self._open()
            while not self._over:
                self._turn()
        finally:
            self._context.destroy()  # closes every socket; a last frame has a second to leave

    def _open(self) -> None:
        target = self._target
        self._poller = zmq.Poller()
        self._poller.register(self._wake_out.fileno(), zmq.POLLIN)
        socket = sockets.commands_socket(
            self._context, target.keys, target.server_key, by_ipv6=target.by_ipv6
        )
        self._commands = Connection(socket, target.address.endpoint(), self._poller)
        self._events: Connection | None = None
        self._reach_by: float | None = monotonic() + REACH_SECONDS
        self._commands_again: float | None = None
        self._events_again: float | None = None
        self._commands_backoff, self._events_backoff = Backoff(), Backoff()

    def _turn(self) -> None:
        self._is_kept = False
        now = monotonic()
        takes_events = self._session.takes_events(now)
        if self._events is not None:
            self._events.watch(takes_events)
        until = self._wait_until(now, FULL_POLL_SECONDS if takes_events else LAG_POLL_SECONDS)
        timeout = None if until is None else max(0, round((until - now) * 1000 + 0.5))
        ready = dict(self._poller.poll(timeout))
        now = monotonic()
        self._session.unread(self.updates.qsize(), now)
        if self._wake_out.fileno() in ready:
            self._wake_out.recv(64)
            self._told = False  # before the calls are read: what is added later wakes again
        self._make_calls()
        self._read_commands(now)
        self._read_events(now)
        self._check_time(now)
        self._session.tick(now)
        self._effects.extend(self._session.take(now))
        if self._outbox is not None:
            self._outbox.commit()  # before anything of it is sent, and before anybody is told
        self._is_kept = True
        while self._effects:
            self._perform(self._effects.popleft())

    def _wait_until(self, now: float, full_poll: float) -> float | None:
        times = [
            self._session.wake_at(now),
            self._reach_by,
            self._commands_again,
            self._events_again,
            now + full_poll if self._session.is_full else None,
        ]
        return min((time for time in times if time is not None), default=None)

    def _make_calls(self) -> None:
        while self._calls:
            ticket, call = self._calls.popleft()
            try:
                call(self._session)
            except Exception as error:  # noqa: BLE001 - one bad call is its caller's, and must not end the others
                if not ticket.done():
                    settle(ticket.set_exception, error)

    def _read_commands(self, now: float) -> None:
        for frames in self._commands.frames(FRAMES_A_TURN):
            try:
                self._session.received(decode_replies(frames[-1]), now)
            except WireError as error:
                _log.warning("the broker sent what cannot be read: %s", error)
        # After the frames: the last ones of a connection came before its end.
        for event in self._commands.events():
            if event == sockets.CONNECTED:
                self._reach_by = None
            elif event == sockets.READY:
                self._commands_backoff.reset()
                self._session.connected(now)
            elif event == sockets.LOST:
                self._session.disconnected(now)
            else:
                self._refused(now, is_denied=event == sockets.DENIED)

    def _refused(self, now: float, *, is_denied: bool) -> None:
        again = self._commands_backoff.wait()
        if self.opening.done():
            self.turned_away()
        elif not is_denied or self._commands_backoff.tries > DENIED_TRIES:
            self._session.end(not_connected(str(self._target.address), is_denied=is_denied))
        self._session.disconnected(now)
        self._reconnect(now + again)

    def _read_events(self, now: float) -> None:
        if self._events is None:
            return
        if self._session.takes_events(now):
            for topic, events in self._events.publications(FRAMES_A_TURN, EVENTS_A_TURN):
                self._session.published(topic, events, now)
        for event in self._events.events():
            if event == sockets.LOST:
                self._session.events_lost(now)
            elif event == sockets.READY:
                self._events_backoff.reset()
            elif event & sockets.REFUSED:
                self._events_again = now + self._events_backoff.wait()

    def _check_time(self, now: float) -> None:
        if self._reach_by is not None and now >= self._reach_by:
            self._reach_by = None
            self._session.end(NobodyListens(f"nobody listens at {self._target.address}"))
        if self._commands_again is not None and now >= self._commands_again:
            self._commands_again = None
            self._commands.connect()
        if self._events_again is not None and now >= self._events_again:
            self._events_again = None
            if self._events is not None:
                self._events.disconnect()
                self._events.connect()

    def _reconnect(self, when: float) -> None:
        if self._commands_again is None:
            self._commands.disconnect()
        self._commands_again = when

    # Effects.

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(commands=commands):
                if not self._commands.send(encode(commands)):
                    _log.debug("not sent: there is no connection")
            case Acknowledge() | Complete() | Kept() | Fail() | Emit():
                self._tell(effect)
            case Subscribe(topic=topic):
                if self._events is not None:
                    self._events.subscribe(topic)
            case Unsubscribe(topic=topic):
                if self._events is not None:
                    self._events.unsubscribe(topic)
            case ConnectEvents(host=host, port=port, key=key):
                self._connect_events(host, port, key)
            case DisconnectEvents():
                self._disconnect_events()
            case Reconnect(delay=delay):
                self._reconnect(monotonic() + delay)
            case End(error=error):
                self.error = error
                self._over = True
            case _:
                assert_never(effect)

    def _new_events_key(self) -> bytes:
        keys = sockets.new_key_pair()
        self._event_keys = {keys.public: keys}
        return keys.public

    def _connect_events(self, host: str, port: int, key: bytes) -> None:
        self._disconnect_events()
        keys, target = self._event_keys[key], self._target
        ipv6 = target.by_ipv6 or ":" in host
        socket = sockets.events_socket(self._context, keys, target.server_key, by_ipv6=ipv6)
        host = host or target.address.host
        host = f"[{host}]" if ":" in host else host
        self._events = Connection(socket, f"tcp://{host}:{port}", self._poller)

    def _disconnect_events(self) -> None:
        self._events_again = None
        if self._events is not None:
            self._events.close()
        self._events = None

    # The end.

    def _fail(self, error: HubbubError) -> None:
        self.error = error
        self._session.end(error)
        for effect in (*self._effects, *self._session.take(monotonic())):
            if isinstance(effect, Acknowledge | Complete | Kept | Fail | Emit):
                self._tell(effect)

    def _tell(self, effect: Acknowledge | Complete | Kept | Fail | Emit) -> None:
        """Tell the app. Whatever its callbacks raise, SystemExit too, the others are told."""
        match effect:
            case Acknowledge(tickets=tickets, seq=seq):
                for place, ticket in enumerate(tickets, seq):
                    settle(ticket.set_result, place)
            case Complete(ticket=ticket, result=result):
                settle(ticket.set_result, result)
            case Kept(ticket=ticket) if self._is_kept:
                settle(ticket.set_result, None)
            case Kept(ticket=ticket):
                settle(ticket.set_exception, self.closed())
            case Fail(ticket=ticket, error=error):
                settle(ticket.set_exception, error)
            case Emit(updates=updates):
                for update in updates:
                    self.updates.put(update)
            case _:
                assert_never(effect)

    def _refuse_calls(self) -> None:
        while self._calls:
            try:
                ticket, _ = self._calls.popleft()
            except IndexError:
                return  # another thread does the same
            settle(ticket.set_exception, self.closed())

    def closed(self) -> Closed:
        """What to raise of a call that comes too late."""
        how = "is closed" if self.error is None else f"has ended: {self.error}"
        closed = Closed(f"this client {how}")
        closed.__cause__ = self.error
        return closed
