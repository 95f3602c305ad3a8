"""The chat on a terminal: joins what is typed with what happens.

Two threads wait, one for typed lines and one for the client's updates, and hand over to one queue; the loop in `Chat.run` alone acts and prints.
It decides nothing that `verbs` (what a line asks for) and `screen` (how an update reads) could.
"""

import contextlib
import queue
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, assert_never

from hubbub.client.client import Client
from hubbub.client.errors import Closed, NotMember, OutcomeUnknown, RoomExists, UnknownRoom
from hubbub.client.line import screen, verbs
from hubbub.client.line.terminal import TYPED_BYTES, Terminal
from hubbub.client.updates import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    RoomJoined,
    RoomLeft,
    Update,
)
from hubbub.common.errors import Code, HubbubError
from hubbub.common.names import LOBBY, fold

LINES_AHEAD: Final = 512
"""Typed lines that may wait for their acknowledgement; a longer pipe is read no faster than the broker stores."""

UPDATES_AHEAD: Final = 1000
"""Updates that may wait for a slow terminal; beyond them the client's own queue holds the broker's stream back."""

HINT_SECONDS: Final = 2.0
SILENT_SECONDS: Final = 1.0
"""How long leaving may take until the person is told why."""

CUT: Final = f"Not sent: this terminal cuts lines at {TYPED_BYTES:,} bytes; send it through a pipe."


@dataclass(frozen=True, slots=True)
class Typed:
    """Somebody pressed Enter."""

    text: str


@dataclass(frozen=True, slots=True)
class Happened:
    """The client had news."""

    update: Update


@dataclass(frozen=True, slots=True)
class Failed:
    """What was typed some lines ago cannot be done."""

    reason: str


class EndOfInput:
    """Nothing more will be typed."""


