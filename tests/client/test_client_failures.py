"""Getting in, or not; and what a client promises when something fails. A real broker, encryption on."""

import os
import threading
from concurrent.futures import Future
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.client.watching import SECONDS, Enter, messages, next_of, no_pump_is_left

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
)
from hubbub.client.home import Home
from hubbub.client.updates import (
    ConnectionLost,
    ConnectionRestored,
    Ended,
    Update,
)

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
            assert alice.digest("lobby") == bob.digest("lobby")
            assert len(alice.history("lobby")) == 3
            clients.close()


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
    alice = enter("Alice")
    alice._submit(lambda session, ticket: session.do("no effect"))
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
