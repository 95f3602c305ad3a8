"""Error codes of the protocol, and the exceptions of both sides.

    HubbubError                   anything that hubbub raises on purpose
    ├── WireError                 the bytes of the other side break the protocol
    ├── InvalidName               a name that can never be right, whoever asks
    ├── InvalidAddress            an address that cannot be read
    ├── InvalidDuration           a length of time that cannot be read, or is out of its bounds
    └── (client) RequestError …   see `hubbub.client.errors`

A code is stable; its text is for people and may change. Programs match on codes only.
"""

from enum import StrEnum


class Code(StrEnum):
    """Why a command had no effect. The comment above each group says who can mend it."""

    # The frame or the command is wrong: the client's programmer.
    MALFORMED = "malformed"
    UNKNOWN_COMMAND = "unknown_command"
    INVALID = "invalid"
    TOO_LARGE = "too_large"
    VERSION_UNSUPPORTED = "version_unsupported"
    WRONG_STATE = "wrong_state"
    # The person can choose otherwise.
    BAD_NAME = "bad_name"
    BAD_TEXT = "bad_text"
    NAME_TAKEN = "name_taken"
    TOO_MANY_NAMES = "too_many_names"
    UNKNOWN_ROOM = "unknown_room"
    ROOM_EXISTS = "room_exists"
    UNKNOWN_USER = "unknown_user"
    NOT_MEMBER = "not_member"
    LOBBY_IS_FOR_ALL = "lobby_is_for_all"
    TOO_MANY_ROOMS = "too_many_rooms"
    ROOM_FULL = "room_full"
    TOO_MANY_SESSIONS = "too_many_sessions"
    TOO_MANY_DEVICES = "too_many_devices"
    UNKNOWN_DEVICE = "unknown_device"
    UNKNOWN_BAN = "unknown_ban"
    BAD_SUBJECT = "bad_subject"
    # Who may come in.
    INVITE_REQUIRED = "invite_required"
    REGISTRATION_CLOSED = "registration_closed"
    BAD_CREDENTIALS = "bad_credentials"
    BAD_CODE = "bad_code"
    WEAK_PASSWORD = "weak_password"  # noqa: S105 - a code of an error
    # Who may do what: roles, restraints, settings of rooms.
    FORBIDDEN = "forbidden"
    MUTED = "muted"
    BARRED = "barred"
    READ_ONLY = "read_only"
    SLOW_MODE = "slow_mode"
    LOCKED_DOWN = "locked_down"
    BANNED = "banned"
    # About a producer: see "Exactly once" in PROTOCOL.md.
    OUT_OF_ORDER = "out_of_order"
    ALREADY_DONE = "already_done"
    PRODUCER_EXPIRED = "producer_expired"
    CANCELLED = "cancelled"
    # It may work later, unchanged.
    LOGIN_REQUIRED = "login_required"
    BUSY = "busy"
    STORAGE_UNAVAILABLE = "storage_unavailable"
    SLOW_DOWN = "slow_down"
    # Why the broker ends a session.
    SHUTTING_DOWN = "shutting_down"
    FLOODING = "flooding"
    KICKED = "kicked"
    DEVICE_REMOVED = "device_removed"


TRANSIENT = frozenset(
    {
        Code.OUT_OF_ORDER,
        Code.LOGIN_REQUIRED,
        Code.BUSY,
        Code.STORAGE_UNAVAILABLE,
        Code.SLOW_DOWN,
    }
)
"""Codes that never fail a record: it did not use its number and is sent again."""


class HubbubError(Exception):
    """Anything that hubbub raises on purpose. Its text is one line that says what to do."""


class WireError(HubbubError):
    """Bytes of the other side that break the protocol.

    `code` says how: `malformed` (not msgpack, or over a structural bound), `unknown_command`, `invalid` (a field is missing,
    unknown, of the wrong type or out of its bounds) or `too_large`. `id` and `n` are those of the offending command if they could be read.
    """

    def __init__(
        self, code: Code, text: str, *, id: int | None = None, n: int | None = None
    ) -> None:
        super().__init__(text)
        self.code = code
        self.id = id
        self.n = n


class InvalidName(HubbubError):
    """A name of a user or room that breaks the rules of `hubbub.common.names`."""


class InvalidDuration(HubbubError):
    """A length of time that cannot be read, or is out of its bounds; the text shows one that can."""


class InvalidAddress(HubbubError):
    """An address that cannot be read; the text shows one that can."""


class InvalidCode(HubbubError):
    """A code for newcomers or devices that cannot be one, as typed; the text does not repeat it."""
