"""Bytes ↔ commands, replies and events. The one module that knows msgpack.

Bytes from the network can raise `WireError` and nothing else.

What comes from clients is unpacked with every limit set, then `msgspec.convert` checks types and bounds. (By struct class: a union type is not cached by
msgspec and costs 2.5 µs a call, a class 0.4 µs.) A frame of commands that are all good and without `data` needs no unpacker, since all that their types can
hold is bounded: one decoder reads it at once, a post in 0.2 µs instead of 1.7. What comes from the broker, which may be a thousand events at once, is decoded
straight into structs too; the size of its frames is bounded, and nothing is made that its bytes do not pay for.

    up      one frame: array of 1..512 maps, each a command
    down    one frame: array of maps, each a reply
    events  two frames: the topic (a room id); an array of bin, each the bytes of one event, which are an array that begins with its type
    door    question: QUESTION; answer: one map
"""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, Final, TypeVar

import msgpack
import msgspec
from msgspec import convert

from hubbub.common.commands import COMMANDS, AnyCommand, Command, Post, Tell
from hubbub.common.errors import Code, WireError
from hubbub.common.events import EVENTS, AnyEvent, MessagePosted, MessageTold, UnknownEvent
from hubbub.common.fields import Data, PublicKey, Seq, Versions
from hubbub.common.limits import (
    ARRAY_ITEMS,
    COMMANDS_PER_FRAME,
    DATA_DEPTH,
    FRAME_DOWN_BYTES,
    FRAME_UP_BYTES,
    MAP_KEYS,
    MAX_NUMBER,
)
from hubbub.common.replies import REPLIES, AnyReply

_T = TypeVar("_T")

VERSIONS: Final = (1,)
"""Versions of the protocol that this code speaks."""

QUESTION: Final = b"hubbub?"

_UP: Final[dict[str, Any]] = {
    "raw": False, "strict_map_key": True, "max_array_len": ARRAY_ITEMS, "max_map_len": MAP_KEYS,
    "max_str_len": FRAME_UP_BYTES, "max_bin_len": FRAME_UP_BYTES, "max_ext_len": 0,
}  # fmt: skip
_UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_SCALARS: Final = frozenset({str, int, float, bool, bytes, type(None)})
_PLAIN: Final = f"data is maps with text keys, arrays and scalars, at most {DATA_DEPTH} deep"

_COMMANDS_WITH_DATA: Final = (Post, Tell)
_WITH_DATA: Final = (MessagePosted, MessageTold)
"""The events that carry what people or programs made up; a broker takes nothing else of them than plain data."""

_encoder: Final = msgspec.msgpack.Encoder()
encode: Final = _encoder.encode
"""Encode one struct (or plain value) to msgpack."""


class _OnlyType(msgspec.Struct, frozen=True):
    """What is read of a reply to see whether its type is known."""

    type: Any = None


class _Beginning(msgspec.Struct, frozen=True, array_like=True):
    """What is read of an event whose type may be unknown."""

    type: Any
    seq: Seq | None = None


class DoorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What the door tells to anybody who asks: the broker's name, its public key and the versions it speaks."""

    broker: str
    key: PublicKey
    versions: Versions


# msgspec learns a struct when it first meets it, and a thread that meets it meanwhile crashes the process: so all are learnt before there are threads.
for _struct in COMMANDS.values():
    msgspec.msgpack.Decoder(_struct)
_FRAME_UP: Final[Any] = list[AnyCommand]
_commands: Final = msgspec.msgpack.Decoder(_FRAME_UP)
_frame: Final = msgspec.msgpack.Decoder(list[msgspec.Raw])
_publication: Final = msgspec.msgpack.Decoder(list[bytes])
_event: Final[msgspec.msgpack.Decoder[AnyEvent]] = msgspec.msgpack.Decoder(AnyEvent)
_reply: Final[msgspec.msgpack.Decoder[AnyReply]] = msgspec.msgpack.Decoder(AnyReply)
_only_type: Final = msgspec.msgpack.Decoder(_OnlyType)
_beginning: Final = msgspec.msgpack.Decoder(_Beginning)
_door: Final = msgspec.msgpack.Decoder(DoorAnswer)


