"""A stand-in for a broker that publishes prepared frames as fast as its one reader takes them: so that the reader is measured, and nothing else.

It answers what a client says until it listens, then waits for a line on stdin and plays the whole log of the lobby, blocking where the reader is slower
(XPUB_NODROP): nothing is lost, whoever reads. Its heads are true, so a client's checks of gaps and digests are at work.

python -m bench.fountain EVENTS PER_FRAME [--encrypted]     prints its endpoints and key as a line of JSON, a line for each subscription; ends with its stdin
"""

import json
import sys
from collections.abc import Iterator
from itertools import accumulate

import zmq
from bench.wire import TEXT

from hubbub.common import digest
from hubbub.common.codec import array, decode_commands, encode
from hubbub.common.commands import Command, Hello, History, Login, Logout, Ping, Who
from hubbub.common.errors import WireError
from hubbub.common.events import MessagePosted
from hubbub.common.names import LOBBY
from hubbub.common.replies import (
    Bye,
    Greeted,
    Head,
    Joined,
    Page,
    Pong,
    Reply,
    Roster,
    Stored,
    Subscribed,
    Welcome,
)

Socket = zmq.Socket[bytes]
ROOM, INBOX, EPOCH = b"bench's one room", b"bench's an inbox", b"bench's an epoch"
STALLED_MS = 10_000


class Fountain:
    """One log, and whoever logged in last as its reader."""

    def __init__(self, commands: Socket, events: Socket, port: int, count: int, each: int) -> None:
        """Prepare `count` events, `each` of them a frame."""
        self._commands, self._events, self._port = commands, events, port
        self._reader = b""
        self._head = Head(ROOM, 0, digest.EMPTY)
        self._raws = [
            encode(MessagePosted(seq, 1, "fountain", TEXT)) for seq in range(1, count + 1)
        ]
        self._frames = [
            array([encode(raw) for raw in self._raws[first : first + each]])
            for first in range(0, count, each)
        ]
        self._digests = list(accumulate(self._raws, digest.extend, initial=digest.EMPTY))

    def hear(self) -> None:
        """Answer a frame of commands."""
        reader, payload = self._commands.recv_multipart()
        for command in decode_commands(payload):
            replies = [encode(reply) for reply in self._answers(command)]
            if replies:
                self._commands.send_multipart([reader, array(replies)])
            if isinstance(command, Login):
                self._reader = reader

    def _answers(self, command: Command | WireError) -> Iterator[Reply]:
        match command:
            case Hello(id=id):
                yield Greeted(id, 1, "fountain")
            case Login(id=id, name=name):
                self._head = Head(ROOM, 0, digest.EMPTY)
                lobby = Joined(ROOM, LOBBY, 0, digest.EMPTY)
                inbox = Head(INBOX, 0, digest.EMPTY)
                yield Welcome(id, name, EPOCH, inbox, [lobby], self._port, 1)
            case Who(id=id):
                yield Roster(id, 1, 1, ["fountain"])
            case Ping(id=id):
                yield Pong(id, [self._head])
            case History(id=id, after=int(after), before=int(before), limit=limit):
                yield self._page(id, after, min(before, after + limit + 1))
            case Logout(id=id):
                self._reader = b""
                yield Bye(id)
            case _:
                sys.exit(f"fountain: the reader says what this is not for: {command}")

    def _page(self, id: int, after: int, before: int) -> Page:
        """What a reader missed that did not keep up."""
        events = [Stored(seq, self._raws[seq - 1]) for seq in range(after + 1, before)]
        return Page(id, ROOM, events, False, 1, self._digests[after])

    def grant(self) -> None:
        """Read a subscription, or its end."""
        if self._events.recv()[:1] != b"\x01":
            return
        if self._reader:
            granted = Subscribed(ROOM, 0, digest.EMPTY)
            self._commands.send_multipart([self._reader, array([encode(granted)])])
        print("subscribed", flush=True)

    def play(self) -> None:
        """Publish everything."""
        for frame in self._frames:
            self._events.send_multipart([ROOM, frame])
        self._head = Head(ROOM, len(self._raws), self._digests[-1])


def let_in(zap: Socket) -> None:
    """Answer ZeroMQ's question whether somebody may come in: yes."""
    version, request, *_ = zap.recv_multipart()
    zap.send_multipart([version, request, b"200", b"", b"reader", b""])


def main() -> None:
    """Open the sockets on free ports, say where they are, and serve."""
    count, each, *options = sys.argv[1:]
    context = zmq.Context()
    zap = context.socket(zmq.REP)
    zap.bind("inproc://zeromq.zap.01")
    commands, events = context.socket(zmq.ROUTER), context.socket(zmq.XPUB)
    events.setsockopt(zmq.XPUB_NODROP, 1)
    events.sndtimeo = STALLED_MS
    public, secret = zmq.curve_keypair() if "--encrypted" in options else (b"", b"")
    for socket in (commands, events):
        if secret:
            socket.curve_server = True
            socket.curve_secretkey = secret
        else:
            socket.plain_server = True
        socket.bind("tcp://127.0.0.1:*")
    where = [socket.getsockopt_string(zmq.LAST_ENDPOINT) for socket in (commands, events)]
    port = int(where[1].rpartition(":")[2])
    fountain = Fountain(commands, events, port, int(count), int(each))
    print(json.dumps([*where, public.decode()]), flush=True)
    poller = zmq.Poller()
    for source in (zap, commands, events, sys.stdin.fileno()):
        poller.register(source, zmq.POLLIN)
    while True:
        ready = dict(poller.poll())
        if zap in ready:
            let_in(zap)
        if commands in ready:
            fountain.hear()
        if events in ready:
            fountain.grant()
        if sys.stdin.fileno() in ready:
            if not sys.stdin.readline():
                break
            fountain.play()
    context.destroy(linger=0)


if __name__ == "__main__":
    main()
