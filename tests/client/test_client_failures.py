"""Getting in, or not; and what a client promises when something fails. A real broker, encryption on."""

import os
import shutil
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path
from typing import Any, cast

import pytest
from tests.client.watching import SECONDS, Enter, messages, next_of, no_pump_is_left
from tests.processes import environment

from hubbub.broker.broker import Broker
from hubbub.client import (
    BadName,
    Client,
    Closed,
    ConnectError,
    Forked,
    HubbubError,
    NameTaken,
    NobodyListens,
    OutcomeUnknown,
    WrongKey,
    pump,
)
from hubbub.client.home import Home
from hubbub.client.tickets import new_future
from hubbub.client.updates import (
    ConnectionLost,
    ConnectionRestored,
    Diverged,
    Ended,
    Update,
)
from hubbub.common.errors import InvalidAddress

# Getting in


def test_a_name_of_another_key_is_taken(enter: Enter) -> None:
    enter("Alice")
    with pytest.raises(NameTaken) as refused:
        enter("ALICE", home="another device")
    assert refused.value.code == "name_taken"
    assert len([thread for thread in threading.enumerate() if thread.name == "hubbub-pump"]) == 1


@pytest.mark.slow
@pytest.mark.parametrize("known", [False, True])
def test_an_address_where_nobody_listens_says_so(tmp_path: Path, known: bool) -> None:
    with Broker.temporary() as broker:
        address = broker.address
    if known:
        Home(tmp_path).pin(address, b"k" * 32)
    with pytest.raises(NobodyListens, match="is the broker started"):
        Client(str(address), name="Alice", home=tmp_path)
    assert no_pump_is_left()


def test_a_changed_key_is_refused_with_the_way_out(broker: Broker, tmp_path: Path) -> None:
    Home(tmp_path).pin(broker.address, Home(tmp_path / "other").device_key().public)
    with pytest.raises(WrongKey, match=f"hubbub forget {broker.address}"):
        Client(str(broker.address), name="Alice", home=tmp_path)
    assert no_pump_is_left()
    assert Home(tmp_path).forget(broker.address)
    with Client(str(broker.address), name="Alice", home=tmp_path) as alice:
        assert alice.created


def test_a_bad_name_is_refused_without_a_broker(tmp_path: Path) -> None:
    with pytest.raises(BadName):
        Client("127.0.0.1:1", name="two words", home=tmp_path)


def test_without_encryption_only_on_this_machine(tmp_path: Path) -> None:
    with pytest.raises(ConnectError, match="only on loopback"):
        Client("192.0.2.1:5000", name="Alice", home=tmp_path, insecure=True)


def test_without_encryption_all_else_is_the_same(tmp_path: Path) -> None:
    with (
        Broker.temporary(insecure=True) as broker,
        Client(str(broker.address), name="Alice", home=tmp_path, insecure=True) as alice,
    ):
        assert alice.post("lobby", "in the clear") == 1
        assert messages(alice, 1)[0].own


# Failure


@pytest.mark.slow
def test_a_restarted_broker_finds_everybody_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with ExitStack() as clients:
        with Broker.temporary(data=data) as broker:
            address = broker.address
            alice, bob = (
                clients.enter_context(Client(str(address), name=name, home=tmp_path / name))
                for name in ("Alice", "Bob")
            )
            alice.post("lobby", "before")
            assert messages(bob, 1)[0].text == "before"
        assert next_of(bob, ConnectionLost) == ConnectionLost()
        future = alice.post_nowait("lobby", "meanwhile")
        with pytest.raises(OutcomeUnknown):
            alice.post("lobby", "impatient", timeout=0.01)
        with Broker.temporary(address, data=data):
            assert next_of(bob, ConnectionRestored) == ConnectionRestored()
            assert future.result(2 * SECONDS) == 2
            assert [message.text for message in messages(bob, 2)] == ["meanwhile", "impatient"]
            assert [message.own for message in messages(alice, 3)] == [True, True, True]
            assert alice.position("lobby") == bob.position("lobby")
            assert len(alice.history("lobby")) == 3
            clients.close()


