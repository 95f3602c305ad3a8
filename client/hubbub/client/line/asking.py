"""What is answered at once: by the table of verbs, or by the broker within the client's time-out.

Owns no thread and no socket: it asks the client and shows what comes back.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from hubbub.client.client import Client
from hubbub.client.errors import NotMember, RoomExists, UnknownRoom
from hubbub.client.line import actions, screen
from hubbub.client.line.completion import Vocabulary
from hubbub.client.line.crowd import Crowd
from hubbub.client.line.lines import Line, notice
from hubbub.client.line.past import Past
from hubbub.common.errors import Code, HubbubError
from hubbub.common.names import LOBBY, fold

HINT_SECONDS: Final = 2.0


@dataclass(slots=True)
class Place:
    """Where one talks. `entered`: rooms entered by command, folded as in `left`: rooms left by command, whose update has not come yet. `away`: one said so."""

    room: str = LOBBY
    entered: set[str] = field(default_factory=set)
    left: set[str] = field(default_factory=set)
    away: bool = False


class Asking:
    """Carries out what a person asks for."""

    def __init__(
        self,
        client: Client,
        place: Place,
        past: Past,
        vocabulary: Vocabulary,
        crowd: Crowd,
        clock: Callable[[], int],
        show: Callable[[Line], None],
    ) -> None:
        self._client = client
        self._place = place
        self._past = past
        self._vocabulary = vocabulary
        self._crowd = crowd
        self._clock = clock
        self._hinted = False
        self._show = show

    def ask(self, action: actions.Action) -> None:
        """Do it and show the answer. Raises HubbubError."""
        match action:
            case actions.Enter(room):
                self._enter(room)
            case actions.MakeRoom():
                self._make(action)
            case actions.Quit(room):
                self._quit(room or self._place.room)
            case actions.ListRooms():
                for room_line in screen.rooms(self._client.rooms(), self._place.room):
                    self._show(notice(room_line))
            case actions.ListPeople(where):
                self._show(notice(self._people(where)))
            case actions.ShowHistory():
                for line in self._past.request(action, self._place.room):
                    self._show(line)
            case actions.Verify():
                self._show(screen.verdict(self._client.verify(self._place.room)))
            case actions.GoAway(text):
                self._client.away(text)
                self._place.away = True
                self._show(notice("The others see that you are away; /back ends that."))
            case actions.ComeBack():
                self._client.back()
                self._show(notice("You are back." if self._place.away else "You were not away."))
                self._place.away = False
            case _:
                raise AssertionError(f"{action} is no question")

    def _people(self, room: str | None) -> str:
        if room is None:
            people = self._client.who()
            self._vocabulary.meet(*people.names)
            return screen.people(people)
        try:
            return screen.members(room, self._client.members(room), self._clock())
        except NotMember:
            if self._known(room) is None:
                raise UnknownRoom(Code.UNKNOWN_ROOM, f"There is no room {room}.") from None
            raise

    def _known(self, room: str) -> str | None:
        """Return the room's name as it is written; None if there is no such room."""
        names = [known.name for known in self._client.rooms()]
        self._vocabulary.learn(*names)
        return next((name for name in names if screen.same_room(name, room)), None)

    def is_member(self, room: str) -> bool:
        """Whether one is in a room. Raises HubbubError."""
        markers = self._client.markers(timeout=HINT_SECONDS)
        return any(marker.room and screen.same_room(marker.room, room) for marker in markers)

    def _enter(self, room: str) -> None:
        created = False
        self._place.entered.add(fold(room))
        try:
            self._client.join(room)
        except UnknownRoom:
            created = self._create(room)
        self._talk_in(room, created=created)

    def _make(self, wish: actions.MakeRoom) -> None:
        self._place.entered.add(fold(wish.room))
        self._client.create(
            wish.room,
            wish.description,
            private=wish.private,
            read_only=wish.read_only,
            history=wish.history,
        )
        self._talk_in(wish.room, created=True)

    def _talk_in(self, room: str, *, created: bool) -> None:
        room = self._known(room) or room
        self._place.room = room
        self._show(
            notice(
                f"You have created {room} and talk in it now."
                if created
                else f"You talk in {room} now."
            )
        )
        for line in self._past.entry(room):
            self._show(line)

    def _create(self, room: str) -> bool:
        try:
            self._client.create(room)
        except RoomExists:
            self._join_again(room)
            return False
        return True

    def _join_again(self, room: str) -> None:
        """Join a room that there was none to join of, and none to be made: somebody was faster, or it is private."""
        try:
            self._client.join(room)
        except UnknownRoom as error:
            text = f"{room} is private: one of its moderators would have to invite you"
            raise UnknownRoom(error.code, text) from None

    def _quit(self, room: str) -> None:
        self._client.leave(room)
        self._place.left.add(fold(room))
        if screen.same_room(room, self._place.room):
            self._place.room = LOBBY
        self._show(notice(f"You have left {room}; you talk in {self._place.room} now."))

    # Advice.

    def advise(self, action: actions.Write, room: str) -> None:
        """Tell somebody who forgot the colon that everybody has read it, and whoever writes to an absent person that they are."""
        with suppress(HubbubError):  # nobody of that name: the refusal says so
            match action:
                case actions.Say(mention=str(name)) if not self._hinted:
                    self._hint(name, room)
                case actions.Whisper(to=name) if self._crowd.may_be_absent(name):
                    self._absence(name)
                case _:
                    pass

    def _hint(self, name: str, room: str) -> None:
        name = self._client.whois(name, timeout=HINT_SECONDS).name
        self._hinted = True
        self._show(notice(f"Everybody in {room} can read that. To {name} alone: @{name}: text"))

    def _absence(self, name: str) -> None:
        member = self._client.whois(name, timeout=HINT_SECONDS)
        if not member.online or member.away is not None:
            self._show(screen.away(member))
