"""An operator backs up and restores a broker under its clients: real programs, real clients."""

import json
import signal
from pathlib import Path

import pytest
from tests.processes import BROKER, ThroughPipes, Town
from tests.test_outbox_kept import bot, enters, said

from hubbub.client import Client
from hubbub.client.updates import LogReplaced, Message


def operates(town: Town, *arguments: str) -> ThroughPipes:
    """Run one of the operator's commands to its end."""
    program = town.start(ThroughPipes, *BROKER, *arguments, "--data", str(town.data))
    assert program.ends() == 0, program.transcript()
    return program


def heard_after_replacement(client: Client, count: int) -> list[str]:
    """Return what a client is shown of rooms once it was told that the log is another."""
    while not isinstance(update := client.next_event(20), LogReplaced):
        assert update is not None
    heard: list[str] = []
    while len(heard) < count:
        update = client.next_event(20)
        assert update is not None, heard
        assert not isinstance(update, LogReplaced)
        if isinstance(update, Message):
            heard.append(update.text)
    return heard


def texts(client: Client, room: str) -> list[str]:
    return [message.text for message in client.history(room, limit=100)]


def test_clients_go_on_with_a_restored_log(town: Town, tmp_path: Path) -> None:
    broker = town.broker()
    file = str(tmp_path / "backup")
    with (
        Client(town.address, name="Alice", home=town.home("Alice"), timeout=20) as alice,
        Client(town.address, name="Bob", home=town.home("Bob"), timeout=20) as bob,
    ):
        alice.create("den")
        bob.join("den")
        for client in (alice, bob):
            client.post("lobby", f"{client.name} before")
            client.post("den", f"{client.name} before")
        alice.tell("Bob", "before")
        backup = operates(town, "backup", file)
        backup.sees("Backup written and checked: ", "5 messages, 2 rooms, 2 names, ", "a secret")
        bob.post("lobby", "after the backup")
        alice.create("attic")

        broker.kill()
        posts = [alice.post_nowait("den", f"waits {n}") for n in range(20)]
        told = bob.tell_nowait("Alice", "waits")
        epochs = operates(town, "restore", file).sees_match(
            r"epoch was (\w{32}) and is now (\w{32})"
        )
        town.broker(bind=town.address)
        for future in (*posts, told):
            future.result(20)
        bob.post("lobby", "last")  # Alice is back as well: her posts were acknowledged

        new = ["last", *(f"waits {n}" for n in range(20))]
        assert sorted(heard_after_replacement(alice, len(new))) == sorted(new)
        for client in (alice, bob):
            assert {room.name for room in client.rooms()} == {"lobby", "den"}
            assert texts(client, "lobby") == ["Alice before", "Bob before", "last"]
            assert texts(client, "den") == [
                "Alice before",
                "Bob before",
                *(f"waits {n}" for n in range(20)),
            ]
            private = client.history(with_="Bob" if client is alice else "Alice")
            assert [message.text for message in private] == ["before", "waits"]
            assert client.position("den").epoch.hex() == epochs[2] != epochs[1]
            for room in ("lobby", "den", None):
                assert client.verify(room).agrees
    operates(town, "verify")


@pytest.mark.parametrize("count", [1, 100, 300])
def test_what_a_killed_program_wrote_is_there_once_after_a_restore(
    town: Town, tmp_path: Path, count: int
) -> None:
    """It is stopped before it hears all acks. So the backup has writes that are still in its outbox, and it has none that are not in the backup."""
    broker = town.broker()
    program = bot(town, tmp_path / "outbox")
    program.types(*(f"message {number}" for number in range(400)))
    program.sees(f"kept message {count}\n")
    program.signal(signal.SIGSTOP)
    operates(town, "backup", str(tmp_path / "backup"))
    program.kill()
    broker.kill()
    operates(town, "restore", str(tmp_path / "backup"))
    town.broker(bind=town.address)
    kept = [line for line in program.lines if line.startswith("kept ")]
    with enters(town, tmp_path / "outbox") as again:
        again.flush()
        there = said(again)
    assert there == [f"message {number}" for number in range(len(there))]
    assert len(there) >= len(kept)


def test_a_broker_says_what_is_damaged_and_the_way_back(town: Town, tmp_path: Path) -> None:
    broker = town.broker()
    with Client(town.address, name="Alice", home=town.home("Alice"), timeout=20) as alice:
        alice.post("lobby", "hi")
    operates(town, "backup", str(tmp_path / "backup"))
    broker.kill()
    (town.data / "hubbub.db").write_bytes(b"\xa5" * 8192)
    refused = town.start(ThroughPipes, *BROKER, "--bind", "127.0.0.1:0", "--data", str(town.data))
    assert refused.ends() == 1
    [line] = refused.lines
    assert line.startswith(f"hubbub-broker: {town.data / 'hubbub.db'}: this is not a database")
    assert f"hubbub-broker restore FILE --data {town.data}" in line
    operates(town, "restore", str(tmp_path / "backup"))
    verified = operates(town, "verify", "--json")
    assert json.loads(verified.transcript())["messages"] == 1
    town.broker()
