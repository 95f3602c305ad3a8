"""What clients of a server say, in bytes: as much of its protocol as posting and listening need."""

from typing import Protocol

from bench.dials import Step

PRODUCER = 1_000_000
"""The number of a producer that is the only one: no subscriber's."""


class Dialect(Protocol):
    """How one server's clients talk. Rooms are named by plain words; a client's number is its name."""

    @property
    def tls(self) -> bool:
        """Whether they talk over TLS."""

    @property
    def ack(self) -> bytes:
        """What stands once in the answer to each post; empty: posts are not answered."""

    @property
    def echoes(self) -> bool:
        """Whether whoever listens to a room gets their own posts too."""

    @property
    def posts_apart(self) -> bool:
        """Whether a connection that listens may not post, so that a client needs a second one."""

    def enter(self, number: int, room: str) -> Step:
        """Return what a client says first, and how the answer to it ends (empty: there is none); it listens to the room if there is one."""

    def own(self, number: int) -> str:
        """Return the room that is one client's own: what is posted there it alone gets."""

    def post(self, room: str, number: int = PRODUCER) -> bytes:
        """Return a client's post of TEXT to a room."""
