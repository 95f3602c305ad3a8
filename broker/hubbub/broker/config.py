"""The broker's configuration: a struct for each table of `hubbub.toml`, with every key's type, bounds, default and reason.

`config_keys` makes of them what is allowed, the names of variables and flags, and the document; `config_sources` reads file, environment and flags.
To add a key: a field with a description here, or in `core.limits`. If it cannot change while the broker runs, it stands in `FIXED` too.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from hubbub.broker.core.context import Registration
from hubbub.broker.core.limits import LIMITS, PASSWORDS, Limits, Passwords
from hubbub.broker.store.connections import Durability
from hubbub.common.addresses import DEFAULT_HOST, DEFAULT_PORT, Address

NAME_CHARACTERS: Final = 64

LogLevel = Literal["debug", "info", "warning", "error"]


class BrokerTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the broker is, what it is called, whom it lets in."""

    bind: Annotated[
        Address,
        Meta(
            description="Where to listen. 127.0.0.1 is this machine only, 0.0.0.0 all its IPv4 addresses, [::] IPv6 as well; the name of an interface does too. Without a port: 5000; port 0 looks for free ones. The broker uses the two ports above it as well."
        ),
    ] = Address(DEFAULT_HOST, DEFAULT_PORT)
    name: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=NAME_CHARACTERS,
            description="What the broker calls itself to its clients, and on the local network.",
        ),
    ] = "hubbub"
    advertise: Annotated[
        Address | None,
        Meta(
            description="The address that clients must use, if not the one that is listened on (behind NAT, in a container). Without a port: the same port."
        ),
    ] = None
    announce: Annotated[
        bool,
        Meta(
            description="Whether to tell the local network, by mDNS, that there is this broker. One that listens on this machine only never does."
        ),
    ] = True
    durability: Annotated[
        Durability,
        Meta(
            description="What an acknowledged message survives: a power cut, or a crash or kill of the broker only, which is faster."
        ),
    ] = "disk"
    insecure: Annotated[
        bool, Meta(description="No encryption: for measurements, on this machine only.")
    ] = False
    registration: Annotated[
        Registration | None,
        Meta(
            description="Who may take a new name: anybody, who has an invite code, or nobody. Names that are taken stay with their owners."
        ),
    ] = None


class LogTable(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the broker tells on stdout."""

    level: Annotated[
        LogLevel, Meta(description="What is worth a line; info: who comes and goes.")
    ] = "info"
    format: Annotated[
        Literal["text", "json"],
        Meta(
            description="Lines for people, or one object a line, with a stable event. Neither holds messages or secrets."
        ),
    ] = "text"
    times: Annotated[
        bool,
        Meta(description="Whether an entry in text begins with the time, in UTC; json has it."),
    ] = False


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it: a field is a table of the file."""

    broker: BrokerTable = BrokerTable()
    limits: Limits = LIMITS
    passwords: Passwords = PASSWORDS
    log: LogTable = LogTable()


FIXED: Final = frozenset(
    {
        "broker.bind",
        "broker.name",
        "broker.advertise",
        "broker.announce",
        "broker.durability",
        "broker.insecure",
        "passwords.workers",
        "log.format",
        "log.times",
    }
)
"""Keys that are heeded at the start only: sockets, threads and the store are made by them, and clients were told them."""


def registration_at(address: Address) -> Registration:
    """Return who may take a new name at a broker that listens there, where the operator does not say: on this machine alone everybody."""
    return "open" if address.is_loopback else "invite"
