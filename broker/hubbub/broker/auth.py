"""Who may connect: libzmq's questions (ZAP) and the broker's answers.

On commands every key is let in that is not banned (a name is claimed later, by `login`); on events only a key that a live session announced.
Neither from a banned address, nor from one that has made too many handshakes or has no strikes left. libzmq then hands the key and the handshake's number on with every frame, as its User-Id.
"""

from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from hubbub.broker.core.buckets import Buckets
from hubbub.broker.core.clock import Now
from hubbub.broker.core.limits import Limits
from hubbub.broker.networks import network_of, plain
from hubbub.broker.sockets import COMMANDS_DOMAIN, EVENTS_DOMAIN, UserId
from hubbub.broker.strikes import Strikes
from hubbub.common.limits import KEY_BYTES

_ADMIT: Final = b"200"
_WAIT: Final = b"300"
"""Not yet: libzmq holds the peer until its handshake times out, then it tries again by itself."""
_REFUSE: Final = b"400"
"""The peer's libzmq does not try again by itself; its program may, after a while."""
BANNED_KEYS: Final = 4096
"""Keys of misbehaving SUBs that are remembered, newest; each was good for one session only."""


class Auth:
    """Answers ZAP requests."""

    def __init__(
        self,
        admits: Callable[[str], bool],
        bars: Callable[[str, str, Now], bool],
        limits: Limits,
    ) -> None:
        """`admits` tells whether an events key was announced by a live session; `bars` whether a key, or an address, is banned."""
        self._admits = admits
        self._bars = bars
        self._banned: OrderedDict[str, None] = OrderedDict()
        self.refused = 0
        """Handshakes that failed, since the start: of banned keys and addresses, without a key, or too many."""
        self._handshakes: Buckets[str] = Buckets(
            limits.handshakes_burst, limits.handshakes_a_second
        )
        self.strikes = Strikes(limits)

    def configure(self, limits: Limits) -> None:
        """Let other bounds hold from now on."""
        self._handshakes.configure(limits.handshakes_burst, limits.handshakes_a_second)
        self.strikes.configure(limits)

    def ban(self, key: str) -> bool:
        """Refuse a key from now on; return whether that is news. Live connections are not touched."""
        if key in self._banned:
            return False
        self._banned[key] = None
        while len(self._banned) > BANNED_KEYS:
            self._banned.popitem(last=False)
        return True

    def answer(self, request: list[bytes], handshake: int, now: Now) -> list[bytes] | None:
        """Turn a ZAP request into its reply; None: it is none. `handshake` is what the watch gives it.

        [routing id, empty, version, request id, domain, address, routing id of the peer, mechanism, credential …]
        → [routing id, empty, version, request id, status, text, user id, metadata]
        """
        if len(request) < 9 or request[2] != b"1.0":
            return None
        key = _key(request[7], request[8])
        domain, address = (part.decode("ascii", "replace") for part in request[4:6])
        status = self._decide(domain, plain(address), key, now)
        self.refused += status == _REFUSE
        user = UserId(key, handshake).encode() if status == _ADMIT else b""
        return [request[0], b"", b"1.0", request[3], status, b"", user, b""]

    def _decide(self, domain: str, address: str, key: str, now: Now) -> bytes:
        network = network_of(address)
        # First, since every answer has cost a handshake.
        if not self._handshakes.take(network, 1, now.monotonic):
            return _REFUSE
        if self.strikes.are_used_up(network, now.monotonic):
            return _REFUSE
        if not key or key in self._banned or self._bars(key, address, now):
            return _REFUSE
        if domain == COMMANDS_DOMAIN:
            return _ADMIT
        if domain == EVENTS_DOMAIN:
            return _ADMIT if self._admits(key) else _WAIT
        return _REFUSE


def _key(mechanism: bytes, credential: bytes) -> str:
    """Return the hex of the peer's public key; empty if it shows none."""
    if mechanism == b"CURVE" and len(credential) == KEY_BYTES:
        return credential.hex()
    if mechanism == b"PLAIN" and len(credential) == 2 * KEY_BYTES:
        text = credential.decode("ascii", "replace")
        return text if all(character in "0123456789abcdef" for character in text) else ""
    return ""
