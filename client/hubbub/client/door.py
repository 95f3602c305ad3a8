"""The door of a broker: who are you? Answered without encryption, to anybody, so a new client can learn (and a person compare) the key.

Also here: what to tell of an address where no broker answers.
"""

from time import monotonic
from typing import Final

from hubbub.client.errors import ConnectError, NobodyListens, other_version
from hubbub.client.reach import DOOR, GLANCE_SECONDS, Echo, knock
from hubbub.client.visit import at_door
from hubbub.common.addresses import Address
from hubbub.common.codec import QUESTION, VERSIONS, DoorAnswer, decode_door
from hubbub.common.errors import WireError

DOOR_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 0.5
"""For each look at what is there instead of a broker."""


def ask(address: Address, timeout: float = DOOR_SECONDS) -> DoorAnswer:
    """Ask the door; wait at most `timeout` seconds, and no longer than until the connection is refused.

    Raises NobodyListens when no answer comes or none of a hubbub broker, and VersionUnsupported when it speaks none of our versions. Finding out
    what is there instead may take a second more.
    """
    deadline = monotonic() + timeout
    echo = knock(address, DOOR, deadline)
    answer = None if echo is Echo.REFUSED else _question(address, DOOR, deadline)
    if answer is None:
        raise nobody_listens(address, is_door_open=echo is Echo.OPEN)
    if not set(answer.versions) & set(VERSIONS):
        raise other_version(str(address), answer.versions, VERSIONS)
    return answer


def check_presence(address: Address) -> None:
    """Raise NobodyListens if the network says at once that there is no broker; otherwise there may be one.

    For whoever knows the broker's key and does not need the door, which may be closed: then the port of commands decides.
    """
    deadline = monotonic() + GLANCE_SECONDS
    if all(knock(address, offset, deadline) is Echo.REFUSED for offset in (DOOR, 0)):
        raise nobody_listens(address)


def nobody_listens(address: Address, *, is_door_open: bool = False) -> ConnectError:
    """What to tell of an address where no broker answers. Asks the resolver and the machine, which may take a while."""
    try:
        echo = Echo.OPEN if is_door_open else knock(address, 0, monotonic() + _LOOK_SECONDS)
    except NobodyListens as error:
        return error
    if echo is Echo.SILENT:
        return NobodyListens(
            f"nothing answers at {address}: is the address right, the machine on, and no firewall in between?"
        )
    if echo is Echo.REFUSED:
        return NobodyListens(f"nobody listens at {address}; is the broker started?")
    door = address.port + DOOR
    return _misdirected(address) or NobodyListens(
        f"something listens at {address}, but it is no hubbub broker: its port {door} does not tell who it is"
    )


def _misdirected(address: Address) -> NobodyListens | None:
    """What to tell if the port is the broker's for events, or its door."""
    for offset in (1, 2):
        if address.port > offset and _is_door(address, DOOR - offset):
            broker = Address(address.host, address.port - offset)
            return NobodyListens(
                f"port {address.port} is one of the two others of a broker; the broker's address is {broker}"
            )
    return None


def _is_door(address: Address, offset: int) -> bool:
    deadline = monotonic() + _LOOK_SECONDS
    try:
        if knock(address, offset, deadline) is not Echo.OPEN:
            return False
    except NobodyListens:
        return False
    return _question(address, offset, deadline) is not None


def _question(address: Address, offset: int, deadline: float) -> DoorAnswer | None:
    """Put the one question; None if there is no answer, or none that a broker gives."""
    with at_door(address, deadline, offset) as visit:
        frames = visit.answer(QUESTION)
    try:
        return decode_door(frames[0]) if frames is not None and len(frames) == 1 else None
    except WireError:
        return None
