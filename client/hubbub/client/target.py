"""Whom a client talks to, and as whom. Values only."""

from dataclasses import dataclass

from hubbub.client.link import Credentials
from hubbub.client.sockets import KeyPair
from hubbub.common.addresses import Address


@dataclass(frozen=True, slots=True)
class Target:
    """A broker, by its address and its public key (None: without encryption), and who logs in there: by which keys, by what name, and what proves it."""

    address: Address
    keys: KeyPair
    server_key: bytes | None
    name: str
    client: str
    by_ipv6: bool
    credentials: Credentials