def _unpack(payload: bytes) -> Any:
    """Decode msgpack from a client under limits; a fresh unpacker each time, because one that has raised must not be used again."""
    try:
        return msgpack.unpackb(payload, **_UP)
    except (ValueError, msgpack.UnpackException, RecursionError, MemoryError) as error:
        raise WireError(
            Code.MALFORMED, f"not a valid msgpack frame: {error or type(error).__name__}"
        ) from None


def decode_commands(payload: bytes) -> list[Command | WireError]:
    """Read a frame from a client, in order. A command that breaks the protocol stands in the list as its WireError, the others are good.

    Raises WireError when the frame as a whole cannot be read.
    """
    if len(payload) > FRAME_UP_BYTES:
        raise WireError(Code.TOO_LARGE, f"a frame has at most {FRAME_UP_BYTES} bytes")
    commands = _good_commands(payload)
    if commands:
        return commands
    items = _unpack(payload)
    if not isinstance(items, list):
        raise WireError(Code.MALFORMED, "a frame is an array")
    if not items:
        raise WireError(Code.MALFORMED, f"a frame holds 1 to {COMMANDS_PER_FRAME} commands")
    return [_command(item) for item in items]


def _good_commands(payload: bytes) -> list[Command | WireError] | None:
    """Read a frame that breaks no rule and holds no `data`; None: what is wrong with it, or in the data, is to be found out."""
    try:
        commands: list[Command | WireError] = _commands.decode(payload)
    except _UNREADABLE:
        return None
    if len(commands) > COMMANDS_PER_FRAME:
        return None
    for command in commands:
        if isinstance(command, _COMMANDS_WITH_DATA) and command.data is not None:
            return None
    return commands


def _command(item: Any) -> Command | WireError:
    try:
        command = convert(item, COMMANDS[item["type"]])
        if "data" in item and not _is_plain(item["data"]):
            return _fault(item, Code.INVALID, f"{_kind(item)}: {_PLAIN}")
    except (KeyError, TypeError):
        return _fault(item, Code.UNKNOWN_COMMAND, f"no such command: {_kind(item)[:40]!r}")
    except (msgspec.ValidationError, RecursionError) as error:
        return _fault(item, Code.INVALID, f"{_kind(item)}: {error}")
    return command


def _kind(item: Any) -> str:
    kind = item.get("type") if isinstance(item, dict) else None
    return kind if isinstance(kind, str) else ""


def _fault(item: Any, code: Code, text: str) -> WireError:
    fields = item if isinstance(item, dict) else {}
    id, n = fields.get("id"), fields.get("n")
    return WireError(
        code,
        text,
        id=id if type(id) is int and 0 <= id <= MAX_NUMBER else None,
        n=n if type(n) is int and 1 <= n <= MAX_NUMBER else None,
    )


def _is_plain(value: Any, depth: int = DATA_DEPTH) -> bool:
    """Whether a map or array can be encoded again at any depth of the stack and read in every language."""
    if depth == 0:
        return False
    if type(value) is dict:
        for key, inner in value.items():
            if type(key) is not str:
                return False
            if type(inner) not in _SCALARS and not _is_plain(inner, depth - 1):
                return False
    elif type(value) is list:
        for inner in value:
            if type(inner) not in _SCALARS and not _is_plain(inner, depth - 1):
                return False
    else:
        return value is None
    return True


def array(parts: Sequence[bytes]) -> bytes:
    """Return a msgpack array whose elements are already encoded."""
    return b"".join([_array_header(len(parts)), *parts])


@lru_cache(maxsize=1024)
def _array_header(length: int) -> bytes:
    """Return what an array of so many elements begins with. A packer makes room for 256 KiB before it packs anything."""
    return bytes(msgpack.Packer().pack_array_header(length))


