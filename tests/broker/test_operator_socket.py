"""The operator's socket: whose it is, and that nothing that comes over it harms the broker. Requests are asked as the commands ask them."""

import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import zmq
from tests.broker.store.files import run_sql

from hubbub.broker.broker import Broker
from hubbub.broker.errors import FolderError, NotRunning, Refused
from hubbub.broker.operator import requests as r
from hubbub.broker.operator.asking import running
from hubbub.broker.operator.socket_file import PATH_BYTES, find
from hubbub.common.commands import Lockdown
from hubbub.common.replies import Done, Error

GARBAGE = [
    b"",
    b"\xc1",
    b"\x00" * 1000,
    b"\x91" * 5000,
    b"\x81\xa4type\xa1\xff",
    msgspec.msgpack.encode({"type": "list_users"}),
    msgspec.msgpack.encode({"type": "list_users", "id": 5, "unknown": 1}),
    msgspec.msgpack.encode({"type": "ban", "id": 2**64 - 1, "kind": "x", "subject": "y"}),
    msgspec.msgpack.encode({"type": "nothing", "id": 5}),
    msgspec.msgpack.encode([1, 2, 3]),
]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def broker(data: Path) -> Iterator[Broker]:
    with Broker.temporary(data=data) as broker:
        yield broker


@pytest.fixture
def dealer(broker: Broker, data: Path) -> Iterator["zmq.Socket[bytes]"]:
    """A peer that says what it likes."""
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.rcvtimeo = 10_000
        dealer.connect(f"ipc://{find(data)}")
        yield dealer


def modes(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def is_served(data: Path) -> bool:
    with running(data) as asked:
        return asked.ask(r.ReadStats(0), r.Stats).process == os.getpid()


@pytest.mark.parametrize("umask", [0, 0o022, 0o777])
def test_nobody_else_can_open_the_socket_whatever_the_umask(data: Path, umask: int) -> None:
    data.mkdir(mode=0o755)
    before = os.umask(umask)
    try:
        opened = Broker.temporary(data=data)
        with opened:
            os.umask(before)
            assert stat.S_ISSOCK(find(data).lstat().st_mode)
            assert (modes(data / "operator.sock"), modes(data)) == (0o600, 0o700)
            assert is_served(data)
    finally:
        os.umask(before)
    assert not os.path.lexists(data / "operator.sock")


def test_a_path_that_is_too_long_leads_to_a_private_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / ("long" * 30)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "there is none"))
    with Broker.temporary(data=data):
        place = find(data)
        assert (data / "operator.sock").is_symlink()
        assert len(str(place).encode()) <= PATH_BYTES
        assert (modes(place), modes(place.parent)) == (0o600, 0o700)
        assert is_served(data)
    assert not place.parent.exists()
    assert not os.path.lexists(data / "operator.sock")


def test_a_dead_broker_s_socket_is_replaced(data: Path, tmp_path: Path) -> None:
    with Broker.temporary(data=data):
        pass
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(data / "operator.sock"))
    with Broker.temporary(data=data):
        assert is_served(data)


def test_a_dead_broker_s_private_folder_goes_with_its_link(data: Path, tmp_path: Path) -> None:
    with Broker.temporary(data=data):
        pass
    left = tmp_path / "hubbub-left"
    left.mkdir(mode=0o700)
    (data / "operator.sock").symlink_to(left / "operator.sock")
    with Broker.temporary(data=data):
        assert is_served(data)
    assert not left.exists()


def test_a_link_to_something_else_costs_that_nothing(data: Path, tmp_path: Path) -> None:
    with Broker.temporary(data=data):
        pass
    kept = tmp_path / "hubbub-kept" / "letters"
    kept.parent.mkdir()
    kept.write_text("Dear Alice")
    (data / "operator.sock").symlink_to(kept)
    with Broker.temporary(data=data):
        assert is_served(data)
    assert kept.read_text() == "Dear Alice"


def test_a_file_that_is_no_socket_is_left_alone(data: Path) -> None:
    with Broker.temporary(data=data):
        pass
    (data / "operator.sock").write_text("mine")
    with pytest.raises(FolderError, match="not a socket of yours: move it away"):
        Broker.temporary(data=data).__enter__()
    assert (data / "operator.sock").read_text() == "mine"


