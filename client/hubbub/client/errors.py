"""What goes wrong for a client's user, split by who can do something about it.

    HubbubError                        hubbub.common.errors; the text is one line that says what to do
    ├── ConnectError                   no session came about
    │   ├── NobodyListens              start the broker, or mend the address
    │   ├── UnknownBroker              no key is pinned: compare `.fingerprint`, then trust it
    │   ├── WrongKey                   another key than the pinned one: `hubbub forget ADDRESS`, or an attack
    │   ├── Refused                    something listens that is no hubbub broker, or one that refuses us
    │   ├── VersionUnsupported         update one of the two sides
    │   └── LoginRefused               also a RequestError: the broker does not let this name or key in
    │       ├── NameTaken              choose another name; or it is yours: give its password, or a code of `Account.link`
    │       ├── TooManyNames           use a name that this key owns already
    │       ├── InviteRequired         newcomers need an invite code
    │       ├── RegistrationClosed     there are no newcomers
    │       ├── BadCredentials         a wrong password, or no such name
    │       ├── BadCode                a wrong code, or one that is used up or too old
    │       └── PutOut                 kicked, device_removed, locked_down: at the login, or in the midst of it all
    │           └── Banned             the text says why and until when
    ├── RequestError                   the broker refused one request; `.code` is its stable code. Nothing happened.
    │   ├── BadName                    a name that breaks the rules
    │   ├── BadText                    a message of nothing, or a text with what no text can have
    │   ├── TooLarge                   a text or data over its bound
    │   ├── UnknownRoom, UnknownUser   nobody and nothing of that name
    │   ├── NotMember                  join the room first
    │   ├── RoomExists, LobbyIsForAll, TooManyRooms
    │   ├── Forbidden                  one's role or a restraint is against it: forbidden, muted, barred, read_only, slow_mode, locked_down
    │   ├── WeakPassword               too easily guessed: the text has advice
    │   ├── AlreadyDone                it happened before; its outcome is no longer remembered
    │   └── Cancelled                  by `Client.cancel`, before the broker took it
    ├── OutcomeUnknown                 no answer in time: a write may still happen (it stays in the outbox)
    ├── Closed                         the client was closed, or has ended; `__cause__` says why
    ├── Forked                         a client does not survive fork: make one in the child
    ├── HomeUnusable                   the folder of keys cannot be read or written
    └── OutboxUnusable                 the outbox file cannot be used, or is somebody else's

Names and sizes are checked before anything is sent, so these errors come with or without the broker.
"""

from collections.abc import Sequence
from typing import Final

from hubbub.common.errors import Code, HubbubError


class ConnectError(HubbubError):
    """No session came about."""


class NobodyListens(ConnectError):
    """Nothing answers at the address."""


class UnknownBroker(ConnectError):
    """The broker's key is not pinned and nobody vouched for it; `fingerprint` is what to compare."""

    def __init__(self, text: str, *, fingerprint: str) -> None:
        super().__init__(text)
        self.fingerprint = fingerprint


class WrongKey(ConnectError):
    """The broker does not have the key that was pinned for its address (or given as `trust`)."""


class Refused(ConnectError):
    """Something listens at the address, and no encrypted connection came about."""


class VersionUnsupported(ConnectError):
    """The broker speaks none of our versions of the protocol; the text names its range."""

    code = Code.VERSION_UNSUPPORTED


class RequestError(HubbubError):
    """The broker refused a request. Match on `code`; the text is for people. `retry_after`: in how many seconds it may be asked again; 0: not told."""

    def __init__(self, code: str, text: str, retry_after: float = 0.0) -> None:
        super().__init__(text)
        self.code = code
        self.retry_after = retry_after


class LoginRefused(ConnectError, RequestError):
    """The broker did not let us in."""


class NameTaken(LoginRefused):
    """Somebody else's key owns the name."""


class TooManyNames(LoginRefused):
    """This key owns as many names as it may."""


class InviteRequired(LoginRefused):
    """Newcomers need an invite code. So does, until it gives a password or a link code, a new device of somebody who is known."""


class RegistrationClosed(LoginRefused):
    """The broker takes no newcomers. A new device of somebody who is known needs a password or a link code."""


class BadCredentials(LoginRefused):
    """The password is wrong; or there is no such name, or it has no password."""


class BadCode(LoginRefused):
    """No invite has this code, nor does it link a device to this name: wrong, used up or too old."""


class PutOut(LoginRefused):
    """The broker lets this person, key or address in no longer, and ended what there was. The client does not come back by itself."""


class Banned(PutOut):
    """Banned from the whole chat; the text says why and until when."""


class BadName(RequestError):
    """The name of a user or room breaks the rules."""


class BadText(RequestError):
    """A text that no message or description can have, or a message of nothing."""


class TooLarge(RequestError):
    """A text, data or description is over its bound."""


class UnknownRoom(RequestError):
    """There is no such room."""


class UnknownUser(RequestError):
    """There is no such user."""


class NotMember(RequestError):
    """Only members may do this: join the room first."""


