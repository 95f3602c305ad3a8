"""The network reads along: whoever records every byte between clients and broker finds nothing in it that a person wrote, and nobody's name."""

import asyncio
from functools import partial
from pathlib import Path

from tests.chaos.proxy import CHUNK, Proxy
from tests.processes import Town

from hubbub.client import Client

ALICE, BOB = "Sandpiper", "Bluethroat"
SAID = {
    "text": "the kettle is on",
    "private": "bring no biscuits",
    "data": "two-cups",
    "room": "teahouse",
    "description": "green tea only",
    "away": "out for milk",
}
PASSWORD = "seven otters on a raft"
PHONE, REASON = "Pocket-telephone", "spilled it on the rug"


class Recorder(Proxy):
    """Leads on to the broker what comes, and keeps it."""

    def __init__(self) -> None:
        super().__init__()
        self._ways: list[bytearray] = []

    def recording(self) -> bytes:
        """Return all bytes so far: those of one way of one connection stand together."""
        return b"\n".join(self._ways)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        way = bytearray()
        self._ways.append(way)
        while data := await reader.read(CHUNK):
            way += data
            writer.write(data)
            await writer.drain()


def converse(address: str, home: Path, *, insecure: bool) -> list[str]:
    """Let two people use all that carries texts and secrets, until both have read all of it; return these."""
    enter = partial(Client, address, insecure=insecure)
    with (
        enter(name=ALICE, home=home / "alice") as alice,
        enter(name=BOB, home=home / "bob") as bob,
    ):
        alice.create(SAID["room"], SAID["description"])
        bob.join(SAID["room"])
        alice.post(SAID["room"], SAID["text"], {"note": SAID["data"]})
        alice.tell(BOB, SAID["private"])
        alice.away(SAID["away"])
        heard: set[str] = set()
        while not {SAID["text"], SAID["private"]} <= heard:
            update = bob.next_event(10)
            assert update is not None
            heard.add(getattr(update, "text", ""))
        alice.moderation.kick(BOB, room=SAID["room"], reason=REASON)
        alice.account.set_password(PASSWORD)
        code = alice.account.link().code
        enter(name=ALICE, home=home / "phone", password=PASSWORD, device=PHONE).close()
        enter(name=ALICE, home=home / "tablet", code=code).close()
    return [ALICE, BOB, *SAID.values(), REASON, PASSWORD, PHONE, code]


def recorded(town: Town, *, insecure: bool) -> tuple[bytes, list[str]]:
    """Return every byte of a conversation, and what it held."""
    with Recorder() as network:
        options = ("--insecure",) if insecure else ()
        town.broker("--advertise", network.address, *options)
        network.opens(int(town.address.rpartition(":")[2]))
        held = converse(network.address, town.home("people"), insecure=insecure)
        return network.recording(), held


def test_network_reads_nothing_when_it_records_every_byte(town: Town) -> None:
    recording, held = recorded(town, insecure=False)
    assert b"CURVE" in recording, "it was recorded"
    assert [text for text in held if text.encode() in recording] == []


def test_network_reads_everything_when_nothing_is_encrypted(town: Town) -> None:
    """So the test above can fail."""
    recording, held = recorded(town, insecure=True)
    assert [text for text in held if text.encode() not in recording] == []
