"""Join links: a broker's address and its public key in one word, `hubbub://HOST:PORT/KEY`, safe in shells, mails and QR codes. One that also lets its
reader in has a code behind the key, `hubbub://HOST:PORT/KEY/CODE`, and is a secret for as long as that is good.

KEY is the raw key in base32, lower case and without padding: 52 characters. Who connects by a link needs neither ask the door nor
compare fingerprints: with another key than the broker's no connection comes about. So a link has no checksum. CODE is as in `codes`, without its dashes.
What takes an address takes a link as well: read both by `parse_place`.
"""

import re
from base64 import b32decode, b32encode
from binascii import Error as NotBase32
from dataclasses import dataclass, field
from typing import Final

from hubbub.common.addresses import MAX_HOST, Address, parse, shown
from hubbub.common.codes import CODE_LETTERS, normalise
from hubbub.common.errors import InvalidAddress, InvalidCode
from hubbub.common.limits import KEY_BYTES

SCHEME: Final = "hubbub://"
KEY_CHARACTERS: Final = 52
_PADDING: Final = "===="
MAX_LINK: Final = (
    len(SCHEME) + MAX_HOST + len("[]:65533/") + KEY_CHARACTERS + 1 + CODE_LETTERS + len("---/")
)
_NO_BASE32: Final = re.compile(r"[^a-z2-7]")


@dataclass(frozen=True, slots=True)
class JoinLink:
    """Where a broker is, its public key, raw, and the code by which one comes in: the letters alone, empty if there is none."""

    address: Address
    key: bytes
    code: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if len(self.key) != KEY_BYTES:
            raise InvalidAddress(f"a broker's key has {KEY_BYTES} bytes, not {len(self.key)}")
        if self.code:
            object.__setattr__(self, "code", _letters(self.code))

    def __str__(self) -> str:
        link = f"{SCHEME}{self.address}/{_encode(self.key)}"
        return f"{link}/{self.code}" if self.code else link


Place = Address | JoinLink
"""Where a broker is, as somebody typed it: with its key or without."""


def is_link(text: str) -> bool:
    """Whether what was typed is meant as a join link, be it a good one or not."""
    return text.strip()[: len(SCHEME)].lower() == SCHEME


def parse_place(text: str) -> Place:
    """Read an address or a join link, whichever it is. Raises InvalidAddress."""
    return parse_link(text) if is_link(text) else parse(text)


def address_of(place: Place) -> Address:
    """Return the address of a place."""
    return place.address if isinstance(place, JoinLink) else place


def parse_link(text: str) -> JoinLink:
    """Read a join link, in any case, with spaces around it and a slash behind it. Raises InvalidAddress that says what is wrong."""
    if not is_link(text):
        raise InvalidAddress(f"{shown(text.strip())} is no join link: those begin with {SCHEME}")
    typed = text.strip()
    if len(typed) > MAX_LINK:
        raise InvalidAddress(
            f"this join link is too long: {len(typed)} characters, and none has over {MAX_LINK}"
        )
    address, _, rest = typed[len(SCHEME) :].partition("/")
    key, _, rest = rest.removesuffix("/").partition("/")
    code, _, further = rest.partition("/")
    if further:
        raise InvalidAddress(
            f"this join link goes on behind the code, by {shown(further)}, and this hubbub does not know what that means: update it"
        )
    return JoinLink(parse(address), _decode(key.lower()), code)


def _letters(code: str) -> str:
    try:
        return normalise(code)
    except InvalidCode:
        raise InvalidAddress(
            "the code in this join link is damaged: copy the link whole, without what stands behind it"
        ) from None


def _encode(key: bytes) -> str:
    return b32encode(key).decode().lower().removesuffix(_PADDING)


def _decode(text: str) -> bytes:
    wrong = _NO_BASE32.search(text)
    if not text:
        raise InvalidAddress("this join link has no key: copy it whole, up to its end")
    if wrong:
        raise InvalidAddress(
            f"the key in this join link is damaged: {shown(wrong[0])} occurs in none (they have a-z and 2-7)"
        )
    if len(text) < KEY_CHARACTERS:
        raise InvalidAddress(
            f"this join link is cut off: {len(text)} of the {KEY_CHARACTERS} characters of its key are there; copy it whole"
        )
    if len(text) > KEY_CHARACTERS:
        raise InvalidAddress(
            f"the key in this join link has {len(text)} characters, not {KEY_CHARACTERS}: copy the link alone, without what stands behind it"
        )
    try:
        key = b32decode(text.upper() + _PADDING)
    except NotBase32:
        key = b""
    if _encode(key) != text:  # the last character has four bits too many, all zero
        raise InvalidAddress("the key in this join link is damaged at its end: copy the link again")
    return key
