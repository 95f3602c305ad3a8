"""The operator's commands as processes: stopped by Ctrl-C, left alone by a broker that dies, beside clients that flood."""

import contextlib
import json
import signal
import threading

import pytest
from tests.processes import BROKER, PATIENCE, OnTerminal, ThroughPipes, Town

from hubbub.broker.operator import requests as r
from hubbub.broker.operator.asking import running
from hubbub.client import Client, HubbubError
from hubbub.common.commands import Kick, Lockdown
from hubbub.common.replies import Done

HOUR = 3600


def operator(town: Town, *arguments: str) -> ThroughPipes:
    return town.start(ThroughPipes, *BROKER, *arguments, "--data", str(town.data))


def test_the_operator_follows_the_audit_until_ctrl_c(town: Town) -> None:
    town.broker()
    followed = town.start(OnTerminal, *BROKER, "audit", "--follow", "--data", str(town.data))
    for level in ("no_new_accounts", "normal"):
        assert operator(town, "lockdown", level).ends() == 0
        followed.sees(f"the operator: lockdown {level}")
    followed.presses("c")
    assert followed.ends() == 130
    assert "Traceback" not in followed.transcript()


def test_a_program_that_follows_gets_each_entry_once_and_as_it_comes(town: Town) -> None:
    town.broker()
    assert operator(town, "lockdown", "no_new_accounts").ends() == 0
    followed = operator(town, "audit", "--follow", "--json")
    followed.sees("no_new_accounts")
    assert operator(town, "lockdown", "accounts_only").ends() == 0
    followed.sees("accounts_only")
    followed.signal(signal.SIGTERM)
    assert followed.ends() == 130
    entries = [json.loads(line) for line in followed.lines]
    assert [entry["subject"] for entry in entries] == ["no_new_accounts", "accounts_only"]


def test_a_command_ends_when_the_broker_does(town: Town) -> None:
    broker = town.broker()
    assert operator(town, "lockdown", "no_new_accounts").ends() == 0
    followed = operator(town, "audit", "--follow")
    followed.sees("no_new_accounts")
    broker.kill()
    followed.sees("hubbub-broker: the broker has ended")
    assert followed.ends() == 1
    again = operator(town, "stats")
    assert again.ends() == 1
    assert "no broker runs on" in again.transcript()


def test_the_start_says_how_one_becomes_the_owner_until_there_is_one(town: Town) -> None:
    options = ("--advertise", "127.0.0.1", "--registration", "open")
    broker = town.broker(*options)
    hint = f"Nobody owns this chat yet. Once you are in, make yourself its owner:\n    hubbub-broker role YOURNAME owner --data {town.data}\n"
    broker.sees(hint)
    with Client(town.address, name="Alice", home=town.home("Alice")):
        assert operator(town, "role", "Alice", "owner").ends() == 0
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0
    again = town.broker(*options)
    again.signal(signal.SIGTERM)
    assert again.ends() == 0
    assert "Nobody owns" not in again.transcript()


def test_a_broker_that_was_killed_is_found_again_when_it_is_back(town: Town) -> None:
    town.broker().kill()
    town.broker()
    assert operator(town, "lockdown", "accounts_only").ends() == 0


def test_a_pipe_that_is_closed_ends_the_command(town: Town) -> None:
    town.broker()
    shell = f"{' '.join(BROKER)} stats --data '{town.data}' | true; echo ended"
    piped = town.start(ThroughPipes, "sh", "-c", shell)
    piped.sees("ended")
    assert "Traceback" not in piped.transcript()


@pytest.mark.slow
def test_the_operator_is_heard_while_clients_flood(town: Town) -> None:
    town.broker()
    over = threading.Event()
    flooders = [Client(town.address, name=name, home=town.home(name)) for name in ("Ann", "Ben")]

    def flood(client: Client) -> None:
        with contextlib.suppress(HubbubError):
            while not over.is_set():
                client.post_nowait("lobby", "flood " * 100)

    threads = [threading.Thread(target=flood, args=(client,)) for client in flooders]
    for thread in threads:
        thread.start()
    try:
        with running(town.data) as broker:
            assert broker.ask(r.ReadStats(0), r.Stats).sessions == 2
            broker.ask(Kick(0, "Ann", seconds=HOUR), Done)
            assert broker.ask(r.ReadStats(0), r.Stats).sessions == 1
            assert [user.name for user in broker.users()] == ["Ann", "Ben"]
            broker.ask(Lockdown(0, "accounts_only"), Done)
            assert broker.ask(r.ReadStats(0), r.Stats).sessions == 0
    finally:
        over.set()
        for client, thread in zip(flooders, threads, strict=True):
            with contextlib.suppress(HubbubError):
                client.close(0)
            thread.join(PATIENCE)
            assert not thread.is_alive()
