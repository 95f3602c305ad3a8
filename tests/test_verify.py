"""`hubbub verify` and `/verify` against real brokers, honest and tampered with."""

import json
import sqlite3

from tests.processes import OnTerminal, Town

from hubbub.client import Client


def somebody(town: Town, name: str) -> Client:
    return Client(town.address, name=name, home=town.home(name))


def talks(town: Town) -> None:
    with somebody(town, "Alice") as alice:
        alice.create("dev")
        for number in range(5):
            alice.post("lobby", f"message {number}")
            alice.post("dev", f"work {number}")
        alice.tell("Alice", "a note")


def test_two_people_can_compare_what_they_hold(town: Town) -> None:
    town.broker()
    talks(town)
    with somebody(town, "Alice") as alice, somebody(town, "Bob") as bob:
        assert alice.verify("lobby") == bob.verify("lobby")
        assert bob.verify("LOBBY").digest == alice.verify("lobby").digest
        assert alice.verify().count == 1
        assert alice.verify("dev").agrees


def test_the_command_shows_all_rooms_or_those_named(town: Town) -> None:
    town.broker()
    talks(town)
    options = ("--broker", town.address, "--name", "Alice")
    everything = town.through_pipes("Alice", "verify", *options)
    assert everything.ends() == 0
    lines = everything.lines
    assert lines[0].startswith("epoch ")
    assert lines[1::2] == [
        "lobby: entries 1 to 5 (5)",
        "dev: entries 1 to 6 (6)",
        "private messages: entries 1 to 1 (1)",
    ]
    assert all(line.endswith(", the broker agrees") for line in lines[2::2])
    one = town.through_pipes("Alice", "verify", "lobby", "--json", *options)
    assert one.ends() == 0
    [facts] = json.loads(one.transcript())
    assert (facts["room"], facts["last"], facts["agrees"]) == ("lobby", 5, True)


def test_who_has_nothing_agrees_about_it(town: Town) -> None:
    town.broker()
    found = town.through_pipes("A", "verify", "--broker", town.address, "--name", "A")
    assert found.ends() == 0
    assert found.lines[1::2] == ["lobby: no entry", "private messages: no entry"]
    assert all(line.endswith(", the broker agrees") for line in found.lines[2::2])


def test_a_room_that_one_is_not_in_is_refused(town: Town) -> None:
    town.broker()
    found = town.through_pipes("A", "verify", "dev", "--broker", town.address, "--name", "A")
    assert found.ends() == 1
    found.sees("you are not in a room called 'dev'")


def test_nobody_is_guessed(town: Town) -> None:
    town.broker()
    found = town.through_pipes("A", "verify", "--broker", town.address)
    assert found.ends() == 1
    found.sees("say as whom, --name NAME")


def test_a_person_types_it(town: Town) -> None:
    town.broker()
    talks(town)
    alice = town.on_terminal("Alice", "chat", town.address, "--name", "Alice")
    alice.sees("Welcome to the chat, Alice!")
    alice.types("/verify")
    alice.sees_match(r"lobby: entries 1 to 5, digest [0-9a-f]{32}; the broker agrees\.")
    assert isinstance(alice, OnTerminal)


def test_an_entry_that_was_changed_under_a_running_broker_is_named(town: Town) -> None:
    town.broker()
    talks(town)
    with somebody(town, "Bob") as bob, sqlite3.connect(town.data / "hubbub.db") as database:
        assert bob.verify("lobby").agrees
        changed = database.execute(
            "UPDATE events SET events = CAST(replace(CAST(events AS TEXT), 'message 2', 'message X') AS BLOB)"
            " WHERE instr(events, CAST('message 2' AS BLOB))"
        ).rowcount
        database.commit()
        assert changed == 1
        assert bob.verify("lobby").differs_at == 3
    database.close()
    options = ("--broker", town.address, "--name", "Bob")
    found = town.through_pipes("Bob", "verify", "lobby", *options)
    assert found.ends() == 1
    found.sees("DIFFERS from entry 3 on: something was lost or changed")
