"""Replies on their way out: gathered for each session during a turn, sent in one frame."""

from dataclasses import dataclass, field
from typing import Final

import zmq

from hubbub.broker.core.effects import Send
from hubbub.broker.sockets import send
from hubbub.common.codec import array, encode, split
from hubbub.common.limits import MIB

GATHERED_BYTES: Final = 4 * MIB
"""Replies to one session in one turn. Who asks for more than ZeroMQ's own bound would hold is ended."""


@dataclass(slots=True)
class _Gathered:
    parts: list[bytes] = field(default_factory=list)
    push_only: bool = True
    size: int = 0


class Outgoing:
    """Gathers and sends. Never waits: a client that does not read costs the others nothing."""

    def __init__(self, commands: "zmq.Socket[bytes]") -> None:
        self._commands = commands
        self._gathered: dict[bytes, _Gathered] = {}

    def __bool__(self) -> bool:
        """Whether anything was gathered."""
        return bool(self._gathered)

    def add(self, effect: Send) -> None:
        """Gather replies behind those gathered before."""
        gathered = self._gathered.get(effect.routing_id)
        if gathered is None:
            gathered = self._gathered[effect.routing_id] = _Gathered()
        parts = [encode(reply) for reply in effect.replies]
        gathered.size += sum(map(len, parts))
        gathered.push_only = gathered.push_only and effect.push
        if gathered.size <= GATHERED_BYTES:
            gathered.parts += parts

    def flush(self) -> list[tuple[bytes, bool]]:
        """Send all; return the sessions that could not take a reply: the routing id, and whether the client is gone.

        A session that is gone or full misses pushes silently: it finds the gap and catches up.
        """
        unreachable = []
        gathered, self._gathered = self._gathered, {}
        for routing_id, entry in gathered.items():
            if entry.size > GATHERED_BYTES and not entry.push_only:
                unreachable.append((routing_id, False))
                continue
            try:
                for chunk in split(entry.parts):
                    send(self._commands, routing_id, array(chunk))
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                    raise
                if not entry.push_only:
                    unreachable.append((routing_id, error.errno == zmq.EHOSTUNREACH))
        return unreachable
