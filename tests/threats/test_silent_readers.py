"""Members who ask for much or listen, and read nothing of it: what the broker keeps for them is bounded, they are cut, and the others are served."""

import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Final

import msgpack
import pytest
from tests.broker.operators import Operator
from tests.processes import Town
from tests.stranger import Stranger
from tests.threats.scene import MIB, RawMember, linux_only, memory, post_works
from tests.zmtp import Closed

from hubbub.common.addresses import parse
from hubbub.common.limits import SILENT_SECONDS

SILENT: Final = 20
ASKED: Final = 2_000
"""Pages of 310 KB that each asks for: 600 MB."""
BORNE: Final = SILENT * 16 * MIB
"""The 64 frames of 256 KiB that ZeroMQ keeps for each who does not read."""
UNREAD: Final = 100
"""Posts of 8,000 bytes: more than fits into a receiver's buffer that is never read."""


@pytest.mark.slow
def test_member_who_reads_nothing_is_cut_and_newcomers_and_others_are_served(town: Town) -> None:
    """Each leaves frames behind that are read when it is gone, and its descriptor somebody else's: the next one comes in all the same."""
    process = town.broker()
    address = parse(town.address)
    with Stranger(address.host, address.port, "Alice") as alice, ExitStack() as stack:
        lobby, key = alice.rooms["lobby"].id, bytes(alice.door["key"])
        for _ in range(40):
            assert alice.write("post", room=lobby, text="x" * 8000)["type"] == "acked"
        before = memory(process.process_id)
        history = msgpack.packb([{"type": "history", "id": 1, "room": lobby, "limit": 1000}])
        for number in range(SILENT):
            mallory = RawMember.enter(address.port, key, f"Mallory-{number}")
            stack.enter_context(mallory)
            mallory.dealer.socket.settimeout(0.2)
            with suppress(Closed, TimeoutError):
                for _ in range(ASKED):
                    mallory.dealer.send(history)
            assert post_works(alice)
        process.sees("Mallory-0 is disconnected.")
        assert memory(process.process_id, "VmHWM") - before < BORNE


@linux_only
@pytest.mark.slow
def test_listener_who_reads_nothing_is_cut_though_its_session_goes_on(tmp_path: Path) -> None:
    with ExitStack() as stack:
        operator = Operator(tmp_path / "data", stack)
        address, key = operator.broker.address, operator.broker.public_key
        alice = stack.enter_context(Stranger(address.host, address.port, "Alice"))
        mallory = stack.enter_context(RawMember.enter(address.port, key, "Mallory"))
        stack.enter_context(mallory.listen(key)).send(b"\x01" + mallory.lobby)
        assert "subscribed" in str(mallory.dealer.receive())
        connections, sessions = (operator.tells("stats")[of] for of in ("connections", "sessions"))
        for _ in range(UNREAD):
            alice.write("post", room=mallory.lobby, text="x" * 8000)
        mallory.dealer.socket.settimeout(1.0)
        end = time.monotonic() + 3 * SILENT_SECONDS
        while (told := operator.tells("stats"))["connections"] == connections:
            assert time.monotonic() < end, "it is never cut"
            alice.ask("ping")
            mallory.dealer.send(msgpack.packb([{"type": "ping", "id": 1}]))
            with suppress(TimeoutError):
                while True:
                    mallory.dealer.receive()
        assert (told["connections"], told["sessions"]) == (connections - 1, sessions)
