"""Starting and ending a broker inside this process."""

import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
import zmq
from tests.abilities import need_ipv6
from tests.stranger import Closed, Stranger, ask_door

from hubbub.broker.broker import ANY_PORT, Broker
from hubbub.broker.errors import BindError, FolderError
from hubbub.common.addresses import Address
from hubbub.common.errors import InvalidAddress
from hubbub.common.fingerprint import fingerprint


@pytest.mark.parametrize("offset", [0, 1, 2])
def test_broker_says_so_when_one_of_its_ports_is_taken(tmp_path: Path, offset: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1] - offset
        with pytest.raises(BindError, match="in use; stop what uses it or choose another --bind"):
            Broker(Address("127.0.0.1", port), data=tmp_path)
    with Broker.temporary(data=tmp_path) as broker:
        assert broker.address.port != port, "folder and sockets of the first try are free"


def test_broker_refuses_to_go_without_encryption_when_others_could_reach_it(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="this machine only"):
        Broker(Address("0.0.0.0", 0), data=tmp_path / "data", insecure=True)
    assert not (tmp_path / "data").exists()


def test_broker_refuses_an_address_that_is_not_this_machines(tmp_path: Path) -> None:
    with pytest.raises(BindError, match="no address of this machine"):
        Broker(Address("192.0.2.1", 5000), data=tmp_path)


def test_second_broker_is_refused_when_the_folder_is_in_use(tmp_path: Path) -> None:
    with Broker.temporary(data=tmp_path), pytest.raises(FolderError, match="another broker"):
        Broker(Address("127.0.0.1", 0), data=tmp_path)


def test_broker_keeps_key_and_epoch_when_it_starts_again(tmp_path: Path) -> None:
    seen = set()
    for _ in range(2):
        with Broker.temporary(data=tmp_path) as broker:
            assert broker.fingerprint == fingerprint(broker.public_key)
            seen.add((broker.public_key, broker.store.load().epoch))
    assert len(seen) == 1


def test_broker_leaves_a_closed_database_when_it_is_stopped(tmp_path: Path) -> None:
    with Broker.temporary(data=tmp_path) as broker:
        with Stranger("127.0.0.1", broker.address.port, "Alice") as alice:
            alice.write("post", room=alice.rooms["lobby"].id, text="hi")
            broker.stop()
            with pytest.raises(Closed, match="shutting_down") as closed:
                alice.wait_for("closing")
        assert closed.value.retry_after > 0
    assert not (tmp_path / "hubbub.db-wal").exists()
    with closing(sqlite3.connect(tmp_path / "hubbub.db")) as database:
        assert database.execute("SELECT sum(last - first + 1) FROM events").fetchone() == (1,)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_broker_that_is_told_to_stop_before_it_runs_ends_at_once(
    tmp_path: Path, number: signal.Signals
) -> None:
    before = signal.getsignal(number)
    with Broker(ANY_PORT, data=tmp_path) as broker:
        with broker.stopped_by_signals():
            signal.raise_signal(number)
            broker.run()
        assert signal.getsignal(number) is before


def test_a_broker_that_is_stopped_under_load_acks_all_that_it_stores(tmp_path: Path) -> None:
    with (
        Broker.temporary(data=tmp_path) as broker,
        Stranger("127.0.0.1", broker.address.port, "Alice") as alice,
    ):
        lobby = alice.rooms["lobby"].id
        for _ in range(100):
            alice.send(*(alice.next("post", room=lobby, text="hi") for _ in range(5)))
        first = alice.outcome(1)
        broker.stop()
        with pytest.raises(Closed, match="shutting_down"):
            alice.wait_for("closing")
        acks = [first, *(reply for reply in alice.replies if reply["type"] == "acked")]
        acked = sum(ack.get("count", 1) for ack in acks)
    with closing(sqlite3.connect(tmp_path / "hubbub.db")) as database:
        assert database.execute("SELECT sum(last - first + 1) FROM events").fetchone() == (acked,)


def test_broker_goes_on_when_a_row_is_lost_that_a_client_asks_for(tmp_path: Path) -> None:
    with (
        Broker.temporary(data=tmp_path) as broker,
        Stranger("127.0.0.1", broker.address.port, "Alice") as alice,
    ):
        lobby = alice.rooms["lobby"].id
        for text in ("hi", "ho"):
            alice.write("post", room=lobby, text=text)
        with closing(sqlite3.connect(tmp_path / "hubbub.db")) as database:
            database.execute("DELETE FROM events WHERE last = 1")
            database.commit()
        assert alice.ask("history", room=lobby, after=1)["code"] == "storage_unavailable"
        assert alice.ask("who")["type"] == "roster"


def test_clients_are_told_the_advertised_address(tmp_path: Path) -> None:
    broker = Broker(Address("127.0.0.1", 0), data=tmp_path, advertise=Address("chat.example", 7000))
    broker.close()
    broker.close()
    settings = broker._loop._core.context.settings
    assert (settings.events_host, settings.events_port) == ("chat.example", 7001)


def test_an_advertised_address_without_a_port_has_the_broker_s(tmp_path: Path) -> None:
    with Broker(Address("127.0.0.1", 0), data=tmp_path, advertise=Address("::1", 0)) as broker:
        assert broker.advertised == Address("::1", broker.address.port)
        settings = broker._loop._core.context.settings
    assert (settings.events_host, settings.events_port) == ("::1", broker.address.port + 1)


@pytest.mark.parametrize("host", ["0.0.0.0", "*", "::"])
def test_broker_refuses_to_advertise_what_no_client_can_use(tmp_path: Path, host: str) -> None:
    with pytest.raises(InvalidAddress, match="advertise an address that leads them here"):
        Broker(Address("127.0.0.1", 0), data=tmp_path / "data", advertise=Address(host, 0))
    assert not (tmp_path / "data").exists()


def test_door_tells_the_key_and_nothing_else_when_asked(tmp_path: Path) -> None:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    with Broker.temporary(data=tmp_path, name="lab") as broker:
        answer = ask_door(context, "127.0.0.1", broker.address.port)
        assert answer == {"broker": "lab", "key": broker.public_key, "versions": [1]}
        with context.socket(zmq.DEALER) as door:
            door.linger = 0
            door.connect(broker.address.endpoint(2))
            door.send(b"who is there?")
            door.send_multipart([b"hubbub?", b"hubbub?"])
            door.send(b"hubbub?")
            assert door.poll(10_000)
            door.recv()
            assert not door.poll(0), "only the one question is answered"
    context.destroy(linger=0)


def test_broker_listens_on_ipv6(tmp_path: Path) -> None:
    need_ipv6()
    with Broker.temporary(Address("::1", 0), data=tmp_path) as broker:
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        with context.socket(zmq.DEALER) as door:
            door.linger, door.ipv6 = 0, True
            door.connect(broker.address.endpoint(2))
            door.send(b"hubbub?")
            assert door.poll(10_000)
        context.destroy(linger=0)


def test_broker_takes_newcomers_by_invitation_only_when_others_can_reach_it(
    tmp_path: Path,
) -> None:
    for host, registration in (("127.0.0.1", "open"), ("0.0.0.0", "invite")):
        with Broker(Address(host, 0), data=tmp_path) as broker:
            assert broker.registration == registration
    with Broker(Address("0.0.0.0", 0), data=tmp_path, registration="open") as broker:
        assert broker.registration == "open"