class RoomExists(RequestError):
    """A room of that name exists already."""


class LobbyIsForAll(RequestError):
    """Everybody is in the lobby for good."""


class TooManyRooms(RequestError):
    """This account is in as many rooms as it may be."""


class Forbidden(RequestError):
    """One's role is too low; or one is muted, barred, or the room or the chat lets only moderators speak. `code` says which."""


class WeakPassword(RequestError):
    """The password is too easily guessed; the text has the estimator's advice."""


class AlreadyDone(RequestError):
    """The write was taken long ago; the broker no longer knows with what outcome."""


class OutcomeUnknown(HubbubError):
    """No answer came in time. A write stays in the outbox: it may have happened, or still happen, at most once."""


class Closed(HubbubError):
    """The client is closed or has ended."""


class Forked(HubbubError):
    """Used in a child process that inherited it by fork."""


class Cancelled(RequestError):
    """The write was cancelled before the broker took it."""


class OutboxUnusable(HubbubError):
    """The outbox file cannot be used; the text names the file and what is wrong."""


class HomeUnusable(HubbubError):
    """The folder of keys cannot be used; the text names the file and what is wrong."""


BY_CODE: Final[dict[str, type[RequestError]]] = {
    Code.BAD_NAME: BadName,
    Code.BAD_TEXT: BadText,
    Code.TOO_LARGE: TooLarge,
    Code.UNKNOWN_ROOM: UnknownRoom,
    Code.UNKNOWN_USER: UnknownUser,
    Code.NOT_MEMBER: NotMember,
    Code.ROOM_EXISTS: RoomExists,
    Code.LOBBY_IS_FOR_ALL: LobbyIsForAll,
    Code.TOO_MANY_ROOMS: TooManyRooms,
    Code.FORBIDDEN: Forbidden,
    Code.MUTED: Forbidden,
    Code.BARRED: Forbidden,
    Code.READ_ONLY: Forbidden,
    Code.SLOW_MODE: Forbidden,
    Code.LOCKED_DOWN: Forbidden,
    Code.WEAK_PASSWORD: WeakPassword,
    Code.ALREADY_DONE: AlreadyDone,
    Code.CANCELLED: Cancelled,
}
"""Of requests."""

AT_LOGIN: Final[dict[str, type[RequestError]]] = {
    Code.BAD_NAME: BadName,
    Code.NAME_TAKEN: NameTaken,
    Code.TOO_MANY_NAMES: TooManyNames,
    Code.INVITE_REQUIRED: InviteRequired,
    Code.REGISTRATION_CLOSED: RegistrationClosed,
    Code.BAD_CREDENTIALS: BadCredentials,
    Code.BAD_CODE: BadCode,
    Code.BANNED: Banned,
    Code.KICKED: PutOut,
    Code.DEVICE_REMOVED: PutOut,
    Code.LOCKED_DOWN: PutOut,
}
"""Of logins, and of the end of what a login began."""


def refused(code: str, text: str, retry_after: float = 0.0) -> RequestError:
    """Return the exception of a request that the broker refused."""
    return BY_CODE.get(code, RequestError)(code, text, retry_after)


def login_refused(code: str, text: str, retry_after: float = 0.0) -> HubbubError:
    """Return the exception of a refused `hello` or `login`."""
    if code == Code.VERSION_UNSUPPORTED:
        return VersionUnsupported(text)
    return AT_LOGIN.get(code, LoginRefused)(code, text, retry_after)


def put_out(code: str, text: str) -> HubbubError:
    """Return the exception of a session that the broker ended for good."""
    kind = AT_LOGIN.get(code)
    if kind is None or not issubclass(kind, PutOut):
        return Closed(f"the broker ended this session: {text}")
    return kind(code, text)


def other_version(broker: str, theirs: Sequence[int], ours: Sequence[int]) -> VersionUnsupported:
    """Return the exception for a broker that speaks none of our versions; the text says which side to update."""
    is_older = max(theirs, default=0) < max(ours)
    spoken = ", ".join(map(str, theirs))
    remedy = "ask its operator to update it" if is_older else "update hubbub on this machine"
    return VersionUnsupported(
        f"the broker at {broker} speaks version {spoken} of the protocol, this client {', '.join(map(str, ours))}: {remedy}"
    )


def wrong_key(broker: str, fingerprint: str) -> WrongKey:
    """Return the exception for a broker with another key than the pinned one."""
    return WrongKey(
        f"the broker at {broker} has another key than before, {fingerprint}: it was set up anew, or another machine has its address, or somebody listens"
        f" in between. If its operator confirms the new key, run: hubbub forget {broker}"
    )


def not_connected(address: str, *, is_denied: bool) -> Refused:
    """What to raise where no encrypted connection came about. `is_denied`: the broker did say no."""
    if is_denied:
        text = "lets nobody in from here: this device or address is banned, or too many connections came from it; try again later"
        return Refused(f"the broker at {address} {text}")
    return Refused(
        f"the broker at {address} refuses the connection: too many came from here just now, or it is none with the expected key; try again later"
    )
