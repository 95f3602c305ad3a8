"""Who may come in and do what, as a data folder holds it: `verify` names what nothing could have written, a restore brings all of it back."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.chronicle import WALL, Chronicle, small_town
from tests.broker.store.files import run_sql

from hubbub.broker.backup import back_up
from hubbub.broker.core.changes import Changes, Snapshot
from hubbub.broker.core.orders import Release
from hubbub.broker.restore import restore
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.broker.verify import verify
from hubbub.common.commands import (
    Add,
    Configure,
    Join,
    Kick,
    Leave,
    Lockdown,
    Mute,
    SetRole,
    Tell,
)

TABLES = ("accounts", "rooms", "members", "devices", "restraints", "invited", "bans", "invites")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    small_town(tmp_path / "data")
    return tmp_path / "data"


def loaded(data: Path) -> Snapshot:
    with closing(SqliteStore.open(data / "hubbub.db")) as store:
        return store.load()


def tampered(data: Path, script: str) -> list[str]:
    run_sql(data / "hubbub.db", script)
    return [str(fault) for fault in verify(data).faults]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (
            "UPDATE devices SET key = 'x' WHERE account = 1",
            "device 1 of account 1, Alice: its key is not what was written",
        ),
        (
            "UPDATE devices SET key = upper(key) WHERE account = 2",
            "device 1 of account 2, Bob: its key is not what was written",
        ),
        (
            "INSERT INTO devices SELECT account, 2, key, label, added, used FROM devices WHERE account = 2",
            "device 2 of account 2, Bob: another one has the same key",
        ),
        (
            "INSERT INTO devices SELECT 9, device, key, label, added, used FROM devices WHERE account = 2",
            "SQLite: 1 rows of devices refer to accounts that are not there",
        ),
        (
            "UPDATE accounts SET released = 1 WHERE account = 3",
            "account 3, Carol: is not what was written",
        ),
        (
            "UPDATE accounts SET released = 1, fold = 'carol#3' WHERE account = 3",
            "device 1 of account 3, Carol: the name was released",
        ),
        ("UPDATE accounts SET role = 9 WHERE account = 3", "account 3, Carol: there is no role 9"),
        (
            "UPDATE members SET role = 1 WHERE room = 2 AND account = 2",
            "account 2, Bob, in room number 2: there is no role 1",
        ),
        (
            "INSERT INTO restraints VALUES (9, 1, 0, 0)",
            "SQLite: 1 rows of restraints refer to rooms that are not there",
        ),
        (
            "INSERT INTO invited VALUES (2, 9)",
            "SQLite: 1 rows of invited refer to accounts that are not there",
        ),
        (
            "INSERT INTO bans VALUES ('account', '9', '', 0, 0, 0)",
            "ban of account 9: it is of nobody",
        ),
        (
            "INSERT INTO bans VALUES ('account', '01', '', 0, 0, 0)",
            "ban of account 01: it is of nobody",
        ),
        ("INSERT INTO bans VALUES ('key', 'ab', '', 0, 0, 0)", "ban of key ab: it is of nobody"),
        (
            "INSERT INTO bans VALUES ('address', '::FFFF', '', 0, 0, 0)",
            "ban of address ::FFFF: it is of nobody",
        ),
        (
            "INSERT INTO bans VALUES ('network', '192.0.2.1/24', '', 0, 0, 0)",
            "ban of network 192.0.2.1/24: it is of nobody",
        ),
        (
            "INSERT INTO bans VALUES ('name', 'Bob', '', 0, 0, 0)",
            "ban of name Bob: it is of nobody",
        ),
        (
            "INSERT INTO bans VALUES ('account', '2', '', 9, 0, 0)",
            "ban of account 2: it is by account 9, that is not there",
        ),
        (
            "INSERT INTO invites VALUES (x'00', 1, 1, 9, 0)",
            "an invite: it is by account 9, that is not there",
        ),
        ("UPDATE meta SET lockdown = 'loud'", "lockdown: there is none called loud"),
        (
            "UPDATE rooms SET creator = 9 WHERE number = 2",
            "room den: it is by account 9, that is not there",
        ),
        ("UPDATE rooms SET audit = 1", "table rooms: there are several audit rooms"),
    ],
)
def test_a_right_that_was_tampered_with_is_named(data: Path, script: str, expected: str) -> None:
    assert expected in tampered(data, script)


def governed(data: Path) -> None:
    """Let the operator use each power that a room's events tell of."""
    with Chronicle(data) as town:
        den, attic, lobby = map(town.room, ("den", "attic", "lobby"))
        town.decrees(
            Configure(1, den, "loud", private=True, read_only=True, history="since_joined", slow=5),
            Configure(2, lobby, "everybody's", slow=1),
            Configure(3, lobby, slow=0),
            SetRole(4, "Alice", "owner"),
            SetRole(5, "Carol", "moderator"),
            SetRole(6, "Carol", "member"),
            SetRole(7, "Bob", "moderator", den),
            Add(8, attic, "Bob"),
            SetRole(9, "Bob", "owner", attic),
            Kick(10, "Bob", attic),
            Add(11, attic, "Bob"),
            Mute(12, lobby, "Bob", 60),
            Lockdown(13, "no_new_accounts"),
        )