def split(
    parts: Sequence[bytes], limit: int = FRAME_DOWN_BYTES, most: int = 4096
) -> Iterator[Sequence[bytes]]:
    """Cut a series into pieces of at most `limit` bytes (with 5 bytes of header an element) and `most` elements; an element is never cut."""
    if 0 < len(parts) <= most and 5 + sum(map(len, parts)) + 5 * len(parts) <= limit:
        yield parts
        return
    chunk: list[bytes] = []
    size = 5
    for part in parts:
        size += len(part) + 5
        if chunk and (size > limit or len(chunk) == most):
            yield chunk
            chunk, size = [], len(part) + 10
        chunk.append(part)
    if chunk:
        yield chunk


def decode_replies(payload: bytes) -> list[AnyReply]:
    """Read a frame from the broker, in order; replies of unknown type are left out. Raises WireError."""
    try:
        items = _frame.decode(payload)
    except _UNREADABLE as error:
        raise WireError(Code.MALFORMED, f"not a frame of replies: {error}") from None
    return [reply for item in items if (reply := _known_reply(item)) is not None]


def _known_reply(item: msgspec.Raw) -> AnyReply | None:
    try:
        return _reply.decode(item)
    except _UNREADABLE as error:
        if _kind_of(item) in REPLIES:
            raise _unreadable(error) from None
    return None


def decode_events(payload: bytes) -> list[bytes]:
    """Read the second frame of a publication into the bytes of its events. Raises WireError."""
    try:
        return _publication.decode(payload)
    except _UNREADABLE as error:
        raise WireError(Code.MALFORMED, f"not an array of bin: {error}") from None


def decode_event(event: bytes) -> AnyEvent:
    """Read the bytes of one event; of a type unknown here: UnknownEvent with its seq. Raises WireError."""
    try:
        found = _event.decode(event)
    except _UNREADABLE as error:
        beginning = _read(_beginning, event)
        if not isinstance(beginning.type, str) or beginning.type in EVENTS:
            raise _unreadable(error) from None
        return UnknownEvent(seq=beginning.seq)
    if isinstance(found, _WITH_DATA) and found.data is not None and not _is_plain(found.data):
        raise WireError(Code.INVALID, _PLAIN)
    return found


def _kind_of(item: msgspec.Raw) -> str:
    """Return the type of a reply that may be of a type unknown here; empty if it has none. Raises WireError."""
    try:
        kind = _only_type.decode(item).type
    except msgspec.ValidationError:  # no map
        return ""
    except _UNREADABLE as error:
        raise _unreadable(error) from None
    return kind if isinstance(kind, str) else ""


def _read(decoder: msgspec.msgpack.Decoder[_T], item: bytes) -> _T:
    """Decode one thing of the broker's; what it has beyond the struct's fields is ignored."""
    try:
        return decoder.decode(item)
    except _UNREADABLE as error:
        raise _unreadable(error) from None


def _unreadable(error: Exception) -> WireError:
    code = Code.INVALID if isinstance(error, msgspec.ValidationError) else Code.MALFORMED
    return WireError(code, str(error))


def data_size(data: Data) -> int:
    """Return the encoded size of a message's `data` in bytes. Raises WireError if it cannot be encoded."""
    return len(_encoded(data))


def check_data(data: Data) -> int:
    """Return `data_size(data)` if a broker would take it. Raises WireError where it would not (an array of over 512, a key that is no text …)."""
    encoded = _encoded(data)
    try:
        plain = _is_plain(_unpack(encoded))
    except WireError as error:
        raise WireError(Code.INVALID, f"data cannot be sent: {error}") from None
    if not plain:
        raise WireError(Code.INVALID, _PLAIN)
    return len(encoded)


def _encoded(data: Data) -> bytes:
    try:
        return encode(data)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        raise WireError(Code.INVALID, f"data cannot be sent: {error}") from None


def decode_door(payload: bytes) -> DoorAnswer:
    """Read the door's answer. Raises WireError."""
    return _read(_door, payload)
