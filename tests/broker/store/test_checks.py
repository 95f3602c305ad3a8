"""What a broker refuses to start on, however many messages there are: each log's end, the sums, and who refers to whom."""

import re
import threading
from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.chronicle import small_town
from tests.broker.store.files import run_sql

from hubbub.broker.broker import Broker
from hubbub.broker.errors import BrokerError
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.addresses import Address


@pytest.fixture
def path(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data" / "hubbub.db"


@pytest.mark.parametrize(
    ("script", "error"),
    [
        ("DELETE FROM meta", "the log has no epoch"),
        ("UPDATE meta SET epoch = x'00'", "the log has no epoch"),
        ("DELETE FROM rooms", "there is no lobby"),
        ("DELETE FROM rooms WHERE number = 1", "room 1 is missing"),
        ("DELETE FROM accounts WHERE account = 2", "account 2 is missing"),
        (
            "INSERT INTO members VALUES (2, 9, 1, 2)",
            "a member refers to room 2 or account 9: there is none",
        ),
        (
            "INSERT INTO members VALUES (9, 1, 1, 2)",
            "a member refers to room 9 or account 1: there is none",
        ),
        (
            "INSERT INTO markers VALUES (9, 0, 1)",
            "a marker refers to room 0 or account 9: there is none",
        ),
        (
            "INSERT INTO markers VALUES (1, 9, 1)",
            "a marker refers to room 9 or account 1: there is none",
        ),
        (
            "INSERT INTO producers VALUES (9, x'00', 1, 1, x'90')",
            "a producer refers to account 9: there is none",
        ),
        (
            "INSERT INTO restraints VALUES (2, 9, 0, 0)",
            "a restraint or an invitation refers to room 2 or account 9: there is none",
        ),
        (
            "INSERT INTO invited VALUES (9, 1)",
            "a restraint or an invitation refers to room 9 or account 1: there is none",
        ),
        (
            "INSERT INTO devices SELECT 9, device, key, label, added, used FROM devices WHERE account = 1",
            "a device refers to account 9: there is none",
        ),
        (
            "UPDATE devices SET key = '' WHERE account = 2",
            "device 1 of account 2 has no key of its own",
        ),
        (
            "INSERT INTO devices SELECT 2, 2, key, label, added, used FROM devices WHERE account = 2",
            "device 2 of account 2 has no key of its own",
        ),
        (
            "UPDATE accounts SET released = 1 WHERE account = 3",
            "account 3 was released and has a device",
        ),
        ("UPDATE accounts SET role = 9", "9 is not a valid Role"),
        (
            "INSERT INTO bans VALUES ('account', '9', '', 0, 0, 0)",
            "a ban of kind account is of nobody: 9",
        ),
        (
            "INSERT INTO bans VALUES ('network', 'everywhere', '', 0, 0, 0)",
            "a ban of kind network is of nobody: everywhere",
        ),
        (
            "INSERT INTO bans VALUES ('address', '192.0.2.1', '', 9, 0, 0)",
            "a ban is by account 9: there is none",
        ),
        (
            "INSERT INTO invites VALUES (x'00', 1, 1, 9, 1)",
            "an invite is by account 9: there is none",
        ),
        (
            "UPDATE rooms SET creator = 9 WHERE number = 2",
            "a room was made by account 9: there is none",
        ),
        ("UPDATE rooms SET audit = 1", "there are several audit rooms"),
        ("UPDATE meta SET lockdown = 'loud'", "there is no lockdown called loud"),
        (
            "DELETE FROM events WHERE room = 1 AND last = 7",
            "there were 13 events of rooms, and the logs end at 12 in all",
        ),
        (
            "DELETE FROM inbox WHERE account = 2 AND seq = 6",
            "there were 11 entries of inboxes, and the logs end at 10 in all",
        ),
        (
            "INSERT INTO events SELECT 1, 8, 8, digest, events FROM events WHERE room = 1 AND last = 7",
            "there were 13 events of rooms, and the logs end at 14 in all",
        ),
        (
            "DELETE FROM events WHERE room = 1 AND last = 6",
            "of room 1 event 6 is missing",
        ),
        (
            "UPDATE events SET events = x'00' WHERE room = 1 AND last = 7",
            "of room 1 the last event, seq 7, is not right",
        ),
        (
            "UPDATE events SET events = x'91c40100' WHERE room = 2 AND last = 3",
            "events 2 to 3 of a log cannot be read",
        ),
        (
            "UPDATE events SET digest = x'00' WHERE room = 2 AND last = 3",
            "of room 2 the last event, seq 3, is not right",
        ),
        (
            "UPDATE events SET digest = x'00' WHERE room = 1 AND last = 6",
            "of room 1 the last event, seq 7, is not right",
        ),
        (
            "DELETE FROM messages WHERE message = 6",
            "of the inbox of account 2 the last event, seq 6, is not right",
        ),
    ],
)
def test_a_broker_refuses_damaged_data_with_the_way_back(
    path: Path, script: str, error: str
) -> None:
    run_sql(path, script)
    command = f"restore it from a backup: hubbub-broker restore FILE --data {path.parent}"
    with (
        pytest.raises(BrokerError, match=re.escape(f"{command} ({error}")) as refusal,
        closing(SqliteStore.open(path)) as store,
    ):
        store.load()
    assert "\n" not in str(refusal.value)
    before = threading.active_count()
    with pytest.raises(BrokerError, match=re.escape(command)):
        Broker(Address("127.0.0.1", 0), data=path.parent)
    assert threading.active_count() == before
