"""Public keys as people read and compare them: `qb3v-7kxa-...`, 24 characters in six groups."""

from base64 import b32encode
from hashlib import blake2b
from typing import Final

_BYTES: Final = 15
"""120 bits: nobody finds a second key with the same fingerprint; and 24 base32 characters without padding."""
_GROUP: Final = 4


def fingerprint(key: bytes) -> str:
    """Return the fingerprint of a raw 32-byte public key: blake2b-120 in lower-case base32."""
    text = b32encode(blake2b(key, digest_size=_BYTES).digest()).decode().lower()
    return "-".join(text[i : i + _GROUP] for i in range(0, len(text), _GROUP))


def matches(claim: str, key: bytes) -> bool:
    """Whether `claim` is the whole fingerprint of `key`, whatever its case, dashes and spaces."""
    return _letters(claim) == _letters(fingerprint(key))


def _letters(text: str) -> str:
    return "".join(c for c in text.casefold() if c not in "- \t")
