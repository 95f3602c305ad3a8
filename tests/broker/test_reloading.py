"""SIGHUP: what can change at once does, what cannot is named, a broken file changes nothing, and a terminal that is gone ends the broker."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.processes import BROKER, ROOT, OnTerminal, ThroughPipes, Town, environment

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import Limits, Passwords
from hubbub.client import Client
from hubbub.client.errors import TooManyRooms


def configure(town: Town, text: str) -> None:
    """Write the broker's file, whole or not at all."""
    town.data.mkdir(mode=0o700, exist_ok=True)
    new = town.data / "new.toml"
    new.write_text(text, encoding="utf-8")
    new.chmod(0o600)
    new.replace(town.data / "hubbub.toml")


def reload(town: Town, broker: ThroughPipes, text: str) -> None:
    configure(town, text)
    broker.signal(signal.SIGHUP)


@pytest.mark.slow
def test_broker_goes_by_the_new_limits_while_its_clients_stay(town: Town) -> None:
    configure(town, "[limits]\nrooms_per_account = 1\n")
    broker = town.broker()
    with Client(town.address, name="Alice", home=town.home("Alice")) as alice:
        alice.create("garden")
        with pytest.raises(TooManyRooms):
            alice.create("attic")
        reload(town, broker, "[limits]\nrooms_per_account = 2\n")
        broker.sees("The configuration was read again; changed: limits.rooms_per_account\n")
        alice.create("attic")
        with pytest.raises(TooManyRooms):
            alice.create("cellar")
    assert "is disconnected" not in broker.transcript()


@pytest.mark.slow
def test_broker_names_what_needs_a_restart_and_applies_the_rest(town: Town) -> None:
    broker = town.broker("--no-announce")
    reload(
        town,
        broker,
        '[broker]\nbind = "127.0.0.1:1"\nname = "lab"\nannounce = true\n[log]\nformat = "json"\nlevel = "debug"\n',
    )
    broker.sees(
        "The configuration was read again; changed: log.level\n",
        # Not bind and announce: flags say otherwise, and still do.
        "WARNING: Changed in the configuration, and heeded when the broker is started again: broker.name, log.format\n",
    )
    with Client(town.address, name="Alice", home=town.home("Alice")):
        broker.sees("DEBUG: ")
    reload(town, broker, '[log]\nlevel = "warning"\n')
    reload(town, broker, '[broker]\nname = "lab"\n[log]\nlevel = "warning"\n')
    broker.sees("WARNING: Changed in the configuration, and heeded when")
    assert broker.transcript().count("read again") == 1, "that is said from level info on"


@pytest.mark.slow
def test_broker_stays_as_it_is_when_the_file_is_broken(town: Town) -> None:
    configure(town, "[limits]\nrooms_per_account = 1\n")
    broker = town.broker()
    file = town.data / "hubbub.toml"
    reload(town, broker, "[limits]\nrooms_per_account = 3\n[log]\nlevel = 5\n")
    broker.sees(f"ERROR: The configuration stays as it is: {file}: log.level: 5 is not ")
    reload(town, broker, "[limits\n")
    broker.sees(f"ERROR: The configuration stays as it is: {file}: this is no TOML: ")
    with Client(town.address, name="Alice", home=town.home("Alice")) as alice:
        alice.create("garden")
        with pytest.raises(TooManyRooms):
            alice.create("attic")
    assert "Traceback" not in broker.transcript()
    broker.signal(signal.SIGTERM)
    assert broker.ends() == 0


@pytest.mark.slow
def test_broker_ends_when_the_terminal_that_it_was_started_on_is_gone(town: Town) -> None:
    ours, theirs = pty.openpty()
    with closing_descriptors(ours, theirs):
        command = [*BROKER, "--bind", "127.0.0.1:0", "--data", str(town.data)]
        on_terminal = ["/bin/sh", "-c", 'exec "$@" <"$0"', os.ttyname(theirs), *command]
        broker = town.start(ThroughPipes, *on_terminal)
        broker.sees("Server running on ")
        broker.signal(signal.SIGHUP)
        broker.sees("The configuration was read again; changed: nothing\n")
    broker.signal(signal.SIGHUP)
    broker.sees("Server stopped.\n")
    assert broker.ends() == 0


@contextmanager
def closing_descriptors(*descriptors: int) -> Iterator[None]:
    try:
        yield
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


@pytest.mark.slow
def test_broker_asks_no_more_for_its_address_when_it_reads_again(town: Town) -> None:
    broker = town.start(OnTerminal, *BROKER, "--data", str(town.data))
    broker.sees("Enter server IP: ")
    broker.types("127.0.0.1")
    broker.sees("Enter server port: ")
    broker.types("0")
    broker.sees("Server running on ")
    reload_by = '[broker]\nbind = "127.0.0.1:1"\n[log]\ntimes = true\n'
    configure(town, reload_by)
    broker.signal(signal.SIGHUP)
    broker.sees("changed: nothing", "is started again: log.times")


def test_an_embedded_broker_takes_other_settings_while_it_runs(tmp_path: Path) -> None:
    with (
        Broker.temporary(data=tmp_path, limits=Limits(rooms_per_account=1)) as broker,
        Client(broker.address, name="Alice", home=tmp_path / "alice") as alice,
    ):
        alice.create("garden")
        with pytest.raises(TooManyRooms):
            alice.create("attic")
        broker.reconfigure(limits=Limits(rooms_per_account=2))
        broker.reconfigure(registration="closed")
        broker.reconfigure(passwords=Passwords(minimum_score=3))
        assert broker.registration == "closed"
        alice.create("attic")
        settings = broker._loop._core.context.settings
    assert settings.limits == Limits(rooms_per_account=2).on_loopback()
    assert (settings.registration, settings.passwords.minimum_score) == ("closed", 3)


def test_a_broker_that_is_just_starting_hears_the_signal_later() -> None:
    code = """
import os, signal
from hubbub.broker.reloading import hangups_held
with hangups_held():
    os.kill(os.getpid(), signal.SIGHUP)
    signal.signal(signal.SIGHUP, lambda *_: print("heard"))
    print("started")
"""
    child = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(ROOT),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stdout) == (0, "started\nheard\n")
