"""Posts, tells, leaves and enters at random, and writes down what became of it."""

import contextlib
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final

from tests.chaos import naming
from tests.chaos.journal import Acked, Journal, Kept, Refused, Sent, Unknown
from tests.chaos.tally import Count, Tally
from tests.chaos.watcher import Watcher

from hubbub.client import Client
from hubbub.client.errors import OutcomeUnknown, RequestError, UnknownRoom
from hubbub.common.errors import HubbubError
from hubbub.common.names import LOBBY

ROOMS: Final = ("red", "green", "blue")
OUTSTANDING: Final = 1000
"""Messages without an answer; then it waits."""
BURST: Final = 20
REST_SECONDS: Final = 0.2
"""Between two bursts, at most."""
LONGEST_TEXT: Final = 400
ASK_SECONDS: Final = 2.0
"""How long a call may hold up the talk."""
TICK_SECONDS: Final = 0.02
PRIVATELY: Final = 0.1
MOVES: Final = 0.05


@dataclass(frozen=True, slots=True)
class Role:
    """Who talks, in which life, by which seed. `posts`: how many acks it wants, over all its lives; None: it goes on at its ease.

    `keeps`: its client has an outbox file. Such a one stays in its rooms: of what an earlier life wrote no outcome is told, so there must be no
    reason to refuse it.
    """

    name: str
    life: int
    seed: int
    posts: int | None
    keeps: bool


class Talker:
    """One life's writing."""

    def __init__(
        self, chat: Client, watcher: Watcher, journal: Journal, tally: Tally, role: Role
    ) -> None:
        self._chat = chat
        self._watcher = watcher
        self._journal = journal
        self._tally = tally
        self._role = role
        self._chance = random.Random(f"talk {role.seed} {role.name} {role.life}")
        self._known = [role.name]
        self._sent = 0
        self._answered = 0

    def talk(self, enough: threading.Event) -> None:
        """Go on until there is enough."""
        self._look_around()
        # The same in each life: a restored backup must know of them.
        for room in random.Random(f"rooms {self._role.seed} {self._role.name}").sample(ROOMS, 2):
            self._enter(room)
            while self._role.keeps and not (room in self._watcher.rooms or enough.is_set()):
                time.sleep(TICK_SECONDS)
                self._enter(room)
        while not enough.is_set():
            if self._may_write():
                self._take_a_turn()
            else:
                time.sleep(TICK_SECONDS)

    def _may_write(self) -> bool:
        waiting, posts = self._sent - self._answered, self._role.posts
        is_done = posts is not None and self._tally[Count.ACKED] + waiting >= posts
        return waiting < OUTSTANDING and not is_done

    def _take_a_turn(self) -> None:
        for _ in range(self._chance.randint(1, BURST)):
            self._write()
        if self._chance.random() < MOVES:
            self._look_around()
            if not self._role.keeps:
                self._move()
        if self._role.posts is None:
            time.sleep(self._chance.uniform(0, REST_SECONDS))

    def _write(self) -> None:
        self._sent += 1
        id = f"{self._role.name}-{self._role.life}-{self._sent}"
        text, data = "x" * self._chance.randint(0, LONGEST_TEXT), {naming.ID: id}
        if self._chance.random() < PRIVATELY:
            to = self._chance.choice(self._known)
            self._journal.write(Sent(id, None, to))
            future = self._chat.tell_nowait(to, text, data)
        else:
            room = self._chance.choice(sorted(self._watcher.rooms) or [LOBBY])
            self._journal.write(Sent(id, room))
            future = self._chat.post_nowait(room, text, data)
        if self._role.keeps:
            self._journal.write(Kept(id))
        future.add_done_callback(lambda done: self._note(id, done))

    def _note(self, id: str, done: Future[int]) -> None:
        """Write an outcome down, in the client's own thread."""
        try:
            self._journal.write(Acked(id, done.result()))
            self._tally.add(Count.ACKED)
        except RequestError as error:
            self._journal.write(Refused(id, error.code))
        except HubbubError:
            self._journal.write(Unknown(id))
        self._answered += 1

    def _look_around(self) -> None:
        """Learn whom one may write to: only those who are known are, so that nothing is refused."""
        with contextlib.suppress(RequestError, OutcomeUnknown):
            self._known = sorted({*self._known, *self._chat.who(timeout=ASK_SECONDS).names})

    def _move(self) -> None:
        """Leave a room or enter one.

        Only a room whose beginning the watcher has written down is left, and only one that it saw left is entered; else it could ask too late where
        reading began.
        """
        room = self._chance.choice(ROOMS)
        if room in self._watcher.rooms:
            self._watcher.rooms.discard(room)
            self._try(self._chat.leave, room)
        elif room not in self._watcher.seen:
            self._enter(room)

    def _enter(self, room: str) -> None:
        if room in self._watcher.rooms:
            return
        try:
            self._chat.join(room, timeout=ASK_SECONDS)
        except UnknownRoom:
            self._try(self._chat.create, room)
        except (RequestError, OutcomeUnknown):
            pass

    def _try(self, call: Callable[..., None], room: str) -> None:
        """Refused or not answered: the watcher will see what became of it."""
        with contextlib.suppress(RequestError, OutcomeUnknown):
            call(room, timeout=ASK_SECONDS)
