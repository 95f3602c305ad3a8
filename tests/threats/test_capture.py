"""The network reads along: whoever records every byte between clients and broker finds nothing in it that a person wrote, and nobody's name."""

import asyncio
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
SECRETS = (ALICE, BOB, *SAID.values())


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


def converse(address: str, home: Path, *, insecure: bool) -> None:
    """Let two people use all that carries texts, until both have read all of it."""
    with (
        Client(address, name=ALICE, home=home / "alice", insecure=insecure) as alice,
        Client(address, name=BOB, home=home / "bob", insecure=insecure) as bob,
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


def recorded(town: Town, *, insecure: bool) -> bytes:
    """Return every byte of a conversation."""
    with Recorder() as network:
        options = ("--insecure",) if insecure else ()
        town.broker("--advertise", network.address, *options)
        network.opens(int(town.address.rpartition(":")[2]))
        converse(network.address, town.home("people"), insecure=insecure)
        return network.recording()


def test_network_reads_nothing_when_it_records_every_byte(town: Town) -> None:
    recording = recorded(town, insecure=False)
    assert b"CURVE" in recording, "it was recorded"
    assert [secret for secret in SECRETS if secret.encode() in recording] == []


def test_network_reads_everything_when_nothing_is_encrypted(town: Town) -> None:
    """So the test above can fail."""
    recording = recorded(town, insecure=True)
    assert [secret for secret in SECRETS if secret.encode() not in recording] == []
