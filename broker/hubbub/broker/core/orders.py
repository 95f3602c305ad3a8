"""Orders that only the operator gives. They are not in the public protocol: no client can send them, and `rules` carries them out for nobody else."""

from hubbub.common.commands import Order


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