class Chat:
    """One person's chat from the welcome to the farewell. Owns the current room."""

    def __init__(self, client: Client, terminal: Terminal) -> None:
        self._client = client
        self._terminal = terminal
        self._room = LOBBY
        self._connected = True
        self._left: set[str] = set()  # rooms left by command, whose update has not come yet
        self._all_done = True
        self._unanswered: set[Future[int]] = set()
        self._inbox: queue.SimpleQueue[Typed | Happened | Failed | EndOfInput] = queue.SimpleQueue()
        self._lines = threading.Semaphore(LINES_AHEAD)
        self._updates = threading.Semaphore(UPDATES_AHEAD)

    def run(self) -> bool:
        """Chat until the person leaves; then wait until all that was written is acknowledged.

        Returns whether every typed line was carried out. Raises HubbubError if the session ended otherwise, or writes were left without an answer.
        """
        try:
            self._terminal.show(
                f"Registration successful. Welcome to the chat, {self._client.name}!"
            )
            for wait in (self._listen, self._follow):
                threading.Thread(target=wait, name=wait.__name__, daemon=True).start()
            while self._handle(self._inbox.get()):
                pass
        except KeyboardInterrupt:
            if self._terminal.interactive:
                self._terminal.show("")  # behind the ^C
        self._leave()
        return self._all_done

    def _leave(self) -> None:
        try:
            self._finish()
        except KeyboardInterrupt:
            if self._terminal.interactive:
                self._terminal.show("")  # behind the ^C
            with contextlib.suppress(OutcomeUnknown):
                self._client.close(timeout=0)
            if left := len(self._unanswered):
                raise OutcomeUnknown(
                    "1 message has no answer: it may have been stored, or not."
                    if left == 1
                    else f"{left} messages have no answer: each may have been stored, or not."
                ) from None
        self._report_late_failures()

    def _finish(self) -> None:
        try:
            self._client.flush(SILENT_SECONDS)
        except HubbubError:
            if self._terminal.interactive:
                self._terminal.show("Waiting until all you wrote is stored; Ctrl-C gives up.")
        self._client.close()

    def _listen(self) -> None:
        while (text := self._terminal.read()) is not None:
            self._lines.acquire()
            self._inbox.put(Typed(text))
        self._inbox.put(EndOfInput())

    def _follow(self) -> None:
        for update in self._client.events():
            self._updates.acquire()
            self._inbox.put(Happened(update))

    def _handle(self, item: Typed | Happened | Failed | EndOfInput) -> bool:
        """Return whether the chat goes on."""
        match item:
            case Typed(text) if self._terminal.may_have_cut(text):
                return self._carry_out(verbs.Unclear(CUT))
            case Typed(text):
                return self._carry_out(verbs.parse(text))
            case Happened(update):
                self._updates.release()
                self._tell(update)
            case Failed(reason):
                self._complain(reason)
            case EndOfInput():
                return False
            case _:
                assert_never(item)
        return True

    def _tell(self, update: Update) -> None:
        match update:
            case Ended(reason):
                raise reason
            case ConnectionLost() | ConnectionRestored():
                self._connected = isinstance(update, ConnectionRestored)
            case RoomJoined(room) if screen.same_room(room, self._room):
                self._room = room  # as it is written, not as it was typed
            case RoomLeft(room):
                self._out_of(room)
        line = screen.line(update, me=self._client.name, room=self._room)
        if line is not None:
            self._terminal.show(line)

    def _out_of(self, room: str) -> None:
        """Go back to the lobby if another session of the same person has left the room one talks in."""
        if fold(room) in self._left:
            self._left.remove(fold(room))
        elif screen.same_room(room, self._room):
            self._room = LOBBY
            self._terminal.show(f"You are no longer in {room}; you talk in {LOBBY} now.")

    def _carry_out(self, action: verbs.Action) -> bool:
        """Do what was typed; return whether the chat goes on."""
        try:
            match action:
                case verbs.Say(text, mention):
                    self._send(action, self._client.post_nowait(self._room, text))
                    if mention and self._connected:
                        self._hint(mention)
                    return True
                case verbs.Whisper(to, text):
                    self._send(action, self._client.tell_nowait(to, text))
                    return True
                case verbs.Exit():
                    return False
                case _:
                    self._ask(action)
        except HubbubError as error:
            if isinstance(action, verbs.Enter) and not self._terminal.interactive:
                raise  # the lines behind it are meant for that room, not for this one
            self._complain(screen.refusal(action, error))
        self._lines.release()
        return True

    def _send(self, action: verbs.Action, outcome: Future[int]) -> None:
        self._unanswered.add(outcome)
        outcome.add_done_callback(lambda answered: self._answered(action, answered))

    def _answered(self, action: verbs.Action, outcome: Future[int]) -> None:
        """Runs in the client's thread: hands over and returns."""
        self._lines.release()
        error = None if outcome.cancelled() else outcome.exception()
        if isinstance(error, OutcomeUnknown | Closed):
            return  # given up: counted, not complained of one by one
        self._unanswered.discard(outcome)
        if error is not None:
            self._inbox.put(Failed(screen.refusal(action, error)))

    def _ask(self, action: verbs.Action) -> None:
        """Do what is answered at once: by the table of verbs, or by the broker within the client's time-out."""
        show = self._terminal.show
        match action:
            case verbs.Help():
                for line in verbs.help_lines():
                    show(line)
            case verbs.Unclear(reason):
                self._complain(reason)
            case verbs.Nothing() | verbs.Say() | verbs.Whisper() | verbs.Exit():
                pass
            case _ if self._terminal.interactive and not self._connected:
                self._complain("The broker is out of reach; ask again when it is back.")
            case verbs.Enter(room):
                self._enter(room)
            case verbs.Quit(room):
                self._quit(room or self._room)
            case verbs.ListRooms():
                for line in screen.rooms(self._client.rooms(), self._room):
                    show(line)
            case verbs.ListPeople(where):
                show(self._people(where))
            case _:
                assert_never(action)

    def _people(self, room: str | None) -> str:
        if room is None:
            return screen.people(self._client.who())
        try:
            return screen.members(room, self._client.members(room))
        except NotMember:
            if self._known(room) is None:
                raise UnknownRoom(Code.UNKNOWN_ROOM, f"There is no room {room}.") from None
            raise

    def _known(self, room: str) -> str | None:
        """Return the room's name as it is written; None if there is no such room."""
        names = (known.name for known in self._client.rooms())
        return next((name for name in names if screen.same_room(name, room)), None)

    def _enter(self, room: str) -> None:
        created = False
        try:
            self._client.join(room)
        except UnknownRoom:
            created = self._create(room)
        room = self._known(room) or room
        self._room = room
        self._terminal.show(
            f"You have created {room} and talk in it now."
            if created
            else f"You talk in {room} now."
        )

    def _create(self, room: str) -> bool:
        try:
            self._client.create(room)
        except RoomExists:  # somebody was faster
            self._client.join(room)
            return False
        return True

    def _quit(self, room: str) -> None:
        self._client.leave(room)
        self._left.add(fold(room))
        if screen.same_room(room, self._room):
            self._room = LOBBY
        self._terminal.show(f"You have left {room}; you talk in {self._room} now.")

    def _hint(self, name: str) -> None:
        """Tell somebody who forgot the colon that everybody has read it, if there is a person of that name."""
        try:
            name = self._client.whois(name, timeout=HINT_SECONDS).name
        except HubbubError:
            return
        self._terminal.show(
            f"Everybody in {self._room} can read that. To {name} alone: @{name}: text"
        )

    def _complain(self, reason: str) -> None:
        self._all_done = False
        self._terminal.complain(reason)

    def _report_late_failures(self) -> None:
        while not self._inbox.empty():
            item = self._inbox.get()
            if isinstance(item, Failed):
                self._complain(item.reason)
