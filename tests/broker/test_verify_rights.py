"""What the log tells of roles, settings and mutes `verify` holds against the tables; and finds nothing where people only used their powers."""

from pathlib import Path

import pytest
from tests.broker.chronicle import Chronicle
from tests.broker.store.files import run_sql

from hubbub.broker.core.orders import Release
from hubbub.broker.verify import verify
from hubbub.common.commands import (
    Add,
    Ban,
    Configure,
    Create,
    Invite,
    Join,
    Kick,
    Leave,
    Mute,
    SetRole,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Alice owns the den, which Bob moderates and Carol is muted in; Bob moderates and Dora owns the chat; Eve's name has its second owner."""
    data = tmp_path / "data"
    with Chronicle(data) as town:
        town.enters("Alice", "Bob", "Carol", "Dora", "Eve")
        town.writes("Alice", Create(0, "den", "quiet"))
        den = town.room("den")
        for name in ("Bob", "Carol", "Eve"):
            town.writes(name, Join(0, "den"))
        town.decrees(
            SetRole(1, "Bob", "moderator", den),
            SetRole(1, "Bob", "moderator"),
            SetRole(1, "Dora", "owner"),
            SetRole(1, "Carol", "moderator"),
            SetRole(1, "Carol", "member"),
            Configure(1, den, "very quiet", private=True, history="since_joined", slow=5),
            Configure(1, den, read_only=True, slow=0),
            Configure(1, town.room("lobby"), "welcome"),
            Mute(1, den, "Carol", 3600),
            Mute(1, den, "Eve", 3600),
            Kick(1, "Bob", den, 60),
            Invite(1, den, "Bob"),
            Ban(1, "account", "Carol", 60),
            SetRole(1, "Eve", "owner"),
            Release(1, "Eve"),
        )
        town.writes("Bob", Join(0, "den"))
        town.decrees(SetRole(1, "Bob", "moderator", den), Add(1, den, "Dora"))
        town.writes("Dora", Leave(0, den))
        town.enters("Eve")
        town.decrees(Add(1, den, "Eve"), Mute(1, den, "Eve", 60), Mute(1, den, "Eve", 0))
    return data


def faults(data: Path) -> list[str]:
    return [str(fault) for fault in verify(data).faults]


def test_an_operator_hears_nothing_bad_where_powers_were_used(data: Path) -> None:
    assert faults(data) == []
    told = run_sql(
        data / "hubbub.db", "SELECT name, private, read_only, since_joined, slow FROM rooms"
    )
    assert ("den", 1, 1, 1, 0) in told


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("UPDATE rooms SET private = 0 WHERE name = 'den'", "room den: the log tells otherwise of private"),
        ("UPDATE rooms SET read_only = 0 WHERE name = 'den'", "room den: the log tells otherwise of read_only"),
        ("UPDATE rooms SET since_joined = 0 WHERE name = 'den'", "room den: the log tells otherwise of since_joined"),
        ("UPDATE rooms SET slow = 5 WHERE name = 'den'", "room den: the log tells otherwise of slow"),
        ("UPDATE rooms SET description = 'quiet' WHERE name = 'den'", "room den: its name or headline is not what was written"),
        ("UPDATE rooms SET description = '' WHERE name = 'lobby'", "room lobby: its name or headline is not what was written"),
        ("UPDATE members SET role = 4 WHERE account = 2 AND room = 2", "members of room den: the log tells otherwise of Bob"),
        ("UPDATE members SET role = 2 WHERE account = 1 AND room = 2", "members of room den: the log tells otherwise of Alice"),
        ("UPDATE accounts SET role = 4 WHERE account = 3", "account 3, Carol: the log tells otherwise of the role"),
        ("UPDATE accounts SET role = 2 WHERE account = 4", "account 4, Dora: the log tells otherwise of the role"),
        ("UPDATE accounts SET role = 4 WHERE account = 6", "account 6, Eve: the log tells otherwise of the role"),
        ("INSERT INTO members VALUES ((SELECT number FROM rooms WHERE audit), 3, 1, 2)", "members of room audit: the log tells otherwise of Carol"),
        ("UPDATE restraints SET muted = muted - 1 WHERE account = 3", "mutes in room den: the log tells otherwise of Carol"),
        ("INSERT INTO restraints VALUES (1, 3, 99, 0)", "mutes in room lobby: the log tells otherwise of Carol"),
    ],
)  # fmt: skip
def test_rights_that_were_tampered_with_are_named(
    data: Path, statement: str, expected: str
) -> None:
    run_sql(data / "hubbub.db", statement)
    assert expected in faults(data)


def test_a_log_that_is_damaged_itself_is_not_taken_for_what_it_told(data: Path) -> None:
    run_sql(data / "hubbub.db", "DELETE FROM events WHERE room = 2 AND last = 5")
    assert faults(data) == ["room den, seq 5: is missing"]
