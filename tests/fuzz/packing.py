"""msgpack as no encoder of ours writes it: maps with a key twice, keys that are no text, headers that lie, depths without an end."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import msgpack


@dataclass(frozen=True, slots=True)
class Raw:
    """Bytes that stand as they are."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Pairs:
    """A map as its pairs: a key may come twice, and be anything."""

    pairs: tuple[tuple[Any, Any], ...]


def pack(value: Any) -> bytes:
    """Encode a value that may have Raw and Pairs in it."""
    match value:
        case Raw(data):
            return data
        case Pairs(pairs):
            return _header("map", len(pairs)) + _join(part for pair in pairs for part in pair)
        case dict():
            return _header("map", len(value)) + _join(x for pair in value.items() for x in pair)
        case list() | tuple():
            return _header("array", len(value)) + _join(value)
    return bytes(msgpack.packb(value))


def _join(values: Iterable[Any]) -> bytes:
    return b"".join(map(pack, values))


def _header(kind: str, count: int) -> bytes:
    return bytes(getattr(msgpack.Packer(), f"pack_{kind}_header")(count))
