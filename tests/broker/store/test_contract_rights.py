"""What every store promises of who may come in and do what: devices, roles, settings, restraints, invitations, bans, invites, lockdown, released names."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import get_args

import pytest
from tests.broker.store.scribe import ALICE, BOB, CAROL, LOBBY, Scribe, account, room

from hubbub.broker.core.changes import (
    BanKey,
    BanRow,
    Changes,
    DeviceRow,
    InviteRow,
    Membership,
    Restraint,
)
from hubbub.broker.core.reads import (
    BansPage,
    ListedBan,
    ListedRoom,
    MembersPage,
    ReadBans,
    ReadMembers,
    ReadRooms,
    RoomsPage,
)
from hubbub.broker.core.roles import Role
from hubbub.broker.store.interface import Store
from hubbub.common.fields import LockdownLevel

Opener = Callable[[Path], Store]
DEN, ATTIC = room(2, "den"), room(3, "attic")
FIRST, SECOND = "a1" * 32, "b2" * 32
SPAM = BanRow("spam", 1, 1_000, 2_000)
SUBJECTS: list[BanKey] = [
    ("account", "2"),
    ("key", FIRST),
    ("address", "192.0.2.1"),
    ("network", "2001:db8::/32"),
]


@pytest.fixture
def filled(store: Store) -> Scribe:
    """Alice, Bob, Carol, the den and the attic."""
    scribe = Scribe(store).adds(ALICE, BOB, CAROL, DEN, ATTIC)
    scribe.write()
    return scribe


def test_a_store_loads_all_rights_when_opened_again(opener: Opener, tmp_path: Path) -> None:
    store = opener(tmp_path)
    trusted = replace(ALICE, role=Role.OWNER, password="$argon2id$…", is_bot=True, invited=True)
    closed = replace(DEN, private=True, read_only=True, since_joined=True, slow=30)
    written = replace(ATTIC, audit=True)
    scribe = Scribe(store).adds(trusted, BOB, closed, written)
    scribe.batch.members = {
        (2, 1): Membership(1, Role.OWNER),
        (2, 2): Membership(2, Role.MODERATOR),
    }
    scribe.batch.devices = {(1, 1): DeviceRow(FIRST, "Laptop", 5, 6)}
    scribe.batch.restraints = {(2, 2): Restraint(7, 8)}
    scribe.batch.invited = {(2, 2): True}
    scribe.batch.bans = dict.fromkeys(SUBJECTS, SPAM)
    scribe.batch.invites = {b"hash": InviteRow(3, 9, 1, 4)}
    scribe.batch.lockdown = "accounts_only"
    scribe.write()
    before = store.load()
    store.close()

    store = opener(tmp_path)
    after = store.load()
    store.close()

    assert after == before
    assert after.accounts == [trusted, BOB]
    assert after.rooms[1:] == [closed, written]
    assert after.members == [(2, 1, 1, Role.OWNER), (2, 2, 2, Role.MODERATOR)]
    assert after.devices == {(1, 1): DeviceRow(FIRST, "Laptop", 5, 6)}
    assert after.restraints == {(2, 2): Restraint(7, 8)}
    assert after.invited == [(2, 2)]
    assert after.bans == dict.fromkeys(SUBJECTS, SPAM)
    assert after.invites == {b"hash": InviteRow(3, 9, 1, 4)}
    assert after.lockdown == "accounts_only"


def test_a_device_is_replaced_and_removed(store: Store, filled: Scribe) -> None:
    filled.batch.devices = {
        (1, 1): DeviceRow(FIRST, "Laptop", 5, 5),
        (1, 2): DeviceRow(SECOND, "", 6, 6),
        (2, 1): DeviceRow(SECOND, "shared", 7, 7),
    }
    filled.write()
    used = DeviceRow(FIRST, "Laptop", 5, 99)
    filled.batch.devices = {(1, 1): used, (1, 2): None, (3, 1): None}
    filled.write()
    assert store.load().devices == {(1, 1): used, (2, 1): DeviceRow(SECOND, "shared", 7, 7)}


def test_a_room_keeps_each_setting_that_was_written_last(store: Store, filled: Scribe) -> None:
    for changed in (
        replace(DEN, private=True),
        replace(DEN, read_only=True),
        replace(DEN, since_joined=True),
        replace(DEN, slow=21_600),
        replace(DEN, audit=True),
        replace(DEN, creator=2),
        replace(DEN, description="Louder"),
        DEN,
    ):
        filled.adds(changed).write()
        assert store.load().rooms[1] == changed


def test_an_account_keeps_each_right_that_was_written_last(store: Store, filled: Scribe) -> None:
    for changed in (
        replace(ALICE, role=Role.MODERATOR),
        replace(ALICE, password="$argon2id$…"),
        replace(ALICE, is_bot=True),
        replace(ALICE, invited=True),
        ALICE,
    ):
        filled.adds(changed).write()
        assert store.load().accounts[0] == changed


def test_a_member_is_promoted_and_keeps_the_seq_of_joining(store: Store, filled: Scribe) -> None:
    for role in (Role.MEMBER, Role.MODERATOR, Role.OWNER):
        filled.batch.members = {(2, 1): Membership(4, role)}
        filled.write()
        assert store.load().members == [(2, 1, 4, role)]


def test_a_restraint_is_replaced_and_lifted(store: Store, filled: Scribe) -> None:
    filled.batch.restraints = {(2, 1): Restraint(5, 0), (LOBBY, 2): Restraint(0, 7)}
    filled.write()
    filled.batch.restraints = {(2, 1): Restraint(0, 6), (LOBBY, 2): None, (3, 3): None}
    filled.write()
    assert store.load().restraints == {(2, 1): Restraint(0, 6)}


def test_an_invitation_to_a_room_stands_until_it_is_used_up(store: Store, filled: Scribe) -> None:
    filled.batch.invited = {(2, 2): True, (3, 2): True}
    filled.write()
    filled.batch.invited = {(2, 2): True, (3, 2): None, (3, 3): None}
    filled.write()
    assert store.load().invited == [(2, 2)]


@pytest.mark.parametrize("key", SUBJECTS, ids=lambda key: key[0])
def test_a_ban_is_replaced_and_lifted(store: Store, filled: Scribe, key: BanKey) -> None:
    other: BanKey = ("key", SECOND)
    filled.batch.bans = {key: SPAM, other: SPAM}
    filled.write()
    longer = BanRow("more spam", 0, 1_500, 0)
    filled.batch.bans = {key: longer}
    filled.write()
    assert store.load().bans == {key: longer, other: SPAM}
    filled.batch.bans = {key: None, ("account", "3"): None}
    filled.write()
    assert store.load().bans == {other: SPAM}


def test_bans_are_listed_by_kind_and_what_is_shown_as_long_as_they_hold(
    store: Store, filled: Scribe
) -> None:
    forever = BanRow("spam", 0, 1_500, 0)
    filled.batch.bans = {
        ("account", "2"): SPAM,
        ("account", "10"): forever,
        **dict.fromkeys(SUBJECTS[1:], forever),
    }
    filled.batch.lockdown = "no_new_accounts"
    filled.adds(account(10, "abe")).write()
    abe = ListedBan("account", "abe", "spam", "", 1_500, 0)
    bob = ListedBan("account", BOB.name, "spam", ALICE.name, 1_000, 2_000)
    others = [ListedBan(kind, subject, *abe[2:]) for kind, subject in SUBJECTS[1:]]
    every = sorted([abe, bob, *others])
    assert store.read(ReadBans("", 9, 1_999)) == BansPage(every, "no_new_accounts", more=False)
    without = [ban for ban in every if ban is not bob]
    assert store.read(ReadBans("", 3, 2_000)) == BansPage(without[:3], "no_new_accounts", more=True)
    behind = BansPage(without[3:], "no_new_accounts", more=False)
    last = without[2]
    assert store.read(ReadBans(f"{last.kind} {last.subject}", 9, 2_000)) == behind


def test_an_invite_is_used_and_used_up(store: Store, filled: Scribe) -> None:
    invites = {b"one": InviteRow(1, 9, 0, 4), b"two": InviteRow(2, 9, 1, 4)}
    filled.batch.invites = dict(invites)
    filled.write()
    assert store.load().invites == invites
    filled.batch.invites = {b"one": None, b"two": InviteRow(1, 9, 1, 4), b"three": None}
    filled.write()
    assert store.load().invites == {b"two": InviteRow(1, 9, 1, 4)}


def test_a_lockdown_holds_until_another_level_is_written(store: Store) -> None:
    assert store.load().lockdown == "normal"
    for level in get_args(LockdownLevel):
        store.commit(Changes(lockdown=level))
        store.commit(Changes())
        assert store.load().lockdown == level


# Lists


def test_a_private_room_is_listed_for_its_members_only(store: Store, filled: Scribe) -> None:
    filled.adds(replace(DEN, private=True, read_only=True, since_joined=True, slow=5))
    filled.batch.members = {(2, 1): Membership(1, Role.OWNER)}
    filled.batch.invited = {(2, 3): True}
    filled.write()
    lobby = ListedRoom(store.load().rooms[0].room, "lobby", "", 3)
    attic, den = (
        ListedRoom(ATTIC.room, "attic", "", 0),
        ListedRoom(DEN.room, "den", "", 1, private=True, read_only=True, since_joined=True, slow=5),
    )
    assert store.read(ReadRooms("", 10, 1)) == RoomsPage([attic, den, lobby], more=False)
    assert store.read(ReadRooms("", 2, 1)) == RoomsPage([attic, den], more=True)
    for other in (2, 3):
        assert store.read(ReadRooms("", 10, other)) == RoomsPage([attic, lobby], more=False)
        assert store.read(ReadRooms("", 2, other)) == RoomsPage([attic, lobby], more=False)


def test_bans_that_hold_are_paged_by_kind_and_subject(store: Store, filled: Scribe) -> None:
    by_alice, ended, endless = (
        BanRow("spam", 1, 1_000, 2_000),
        BanRow("spam", 0, 500, 1_500),
        BanRow("", 0, 500, 0),
    )
    filled.batch.bans = {
        ("network", "192.0.2.0/24"): endless,
        ("account", "3"): by_alice,
        ("key", FIRST): ended,
        ("account", "2"): endless,
    }
    filled.batch.lockdown = "no_new_accounts"
    filled.write()
    bob = ListedBan("account", "Bob", "", "", 500, 0)
    carol = ListedBan("account", "Carol", "spam", "Alice", 1_000, 2_000)
    network = ListedBan("network", "192.0.2.0/24", "", "", 500, 0)
    level: LockdownLevel = "no_new_accounts"
    for query, page in (
        (ReadBans("", 10, 1_500), BansPage([bob, carol, network], level, more=False)),
        (ReadBans("", 2, 1_500), BansPage([bob, carol], level, more=True)),
        (ReadBans("account Bob", 10, 1_500), BansPage([carol, network], level, more=False)),
        (ReadBans("", 10, 2_000), BansPage([bob, network], level, more=False)),
        (ReadBans("network 192.0.2.0/24", 10, 0), BansPage([], level, more=False)),
    ):
        assert store.read(query) == page


# Released names


def test_a_released_name_is_listed_no_more(store: Store, filled: Scribe) -> None:
    filled.adds(replace(BOB, released=77)).write()
    assert store.load().accounts == [ALICE, replace(BOB, released=77), CAROL]
    people = MembersPage([(1, "Alice"), (3, "Carol")], more=False)
    assert store.read(ReadMembers(None, "", 10)) == people
    assert store.read(ReadMembers(None, "", 2)) == people
    rooms = store.read(ReadRooms("", 10, 1))
    assert isinstance(rooms, RoomsPage)
    assert {row.name: row.members for row in rooms.rooms}["lobby"] == 2


@pytest.mark.parametrize("at_once", [True, False])
def test_a_released_name_is_taken_as_often_as_it_is_released(
    store: Store, filled: Scribe, *, at_once: bool
) -> None:
    """Also in the batch that released it: the rows are written in their order."""
    people = [BOB, *(account(number, "BOB") for number in range(4, 8))]
    for old, new in pairwise(people):
        filled.adds(replace(old, released=5))
        if not at_once:
            filled.write()
        filled.adds(new).write()
    released = [replace(person, released=5) for person in people[:-1]]
    assert store.load().accounts == [ALICE, released[0], CAROL, *released[1:], people[-1]]
    page = store.read(ReadMembers(None, "alice", 10))
    assert page == MembersPage([(7, "BOB"), (3, "Carol")], more=False)
