"""The types of fields that several commands, replies and events share, each with its bounds."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, structs

from hubbub.common.limits import (
    CLIENT_NAME_CHARACTERS,
    CODE_CHARACTERS,
    DEVICE_LABEL_CHARACTERS,
    DIGEST_BYTES,
    EPOCH_BYTES,
    KEY_BYTES,
    MAX_NUMBER,
    PAGE_ITEMS,
    PASSWORD_CHARACTERS,
    PRODUCER_ID_BYTES,
    REASON_CHARACTERS,
    RESTRAINT_SECONDS,
    ROOM_ID_BYTES,
    SLOW_SECONDS,
    SUBJECT_CHARACTERS,
)

Id = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
"""Chosen by the client for a query; its reply carries the same."""

Number = Annotated[int, Meta(ge=1, le=MAX_NUMBER)]
"""A producer's count of its records: 1, 2, 3 …"""

Seq = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
"""The place of an event in its log: 1, 2, 3 … without holes. 0 stands before the first event."""

Millis = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
"""Milliseconds since 1970-01-01 UTC by the broker's clock. For people to read: order is seq, never time."""

RoomId = Annotated[bytes, Meta(min_length=ROOM_ID_BYTES, max_length=ROOM_ID_BYTES)]
"""Names a log: a room's (then it is its topic too) or an account's inbox."""

Epoch = Annotated[bytes, Meta(min_length=EPOCH_BYTES, max_length=EPOCH_BYTES)]
ProducerId = Annotated[bytes, Meta(min_length=PRODUCER_ID_BYTES, max_length=PRODUCER_ID_BYTES)]
DigestBytes = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
PublicKey = Annotated[bytes, Meta(min_length=KEY_BYTES, max_length=KEY_BYTES)]
Versions = Annotated[list[Annotated[int, Meta(ge=0, le=65535)]], Meta(min_length=1, max_length=16)]
ClientName = Annotated[str, Meta(max_length=CLIENT_NAME_CHARACTERS)]
Limit = Annotated[int, Meta(ge=1, le=PAGE_ITEMS)]
Seconds = Annotated[float, Meta(ge=0, le=3600)]
"""To wait: an hour at most, so that no client can be sent away for ever."""
Count = Annotated[int, Meta(ge=0, le=MAX_NUMBER)]
Port = Annotated[int, Meta(ge=1, le=65535)]
Password = Annotated[str, Meta(max_length=PASSWORD_CHARACTERS)]
Code = Annotated[str, Meta(max_length=CODE_CHARACTERS)]
"""An invite code or a one-time link code, as typed: case, dashes and spaces do not matter."""
DeviceLabel = Annotated[str, Meta(max_length=DEVICE_LABEL_CHARACTERS)]
Reason = Annotated[str, Meta(max_length=REASON_CHARACTERS)]
"""Why, for people: one line."""
Subject = Annotated[str, Meta(max_length=SUBJECT_CHARACTERS)]
Duration = Annotated[int, Meta(ge=0, le=RESTRAINT_SECONDS)]
"""Seconds for which something holds; what 0 means, each command says."""
Slowness = Annotated[int, Meta(ge=0, le=SLOW_SECONDS)]
"""Seconds between two posts of one member; 0: as fast as they like."""
Uses = Annotated[int, Meta(ge=1, le=10_000)]
RoleName = Literal["member", "moderator", "owner"]
HistoryShown = Literal["all", "since_joined"]
"""What of a room's log a member may read: all of it, or from the event on that made them a member."""
BanKind = Literal["account", "key", "address", "network"]
LockdownLevel = Literal["normal", "no_new_accounts", "accounts_only", "moderators_speak"]
"""Each level includes those before it."""
Data = dict[str, Any]
"""A typed body for programs: a map with text keys of anything msgpack can hold but extensions."""


def snake_case(class_name: str) -> str:
    """Return the `type` of a struct on the wire: `MemberJoined` is `member_joined`."""
    return "".join(
        f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(class_name)
    )


def conceal(struct: Struct, *secrets: str) -> str:
    """Return what a struct's `repr` would be without the values of these fields, so that none gets into a log or a traceback."""
    shown = ", ".join(
        f"{name}={'…' if name in secrets else repr(value)}"
        for name, value in structs.asdict(struct).items()
    )
    return f"{type(struct).__name__}({shown})"
