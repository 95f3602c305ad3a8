"""The server's key pair, in the forms that ZeroMQ, files and people use."""

from dataclasses import dataclass, field

import zmq
from zmq.utils import z85

from hubbub.common.fingerprint import fingerprint


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair, raw: 32 bytes each."""

    public: bytes
    secret: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: bytes) -> "KeyPair":
        """Derive the public half of a raw secret key."""
        return cls(z85.decode(zmq.curve_public(z85.encode(secret))), secret)

    @property
    def fingerprint(self) -> str:
        """The public key as people compare it."""
        return fingerprint(self.public)


def make_secret() -> bytes:
    """Make a raw secret key."""
    return bytes(z85.decode(zmq.curve_keypair()[1]))
