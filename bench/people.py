"""Many clients of the library in one process, for what only real clients show: coming back, catching up, being complete.

    python -m bench.people ADDRESS HOME NAME COUNT ROOM,ROOM… LOSS SEED

They log in as NAME-0, NAME-1 …, join the rooms and say `["ready"]`. Then each line of stdin is an order, a JSON array, answered by a line of JSON; the end of
stdin ends them. LOSS is the share of published frames that is dropped before a client sees them, as PUB drops when a reader is slow, by SEED.
"""

import json
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench.servers import BenchError, process

from hubbub.client import Client, Message
from hubbub.client.session import Session
from hubbub.client.updates import ConnectionRestored
from hubbub.common.replies import Page, Reply

REACH_SECONDS = 180.0
LOGINS_AT_ONCE = 8


@dataclass(slots=True)
class Traffic:
    """Bytes of events that one client did not get because its frames were dropped, and that it was sent in pages."""

    lost: int = 0
    fetched: int = 0
    frames: int = 0
    dropped: int = 0
    pages: int = 0


class Person(threading.Thread):
    """A client, and a thread that takes its updates as they come."""

    def __init__(self, client: Client, traffic: Traffic, news: threading.Condition) -> None:
        super().__init__(daemon=True)
        self.client = client
        self.traffic = traffic
        self.seen: dict[str, int] = {}
        self.back_at = self.heard_at = 0.0
        """When it was last connected again, and got its last message (monotonic)."""
        self.delays: list[float] = []
        """Of messages whose text is the time of their posting: how long each was under way."""
        self._news = news

    def run(self) -> None:
        """Note what comes until the client is closed."""
        for update in self.client.events():
            now = time.monotonic()
            if isinstance(update, Message):
                self._note(update, now)
            elif isinstance(update, ConnectionRestored):
                self.back_at = now

    def _note(self, message: Message, now: float) -> None:
        sent, _, _ = message.text.partition(" ")
        with self._news:
            self.seen[message.room] = message.seq
            self.heard_at = now
            self.delays.append(now - float(sent))
            self._news.notify_all()

    def has(self, heads: Mapping[str, int]) -> bool:
        """Whether it has read these rooms so far."""
        return all(self.seen.get(room, 0) >= seq for room, seq in heads.items())


def lose(session: Session, traffic: Traffic, share: float, seed: int) -> None:
    """Let a session miss a share of what is published, and count that and what it fetches."""
    chance = random.Random(seed)
    published, received = session.published, session.received

    def lossy(topic: bytes, events: Sequence[bytes], now: float) -> None:
        traffic.frames += 1
        if chance.random() < share:
            traffic.dropped += 1
            traffic.lost += sum(map(len, events))
        else:
            published(topic, events, now)

    def counting(replies: Iterable[Reply], now: float) -> None:
        replies = list(replies)
        for page in replies:
            if isinstance(page, Page):
                traffic.pages += 1
                traffic.fetched += sum(len(stored.event) for stored in page.events)
        received(replies, now)

    for name, method in (("published", lossy), ("received", counting)):
        setattr(session, name, method)


class People:
    """All clients of this process; each order is a method."""

    def __init__(self, stack: ExitStack, arguments: Sequence[str]) -> None:
        address, home, name, count, rooms, loss, seed = arguments
        self._news = threading.Condition()

        def enter(number: int) -> Person:
            client = Client(address, name=f"{name}-{number}", home=Path(home), timeout=60.0)
            for room in rooms.split(","):
                client.join(room)
            traffic, done = Traffic(), Future[None]()
            client._pump.submit(  # between socket and session there is no other place
                done,
                lambda session: lose(session, traffic, float(loss), int(seed) + number),
            )
            return Person(client, traffic, self._news)

        with ThreadPoolExecutor(LOGINS_AT_ONCE) as pool:
            self._people = list(pool.map(enter, range(int(count))))
        for person in self._people:
            stack.callback(person.client.close)
            person.start()

    def reach(self, heads: dict[str, int]) -> list[tuple[float, float]]:
        """Wait until all have read so far; return when each was back and complete."""
        with self._news:
            self._news.wait_for(
                lambda: all(person.has(heads) for person in self._people), REACH_SECONDS
            )
            if behind := [p.client.name for p in self._people if not p.has(heads)]:
                raise BenchError(f"never complete: {', '.join(behind)}")
            return [(person.back_at, person.heard_at) for person in self._people]

    def positions(self, rooms: list[str]) -> list[str]:
        """Return the different positions there are, one in each room if all is well."""
        found = {
            f"{room} {position.seq} {position.digest.hex()}"
            for person in self._people
            for room in rooms
            for position in [person.client.position(room, timeout=60)]
        }
        return sorted(found)

    def cpu(self) -> float:
        """Return the seconds of CPU that this process took."""
        return time.process_time()

    def delays(self) -> list[float]:
        """Return how long messages were under way, since this was last asked."""
        taken = []
        with self._news:
            for person in self._people:
                taken += person.delays
                person.delays.clear()
        return taken

    def traffic(self) -> dict[str, int]:
        """Return what all of them lost and fetched."""
        fields = Traffic.__slots__
        return {name: sum(getattr(p.traffic, name) for p in self._people) for name in fields}


class Group:
    """The clients of another process, seen from the one that measures."""

    def __init__(self, pid: int, orders: IO[str], answers: IO[str]) -> None:
        self.pid = pid
        self._orders = orders
        self._answers = answers

    def tell(self, order: str, *arguments: object) -> None:
        """Give an order; `answer` must follow."""
        self._orders.write(json.dumps([order, *arguments]) + "\n")
        self._orders.flush()

    def answer(self) -> Any:
        """Return the answer to the order given last."""
        line = self._answers.readline()
        if not line:
            raise BenchError("a process of clients has ended")
        kind, *rest = json.loads(line)
        if kind == "failed":
            raise BenchError(rest[0])
        return rest[0] if rest else None

    def ask(self, order: str, *arguments: object) -> Any:
        """Give an order and return its answer."""
        self.tell(order, *arguments)
        return self.answer()


@contextmanager
def group(
    address: str, home: Path, name: str, count: int, rooms: Sequence[str], loss: float = 0.0
) -> Iterator[Group]:
    """Run clients in a process of their own; wait for them by `answer`."""
    seed = sum(name.encode())
    options = [address, str(home), name, str(count), ",".join(rooms), str(loss), str(seed)]
    with process("bench.people", *options) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield Group(child.pid, child.stdin, child.stdout)


def main(arguments: Sequence[str]) -> None:
    """Serve orders until stdin ends."""
    with ExitStack() as stack:
        people = People(stack, arguments)
        print(json.dumps(["ready"]), flush=True)
        for line in sys.stdin:
            order, *details = json.loads(line)
            method: Callable[..., object] = getattr(people, order)
            try:
                answer = ["done", method(*details)]
            except BenchError as error:
                answer = ["failed", str(error)]
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
