"""The client that programs use: synchronous, from any thread. A thin face of `hubbub.client.pump`.

    with Client("127.0.0.1:5000", name="Alice") as chat:
        chat.post("lobby", "hi")
        for event in chat.events():
            print(event)

To add a call: its function in `hubbub.client.calls`, its method here.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any, Final, Self
from weakref import finalize

from hubbub.client import calls, lifetime
from hubbub.client.checks import (
    check_away,
    check_description,
    check_message,
    check_name,
    check_seq,
    check_span,
    own_data,
)
from hubbub.client.errors import (
    Forked,
    OutcomeUnknown,
)
from hubbub.client.gate import Gate
from hubbub.client.home import Home
from hubbub.client.outbox_file import OutboxFile
from hubbub.client.paging import all_pages, read_history
from hubbub.client.pump import Pump
from hubbub.client.results import (
    History,
    LogPosition,
    Marker,
    Member,
    People,
    Room,
    Unanswered,
    Verification,
)
from hubbub.client.tickets import new_future
from hubbub.client.trust import Trust
from hubbub.client.updates import Update
from hubbub.client.verifying import verify
from hubbub.common.commands import History as Wish
from hubbub.common.fields import Data
from hubbub.common.links import Place

UNANSWERED: Final = 10_000
"""Writes of the `_nowait` calls that may wait for their ack; then these calls wait too."""


class Client:
    """One person's session with a broker, kept over lost connections until `close`.

    `address` is `HOST:PORT`, a join link `hubbub://HOST:PORT/KEY`, or either as parsed; `home` the folder of keys (default: the variable HUBBUB_HOME, else the platform's folder for
    configuration). A broker on this machine is trusted at first sight; of any other the key must be pinned already, or vouched for: by a join link, by `trust`
    (its fingerprint), by `confirm` (called with the fingerprint), or by nobody (`accept_new`). `insecure`: no encryption, on loopback only, for
    measurements. `timeout`, in seconds, bounds the login and is the default of every call.

    What is written while the broker is away is kept and sent when it is back, in order and exactly once; a call that gets no answer in time raises
    OutcomeUnknown, and its write stays. Every call raises Closed after the end, and RequestError with the broker's code when refused. Rooms are
    named in any case. With a file as `outbox`, made if missing, every write is in it before the call returns, and stays until it has its outcome: the next
    client with that file sends it again, so that even a killed program loses nothing, and doubles nothing. One process at a time may use it; if it fails, as on a full disk, the client ends with OutboxUnusable, and `post_nowait` raises Closed. Callbacks of Futures run in the client's thread: there only the `_nowait` calls may be used,
    and what they write is in the file soon after.

    Raises ConnectError, BadName, InvalidAddress, HomeUnusable, OutboxUnusable.
    """

    def __init__(  # noqa: PLR0913 - keyword-only, each with a default that suits most
        self,
        address: str | Place = "127.0.0.1:5000",
        *,
        name: str,
        home: str | Path | None = None,
        insecure: bool = False,
        trust: str | None = None,
        accept_new: bool = False,
        confirm: Callable[[str], bool] | None = None,
        timeout: float = 10.0,
        outbox: str | Path | None = None,
    ) -> None:
        self._timeout = timeout
        self._pid = os.getpid()
        self._gate = Gate(UNANSWERED)
        folder, vouched = Home(home), Trust(trust, accept_new, confirm)
        target = lifetime.target(address, check_name(name), folder, insecure, vouched)
        file = None if outbox is None else OutboxFile.open(outbox, lifetime.owner(target))
        self._is_kept = file is not None
        self._pump = Pump(target, file)
        login = lifetime.log_in(self._pump, target, folder, timeout)
        self.name = login.name
        """One's name as the broker writes it."""
        self.created = login.created
        """Whether the name was new to the broker."""
        self._finalizer = finalize(self, lifetime.abandoned, self._pump, self.name, self._pid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() != self._pid:
            return  # a forked child leaves the parent's client alone
        try:
            self.close()
        except OutcomeUnknown:
            if error is None:
                raise

    # Writing.

    def post(
        self,
        room: str,
        text: str,
        data: Data | None = None,
        *,
        action: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Write to a room; returns the message's seq when it is on the broker's disk. `action`: the text is what one does ("waves"), not what one says."""
        check_message(text, action)
        seq: int = self._call(calls.post, room, text, own_data(data), action, timeout=timeout)
        return seq

    def post_nowait(
        self, room: str, text: str, data: Data | None = None, *, action: bool = False
    ) -> Future[int]:
        """Write to a room; the Future gives the seq. Many of them travel together. Waits while 10,000 are unanswered, as long as it takes."""
        check_message(text, action)
        return self._write(calls.post, room, text, own_data(data), action)

    def tell(
        self,
        name: str,
        text: str,
        data: Data | None = None,
        *,
        action: bool = False,
        timeout: float | None = None,
    ) -> int:
        """Write to a person, present or absent; returns the message's seq in one's own inbox when it is on the broker's disk."""
        name = check_name(name)
        check_message(text, action)
        seq: int = self._call(calls.tell, name, text, own_data(data), action, timeout=timeout)
        return seq

    def tell_nowait(
        self, name: str, text: str, data: Data | None = None, *, action: bool = False
    ) -> Future[int]:
        """As `tell`, with the Future of the seq; waits as `post_nowait` does."""
        name = check_name(name)
        check_message(text, action)
        return self._write(calls.tell, name, text, own_data(data), action)

    def create(self, room: str, description: str = "", *, timeout: float | None = None) -> None:
        """Make a room and join it."""
        check_description(description)
        self._call(calls.create, check_name(room), description, timeout=timeout)

    def join(self, room: str, *, timeout: float | None = None) -> None:
        """Become a member of a room; its events come from now on."""
        self._call(calls.join, check_name(room), timeout=timeout)

    def leave(self, room: str, *, timeout: float | None = None) -> None:
        """End one's membership of a room."""
        self._call(calls.leave, room, timeout=timeout)

    def mark_read(self, room: str | None, seq: int, *, timeout: float | None = None) -> None:
        """Say that one has read a room (None: the private messages) up to and with `seq`, on this device and so on all.

        The broker keeps it. A marker never goes back, nor beyond the last message. Mark what a person has seen last, not each message of many.
        """
        check_seq(seq)
        self._call(calls.mark, room, seq, timeout=timeout)

    def mark_read_nowait(self, room: str | None, seq: int) -> Future[int]:
        """As `mark_read`, with the Future of the seq at which the marker stands then; waits as `post_nowait` does."""
        check_seq(seq)
        return self._write(calls.mark, room, seq)

    def flush(self, timeout: float | None = None) -> None:
        """Return when everything written so far is answered. Raises OutcomeUnknown when that takes too long."""
        self._call(calls.flush, timeout=timeout)

    def outbox(self, *, timeout: float | None = None) -> list[Unanswered]:
        """Return what was written and has no outcome yet, in order; with an outbox file also by earlier processes."""
        unanswered: list[Unanswered] = self._call(calls.outbox, timeout=timeout)
        return unanswered

    def cancel(self, id: int, *, timeout: float | None = None) -> bool:
        """Take a write back, by its id in `outbox`; True: it will never happen, and whoever waits for it gets Cancelled. False: it has its outcome.

        Only the broker knows which came first, so this waits for it.
        """
        is_cancelled: bool = self._call(calls.cancel, id, timeout=timeout)
        return is_cancelled

    # Asking.

    def history(
        self,
        room: str | None = None,
        *,
        with_: str | None = None,
        before: int | None = None,
        after: int | None = None,
        limit: int = 100,
        timeout: float | None = None,
    ) -> History:
        """Return at most `limit` messages, oldest first: of a room one is in, of those exchanged `with_` a person, or (neither) of all private ones.

        The latest; or the latest with a seq below `before`; or the oldest with a seq above `after`; or those between both, oldest first.
        """
        if room is not None and with_ is not None:
            raise ValueError("history of a room, or with a person: not both")
        check_span(before, after)
        peer = None if with_ is None else check_name(with_)
        wish = Wish(0, peer=peer, before=before, after=after)
        return read_history(self._ask(calls.history, room, timeout=timeout), wish, limit)

    def rooms(self, *, timeout: float | None = None) -> list[Room]:
        """Return all rooms, by name."""
        return all_pages(self._ask(calls.rooms, timeout=timeout))

    def members(self, room: str, *, timeout: float | None = None) -> list[Member]:
        """Return the members of a room one is in, by name."""
        return all_pages(self._ask(calls.members, room, timeout=timeout))

    def who(self, *, timeout: float | None = None) -> People:
        """Return who is online."""
        people: People = self._call(calls.who, timeout=timeout)
        return people

    def whois(self, name: str, *, timeout: float | None = None) -> Member:
        """Look up a person, present or absent, in any case. Raises UnknownUser."""
        member: Member = self._call(calls.whois, check_name(name), timeout=timeout)
        return member

    def away(self, text: str = "", *, timeout: float | None = None) -> None:
        """Let the others see that one is away, until `back` or the end, also after a lost connection. Of one's several sessions the last to call counts."""
        check_away(text)
        self._call(calls.away, text, timeout=timeout)

    def back(self, *, timeout: float | None = None) -> None:
        """Let the others see that one is away no longer."""
        self._call(calls.away, None, timeout=timeout)

    def position(self, room: str | None = None, *, timeout: float | None = None) -> LogPosition:
        """Return how far a room (None: the private messages) was read: who has an equal position holds the same events in the same order."""
        position: LogPosition = self._call(calls.position, room, timeout=timeout)
        return position

    def markers(self, *, timeout: float | None = None) -> list[Marker]:
        """Return how far one has read: each room one is in, the lobby first, and at last the private messages.

        What other sessions of one's own mark is told by `MarkerMoved`.
        """
        markers: list[Marker] = self._call(calls.markers, timeout=timeout)
        return markers

    def verify(self, room: str | None = None, *, timeout: float | None = None) -> Verification:
        """Read all of a room (None: the private messages) again and compare it with what this client has received, digest by digest.

        Takes about a second for 100,000 events; `timeout` is that of each question.
        """
        position = self.position(room, timeout=timeout)
        return verify(room, position, self._ask(calls.stored, room, timeout=timeout))

    # Watching.

    def next_event(self, timeout: float | None = None) -> Update | None:
        """Return the next update; None when none came within `timeout` seconds (None: wait for ever). Raises Closed after the last.

        The client holds 10,000 unread ones, then reads no more from the broker until half of them are taken, and catches up.
        """
        self._check_process()
        try:
            update = self._pump.updates.get(timeout=timeout)
        except Empty:
            return None
        if update is None:
            self._pump.updates.put(None)  # for whoever else waits
            raise self._pump.closed()
        return update

    def events(self, timeout: float | None = None) -> Iterator[Update]:
        """Yield updates until the client is closed or has `Ended`, or none came for `timeout` seconds. Several threads share the stream."""
        self._check_process()
        while True:
            try:
                update = self._pump.updates.get(timeout=timeout)
            except Empty:
                return
            if update is None:
                self._pump.updates.put(None)
                return
            yield update

    # The end.

    def close(self, timeout: float | None = None) -> None:
        """Wait for what is unanswered, at most `timeout` seconds, log out and free everything. A second call does nothing.

        Raises OutcomeUnknown if something was left unanswered; the Futures of all that say the same.
        """
        self._check_thread()
        self._finalizer.detach()
        left = lifetime.close(self._pump, self._timeout if timeout is None else timeout)
        if left is None:
            raise OutcomeUnknown("a callback holds up the client: what is unanswered is not known")
        if left:
            raise OutcomeUnknown(
                f"closed before the broker answered {left} of what was written: each may have happened, or not"
            )

    # How a call goes.

    def _call(
        self, function: Callable[..., None], *arguments: object, timeout: float | None
    ) -> Any:
        """Have a function of `hubbub.client.calls` called in the pump's thread, and wait for its outcome."""
        self._check_thread()
        ticket = self._submit(function, *arguments)
        seconds = self._timeout if timeout is None else timeout
        try:
            return ticket.result(seconds)
        except TimeoutError:
            raise OutcomeUnknown(
                f"no answer within {seconds:g} s; the broker may be out of reach"
            ) from None

    def _ask(
        self, function: Callable[..., None], *arguments: object, timeout: float | None
    ) -> Callable[[object], Any]:
        """The same for a question whose last argument is still to come, once a page."""
        return lambda last: self._call(function, *arguments, last, timeout=timeout)

    def _write(self, function: Callable[..., None], *arguments: object) -> Future[int]:
        self._check_process()
        ticket = new_future()
        self._gate.enter(ticket, wait=not self._pump.is_mine)
        self._submit(function, *arguments, ticket=ticket)
        if self._is_kept and not self._pump.is_anyones():
            self._submit(calls.keep).result()
        return ticket

    def _submit(
        self, function: Callable[..., None], *arguments: object, ticket: Future[Any] | None = None
    ) -> Future[Any]:
        ticket = ticket or new_future()
        self._pump.submit(ticket, lambda session: function(session, ticket, *arguments))
        return ticket

    def _check_thread(self) -> None:
        self._check_process()
        if self._pump.is_mine:
            raise RuntimeError(
                "a callback in the client's own thread must not wait: use the _nowait calls"
            )

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise Forked("this client belongs to the parent process: make another in the child")
