"""What the core asks of the hasher, and what it hears back. Passwords are in the questions alone, for as long as they wait: no answer, no record and no
`repr` holds one.
"""

from dataclasses import dataclass, field

from hubbub.broker.core.limits import Passwords


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare a password with a hash, then call `Core.hashed` by the same ticket. Without a hash (empty) it takes as long, and does not match."""

    ticket: int
    phc: str = field(repr=False)
    password: str = field(repr=False)
    parameters: Passwords


@dataclass(frozen=True, slots=True)
class Hash:
    """Hash a new password if it is hard enough to guess, also for who knows the words in `guessable`; then call `Core.hashed` by the same ticket."""

    ticket: int
    password: str = field(repr=False)
    guessable: tuple[str, ...]
    parameters: Passwords


@dataclass(frozen=True, slots=True)
class Verified:
    """Whether the password matched; `renewed` is its hash by today's parameters if it did and the old one was made by others."""

    ticket: int
    matches: bool
    renewed: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Hashed:
    """The hash of a new password, in PHC form."""

    ticket: int
    phc: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class TooWeak:
    """A new password is too easily guessed; `advice` is for people."""

    ticket: int
    advice: str


@dataclass(frozen=True, slots=True)
class NotHashed:
    """The hasher failed, or is ending."""

    ticket: int


HashResult = Verified | Hashed | TooWeak | NotHashed
