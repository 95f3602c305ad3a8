"""What a person can ask for: an action for each thing that a typed line may mean. Values only; `hubbub.client.line.verbs` reads lines as actions."""

from dataclasses import dataclass
from typing import Final

from hubbub.common.fields import BanKind, HistoryShown, LockdownLevel, RoleName

HISTORY_LINES: Final = 50
"""Messages that `/history` shows unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class Say:
    """Write to the current room. `mention` is the name after a leading `@`: perhaps a private message was meant."""

    text: str
    mention: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Write to the current room what one does."""

    text: str


@dataclass(frozen=True, slots=True)
class Whisper:
    """Write to one person."""

    to: str
    text: str


Write = Say | Act | Whisper
"""What becomes a message."""


@dataclass(frozen=True, slots=True)
class Enter:
    """Make a room the current one; become its member, create it if there is none."""

    room: str


@dataclass(frozen=True, slots=True)
class MakeRoom:
    """Make a room with these settings, and talk in it."""

    room: str
    description: str = ""
    private: bool = False
    read_only: bool = False
    history: HistoryShown = "all"


@dataclass(frozen=True, slots=True)
class Quit:
    """End the membership of a room; without a name, of the current one."""

    room: str | None


@dataclass(frozen=True, slots=True)
class ListRooms:
    """Show which rooms there are."""


@dataclass(frozen=True, slots=True)
class ListPeople:
    """Show who is online; with a room, its members."""

    room: str | None


@dataclass(frozen=True, slots=True)
class ShowHistory:
    """Show what was said last: in the current room, or privately `with_` a person."""

    with_: str | None = None
    count: int = HISTORY_LINES


@dataclass(frozen=True, slots=True)
class Verify:
    """Prove that nothing of the current room is missing here."""


@dataclass(frozen=True, slots=True)
class GoAway:
    """Tell the others that one is away."""

    text: str


@dataclass(frozen=True, slots=True)
class ComeBack:
    """Tell the others that one is back."""


@dataclass(frozen=True, slots=True)
class Help:
    """Show what can be typed: what the person may do here, or `all`."""

    all: bool = False


@dataclass(frozen=True, slots=True)
class Exit:
    """Leave the chat."""


@dataclass(frozen=True, slots=True)
class Unclear:
    """The line cannot be carried out; `reason` tells what to type instead."""

    reason: str


# One's own name.


@dataclass(frozen=True, slots=True)
class ChangePassword:
    """Ask for a new password, unseen."""


@dataclass(frozen=True, slots=True)
class LinkDevice:
    """Make a code for another device of one's own."""


@dataclass(frozen=True, slots=True)
class ListDevices:
    """Show the devices that may use the name."""


@dataclass(frozen=True, slots=True)
class RemoveDevice:
    """Let a device use the name no longer."""

    number: int


AccountAction = ChangePassword | LinkDevice | ListDevices | RemoveDevice


# What moderators and owners do; without a room of its own: in the current one, in the lobby with the whole chat.


@dataclass(frozen=True, slots=True)
class InviteNewcomers:
    """Make a join link for somebody new, on request as a QR code too."""

    as_qr: bool = False


@dataclass(frozen=True, slots=True)
class InvitePerson:
    """Invite somebody to the current room."""

    name: str


@dataclass(frozen=True, slots=True)
class AddPerson:
    """Make somebody a member of the current room."""

    name: str


@dataclass(frozen=True, slots=True)
class Kick:
    """Put somebody out of the current room, for so many seconds (0: they may come back at once)."""

    name: str
    seconds: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Mute:
    """Let somebody say nothing in the current room for so many seconds (0: until unmuted)."""

    name: str
    seconds: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unmute:
    """Let somebody speak again."""

    name: str


@dataclass(frozen=True, slots=True)
class Appoint:
    """Give somebody a role."""

    name: str
    role: RoleName


@dataclass(frozen=True, slots=True)
class ShowRoom:
    """Show the settings of the current room."""


@dataclass(frozen=True, slots=True)
class ConfigureRoom:
    """Change the settings of the current room; None: as they are."""

    description: str | None = None
    private: bool | None = None
    read_only: bool | None = None
    history: HistoryShown | None = None
    slow: int | None = None


@dataclass(frozen=True, slots=True)
class Ban:
    """Keep somebody or something out of the chat for so many seconds (0: until unbanned)."""

    kind: BanKind
    subject: str
    seconds: int = 0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unban:
    """Lift a ban."""

    kind: BanKind
    subject: str


@dataclass(frozen=True, slots=True)
class ListBans:
    """Show the bans."""


@dataclass(frozen=True, slots=True)
class LockDown:
    """Say who may come and speak; None: show the level that holds."""

    level: LockdownLevel | None = None


ModerationAction = (
    InviteNewcomers
    | InvitePerson
    | AddPerson
    | Kick
    | Mute
    | Unmute
    | Appoint
    | ShowRoom
    | ConfigureRoom
    | Ban
    | Unban
    | ListBans
    | LockDown
)

Action = (
    Nothing
    | Write
    | Enter
    | MakeRoom
    | Quit
    | ListRooms
    | ListPeople
    | ShowHistory
    | Verify
    | GoAway
    | ComeBack
    | AccountAction
    | ModerationAction
    | Help
    | Exit
    | Unclear
)
