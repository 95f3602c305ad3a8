"""What every store promises of its pages; see `hubbub.broker.store.interface`."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.broker.store.scribe import ALICE, BOB, CAROL, LOBBY, Scribe, digest_after, room

from hubbub.broker.core.reads import (
    EventsPage,
    ReadEvents,
    ReadInbox,
)
from hubbub.broker.store.interface import Store
from hubbub.common.digest import EMPTY
from hubbub.common.limits import KIB

DEN = room(2, "den", "Quiet, please")


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


def test_a_page_begins_and_ends_inside_runs(store: Store, scribe: Scribe) -> None:
    written = [b"%d" % seq for seq in range(1, 11)]
    scribe.posts(LOBBY, *written[:4]).posts(LOBBY, *written[4:9]).posts(LOBBY, written[9]).write()
    for seq, event in enumerate(written, 1):
        before = digest_after(written[: seq - 1])
        forward, backward = (
            events(store, after=seq - 1, limit=1),
            events(store, before=seq + 1, limit=1),
        )
        assert forward == EventsPage([(seq, event)], more=seq < 10, first=1, before=before)
        assert backward == EventsPage([(seq, event)], more=seq > 1, first=1, before=before)
        nothing = events(store, after=seq, before=seq + 1)
        assert nothing == EventsPage([], more=False, first=1, before=digest_after(written[:seq]))
    across = [(seq, written[seq - 1]) for seq in range(3, 8)]
    assert events(store, after=2, before=8, limit=5) == EventsPage(
        across, more=False, first=1, before=digest_after(written[:2])
    )
    assert events(store, before=8, limit=5) == EventsPage(
        across, more=True, first=1, before=digest_after(written[:2])
    )


LENGTHS = st.lists(st.lists(st.integers(1, 100), min_size=1, max_size=5), min_size=1, max_size=5)
BOUND = st.none() | st.integers(0, 26)


@pytest.mark.slow
@given(batches=LENGTHS, before=BOUND, after=BOUND, limit=st.integers(1, 26))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_page_is_the_cut_of_the_log_that_was_asked(
    store: Store, batches: list[list[int]], before: int | None, after: int | None, limit: int
) -> None:
    # Each example has a room of its own in the one store; lengths are KiB, so that the byte bound takes part.
    number = len(store.load().rooms) + 1
    scribe = Scribe(store).adds(room(number, f"room{number}"))
    written: list[bytes] = []
    for lengths in batches:
        batch = [
            bytes([len(lengths), place]) * length * (KIB // 2)
            for place, length in enumerate(lengths)
        ]
        scribe.posts(number, *batch)
        written += batch
    scribe.write()

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


@pytest.mark.slow
@given(
    batches=st.lists(st.sampled_from([1, 2, 3, 100, 255, 256, 257, 513]), min_size=1, max_size=6),
    data=st.data(),
)
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_page_of_long_runs_is_the_cut_of_the_log_that_was_asked(
    store: Store, batches: list[int], data: st.DataObject
) -> None:
    number = len(store.load().rooms) + 1
    scribe = Scribe(store).adds(room(number, f"room{number}"))
    written = [b"%d" % seq for seq in range(1, sum(batches) + 1)]
    start = 0
    for count in batches:
        scribe.posts(number, *written[start : start + count])
        start += count
    scribe.write()
    anywhere = st.integers(0, len(written) + 2)
    before, after = data.draw(st.none() | anywhere), data.draw(st.none() | anywhere)
    since, limit = (
        data.draw(st.integers(1, 300)),
        data.draw(st.sampled_from([1, 2, 256, 257, 1000])),
    )

    page = store.read(ReadEvents(number, before, after, limit, since))

    low = max(after or 0, since - 1)
    high = len(written) + 1 if before is None else before
    asked = [(seq, event) for seq, event in enumerate(written, 1) if low < seq < high]
    shown = asked[-limit:] if after is None else asked[:limit]
    last = len(written) if after is None else min(after, len(written))
    known = shown[0][0] - 1 if shown else last
    assert page == EventsPage(
        shown, more=len(asked) > limit, first=since, before=digest_after(written[:known])
    )