def test_what_powers_leave_behind_is_nothing_bad(data: Path) -> None:
    """The audit room, that nobody made; roles and settings; bans of each kind; an invite and a mute."""
    governed(data)
    key = "ab" * 32
    script = f"""
        INSERT INTO bans VALUES ('account', '2', 'spam', 1, 5, 6), ('key', '{key}', '', 0, 5, 0);
        INSERT INTO bans VALUES ('address', '192.0.2.1', '', 0, 5, 0), ('network', '2001:db8::/32', '', 0, 5, 0);
        INSERT INTO invites VALUES (x'00', 3, 7, 0, 5);
        INSERT INTO invited VALUES (3, 2)
    """
    assert tampered(data, script) == []
    assert verify(data).logs[3].where == "room audit"
    assert loaded(data).lockdown == "no_new_accounts"


def test_the_roles_of_a_name_that_was_released_are_not_those_of_whoever_takes_it(
    data: Path,
) -> None:
    governed(data)
    with Chronicle(data) as town:
        town.decrees(Release(1, "Bob"), Release(2, "Alice"), Lockdown(3, "normal"))
        town.enters("Alice", "Bob")
    assert verify(data).faults == []


def test_a_name_that_was_released_and_taken_again_is_two_people(data: Path) -> None:
    """Messages with the one are no messages with the other."""
    with Chronicle(data) as town:
        bob = town.state.account_named("Bob")
        assert bob is not None
        town.writes("Bob", Leave(0, town.room("den")))
        town.state.remove_device(bob, next(iter(bob.devices.values())))
        town.state.release(bob, WALL)
        changes = Changes(
            accounts=[bob.row()], devices={(2, 1): None}, position=town.state.position
        )
        town.store.commit(changes)
        town.enters("Bob")
        town.writes("Alice", Join(0, "attic"), Tell(0, "Bob", "are you new here?"))
        town.writes("Bob", Join(0, "den"), Tell(0, "Carol", "hello"))
    report = verify(data)
    assert report.faults == []
    inboxes = {log.where: log.last for log in report.logs if log.where.startswith("inbox of")}
    assert inboxes == {
        "inbox of Alice": 5,
        "inbox of account 2, Bob": 6,
        "inbox of Carol": 2,
        "inbox of Bob": 2,
    }
    assert tampered(data, "DELETE FROM inbox WHERE account = 2 AND seq >= 5") == [
        "message 6: is in no inbox",
        "entries of inboxes: 1 more are missing at the ends of logs: which, the database does not tell",
        "inbox of account 2, Bob, seq 5: is missing",
    ]


def test_whoever_was_kept_out_stays_out(data: Path, tmp_path: Path) -> None:
    governed(data)
    run_sql(
        data / "hubbub.db",
        """
        UPDATE accounts SET password = '$argon2id$', is_bot = 1, invited = 1 WHERE account = 1;
        INSERT INTO invited VALUES (3, 2);
        INSERT INTO bans VALUES ('account', '2', 'spam', 1, 5, 6);
        INSERT INTO invites VALUES (x'00', 3, 7, 0, 5)
        """,
    )
    before = loaded(data)
    back_up(data, tmp_path / "backup")
    restore(tmp_path / "backup", tmp_path / "other")
    after = loaded(tmp_path / "other")
    for table in TABLES:
        content = f"SELECT * FROM {table}"
        there = run_sql(tmp_path / "other" / "hubbub.db", content)
        assert there == run_sql(data / "hubbub.db", content) != []
    for part in ("accounts", "rooms", "members", "restraints", "bans", "invites", "lockdown"):
        assert getattr(after, part) == getattr(before, part)
