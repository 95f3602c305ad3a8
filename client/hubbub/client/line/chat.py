"""The chat on a terminal: joins what is typed with what happens.

Two threads wait, one for typed lines and one for the client's updates, and hand over to one queue; the loop in `Chat.run` alone acts and shows.
It decides nothing that `verbs` (what a line asks for), `asking` (what is answered at once) and `screen` (how an update reads) could.
"""

import contextlib
import queue
import threading
from dataclasses import replace
from time import time
from typing import Final, assert_never

from hubbub.client.client import Client
from hubbub.client.errors import OutcomeUnknown, TooLarge
from hubbub.client.line import actions, authority, screen, verbs
from hubbub.client.line.accounts import Accounts
from hubbub.client.line.asking import Asking, Place
from hubbub.client.line.completion import Vocabulary
from hubbub.client.line.crowd import Crowd
from hubbub.client.line.dating import Dating
from hubbub.client.line.items import (
    EndOfInput,
    Failed,
    Happened,
    Item,
    Replaced,
    Returned,
    Stored,
    Typed,
)
from hubbub.client.line.lines import Line, notice
from hubbub.client.line.moderating import Moderating
from hubbub.client.line.past import ARRIVAL_SECONDS, Past
from hubbub.client.line.rank import Rank
from hubbub.client.line.sending import Sending
from hubbub.client.line.terminal import TYPED_BYTES, ChatTerminal, Standing
from hubbub.client.updates import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    LogReplaced,
    Message,
    PersonJoined,
    PrivateMessage,
    RoomJoined,
    RoomLeft,
    Update,
)
from hubbub.common.errors import HubbubError
from hubbub.common.limits import QUIET_START_SECONDS
from hubbub.common.names import LOBBY, fold

LINES_AHEAD: Final = 512
"""Lines of a pipe that may wait for their acknowledgement: it is read no faster than the broker stores."""

UPDATES_AHEAD: Final = 1000
"""Updates that may wait for a slow terminal; beyond them the client's own queue holds the broker's stream back."""

SILENT_SECONDS: Final = 1.0
"""How long leaving may take until the person is told why."""

MESSAGE_ROWS: Final = 60
"""Lines of one message that a person is shown without asking."""

CUT: Final = f"Not sent: this terminal cuts lines at {TYPED_BYTES:,} bytes; send it through a pipe."


