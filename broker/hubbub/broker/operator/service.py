"""The operator's socket: a ROUTER that only its owner can reach, and the answers to what comes over it.

It is served by the loop, a few requests a turn, before what clients send: the operator is heard while they flood. What a request asks is looked up in the core's state, at most a page
of it; an order becomes a decree, and is answered when it is on disk. A fault in a request costs that request alone.
"""

import contextlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec
import zmq

from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Context
from hubbub.broker.core.core import Core
from hubbub.broker.core.effects import Answer, Effect, Fetch
from hubbub.broker.core.reads import EventsPage, ReadEvents, ReadResult
from hubbub.broker.entries import Entry
from hubbub.broker.operator import lists
from hubbub.broker.operator import requests as r
from hubbub.broker.operator.lists import Process, Traffic
from hubbub.broker.operator.socket_file import listening
from hubbub.common.addresses import Address
from hubbub.common.commands import Order
from hubbub.common.errors import Code, WireError
from hubbub.common.limits import KIB
from hubbub.common.replies import Error

log: Final = logging.getLogger("hubbub.broker")

REQUESTS_A_TURN: Final = 4
"""Each takes a millisecond at most; a page of a list is the longest."""
_REQUEST_BYTES: Final = 16 * KIB
_UNREAD_ANSWERS: Final = 16
"""Kept for a command that does not read them; further ones are dropped."""


@contextlib.contextmanager
def operator_socket(
    context: "zmq.Context[zmq.Socket[bytes]]", folder: Path
) -> Iterator["zmq.Socket[bytes]"]:
    """Open the operator's socket in a data folder whose lock is held. Raises FolderError."""
    socket = context.socket(zmq.ROUTER)
    try:
        socket.router_mandatory = True  # an answer that nobody can take is dropped knowingly
        socket.maxmsgsize = _REQUEST_BYTES
        socket.sndhwm = _UNREAD_ANSWERS
        socket.rcvhwm = REQUESTS_A_TURN
        socket.handshake_ivl = 5000
        with listening(folder, lambda path: _bind(socket, path)):
            yield socket
    finally:
        socket.close(linger=0)


def _bind(socket: "zmq.Socket[bytes]", path: Path) -> None:
    socket.bind(f"ipc://{path}")


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where the broker is, and its public key."""

    address: Address
    advertised: Address | None
    key: bytes


class Operator:
    """Answers the operator. All calls come from the loop's thread."""

    def __init__(self, core: Core, socket: "zmq.Socket[bytes]", whereabouts: Whereabouts) -> None:
        self.socket = socket
        self._core = core
        self._whereabouts = whereabouts
        self._reading: dict[int, tuple[bytes, r.ReadAudit]] = {}
        """By ticket: who waits for a page of the audit room."""

    def take(self, now: Now, traffic: Traffic) -> Iterator[list[Effect]]:
        """Yield what comes of each request of this turn."""
        for _ in range(REQUESTS_A_TURN):
            try:
                routing_id, *frames = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.Again:
                return
            yield self._handle(routing_id, frames, now, traffic)

    def _handle(
        self, routing_id: bytes, frames: list[bytes], now: Now, traffic: Traffic
    ) -> list[Effect]:
        payload = frames[0] if len(frames) == 1 else b""
        id = r.id_of(payload)
        try:
            request = r.REQUESTS.decode(payload)
        except (ValueError, RecursionError) as error:
            text = f"the broker does not understand this, it may be of another version: {error}"
            return _refuse(routing_id, id, Code.INVALID, text)
        try:
            return self._answer(routing_id, request, now, traffic)
        except Exception:  # a fault of ours must not be a way to stop the broker
            text = "A request of the operator's could not be answered."
            log.exception(Entry("request_failed", text))
            text = "the broker could not answer this; its log says where it failed"
            return _refuse(routing_id, id, Code.INVALID, text)

    def _answer(
        self, routing_id: bytes, request: r.AnyRequest, now: Now, traffic: Traffic
    ) -> list[Effect]:
        context = self._core.context
        match request:
            case Order():
                return self._core.decree(request, routing_id, now)
            case r.ReadAudit():
                return self._read_audit(context, routing_id, request)
            case r.ReadStats():
                return [Answer(routing_id, self._stats(request, now, traffic))]
            case r.FindPlace():
                return [Answer(routing_id, self._place(request))]
            case _:
                return [Answer(routing_id, _ANSWERS[type(request)](context, request, now))]

    def _stats(self, request: r.ReadStats, now: Now, traffic: Traffic) -> r.Stats:
        process = Process(os.getpid(), _memory(), self._core.held_bytes)
        return lists.stats(self._core.context, request, now, process, traffic)

    def _place(self, request: r.FindPlace) -> r.Place:
        here = self._whereabouts
        advertised = str(here.advertised) if here.advertised else ""
        return r.Place(request.id, str(here.address), here.key, advertised)

    def _read_audit(
        self, context: Context, routing_id: bytes, request: r.ReadAudit
    ) -> list[Effect]:
        room = context.state.audit
        if room is None:
            return [Answer(routing_id, r.Audit(request.id, [], 0, 0))]
        ticket = context.ticket()
        self._reading[ticket] = routing_id, request
        limit = min(request.limit, r.AUDIT_ROWS)
        return [Fetch(ReadEvents(room.number, request.before, request.after, limit), ticket)]

    def fetched(self, ticket: int, result: ReadResult | None) -> list[Effect]:
        """Answer the request that the reader worked on, if it was one of these; None: the store could not be read."""
        waiting = self._reading.pop(ticket, None)
        if waiting is None:
            return []
        routing_id, request = waiting
        if not isinstance(result, EventsPage):
            text = "the broker cannot read its store just now; try again"
            return _refuse(routing_id, request.id, Code.STORAGE_UNAVAILABLE, text)
        try:
            return [Answer(routing_id, lists.audit(request, result))]
        except WireError:
            text = "the audit room is damaged: `hubbub-broker verify` says where"
            return _refuse(routing_id, request.id, Code.INVALID, text)

    def send(self, answer: Answer) -> None:
        """Send an answer, unless whoever asked is gone or reads none."""
        with contextlib.suppress(zmq.ZMQError):
            reply = msgspec.msgpack.encode(answer.reply)
            self.socket.send_multipart([answer.routing_id, reply], zmq.NOBLOCK)


_ANSWERS: Final[dict[type[r.Request], Callable[[Context, Any, Now], r.Answer | Error]]] = {
    r.ListUsers: lists.users,
    r.ShowUser: lists.user,
    r.ListRooms: lists.rooms,
    r.FindRoom: lists.room,
    r.ListInvites: lists.invites,
    r.ListBans: lists.bans,
}


def _refuse(routing_id: bytes, id: int, code: Code, text: str) -> list[Effect]:
    return [Answer(routing_id, Error(id=id, code=code, text=text))]


def _memory() -> int:
    """Return the bytes of memory that this process has, 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
