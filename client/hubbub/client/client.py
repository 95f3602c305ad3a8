"""The client that programs use: synchronous, from any thread. A thin face of `hubbub.client.pump`.

    with Client("127.0.0.1:5000", name="Alice") as chat:
        chat.post("lobby", "hi")
        for event in chat.events():
            print(event)

What one does with one's own name is `Client.account`, what moderators do `Client.moderation`. To add a call: its function in `hubbub.client.calls`, its
method here.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Self
from weakref import finalize

from hubbub.client import calls, lifetime, orders
from hubbub.client.account import Account
from hubbub.client.calling import Calling
from hubbub.client.checks import (
    check_away,
    check_description,
    check_message,
    check_name,
    check_seq,
    check_span,
    own_data,
)
from hubbub.client.errors import OutcomeUnknown
from hubbub.client.home import Home
from hubbub.client.moderation import Moderation
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
from hubbub.client.trust import Trust
from hubbub.client.updates import Update
from hubbub.client.verifying import verify
from hubbub.common.commands import Create, Invite
from hubbub.common.commands import History as Wish
from hubbub.common.fields import Data, HistoryShown
from hubbub.common.links import Place


class Client:
    """One person's session with a broker, kept over lost connections until `close`.

    `address` is `HOST:PORT`, a join link `hubbub://HOST:PORT/KEY`, or either as parsed; `home` the folder of keys (default: the variable HUBBUB_HOME, else the platform's folder for
    configuration). A broker on this machine is trusted at first sight; of any other the key must be pinned already, or vouched for: by a join link, by `trust`
    (its fingerprint), by `confirm` (called with the fingerprint), or by nobody (`accept_new`). `insecure`: no encryption, on loopback only, for
    measurements. `timeout`, in seconds, bounds the login and is the default of every call.

    The first device to use a name owns it. Another device of its owner comes in by the `password`, or by a one-time `code` of `Client.account.link`; a
    newcomer by an invite's `code` where the broker wants one (a join link may hold it). Both are said at the first login only: from then on the
    broker knows this device by its key, and as `device` in the list of one's devices (default: the name of this machine).

    What is written while the broker is away is kept and sent when it is back, in order and exactly once; a call that gets no answer in time raises
    OutcomeUnknown, and its write stays. Every call raises Closed after the end, and RequestError with the broker's code when refused. Rooms are
    named in any case. With a file as `outbox`, made if missing, every write is in it before the call returns, and stays until it has its outcome: the next
    client with that file sends it again, so that even a killed program loses nothing, and doubles nothing. One process at a time may use it; if it fails, as on a full disk, the client ends with OutboxUnusable, and `post_nowait` raises Closed. Callbacks of Futures run in the client's thread: there only the `_nowait` calls may be used,
    and what they write is in the file soon after.

    Raises ConnectError (its LoginRefused says what the broker wants), BadName, InvalidAddress, HomeUnusable, OutboxUnusable.
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
        password: str | None = None,
        code: str | None = None,
        device: str | None = None,
    ) -> None:
        folder, vouched = Home(home), Trust(trust, accept_new, confirm)
        proof = lifetime.credentials(password, code, device)
        target = lifetime.target(address, check_name(name), folder, insecure, vouched, proof)
        file = None if outbox is None else OutboxFile.open(outbox, lifetime.owner(target))
        self._pump = Pump(target, file)
        self._calling = Calling(self._pump, timeout, is_kept=file is not None)
        login = lifetime.log_in(self._pump, target, folder, timeout)
        self.name = login.name
        """One's name as the broker writes it."""
        self.created = login.created
        """Whether the name was new to the broker."""
        self.address = target.address
        """Where the broker is."""
        self.server_key = target.server_key
        """The broker's public key; None without encryption."""
        self.account = Account(self._calling)
        """What one does with one's own name: password, devices."""
        self.moderation = Moderation(self._calling)
        """What moderators and owners do: who may come in, speak and stay; roles; the settings of rooms."""
        self._finalizer = finalize(
            self, lifetime.abandoned, self._pump, self.name, self._calling.pid
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if os.getpid() != self._calling.pid:
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
        seq: int = self._calling.call(
            calls.post, room, text, own_data(data), action, timeout=timeout
        )
        return seq

    def post_nowait(
        self, room: str, text: str, data: Data | None = None, *, action: bool = False
    ) -> Future[int]:
        """Write to a room; the Future gives the seq. Many of them travel together. Waits while 10,000 are unanswered, as long as it takes."""
        check_message(text, action)
        return self._calling.write(calls.post, room, text, own_data(data), action)

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
        seq: int = self._calling.call(
            calls.tell, name, text, own_data(data), action, timeout=timeout
        )
        return seq

    def tell_nowait(
        self, name: str, text: str, data: Data | None = None, *, action: bool = False
    ) -> Future[int]:
        """As `tell`, with the Future of the seq; waits as `post_nowait` does."""
        name = check_name(name)
        check_message(text, action)
        return self._calling.write(calls.tell, name, text, own_data(data), action)

    def create(
        self,
        room: str,
        description: str = "",
        *,
        private: bool = False,
        read_only: bool = False,
        history: HistoryShown = "all",
        timeout: float | None = None,
    ) -> None:
        """Make a room and join it, as its owner. The settings are described at `Room`; `Client.moderation.configure` changes them."""
        check_description(description)
        wish = Create(
            1,
            name=check_name(room),
            description=description,
            private=private,
            read_only=read_only,
            history=history,
        )
        self._calling.call(calls.create, wish, timeout=timeout)

    def invite(self, room: str, name: str, *, timeout: float | None = None) -> None:
        """Invite a person to a room: they may join it though it is private, and find it in their inbox (`Invited`). To a private room only moderators do."""
        order = Invite(0, room=b"", name=check_name(name))
        self._calling.call(orders.order_in, room, order, timeout=timeout)

    def join(self, room: str, *, timeout: float | None = None) -> None:
        """Become a member of a room; its events come from now on."""
        self._calling.call(calls.join, check_name(room), timeout=timeout)

    def leave(self, room: str, *, timeout: float | None = None) -> None:
        """End one's membership of a room."""
        self._calling.call(calls.leave, room, timeout=timeout)

    def mark_read(self, room: str | None, seq: int, *, timeout: float | None = None) -> None:
        """Say that one has read a room (None: the private messages) up to and with `seq`, on this device and so on all.

        The broker keeps it. A marker never goes back, nor beyond the last message. Mark what a person has seen last, not each message of many.
        """
        check_seq(seq)
        self._calling.call(calls.mark, room, seq, timeout=timeout)

    def mark_read_nowait(self, room: str | None, seq: int) -> Future[int]:
        """As `mark_read`, with the Future of the seq at which the marker stands then; waits as `post_nowait` does."""
        check_seq(seq)
        return self._calling.write(calls.mark, room, seq)

    def flush(self, timeout: float | None = None) -> None:
        """Return when everything written so far is answered. Raises OutcomeUnknown when that takes too long."""
        self._calling.call(calls.flush, timeout=timeout)

    def outbox(self, *, timeout: float | None = None) -> list[Unanswered]:
        """Return what was written and has no outcome yet, in order; with an outbox file also by earlier processes."""
        unanswered: list[Unanswered] = self._calling.call(calls.outbox, timeout=timeout)
        return unanswered

    def cancel(self, id: int, *, timeout: float | None = None) -> bool:
        """Take a write back, by its id in `outbox`; True: it will never happen, and whoever waits for it gets Cancelled. False: it has its outcome.

        Only the broker knows which came first, so this waits for it.
        """
        is_cancelled: bool = self._calling.call(calls.cancel, id, timeout=timeout)
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
        return read_history(self._calling.ask(calls.history, room, timeout=timeout), wish, limit)

    def rooms(self, *, timeout: float | None = None) -> list[Room]:
        """Return all rooms, by name."""
        return all_pages(self._calling.ask(calls.rooms, timeout=timeout))

    def members(self, room: str, *, timeout: float | None = None) -> list[Member]:
        """Return the members of a room one is in, by name."""
        return all_pages(self._calling.ask(calls.members, room, timeout=timeout))

    def who(self, *, timeout: float | None = None) -> People:
        """Return who is online."""
        people: People = self._calling.call(calls.who, timeout=timeout)
        return people

    def whois(self, name: str, *, timeout: float | None = None) -> Member:
        """Look up a person, present or absent, in any case. Raises UnknownUser."""
        member: Member = self._calling.call(calls.whois, check_name(name), timeout=timeout)
        return member

    def away(self, text: str = "", *, timeout: float | None = None) -> None:
        """Let the others see that one is away, until `back` or the end, also after a lost connection. Of one's several sessions the last to call counts."""
        self._calling.call(calls.away, check_away(text), timeout=timeout)

    def back(self, *, timeout: float | None = None) -> None:
        """Let the others see that one is away no longer."""
        self._calling.call(calls.away, None, timeout=timeout)

    def position(self, room: str | None = None, *, timeout: float | None = None) -> LogPosition:
        """Return how far a room (None: the private messages) was read: who has an equal position holds the same events in the same order."""
        position: LogPosition = self._calling.call(calls.position, room, timeout=timeout)
        return position

    def markers(self, *, timeout: float | None = None) -> list[Marker]:
        """Return how far one has read: each room one is in, the lobby first, and at last the private messages.

        What other sessions of one's own mark is told by `MarkerMoved`.
        """
        markers: list[Marker] = self._calling.call(calls.markers, timeout=timeout)
        return markers

    def verify(self, room: str | None = None, *, timeout: float | None = None) -> Verification:
        """Read all of a room (None: the private messages) again and compare it with what this client has received, digest by digest.

        Takes about a second for 100,000 events; `timeout` is that of each question.
        """
        position = self.position(room, timeout=timeout)
        return verify(room, position, self._calling.ask(calls.stored, room, timeout=timeout))

    # Watching.

    def next_event(self, timeout: float | None = None) -> Update | None:
        """Return the next update; None when none came within `timeout` seconds (None: wait for ever). Raises Closed after the last.

        The client holds 10,000 unread ones, then reads no more from the broker until half of them are taken, and catches up.
        """
        self._calling.check_process()
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
        self._calling.check_process()
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
        self._calling.check_thread()
        self._finalizer.detach()
        left = lifetime.close(self._pump, self._calling.timeout if timeout is None else timeout)
        if left is None:
            raise OutcomeUnknown("a callback holds up the client: what is unanswered is not known")
        if left:
            raise OutcomeUnknown(
                f"closed before the broker answered {left} of what was written: each may have happened, or not"
            )