@pytest.mark.slow
def test_a_broker_that_comes_back_with_another_key_ends_the_client(tmp_path: Path) -> None:
    with Broker.temporary() as broker:
        address = broker.address
        alice = Client(str(address), name="Alice", home=tmp_path)
    unsent = alice.post_nowait("lobby", "for the old broker only")
    with Broker.temporary(address) as broker:
        ended = next_of(alice, Ended)
        assert isinstance(ended, Ended)
        assert isinstance(ended.reason, WrongKey)
        assert broker.fingerprint in str(ended.reason)
        assert str(ended.reason).endswith(f"run: hubbub forget {address}")
    with pytest.raises(Closed, match="it was not sent"):
        unsent.result(SECONDS)
    alice.close()
    assert no_pump_is_left()


@pytest.mark.slow
def test_an_app_that_does_not_read_catches_up_with_everything(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    for number in range(12_000):
        alice.post_nowait("lobby", f"{number}")
    alice.flush(6 * SECONDS)
    assert [message.seq for message in messages(bob, 12_000)] == list(range(1, 12_001))


def test_closing_waits_for_what_was_written(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    futures = [alice.post_nowait("lobby", "x") for _ in range(500)]
    alice.close()
    assert all(future.done() for future in futures)
    assert len(messages(bob, 500)) == 500


def test_after_closing_everything_says_so(enter: Enter) -> None:
    alice = enter("Alice")
    alice.close()
    alice.close()
    with pytest.raises(Closed):
        alice.post("lobby", "too late")
    with pytest.raises(Closed):
        alice.post_nowait("lobby", "too late").result(0)
    with pytest.raises(Closed):
        alice.next_event()
    assert list(alice.events()) == []
    assert no_pump_is_left()


def test_who_waits_for_events_is_told_of_the_end(enter: Enter) -> None:
    alice = enter("Alice")
    seen: Future[list[Update]] = Future()
    watcher = threading.Thread(target=lambda: seen.set_result(list(alice.events())))
    watcher.start()
    alice.close()
    watcher.join(SECONDS)
    assert seen.result(0) == []


def test_closing_without_a_broker_tells_what_is_left(tmp_path: Path) -> None:
    with Broker.temporary() as broker:
        alice = Client(str(broker.address), name="Alice", home=tmp_path)
    next_of(alice, ConnectionLost)
    future = alice.post_nowait("lobby", "never sent")
    with pytest.raises(OutcomeUnknown, match="1 of what was written"):
        alice.close(timeout=0.01)
    with pytest.raises(Closed, match="not sent"):
        future.result(0)
    assert no_pump_is_left()


def test_a_fault_in_the_pump_ends_the_client_and_fails_its_callers(enter: Enter) -> None:
    alice, not_an_effect = enter("Alice"), cast(Any, "no effect")
    alice._pump.submit(new_future(), lambda session: session.do(not_an_effect))
    ended = next_of(alice, Ended)
    assert isinstance(ended, Ended)
    assert "has failed" in str(ended.reason)
    with pytest.raises(Closed, match="has ended"):
        alice.post("lobby", "too late")
    alice.close()
    assert no_pump_is_left()


def test_a_callback_may_write_but_not_wait(enter: Enter) -> None:
    alice = enter("Alice")
    outcome: Future[object] = Future()

    def reply(_: Future[int]) -> None:
        try:
            alice.post("lobby", "would wait for itself")
        except RuntimeError as error:
            alice.post_nowait("lobby", str(error)).add_done_callback(outcome.set_result)

    alice.post_nowait("lobby", "first").add_done_callback(reply)
    outcome.result(SECONDS)
    assert "_nowait" in messages(alice, 2)[1].text


def test_a_forked_child_is_refused(enter: Enter, monkeypatch: pytest.MonkeyPatch) -> None:
    alice = enter("Alice")
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: 1)
        for use in (alice.who, alice.close, alice.next_event):
            with pytest.raises(Forked):
                use()
    assert alice.who().count == 1


def test_every_error_of_ours_is_one_line(enter: Enter) -> None:
    alice = enter("Alice")
    with pytest.raises(HubbubError) as refused:
        alice.tell("Nobody", "hi")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("raised", [RuntimeError, SystemExit, KeyboardInterrupt])
def test_a_callback_that_raises_costs_the_others_nothing(
    enter: Enter, raised: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    alice = enter("Alice")

    def fails(_: object) -> None:
        raise raised

    futures = [alice.post_nowait("lobby", f"{number}") for number in range(50)]
    futures[0].add_done_callback(fails)
    assert [future.result(SECONDS) for future in futures] == list(range(1, 51))
    assert alice.post("lobby", "goes on") == 51


def test_closing_says_so_when_a_callback_holds_the_client_up(
    enter: Enter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pump, "STOP_SECONDS", 0.1)
    alice = enter("Alice")
    held, go_on = threading.Event(), threading.Event()

    def hold(_: object) -> None:
        held.set()
        go_on.wait()

    alice.post_nowait("lobby", "hi").add_done_callback(hold)
    assert held.wait(SECONDS)
    with pytest.raises(OutcomeUnknown, match="callback"):
        alice.close(timeout=0.1)
    go_on.set()


def test_a_client_that_nobody_closed_is_closed_when_it_is_garbage(
    broker: Broker, tmp_path: Path
) -> None:
    alice = Client(str(broker.address), name="Alice", home=tmp_path)
    alice.post_nowait("lobby", "last words")
    clients = [alice]
    del alice
    with pytest.warns(ResourceWarning, match="client of Alice was not closed"):
        clients.clear()
    assert broker.store.load().room_heads[1].seq == 1


def leave_it_to_a_callback(alice: list[Client]) -> None:
    """Post, and let the post's callback be the last that holds the client; return when all its threads have ended."""
    dropped = threading.Event()

    def drop(_: object) -> None:
        alice.clear()
        dropped.set()

    alice[0].post_nowait("lobby", "hi").add_done_callback(drop)
    assert dropped.wait(SECONDS)
    for thread in threading.enumerate():
        if thread.name in ("hubbub-end", "hubbub-pump"):
            thread.join(SECONDS)


def test_a_client_whose_last_user_was_a_callback_ends_beside_its_pump(
    broker: Broker, tmp_path: Path
) -> None:
    alice = [Client(str(broker.address), name="Alice", home=tmp_path)]
    with pytest.warns(ResourceWarning, match="client of Alice was not closed"):
        leave_it_to_a_callback(alice)
    assert no_pump_is_left()


def test_a_program_that_ends_without_closing_has_its_posts_stored(
    broker: Broker, tmp_path: Path
) -> None:
    program = (
        "import sys; from hubbub.client import Client\n"
        "chat = Client(sys.argv[1], name='Alice', home=sys.argv[2])\n"
        "for number in range(2000): chat.post_nowait('lobby', str(number))\n"
    )
    command = [sys.executable, "-c", program, str(broker.address), str(tmp_path)]
    subprocess.run(command, check=True, timeout=30, env=environment(tmp_path))
    assert broker.store.load().room_heads[1].seq == 2000


@pytest.mark.parametrize("address", ["*:5000", "127.0.0.1:0"])
def test_an_address_to_listen_on_is_refused(address: str, tmp_path: Path) -> None:
    with pytest.raises(InvalidAddress, match="to listen on"):
        Client(address, name="Alice", home=tmp_path)


@pytest.mark.slow
def test_writers_go_on_when_an_older_copy_of_the_folder_was_put_back(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Broker.temporary(data=data) as broker:
        address = broker.address
        alice = Client(str(address), name="Alice", home=tmp_path / "alice")
        assert alice.post("lobby", "kept") == 1
    shutil.copytree(data, tmp_path / "copy")
    with alice:
        with Broker.temporary(address, data=data):
            assert alice.post("lobby", "lost") == 2
            assert [message.text for message in messages(alice, 2)] == ["kept", "lost"]
        shutil.rmtree(data)
        shutil.copytree(tmp_path / "copy", data)
        with Broker.temporary(address, data=data):
            assert alice.post("lobby", "goes on", timeout=4 * SECONDS) == 2
            assert next_of(alice, Diverged) == Diverged("lobby", 2)
            alice.close()
