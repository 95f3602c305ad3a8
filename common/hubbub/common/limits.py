"""Every bound of the protocol, with its unit. Broker and clients import them from here; PROTOCOL.md repeats them.

A bound that only one side needs to know (queue lengths, time-outs of a loop) lives with that side.
"""

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB

# Frames and what is in them.
FRAME_UP_BYTES: Final = 64 * KIB
"""Payload of one frame from a client. Larger: the connection is cut by ZeroMQ (`MAXMSGSIZE`)."""
COMMANDS_PER_FRAME: Final = 512
QUERIES_PER_FRAME: Final = 16
"""Of the commands of a frame; the answer to one may be a page."""
FRAME_DOWN_BYTES: Final = 256 * KIB
"""Payload of one frame to a client, on either socket. Batches and pages are split to fit."""
CLIENT_MAX_FRAME_BYTES: Final = 1 * MIB
"""What a client accepts; four times what a broker sends, so that a later broker may send more."""

ARRAY_ITEMS: Final = 512
MAP_KEYS: Final = 256
"""Of every array and map in a frame from a client, `data` included."""

# Names and texts.
NAME_CHARACTERS: Final = 32
"""Unicode code points, after NFKC."""
RAW_NAME_CHARACTERS: Final = 128
"""The same before NFKC, which makes at most four characters into one."""
DESCRIPTION_BYTES: Final = 512
AWAY_BYTES: Final = 256
"""What a person says of being away, in UTF-8."""
TEXT_BYTES: Final = 8 * KIB
DATA_BYTES: Final = 16 * KIB
DATA_DEPTH: Final = 32
"""Maps and arrays within each other, `data` itself the first: what every language can read without care."""
CLIENT_NAME_CHARACTERS: Final = 64
DEVICE_LABEL_CHARACTERS: Final = 64
PASSWORD_CHARACTERS: Final = 256
CODE_CHARACTERS: Final = 64
"""An invite code or a link code as typed, dashes and spaces included."""
CODE_BYTES: Final = 10
"""Of chance in a code: 80 bits, 16 characters in base32, in groups of four."""
REASON_CHARACTERS: Final = 200
"""Why somebody was kicked, muted or banned; one line."""
SUBJECT_CHARACTERS: Final = 128
"""Whom a ban names: a name, a key in hex, an address, a network."""

# Identifiers.
ROUTING_ID_BYTES: Final = 32
ROOM_ID_BYTES: Final = 16
PRODUCER_ID_BYTES: Final = 16
EPOCH_BYTES: Final = 16
DIGEST_BYTES: Final = 16
KEY_BYTES: Final = 32
MAX_NUMBER: Final = 2**63 - 1
"""Sequence numbers, ids and times fit SQLite's signed 64 bits."""

# Exactly once.
WINDOW_COMMANDS: Final = 512
"""Records that a client may have sent and not yet seen answered; the broker remembers as many outcomes."""
WINDOW_BYTES: Final = 512 * KIB
PRODUCER_LIFETIME_DAYS: Final = 90
PRODUCERS_PER_ACCOUNT: Final = 1_000
"""That are remembered, those used last. Each may take 30 KiB, and whoever logs in with a new one each time makes thousands an hour."""

# Pages.
PAGE_ITEMS: Final = 1000
ROSTER_NAMES: Final = 1000
"""Names in one `roster`; the count in it is of everybody."""

# Time, in seconds.
PING_SECONDS: Final = 5.0
SILENT_SECONDS: Final = 15.0
"""A session without a frame for this long is removed; a client that hears nothing as long reconnects."""
GRACE_SECONDS: Final = 5.0
"""Between the loss of a person's last connection and `left`, unless the person comes back."""
PRESENCE_SECONDS: Final = 0.25
"""At most one presence event in this time."""
LINK_SECONDS: Final = 600.0
"""How long a one-time code that links a device is good for."""
SLOW_SECONDS: Final = 21600
"""Between two posts of one member in a room in slow mode, at most: six hours."""
RESTRAINT_SECONDS: Final = 10 * 365 * 24 * 3600
"""The longest ban, mute and invite that has an end: ten years."""
QUIET_START_SECONDS: Final = 30.0
"""After the broker's start, logins that say `resuming` are listed as `returned`, not as `joined`."""
UNSUBSCRIBE_SECONDS: Final = 1.0
"""A subscriber that still listens to a room this long after leaving it is cut."""
