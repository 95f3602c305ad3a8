"""The door of a broker: who are you? Answered without encryption, to anybody, so a new client can learn (and a person compare) the key."""

import socket
from typing import Final

from hubbub.client import sockets
from hubbub.client.errors import NobodyListens, VersionUnsupported
from hubbub.common.addresses import Address
from hubbub.common.codec import QUESTION, VERSIONS, DoorAnswer, decode_door
from hubbub.common.errors import WireError

DOOR_SECONDS: Final = 3.0
_OFFSET: Final = 2


def nobody_listens(address: Address) -> NobodyListens:
    """What to tell of an address where nothing answers. Asks the resolver, which may take a while."""
    try:
        socket.getaddrinfo(address.host, None)
    except (OSError, UnicodeError):  # the latter for what can be no name at all
        return NobodyListens(f"cannot find a machine called {address.host}")
    return NobodyListens(f"nobody listens at {address}; is the broker started?")


def ask(address: Address, timeout: float = DOOR_SECONDS) -> DoorAnswer:
    """Ask the door; wait at most `timeout` seconds.

    Raises NobodyListens when no answer comes or none of a hubbub broker, and VersionUnsupported when it speaks none of our versions.
    """
    context = sockets.new_context()
    try:
        door = sockets.door_socket(context, address.endpoint(_OFFSET))
        door.send(QUESTION)
        if not door.poll(round(timeout * 1000)):
            raise nobody_listens(address)
        answer = _read(door, address)
    finally:
        context.destroy(linger=0)
    if not set(answer.versions) & set(VERSIONS):
        spoken = ", ".join(map(str, answer.versions))
        raise VersionUnsupported(
            f"the broker at {address} speaks version {spoken} of the protocol, this client {VERSIONS[-1]}: update the older one"
        )
    return answer


def _read(door: sockets.Socket, address: Address) -> DoorAnswer:
    try:
        frames = door.recv_multipart()
        if len(frames) == 1:
            return decode_door(frames[0])
    except WireError:
        pass
    raise NobodyListens(f"something listens at {address}, but it is no hubbub broker")
