"""What every store promises; see `hubbub.broker.store.interface`."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.broker.store.scribe import ALICE, BOB, CAROL, LOBBY, Scribe, account, room

from hubbub.broker.core.changes import Changes, LogHead, ProducerRow
from hubbub.broker.core.reads import (
    EventsPage,
    MembersPage,
    ReadEvents,
    ReadInbox,
    ReadMembers,
    ReadRooms,
    RoomsPage,
)
from hubbub.broker.store.interface import Store
from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.digest import EMPTY, extend
from hubbub.common.limits import EPOCH_BYTES, KIB, MAX_NUMBER, ROOM_ID_BYTES

Opener = Callable[[Path], Store]
OPENERS: dict[str, Opener] = {"sqlite": lambda folder: SqliteStore.open(folder / "hubbub.db")}

DEN = room(2, "den", "Quiet, please")
PRODUCER = bytes(16)


@pytest.fixture(params=list(OPENERS.values()), ids=list(OPENERS))
def opener(request: pytest.FixtureRequest) -> Opener:
    opener: Opener = request.param
    return opener


@pytest.fixture
def store(opener: Opener, tmp_path: Path) -> Iterator[Store]:
    store = opener(tmp_path)
    yield store
    store.close()


@pytest.fixture
def scribe(store: Store) -> Scribe:
    return Scribe(store)


def events(
    store: Store,
    number: int = LOBBY,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 1000,
) -> EventsPage:
    page = store.read(ReadEvents(number, before, after, limit))
    assert isinstance(page, EventsPage)
    return page


def inbox(
    store: Store,
    owner: int,
    peer: int | None = None,
    *,
    before: int | None = None,
    after: int | None = None,
    limit: int = 1000,
) -> EventsPage:
    page = store.read(ReadInbox(owner, peer, before, after, limit))
    assert isinstance(page, EventsPage)
    return page


def digest_after(written: list[bytes]) -> bytes:
    digest = EMPTY
    for event in written:
        digest = extend(digest, event)
    return digest


# The state


def test_a_new_store_has_an_epoch_and_the_lobby(store: Store) -> None:
    state = store.load()
    assert len(state.epoch) == EPOCH_BYTES
    [lobby] = state.rooms
    assert (lobby.number, lobby.name, lobby.fold, lobby.description) == (1, "lobby", "lobby", "")
    assert len(lobby.room) == ROOM_ID_BYTES
    assert (state.position, state.last_message) == (0, 0)
    assert [state.accounts, state.members, state.producers] == [[], [], {}]
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
    scribe.batch.members = {(DEN.number, ALICE.account): 1}
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
    assert after.members == [(DEN.number, ALICE.account, 1)]
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
    scribe.batch.members = {(2, 1): 1, (2, 2): 2}
    scribe.write()
    scribe.batch.members = {(2, 1): None, (2, 2): 9, (2, 3): None}
    scribe.write()
    assert store.load().members == [(2, 2, 9)]


def test_a_producer_is_replaced_and_deleted(store: Store, scribe: Scribe) -> None:
    other = b"\1" * 16
    scribe.batch.producers = {
        (1, PRODUCER): ProducerRow(1, 5, b"a"),
        (1, other): ProducerRow(1, 5, b"b"),
    }
    scribe.write()
    scribe.batch.producers = {(1, PRODUCER): ProducerRow(2, 6, b"c"), (1, other): None}
    scribe.write()
    assert store.load().producers == {(1, PRODUCER): ProducerRow(2, 6, b"c")}


def test_producers_are_forgotten_when_last_used_before_the_time(
    store: Store, scribe: Scribe
) -> None:
    scribe.batch.producers = {
        (1, bytes([used]) * 16): ProducerRow(1, used, b"") for used in (8, 9, 10)
    }
    scribe.write()
    # The one that the batch itself writes is in use, whatever its clock says.
    scribe.batch.producers = {(2, PRODUCER): ProducerRow(1, 3, b"")}
    scribe.batch.forget_before = 9
    scribe.write()
    assert [(owner, row.used) for (owner, _), row in sorted(store.load().producers.items())] == [
        (1, 9),
        (1, 10),
        (2, 3),
    ]


@pytest.mark.parametrize("count", [1, 2, 255, 256, 257, 1023])
def test_a_batch_of_any_size_is_written_in_order(store: Store, scribe: Scribe, count: int) -> None:
    written = [b"event %d" % number for number in range(count)]
    people = [account(number + 1, f"user{number}") for number in range(count)]
    scribe.adds(DEN, *people).posts(LOBBY, *written)
    scribe.batch.members = {(DEN.number, person.account): 1 for person in people}
    scribe.write()
    assert events(store, limit=count).events == list(enumerate(written, 1))
    scribe.batch.members = {(DEN.number, person.account): None for person in people}
    scribe.write()
    assert store.load().members == []
    assert store.load().accounts == people


def test_the_largest_numbers_fit(store: Store, scribe: Scribe) -> None:
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


# Pages


def test_a_page_gives_the_latest_events_oldest_first_when_nothing_is_asked(
    store: Store, scribe: Scribe
) -> None:
    scribe.posts(LOBBY, b"1", b"2", b"3", b"4").write()
    page = events(store, limit=2)
    assert page == EventsPage(
        [(3, b"3"), (4, b"4")], more=True, first=1, before=digest_after([b"1", b"2"])
    )


def test_a_page_gives_the_oldest_events_behind_a_cursor(store: Store, scribe: Scribe) -> None:
    scribe.posts(LOBBY, b"1", b"2", b"3", b"4").write()
    page = events(store, after=1, limit=2)
    assert page == EventsPage(
        [(2, b"2"), (3, b"3")], more=True, first=1, before=digest_after([b"1"])
    )


def test_a_page_of_all_events_has_no_more_and_starts_from_the_empty_digest(
    store: Store, scribe: Scribe
) -> None:
    scribe.posts(LOBBY, b"1", b"2").write()
    whole = EventsPage([(1, b"1"), (2, b"2")], more=False, first=1, before=EMPTY)
    assert events(store, limit=2) == events(store, after=0, limit=2) == whole


def test_a_page_of_an_empty_log_is_empty(store: Store) -> None:
    nothing = EventsPage([], more=False, first=0, before=EMPTY)
    assert events(store) == events(store, after=0) == events(store, before=1) == nothing
    assert events(store, 99) == inbox(store, 99) == nothing


def test_an_empty_page_has_the_digest_at_its_cursor(store: Store, scribe: Scribe) -> None:
    scribe.posts(LOBBY, b"1", b"2", b"3").write()
    assert events(store, after=3) == EventsPage(
        [], more=False, first=1, before=digest_after([b"1", b"2", b"3"])
    )
    assert events(store, after=2, before=3).before == digest_after([b"1", b"2"])
    # A cursor beyond the log: what would come next is behind the last event.
    assert events(store, after=9).before == digest_after([b"1", b"2", b"3"])
    # Without a cursor it is the digest of the whole log.
    assert events(store, before=1).before == digest_after([b"1", b"2", b"3"])


def test_a_page_ends_at_240_kib_of_events(store: Store, scribe: Scribe) -> None:
    scribe.posts(LOBBY, *[bytes(80 * KIB)] * 4).write()
    forward, backward = events(store, after=0), events(store)
    assert [seq for seq, _ in forward.events] == [1, 2, 3]
    assert [seq for seq, _ in backward.events] == [2, 3, 4]
    assert forward.more
    assert backward.more
    assert backward.before == digest_after([bytes(80 * KIB)])


def test_a_page_holds_one_event_however_large(store: Store, scribe: Scribe) -> None:
    scribe.posts(LOBBY, bytes(300 * KIB), b"small").write()
    page = events(store, after=0)
    assert [seq for seq, _ in page.events] == [1]
    assert page.more


def test_rooms_do_not_see_each_others_events(store: Store, scribe: Scribe) -> None:
    scribe.adds(DEN).posts(LOBBY, b"l1").posts(DEN.number, b"d1").posts(LOBBY, b"l2").write()
    assert events(store).events == [(1, b"l1"), (2, b"l2")]
    assert events(store, DEN.number).events == [(1, b"d1")]


def test_an_inbox_pages_like_a_room(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE, BOB, CAROL)
    scribe.sends(ALICE, BOB, b"1").sends(CAROL, BOB, b"2").sends(BOB, ALICE, b"3").write()
    whole = [(1, b"1"), (2, b"2"), (3, b"3")]
    assert inbox(store, BOB.account) == EventsPage(whole, more=False, first=1, before=EMPTY)
    assert inbox(store, BOB.account, limit=1) == EventsPage(
        whole[2:], more=True, first=1, before=digest_after([b"1", b"2"])
    )
    assert inbox(store, BOB.account, after=1, limit=1).events == whole[1:2]
    assert inbox(store, ALICE.account).events == [(1, b"1"), (2, b"3")]


def test_an_inbox_with_a_peer_has_only_what_was_exchanged_with_it(
    store: Store, scribe: Scribe
) -> None:
    scribe.adds(ALICE, BOB, CAROL)
    scribe.sends(CAROL, BOB, b"1").sends(ALICE, BOB, b"2").sends(CAROL, BOB, b"3").sends(
        BOB, ALICE, b"4"
    ).write()
    page = inbox(store, BOB.account, ALICE.account)
    assert page == EventsPage([(2, b"2"), (4, b"4")], more=False, first=1, before=b"")
    assert inbox(store, BOB.account, ALICE.account, limit=1) == EventsPage(
        [(4, b"4")], more=True, first=1, before=b""
    )
    assert inbox(store, BOB.account, ALICE.account, after=0, limit=1).events == [(2, b"2")]
    assert inbox(store, BOB.account, ALICE.account, before=4).events == [(2, b"2")]


def test_a_message_to_oneself_is_one_entry(store: Store, scribe: Scribe) -> None:
    scribe.adds(ALICE).sends(ALICE, ALICE, b"note").write()
    assert inbox(store, 1).events == inbox(store, 1, 1).events == [(1, b"note")]


LENGTHS = st.lists(st.integers(1, 100), min_size=1, max_size=12)
BOUND = st.none() | st.integers(0, 14)


@given(lengths=LENGTHS, before=BOUND, after=BOUND, limit=st.integers(1, 14))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_page_is_the_cut_of_the_log_that_was_asked(
    store: Store, lengths: list[int], before: int | None, after: int | None, limit: int
) -> None:
    # Each example has a room of its own in the one store; lengths are KiB, so that the byte bound takes part.
    number = len(store.load().rooms) + 1
    written = [bytes([place]) * length * KIB for place, length in enumerate(lengths)]
    Scribe(store).adds(room(number, f"room{number}")).posts(number, *written).write()

    page = events(store, number, before=before, after=after, limit=limit)

    low, high = after or 0, len(written) + 1 if before is None else before
    asked = [(seq, event) for seq, event in enumerate(written, 1) if low < seq < high]
    got = page.events
    assert got == (asked[len(asked) - len(got) :] if after is None else asked[: len(got)])
    assert page.more == (len(got) < len(asked))
    assert len(got) <= limit
    size = sum(len(event) for _, event in got)
    assert len(got) <= 1 or size <= 240 * KIB
    if page.more and len(got) < limit:
        following = asked[-len(got) - 1] if after is None else asked[len(got)]
        assert size + len(following[1]) > 240 * KIB
    if got:
        assert page.before == digest_after(written[: got[0][0] - 1])


# Lists


def test_rooms_are_paged_by_folded_name_with_their_members_counted(
    store: Store, scribe: Scribe
) -> None:
    zoo, attic = room(3, "Zoo"), room(4, "ATTIC", "Dusty")
    scribe.adds(ALICE, BOB, CAROL, DEN, zoo, attic)
    scribe.batch.members = {(2, 1): 1, (2, 2): 2, (3, 3): 1}
    scribe.write()
    lobby = store.load().rooms[0].room
    rows = [
        (attic.room, "ATTIC", "Dusty", 0),
        (DEN.room, "den", "Quiet, please", 2),
        (lobby, "lobby", "", 3),
        (zoo.room, "Zoo", "", 1),
    ]
    assert store.read(ReadRooms("", 4)) == RoomsPage(rows, more=False)
    assert store.read(ReadRooms("", 3)) == RoomsPage(rows[:3], more=True)
    assert store.read(ReadRooms("den", 10)) == RoomsPage(rows[2:], more=False)


def test_members_are_paged_by_folded_name(store: Store, scribe: Scribe) -> None:
    people = [account(1, "zoe"), account(2, "Émile"), account(3, "ADAM"), account(4, "bea")]
    scribe.adds(DEN, *people)
    scribe.batch.members = {(2, 1): 1, (2, 3): 2, (2, 4): 3}
    scribe.write()
    assert store.read(ReadMembers(2, "", 2)) == MembersPage([(3, "ADAM"), (4, "bea")], more=True)
    assert store.read(ReadMembers(2, "bea", 2)) == MembersPage([(1, "zoe")], more=False)
    everybody = [(3, "ADAM"), (4, "bea"), (1, "zoe"), (2, "Émile")]
    assert store.read(ReadMembers(None, "", 10)) == MembersPage(everybody, more=False)
    assert store.read(ReadMembers(None, "adam", 2)) == MembersPage(everybody[1:3], more=True)
    assert store.read(ReadMembers(77, "", 2)) == MembersPage([], more=False)
