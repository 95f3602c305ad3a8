"""One life of a client as the kit runs it: the real library, in a process of its own, and a program that talks at random and writes all down.

    python -m tests.chaos.client --address HOST:PORT --name NAME --life N --seed N --folder DIR [--keep] [--posts N] [--loss SHARE] [--ping SECONDS]

It obeys lines on stdin: `drain` (write no more, wait for all answers), `reach JSON` (be complete up to these seqs by room, "" for the private
messages; say where you are; end). When stdin ends, so does it: nothing of the kit outlives the kit. Of the product it changes nothing
but that `--loss` throws frames of events away, and how often `--ping` asks for heads.
"""

import argparse
import json
import os
import random
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import zmq
from tests.chaos import journal
from tests.chaos.journal import At, Drained, Journal
from tests.chaos.patching import patch
from tests.chaos.talker import Role, Talker
from tests.chaos.tally import Count, Tally, tally_of
from tests.chaos.watcher import Watcher

from hubbub.client import Client, link, pump, sockets
from hubbub.client.errors import ConnectError, OutcomeUnknown
from hubbub.common.codec import decode_event, decode_events, decode_replies
from hubbub.common.limits import PING_SECONDS
from hubbub.common.replies import AnyReply, Page

LOGIN_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 0.1
CALL_SECONDS: Final = 10.0


class Orders:
    """What stdin says."""

    def __init__(self) -> None:
        self.drain = threading.Event()
        self.told = threading.Event()
        self.reach: dict[str, int] = {}
        threading.Thread(target=self._obey, daemon=True).start()

    def _obey(self) -> None:
        for line in sys.stdin:
            order, _, rest = line.strip().partition(" ")
            if order == "drain":
                self.drain.set()
            else:
                self.reach = json.loads(rest)
                self.told.set()
        os._exit(3)


def count_pages(tally: Tally) -> None:
    """Count what is fetched from history, at the wire: what came twice too."""

    def counted(frame: bytes) -> list[AnyReply]:
        replies = decode_replies(frame)
        for reply in replies:
            if isinstance(reply, Page) and reply.events:
                tally.add(Count.PAGES)
                tally.add(Count.FETCHED, len(reply.events))
                tally.add(Count.FETCHED_BYTES, sum(len(stored.event) for stored in reply.events))
        return replies

    patch(pump, decode_replies=counted)


def lose_frames(tally: Tally, share: float, chance: random.Random) -> None:
    """Throw away this share of the frames of events, before anything of the client has seen them."""
    frames = sockets.Connection.frames

    def lossy(connection: sockets.Connection, most: int) -> Iterator[list[bytes]]:
        for message in frames(connection, most):
            if connection._socket.type == zmq.SUB:
                tally.add(Count.FRAMES)
                if chance.random() < share:
                    _count_lost(tally, message[-1])
                    continue
            yield message

    patch(sockets.Connection, frames=lossy)


def _count_lost(tally: Tally, frame: bytes) -> None:
    numbered = [
        raw for raw in decode_events(frame) if getattr(decode_event(raw), "seq", None) is not None
    ]
    tally.add(Count.LOST_FRAMES)
    tally.add(Count.LOST, len(numbered))
    tally.add(Count.LOST_BYTES, sum(map(len, numbered)))


def come_in(options: argparse.Namespace) -> Client:
    """Log in, as often as it takes."""
    home = options.folder / f"home-{options.name}"
    outbox = options.folder / f"{options.name}.outbox" if options.keep else None
    while True:
        try:
            return Client(
                options.address, name=options.name, home=home, outbox=outbox, timeout=LOGIN_SECONDS
            )
        except ConnectError as error:
            print(error, file=sys.stderr, flush=True)
            time.sleep(AGAIN_SECONDS)


def is_complete(watcher: Watcher, reach: dict[str, int]) -> bool:
    """Whether every log that is read was shown up to where it must be."""
    logs = dict(watcher.seen)
    return all(seq >= reach.get(room or "", 0) for room, seq in logs.items())


def tell_positions(chat: Client, watcher: Watcher, written: Journal) -> None:
    """Write down where one stands."""
    for room in list(watcher.seen):
        position = chat.position(room, timeout=CALL_SECONDS)
        written.write(At(position.epoch.hex(), room, position.seq, position.digest.hex()))


def live(options: argparse.Namespace, orders: Orders, tally: Tally) -> None:
    """Talk until `drain`, be complete after `reach`, end."""
    written = Journal(journal.path_of(options.folder, options.name, options.life))
    chat = come_in(options)
    watcher = Watcher(chat, written, tally)
    role = Role(options.name, options.life, options.seed, options.posts, options.keep)
    Talker(chat, watcher, written, tally, role).talk(orders.drain)
    flush(chat)
    written.write(Drained())
    tally.add(Count.DRAINED)
    orders.told.wait()
    while not is_complete(watcher, orders.reach):
        time.sleep(AGAIN_SECONDS)
    tell_positions(chat, watcher, written)
    chat.close()
    watcher.thread.join()
    written.close()


def flush(chat: Client) -> None:
    """Wait until all is answered, as long as it takes: the kit's patience ends it."""
    while True:
        try:
            return chat.flush(CALL_SECONDS)
        except OutcomeUnknown:
            continue


def main() -> None:
    """Live one life."""
    parser = argparse.ArgumentParser()
    for option in ("--address", "--name"):
        parser.add_argument(option, required=True)
    for option in ("--life", "--seed"):
        parser.add_argument(option, type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--posts", type=int)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--loss", type=float, default=0.0)
    parser.add_argument("--ping", type=float, default=PING_SECONDS)
    options = parser.parse_args()
    orders = Orders()
    tally = Tally(tally_of(options.folder, options.name))
    count_pages(tally)
    patch(link, PING_SECONDS=options.ping)
    if options.loss:
        chance = random.Random(f"loss {options.seed} {options.name} {options.life}")
        lose_frames(tally, options.loss, chance)
    live(options, orders, tally)


if __name__ == "__main__":
    main()