class Chat:
    """One person's chat from the welcome to the farewell."""

    def __init__(
        self,
        client: Client,
        terminal: ChatTerminal,
        vocabulary: Vocabulary | None = None,
        *,
        times: bool = False,
    ) -> None:
        self._client = client
        self._terminal = terminal
        self._vocabulary = vocabulary or Vocabulary()
        self._place = Place()
        self._crowd = Crowd()
        person = terminal.interactive
        self._rows = MESSAGE_ROWS if person else None
        self._dating = Dating(times=times, days=person)
        self._past = Past(client, self._dating, _now, recalls=person)
        self._rank = Rank(client.name)
        self._asking = Asking(
            client, self._place, self._past, self._vocabulary, self._crowd, _now, self._show
        )
        self._accounts = Accounts(client, terminal, self._when, self._show)
        self._moderating = Moderating(client, self._place, self._accounts, self._when, self._show)
        self._connected = True
        self._all_done = True
        self._inbox: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._lines = threading.Semaphore(LINES_AHEAD)
        self._updates = threading.Semaphore(UPDATES_AHEAD)
        self._sending = Sending(
            client, terminal, self._dating, _now, self._inbox.put, self._lines.release
        )

    # From the welcome to the farewell.

    def run(self) -> bool:
        """Chat until the person leaves; then wait until all that was written is acknowledged.

        Returns whether every typed line was carried out. Raises HubbubError if the session ended otherwise, or writes were left without an answer.
        """
        try:
            self._arrive()
            for wait in (self._listen, self._follow):
                threading.Thread(target=wait, name=wait.__name__, daemon=True).start()
            while self._handle(self._next()):
                pass
        except KeyboardInterrupt:
            self._terminal.close()  # before more is shown: it may be one that takes nothing
            self._behind_the_key()
        self._leave()
        return self._all_done

    def _arrive(self) -> None:
        before = self._past.arrival()
        if self._terminal.interactive:
            self._look_around()
        welcome = f"Registration successful. Welcome to the chat, {self._client.name}!"
        for line in (Line.of(welcome), *before):
            self._show(line)
        self._stand()

    def _look_around(self) -> None:
        """Learn who and what is there."""
        with contextlib.suppress(HubbubError):  # it serves comfort only
            people = self._client.who(timeout=ARRIVAL_SECONDS)
            self._crowd.roster(people)
            self._vocabulary.meet(*people.names)
            rooms = self._client.rooms(timeout=ARRIVAL_SECONDS)
            self._vocabulary.learn(*(room.name for room in rooms))
            self._rank.learn(rooms)

    def _look_around_later(self) -> None:
        """After an interruption: for a while the others come back without a word."""
        timer = threading.Timer(QUIET_START_SECONDS, self._inbox.put, [Returned()])
        timer.daemon = True
        timer.start()

    def _leave(self) -> None:
        self._accounts.give_up()
        self._terminal.close()
        try:
            self._finish()
        except KeyboardInterrupt:
            self._behind_the_key()
            with contextlib.suppress(OutcomeUnknown):
                self._client.close(timeout=0)
            if left := self._sending.unanswered:
                raise OutcomeUnknown(
                    "1 message has no answer: it may have been stored, or not."
                    if left == 1
                    else f"{left} messages have no answer: each may have been stored, or not."
                ) from None
        self._report_late_failures()

    def _finish(self) -> None:
        if self._connected:
            self._past.mark()
        try:
            self._client.flush(SILENT_SECONDS)
        except HubbubError:
            if self._terminal.interactive:
                self._show(notice("Waiting until all you wrote is stored; Ctrl-C gives up."))
        self._client.close()

    def _behind_the_key(self) -> None:
        if self._terminal.interactive:
            self._terminal.show(Line(()))  # behind the ^C

    def _report_late_failures(self) -> None:
        while not self._inbox.empty():
            item = self._inbox.get()
            if isinstance(item, Failed):
                self._complain(item.reason)

    # What waits, and what it brings.

    def _listen(self) -> None:
        while (text := self._terminal.read()) is not None:
            if not self._terminal.interactive:  # a person must be able to leave
                self._lines.acquire()
            self._inbox.put(Typed(text))
        self._inbox.put(EndOfInput())

    def _follow(self) -> None:
        for update in self._client.events():
            self._updates.acquire()
            self._inbox.put(Happened(update))

    def _next(self) -> Item:
        """Wait for what comes next; meanwhile tell the broker how far was read."""
        while self._connected and (seconds := self._past.mark_in()) is not None:
            try:
                return self._inbox.get(block=seconds > 0, timeout=seconds)
            except queue.Empty:
                self._past.mark()
        return self._inbox.get()

    def _handle(self, item: Item) -> bool:
        """Return whether the chat goes on."""
        match item:
            case Typed(text) if self._accounts.is_asking:
                self._answer(text)
            case Typed(text) if self._terminal.may_have_cut(text):
                return self._carry_out(text, actions.Unclear(CUT))
            case Typed(text):
                return self._carry_out(text, verbs.parse(text))
            case Happened(update):
                self._updates.release()
                self._tell(update)
            case Stored(action, room):
                if self._connected:
                    self._asking.advise(action, room)
            case Replaced():
                with contextlib.suppress(HubbubError):
                    if not self._asking.is_member(self._place.room):
                        self._out_of(RoomLeft(self._place.room))
                self._stand()
            case Returned():
                self._look_around()
                self._stand()
            case Failed(number, reason):
                self._terminal.refused(number)
                self._complain(reason)
            case EndOfInput():
                return False
            case _:
                assert_never(item)
        return True

    def _tell(self, update: Update) -> None:
        self._past.happens(update)
        self._crowd.happens(update)
        self._rank.happens(update)
        match update:
            case Ended(reason):
                raise reason
            case ConnectionLost() | ConnectionRestored():
                self._connected = isinstance(update, ConnectionRestored)
                if self._connected and self._terminal.interactive:
                    self._look_around_later()
            case RoomJoined(room):
                self._into(room)
            case RoomLeft():
                self._out_of(update)
            case LogReplaced():
                self._inbox.put(Replaced())
            case Message(sender=name) | PrivateMessage(sender=name) | PersonJoined(name):
                self._vocabulary.meet(name)
            case _:
                pass
        line = screen.line(
            update, me=self._client.name, room=self._place.room, when=self._when, rows=self._rows
        )
        if line is not None:
            self._show(replace(line, earlier=getattr(update, "earlier", False)))
        self._stand()

    def _into(self, room: str) -> None:
        """Take up a room that one has become a member of; tell it unless it was entered by command, here."""
        self._vocabulary.learn(room)
        if screen.same_room(room, self._place.room):
            self._place.room = room  # as it is written, not as it was typed
        if fold(room) not in self._place.entered:
            self._show(notice(f"You are a member of {room} now; /join {room} takes you there."))

    def _out_of(self, left: RoomLeft) -> None:
        """Go back to the lobby if another session of the same person has left the room one talks in, or a moderator has put one out."""
        room = left.room
        self._place.entered.discard(fold(room))
        if fold(room) in self._place.left:
            self._place.left.remove(fold(room))
            return
        if left.by:
            self._show(notice(authority.put_out("You were", room, left.by, left.reason)))
        if screen.same_room(room, self._place.room):
            self._place.room = LOBBY
            gone = "You" if left.by else f"You are no longer in {room}; you"
            self._show(notice(f"{gone} talk in {LOBBY} now."))

    # What is typed.

    def _carry_out(self, text: str, action: actions.Action) -> bool:
        """Do what was typed; return whether the chat goes on."""
        try:
            match action:
                case actions.Say() | actions.Act() | actions.Whisper():
                    self._sending.send(text, action, self._place.room)
                    return True
                case actions.Nothing():
                    pass
                case actions.Exit():
                    self._terminal.echo(Line.of(verbs.without_secret(text)))
                    return False
                case _:
                    self._terminal.echo(Line.of(verbs.without_secret(text)))
                    self._ask(action)
            self._sending.otherwise()
        except HubbubError as error:
            if isinstance(action, actions.Enter) and not self._terminal.interactive:
                raise  # the lines behind it are meant for that room, not for this one
            self._complain(screen.refusal(action, error))
            if isinstance(error, TooLarge) and (offer := self._sending.refuse_size(text, action)):
                self._show(notice(offer))
        self._lines.release()
        self._stand()
        return True

    def _answer(self, typed: str) -> None:
        """Hand on what was typed unseen. Without a broker it is forgotten: nobody expects it to be done when that is back."""
        try:
            if self._terminal.interactive and not self._connected:
                self._accounts.give_up()
                raise HubbubError("The broker is out of reach: your password is as it was.")
            self._accounts.answer(typed)
        except HubbubError as error:
            self._complain(str(error))
        self._lines.release()

    def _ask(self, action: actions.Action) -> None:
        match action:
            case actions.Help():
                self._help(action)
            case actions.Unclear(reason):
                self._complain(reason)
            case _ if self._terminal.interactive and not self._connected:
                self._complain("The broker is out of reach; ask again when it is back.")
            case _ if isinstance(action, actions.AccountAction):
                self._accounts.carry_out(action)
            case _ if isinstance(action, actions.ModerationAction):
                self._moderating.carry_out(action)
            case _:
                self._asking.ask(action)

    def _help(self, wish: actions.Help) -> None:
        """List what can be typed: to a person what they may do where they talk, unless they ask for all."""
        offered = self._rank.offered(self._place.room)
        all_of_it = wish.all or not self._terminal.interactive
        for line in verbs.help_lines(self._terminal.columns, verbs.VERBS if all_of_it else offered):
            self._show(notice(line))

    # What is shown.

    def _show(self, line: Line) -> None:
        for dated in self._dating.dated(line, _now()):
            self._terminal.show(dated)

    def _complain(self, reason: str) -> None:
        self._all_done = False
        self._terminal.complain(reason)

    def _when(self, time: int) -> str:
        return self._dating.since(time, _now())

    def _stand(self) -> None:
        self._vocabulary.offer(self._rank.offered(self._place.room))
        self._terminal.stands(
            Standing(self._place.room, self._crowd.count, self._connected, self._place.away)
        )


def _now() -> int:
    return round(time() * 1000)