def test_a_command_without_a_broker_says_how_to_start_it(data: Path, tmp_path: Path) -> None:
    with Broker.temporary(data=data):
        pass
    with pytest.raises(NotRunning, match=r"start it by hubbub-broker --data \S+"), running(data):
        pass
    with pytest.raises(FolderError, match="no broker's data"), running(tmp_path / "nowhere"):
        pass


def test_a_command_finds_no_broker_where_one_was_killed(data: Path) -> None:
    with Broker.temporary(data=data):
        pass
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(data / "operator.sock"))
    with pytest.raises(NotRunning, match="no broker runs on"), running(data):
        pass


@pytest.mark.parametrize("payload", GARBAGE, ids=lambda payload: payload[:12].hex())
def test_a_request_that_cannot_be_read_is_answered_by_an_error(
    dealer: "zmq.Socket[bytes]", data: Path, payload: bytes
) -> None:
    dealer.send(payload)
    answer = r.ANSWERS.decode(dealer.recv())
    assert isinstance(answer, Error)
    assert answer.code == "invalid"
    assert answer.id == r.id_of(payload)
    assert is_served(data)


def test_a_message_of_many_frames_is_one_request_that_cannot_be_read(
    dealer: "zmq.Socket[bytes]", data: Path
) -> None:
    dealer.send_multipart([b"x"] * 1000)
    assert isinstance(r.ANSWERS.decode(dealer.recv()), Error)
    assert is_served(data)


def test_a_frame_beyond_the_bound_ends_its_connection_alone(
    dealer: "zmq.Socket[bytes]", data: Path
) -> None:
    with dealer.get_monitor_socket(zmq.EVENT_DISCONNECTED) as monitor:
        dealer.send(b"x" * 20_000)
        assert monitor.poll(10_000)
        dealer.disable_monitor()
    assert is_served(data)


def test_bytes_that_are_no_zeromq_end_their_connection_alone(broker: Broker, data: Path) -> None:
    for number in range(50):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.connect(str(find(data)))
            stranger.sendall(bytes([number]) * 1000)
    assert is_served(data)


def test_a_command_that_reads_no_answers_holds_nobody_up(
    dealer: "zmq.Socket[bytes]", data: Path
) -> None:
    for _ in range(2000):
        dealer.send(msgspec.msgpack.encode(r.ReadStats(0)))
    with running(data) as asked:
        assert isinstance(asked.ask(Lockdown(0, "no_new_accounts"), Done), Done)
        assert asked.ask(r.ReadStats(0), r.Stats).lockdown == "no_new_accounts"


def test_a_damaged_audit_room_is_named_and_stops_nobody(data: Path) -> None:
    with Broker.temporary(data=data), running(data) as asked:
        asked.ask(Lockdown(0, "no_new_accounts"), Done)
        asked.ask(Lockdown(0, "accounts_only"), Done)
    run_sql(data / "hubbub.db", "UPDATE events SET events = x'92c401c1c401c1' WHERE last = 2")
    with Broker.temporary(data=data), running(data) as asked:
        with pytest.raises(Refused, match="the audit room is damaged"):
            asked.ask(r.ReadAudit(0), r.Audit)
        assert asked.ask(r.ReadStats(0), r.Stats).lockdown == "accounts_only"


def test_an_order_of_the_operator_is_in_the_audit_room_without_a_name(
    broker: Broker, data: Path
) -> None:
    with running(data) as asked:
        assert asked.ask(r.ReadAudit(0), r.Audit) == r.Audit(0, [], 0, 0)
        asked.ask(Lockdown(0, "accounts_only"), Done)
        asked.ask(Lockdown(0, "normal"), Done)
        page = asked.ask(r.ReadAudit(0), r.Audit)
        assert [(entry.by, entry.subject) for entry in page.entries] == [
            ("", "accounts_only"),
            ("", "normal"),
        ]
        [newer] = asked.ask(r.ReadAudit(0, after=page.entries[0].seq), r.Audit).entries
        [older] = asked.ask(r.ReadAudit(0, before=page.entries[1].seq, limit=1), r.Audit).entries
    assert [older, newer] == page.entries
