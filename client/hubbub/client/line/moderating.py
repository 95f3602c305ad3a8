"""What moderators and owners do from within the chat: in the room where they talk, or from the lobby in the whole chat.

It asks the client and shows what came of it; who may do what, the broker says.
"""

from collections.abc import Callable

from hubbub.client.client import Client
from hubbub.client.errors import UnknownRoom
from hubbub.client.line import actions, authority, screen
from hubbub.client.line.accounts import Accounts
from hubbub.client.line.asking import Place
from hubbub.client.line.authority import When
from hubbub.client.line.lines import Line, notice
from hubbub.client.results import Room
from hubbub.common.durations import spell
from hubbub.common.errors import Code, HubbubError
from hubbub.common.limits import RESTRAINT_SECONDS
from hubbub.common.names import LOBBY


class Moderating:
    """Carries out what moderators and owners ask for."""

    def __init__(
        self,
        client: Client,
        place: Place,
        accounts: Accounts,
        when: When,
        show: Callable[[Line], None],
    ) -> None:
        self._client = client
        self._place = place
        self._accounts = accounts
        self._when = when
        self._show = show

    def carry_out(self, action: actions.ModerationAction) -> None:
        """Do it and show what came of it. Raises HubbubError."""
        match action:
            case actions.InviteNewcomers(as_qr):
                self._accounts.invite(as_qr=as_qr)
            case actions.ShowRoom():
                self._tell(*authority.settings(self._room()))
            case actions.ListBans():
                self._tell(*authority.bans(self._client.moderation.bans(), self._when))
            case actions.LockDown():
                self._tell(self._lock_down(action))
            case actions.ConfigureRoom():
                self._configure(action)
            case actions.Ban() | actions.Unban():
                self._tell(self._ban(action))
            case _:
                self._tell(self._deal_with(action))

    def _tell(self, *texts: str) -> None:
        for text in texts:
            self._show(notice(text))

    def _deal_with(
        self,
        action: actions.InvitePerson
        | actions.AddPerson
        | actions.Kick
        | actions.Mute
        | actions.Unmute
        | actions.Appoint,
    ) -> str:
        """Do it to a person, where one talks; return what was done."""
        moderation, room, name = self._client.moderation, self._place.room, action.name
        whole_chat = screen.same_room(room, LOBBY)
        match action:
            case actions.InvitePerson() if whole_chat:
                raise HubbubError("Everybody is in the lobby; /invite alone lets newcomers in.")
            case actions.InvitePerson():
                self._client.invite(room, name)
                return f"{name} is invited to {room}."
            case actions.AddPerson():
                moderation.add(room, name)
                return f"{name} is a member of {room} now."
            case actions.Kick(seconds=seconds, reason=reason):
                moderation.kick(name, None if whole_chat else room, seconds=seconds, reason=reason)
                back = f", and may not come back for {spell(seconds)}" if seconds else ""
                return f"{name} is out of {'the chat' if whole_chat else room}{back}."
            case actions.Mute(seconds=seconds, reason=reason):
                moderation.mute(room, name, seconds=seconds or RESTRAINT_SECONDS, reason=reason)
                until = f"for {spell(seconds)}" if seconds else "until /unmute"
                return f"{name} is muted in {room} {until}."
            case actions.Unmute():
                moderation.unmute(room, name)
                return f"{name} may speak in {room} again."
            case actions.Appoint(role=role):
                moderation.set_role(name, role, None if whole_chat else room)
                return (
                    f"{name} has the role {role} in {'the whole chat' if whole_chat else room} now."
                )

    def _room(self) -> Room:
        for room in self._client.rooms():
            if screen.same_room(room.name, self._place.room):
                return room
        raise UnknownRoom(Code.UNKNOWN_ROOM, f"There is no room {self._place.room}.")

    def _configure(self, wish: actions.ConfigureRoom) -> None:
        self._client.moderation.configure(
            self._place.room,
            description=wish.description,
            private=wish.private,
            read_only=wish.read_only,
            history=wish.history,
            slow=wish.slow,
        )
        self._tell(*authority.settings(self._room()))

    def _ban(self, action: actions.Ban | actions.Unban) -> str:
        moderation = self._client.moderation
        if isinstance(action, actions.Unban):
            moderation.unban(action.kind, action.subject)
            return f"{action.subject} is banned no longer."
        moderation.ban(action.kind, action.subject, seconds=action.seconds, reason=action.reason)
        how_long = f"for {spell(action.seconds)}" if action.seconds else "until /unban"
        return f"{action.subject} is banned {how_long}."

    def _lock_down(self, action: actions.LockDown) -> str:
        if action.level is not None:
            self._client.moderation.lockdown(action.level)
        return authority.lockdown(action.level or self._client.moderation.bans().lockdown)
