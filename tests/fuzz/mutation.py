"""Good values made bad: what somebody may send who knows the protocol and keeps to none of it."""

from collections.abc import Callable
from random import Random
from typing import Any, Final

import msgpack
from tests.fuzz.packing import Pairs, Raw, pack

from hubbub.common.limits import ARRAY_ITEMS, FRAME_UP_BYTES, MAX_NUMBER

LONG: Final = (0, 1, 15, 16, 31, 32, 33, 64, 65, 128, 129, 255, 256, 257, 512, 513, 8193)
"""Lengths at which something changes, here or in msgpack; `FRAME_UP_BYTES` comes rarely, since it takes its time."""
NUMBERS: Final = (-(2**63), -1, 0, 1, 2, 127, 128, 255, 256, 2**31, 2**32, MAX_NUMBER, 2**63, 2**64 - 1)  # fmt: skip
TEXTS: Final = ("", "\0", "\n", "\r\x1b[2J", "\u202e", "\u200b", "\ud7ff\ue000", "é" * 40, "a\u0301", "𝔸", " ", "@", "{name}", "%s")  # fmt: skip
LIES: Final = (
    b"\xdd\xff\xff\xff\xff",  # an array of 2^32 - 1
    b"\xdf\xff\xff\xff\xff",
    b"\xdb\xff\xff\xff\xffx",
    b"\xc6\xff\xff\xff\xffx",
    b"\xc9\xff\xff\xff\xff\x01x",
    b"\xdc\x02\x01" + b"\xc0" * (ARRAY_ITEMS + 1),
    b"\xde\x01\x01" + b"\x01\xc0" * 257,
    b"\xa2\xff\xfe",  # no UTF-8
    b"\xa3\xed\xa0\x80",  # half of a pair
    b"\xc1",  # never used
    b"\xd6\xff\x00\x00\x00\x00",  # a time
    b"\xca\x7f\xc0\x00\x00",  # not a number
    b"\xcb\x7f\xf0" + bytes(6),
)


class Mutator:
    """Makes one value or payload after another, from a seed alone."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._ways: list[Callable[[Any], Any]] = [
            self._replaced,
            self._replaced,
            self._without_a_key,
            self._with_a_key,
            self._with_a_key_twice,
            self._with_a_key_that_is_no_text,
        ]

    # Structures.

    def structure(self, good: Any, other: Any) -> bytes:
        """Return a value that was changed in one to three places, packed; pieces of `other` may come into it."""
        for _ in range(self._random.choice((1, 1, 2, 3))):
            good = self._within(good, other)
        return pack(good)

    def _within(self, value: Any, other: Any) -> Any:
        """Change something in a value, the deeper the rarer."""
        if isinstance(value, list) and value and self._random.random() < 0.9:
            place = self._random.randrange(len(value))
            return [*value[:place], self._within(value[place], other), *value[place + 1 :]]
        if isinstance(value, dict) and value and self._random.random() < 0.9:
            if self._random.random() < 0.5:
                return self._random.choice(self._ways)(value)
            name = self._random.choice(list(value))
            return value | {name: self._within(value[name], other)}
        return self._piece_of(other) if self._random.random() < 0.3 else self.odd()

    def _piece_of(self, value: Any) -> Any:
        while isinstance(value, dict | list) and value and self._random.random() < 0.8:
            value = self._random.choice(list(value.values() if isinstance(value, dict) else value))
        return value

    def _replaced(self, value: dict[str, Any]) -> dict[str, Any]:
        return value | {self._random.choice(list(value)): self.odd()}

    def _without_a_key(self, value: dict[str, Any]) -> dict[str, Any]:
        gone = self._random.choice(list(value))
        return {name: item for name, item in value.items() if name != gone}

    def _with_a_key(self, value: dict[str, Any]) -> dict[str, Any]:
        name = self._random.choice(("id", "n", "data", "reason", "room", "unknown", ""))
        return value | {name: self.odd()}

    def _with_a_key_twice(self, value: dict[str, Any]) -> Pairs:
        name = self._random.choice(list(value))
        return Pairs((*value.items(), (name, self.odd())))

    def _with_a_key_that_is_no_text(self, value: dict[str, Any]) -> Pairs:
        return Pairs((*value.items(), (self._random.choice((1, None, b"id", True, 1.5)), 1)))

    def odd(self) -> Any:  # noqa: PLR0911 - a table
        """Return a value of any type, often at or beyond a bound."""
        random = self._random
        match random.randrange(12):
            case 0:
                return random.choice((None, True, False, 0.5, float("nan"), float("inf"), -0.0))
            case 1 | 2:
                return random.choice(NUMBERS)
            case 3 | 4:
                return random.choice(TEXTS)
            case 5:
                return "x" * self._length()
            case 6:
                return random.randbytes(random.choice((15, 16, 17, 31, 32, 33)))
            case 7:
                return bytes(self._length())
            case 8:
                return random.choice(([], {}, [[]], {"type": "ping"}, {"": {}}, [None] * 512))
            case 9:
                return self._deep()
            case 10:
                return msgpack.ExtType(random.randrange(128), random.randbytes(4))
        return Raw(random.choice(LIES))

    def _length(self) -> int:
        if self._random.random() < 0.02:
            return FRAME_UP_BYTES
        return self._random.choice(LONG)

    def _deep(self) -> Raw:
        """Arrays or maps within each other, up to what no stack would bear."""
        depth = self._random.choice((2, 31, 32, 33, 100, 511, 512, 1023, 1025, 5000))
        return Raw(self._random.choice((b"\x91", b"\x81\xa1k")) * depth + b"\xc0")

    # Bytes.

    def payload(self, good: bytes, other: bytes) -> bytes:
        """Return bytes that were damaged in one to three places; pieces of `other` may come into it."""
        damage = (self._flipped, self._flipped, self._cut, self._spliced, self._filled, self._again)
        for _ in range(self._random.choice((1, 1, 2, 3))):
            good = self._random.choice(damage)(good, other)
        return good[: 2 * FRAME_UP_BYTES]

    def _place(self, data: bytes) -> int:
        return self._random.randint(0, len(data))

    def _flipped(self, data: bytes, _other: bytes) -> bytes:
        flipped = bytearray(data)
        for _ in range(self._random.choice((1, 1, 2, 8)) if data else 0):
            flipped[self._random.randrange(len(data))] ^= 1 << self._random.randrange(8)
        return bytes(flipped)

    def _cut(self, data: bytes, _other: bytes) -> bytes:
        first, last = sorted((self._place(data), self._place(data)))
        return self._random.choice((data[:first], data[last:], data[:first] + data[last:]))

    def _spliced(self, data: bytes, other: bytes) -> bytes:
        return data[: self._place(data)] + other[self._place(other) :]

    def _filled(self, data: bytes, _other: bytes) -> bytes:
        place = self._place(data)
        more = self._random.choice((self._random.randbytes(5), *LIES))
        return data[:place] + more + data[place:]

    def _again(self, data: bytes, _other: bytes) -> bytes:
        return data * self._random.choice((2, 3))
