"""The types of fields that several commands, replies and events share, each with its bounds."""

from typing import Annotated, Any

from msgspec import Meta

from hubbub.common.limits import (
    CLIENT_NAME_CHARACTERS,
    DIGEST_BYTES,
    EPOCH_BYTES,
    KEY_BYTES,
    MAX_NUMBER,
    PAGE_ITEMS,
    PRODUCER_ID_BYTES,
    ROOM_ID_BYTES,
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
Data = dict[str, Any]
"""A typed body for programs: a map with text keys of anything msgpack can hold but extensions."""


def snake_case(class_name: str) -> str:
    """Return the `type` of a struct on the wire: `MemberJoined` is `member_joined`."""
    return "".join(
        f"_{c.lower()}" if c.isupper() and i else c.lower() for i, c in enumerate(class_name)
    )
