"""Orders that no client can send, since they are not in the public protocol: those that only the operator gives, and what the broker itself makes of a
client's command.
"""

from hubbub.common.commands import Order
from hubbub.common.fields import conceal


class SetPasswordHash(Order, frozen=True):
    """Let the actor's account have this password: made of `set_password` once it is hashed."""

    phc: str

    def __repr__(self) -> str:
        return conceal(self, "phc")


class LinkFor(Order, frozen=True):
    """Make a one-time code by which another device may use a name, as for somebody who lost theirs. Answered by `link_made`."""

    name: str


class Release(Order, frozen=True):
    """Give a name free: whoever had it is out, and somebody else may take it."""

    name: str


class SetBot(Order, frozen=True):
    """Say whether an account is a program's, which may send more than a person."""

    name: str
    is_bot: bool
