"""What every store promises; see `hubbub.broker.store.interface`."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.broker.store.files import read_all
from tests.broker.store.scribe import (
    ALICE,
    BOB,
    CAROL,
    LOBBY,
    Scribe,
    account,
    digest_after,
    room,
    since,
)

from hubbub.broker.core.changes import INBOX, Changes, LogHead, ProducerRow
from hubbub.broker.core.reads import (
    ListedRoom,
    MembersPage,
    ReadMembers,
    ReadRooms,
    RoomsPage,
)
from hubbub.broker.core.roles import Role
from hubbub.broker.store.interface import Store
from hubbub.common.limits import EPOCH_BYTES, MAX_NUMBER, ROOM_ID_BYTES

Opener = Callable[[Path], Store]
DEN = room(2, "den", "Quiet, please")
PRODUCER = bytes(16)


# The state


def test_a_new_store_has_an_epoch_and_the_lobby(store: Store) -> None:
    state = store.load()
    assert len(state.epoch) == EPOCH_BYTES
    [lobby] = state.rooms
    assert (lobby.number, lobby.name, lobby.fold, lobby.description) == (1, "lobby", "lobby", "")
    assert len(lobby.room) == ROOM_ID_BYTES
    assert (state.position, state.last_message) == (0, 0)
    assert [state.accounts, state.members] == [[], []]
    assert [state.markers, state.producers] == [{}, {}]
    assert [state.room_heads, state.inbox_heads] == [{}, {}]


def test_two_stores_differ_in_epoch_and_lobby_id(opener: Opener, tmp_path: Path) -> None:
    states = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        store = opener(tmp_path / name)
        states.append(store.load())
        store.close()
    assert states[0].epoch != states[1].epoch
    assert states[0].rooms[0].room != states[1].rooms[0].room


def test_a_store_loads_what_was_committed_when_opened_again(opener: Opener, tmp_path: Path) -> None:
    store = opener(tmp_path)
    scribe = Scribe(store).adds(ALICE, BOB, DEN)
    scribe.posts(LOBBY, b"hi", b"again").posts(DEN.number, b"hush").sends(ALICE, BOB, b"psst")
    scribe.batch.members = {(DEN.number, ALICE.account): since(1)}
    scribe.batch.markers = {(ALICE.account, INBOX): 1, (ALICE.account, DEN.number): 0}
    scribe.batch.producers = {(ALICE.account, PRODUCER): ProducerRow(4, 77, b"outcomes")}
    scribe.write()
    before = store.load()
    store.close()

    store = opener(tmp_path)
    after = store.load()
    store.close()

    assert after == before
    assert after.accounts == [ALICE, BOB]
    assert after.rooms[1:] == [DEN]
    assert after.members == [(DEN.number, ALICE.account, 1, Role.MEMBER)]
    assert after.markers == {ALICE.account: {INBOX: 1, DEN.number: 0}}
    assert after.producers == {(ALICE.account, PRODUCER): ProducerRow(4, 77, b"outcomes")}
    assert after.room_heads == {
        LOBBY: LogHead(2, digest_after([b"hi", b"again"])),
        DEN.number: LogHead(1, digest_after([b"hush"])),
    }
    assert after.inbox_heads == {
        ALICE.account: LogHead(1, digest_after([b"psst"])),
        BOB.account: LogHead(1, digest_after([b"psst"])),
    }
    assert (after.position, after.last_message) == (4, 1)


def test_a_batch_that_changes_nothing_still_moves_the_position(store: Store) -> None:
    store.commit(Changes(position=41))
    assert store.load().position == 41


def test_an_account_written_again_replaces_its_row(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE, BOB).write()
    renamed = account(ALICE.account, "Alicia")
    scribe.adds(renamed).write()
    assert store.load().accounts == [renamed, BOB]
    assert store.read(ReadMembers(None, "", 10)) == MembersPage(
        [(1, "Alicia"), (2, "Bob")], more=False
    )


def test_a_room_written_again_replaces_its_row(store: Store, scribe: Scribe) -> None:
    scribe.adds(DEN).write()
    described = room(DEN.number, "den", "Loud")
    scribe.adds(described).write()
    assert store.load().rooms[1:] == [described]


def test_a_member_leaves_when_its_row_is_none(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE, BOB, DEN)
    scribe.batch.members = {(2, 1): since(1), (2, 2): since(2)}
    scribe.write()
    scribe.batch.members = {(2, 1): None, (2, 2): since(9), (2, 3): None}
    scribe.write()
    assert store.load().members == [(2, 2, 9, Role.MEMBER)]


def test_a_marker_moves_and_is_gone_when_its_row_is_none(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE, BOB)
    scribe.batch.markers = {(1, LOBBY): 0, (1, INBOX): 3, (2, LOBBY): 7}
    scribe.write()
    scribe.batch.markers = {(1, LOBBY): MAX_NUMBER, (1, INBOX): None, (2, INBOX): None}
    scribe.write()
    assert store.load().markers == {1: {LOBBY: MAX_NUMBER}, 2: {LOBBY: 7}}


def test_a_producer_is_replaced_and_deleted(store: Store, scribe: Scribe) -> None:
    other = b"\1" * 16
    scribe.adds(ALICE)
    scribe.batch.producers = {
        (1, PRODUCER): ProducerRow(1, 5, b"a"),
        (1, other): ProducerRow(1, 5, b"b"),
    }
    scribe.write()
    scribe.batch.producers = {(1, PRODUCER): ProducerRow(2, 6, b"c"), (1, other): None}
    scribe.write()
    assert store.load().producers == {(1, PRODUCER): ProducerRow(2, 6, b"c")}


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 1023])
def test_a_batch_of_any_size_is_written_in_order(store: Store, scribe: Scribe, count: int) -> None:
    written = [b"event %d" % number for number in range(count)]
    people = [account(number + 1, f"user{number}") for number in range(count)]
    scribe.adds(DEN, *people).posts(LOBBY, *written)
    scribe.batch.members = {(DEN.number, person.account): since(1) for person in people}
    scribe.write()
    assert read_all(store) == list(enumerate(written, 1))
    scribe.batch.members = {(DEN.number, person.account): None for person in people}
    scribe.write()
    assert store.load().members == []
    assert store.load().accounts == people


def test_the_largest_numbers_fit(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE)
    scribe.batch.producers = {(1, PRODUCER): ProducerRow(MAX_NUMBER, MAX_NUMBER, b"")}
    scribe.batch.position = MAX_NUMBER
    scribe.write()
    assert store.load().producers[1, PRODUCER] == ProducerRow(MAX_NUMBER, MAX_NUMBER, b"")
    assert store.load().position == MAX_NUMBER


def test_a_store_may_be_recovered_and_closed_at_any_time(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE).posts(LOBBY, b"hi").write()
    assert store.recover() == store.load()
    scribe.posts(LOBBY, b"again").write()
    store.close()
    store.close()


# Lists


def test_rooms_are_paged_by_folded_name_with_their_members_counted(
    store: Store, scribe: Scribe
) -> None:
    zoo, attic = room(3, "Zoo"), room(4, "ATTIC", "Dusty")
    scribe.adds(ALICE, BOB, CAROL, DEN, zoo, attic)
    scribe.batch.members = {(2, 1): since(1), (2, 2): since(2), (3, 3): since(1)}
    scribe.write()
    lobby = store.load().rooms[0].room
    rows = [
        ListedRoom(attic.room, "ATTIC", "Dusty", 0),
        ListedRoom(DEN.room, "den", "Quiet, please", 2),
        ListedRoom(lobby, "lobby", "", 3),
        ListedRoom(zoo.room, "Zoo", "", 1),
    ]
    assert store.read(ReadRooms("", 4, 1)) == RoomsPage(rows, more=False)
    assert store.read(ReadRooms("", 3, 1)) == RoomsPage(rows[:3], more=True)
    assert store.read(ReadRooms("den", 10, 1)) == RoomsPage(rows[2:], more=False)


def test_members_are_paged_by_folded_name(store: Store, scribe: Scribe) -> None:
    people = [account(1, "zoe"), account(2, "Émile"), account(3, "ADAM"), account(4, "bea")]
    scribe.adds(DEN, *people)
    scribe.batch.members = {(2, 1): since(1), (2, 3): since(2), (2, 4): since(3)}
    scribe.write()
    assert store.read(ReadMembers(2, "", 2)) == MembersPage([(3, "ADAM"), (4, "bea")], more=True)
    assert store.read(ReadMembers(2, "bea", 2)) == MembersPage([(1, "zoe")], more=False)
    everybody = [(3, "ADAM"), (4, "bea"), (1, "zoe"), (2, "Émile")]
    assert store.read(ReadMembers(None, "", 10)) == MembersPage(everybody, more=False)
    assert store.read(ReadMembers(None, "adam", 2)) == MembersPage(everybody[1:3], more=True)
    assert store.read(ReadMembers(77, "", 2)) == MembersPage([], more=False)
