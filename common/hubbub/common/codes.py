"""Codes that people pass on: an invite for newcomers, a one-time link for another device. 80 bits of chance as `abcd-efgh-ijkl-mnop`.

They are base32 (RFC 4648), so none holds 0, 1, 8 or 9. Read in any case, with or without dashes and spaces. A code is a secret for as long as it is good:
whoever keeps one keeps its hash. Nothing here knows what a code is good for.
"""

from base64 import b32encode
from hashlib import blake2b
from typing import Final

from hubbub.common.errors import InvalidCode
from hubbub.common.limits import CODE_BYTES

CODE_LETTERS: Final = CODE_BYTES * 8 // 5
"""Without dashes."""
HASH_BYTES: Final = 16
_GROUP: Final = 4
_ALPHABET: Final = frozenset("abcdefghijklmnopqrstuvwxyz234567")
_IGNORED: Final = str.maketrans("", "", "- \t")


def make(chance: bytes) -> str:
    """Return the code made of CODE_BYTES random bytes, as people read it. Raises ValueError if there are fewer or more."""
    if len(chance) != CODE_BYTES:
        raise ValueError(f"a code is made of {CODE_BYTES} bytes, not {len(chance)}")
    return grouped(b32encode(chance).decode().lower())


def grouped(letters: str) -> str:
    """Return the letters of a code as people read it: in groups of four."""
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def normalise(typed: str) -> str:
    """Return the letters of a code as it was typed. Raises InvalidCode if it cannot be one; the text does not quote it."""
    letters = typed.strip().lower().translate(_IGNORED)
    if len(letters) != CODE_LETTERS or not _ALPHABET.issuperset(letters):
        raise InvalidCode(
            f"a code has {CODE_LETTERS} letters a-z and digits 2-7, in groups of {_GROUP}: copy it whole"
        )
    return letters


def hash_of(typed: str) -> bytes:
    """Return the hash by which a code is kept and found: BLAKE2b of its letters, which nobody turns back, as they are random. Raises InvalidCode."""
    return blake2b(normalise(typed).encode(), digest_size=HASH_BYTES).digest()
