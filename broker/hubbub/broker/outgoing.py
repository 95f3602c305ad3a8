"""Replies on their way out: gathered for each session during a turn, sent in one frame."""

from dataclasses import dataclass, field

import zmq

from hubbub.broker.core.effects import Send
from hubbub.common.codec import array, encode, split


@dataclass(slots=True)
class _Gathered:
    parts: list[bytes] = field(default_factory=list)
    push_only: bool = True


class Outgoing:
    """Gathers and sends. Never waits: a client that does not read costs the others nothing."""

    def __init__(self, commands: "zmq.Socket[bytes]") -> None:
        self._commands = commands
        self._gathered: dict[bytes, _Gathered] = {}

    def add(self, effect: Send) -> None:
        """Gather replies behind those gathered before."""
        gathered = self._gathered.get(effect.routing_id)
        if gathered is None:
            gathered = self._gathered[effect.routing_id] = _Gathered()
        gathered.parts += map(encode, effect.replies)
        gathered.push_only = gathered.push_only and effect.push

    def flush(self) -> list[bytes]:
        """Send all; return the routing ids of the sessions that could not take a reply.

        A session that is gone or full misses pushes silently: it finds the gap and catches up.
        """
        unreachable = []
        gathered, self._gathered = self._gathered, {}
        for routing_id, entry in gathered.items():
            try:
                for chunk in split(entry.parts):
                    self._commands.send_multipart([routing_id, array(chunk)], zmq.NOBLOCK)
            except zmq.ZMQError as error:
                if error.errno not in (zmq.EHOSTUNREACH, zmq.EAGAIN):
                    raise
                if not entry.push_only:
                    unreachable.append(routing_id)
        return unreachable
