"""Pages that many ask for at once: read once, kept within a bound, never kept when they could change."""

import tracemalloc

import pytest
from tests.broker.core.desk import Desk
from tests.broker.core.memory_store import LOBBY

from hubbub.broker.core.effects import Effect, Fetch
from hubbub.broker.core.reads import EventsPage, Read, ReadEvents, ReadResult
from hubbub.broker.core.sessions import Peer
from hubbub.broker.errors import StorageError
from hubbub.broker.pages import KEPT_BYTES, Pages
from hubbub.common.codec import array, encode
from hubbub.common.commands import History, Post, Tell


class Shelf:
    """What is read, and how often."""

    def __init__(self, event: bytes = b"event", count: int = 1) -> None:
        self.events = [(seq, event) for seq in range(1, count + 1)]
        self.queries: list[Read] = []
        self.fails = False

    def read(self, query: Read) -> ReadResult:
        self.queries.append(query)
        if self.fails:
            raise StorageError("the disk is gone")
        return EventsPage(self.events, more=False, first=1, before=b"")


def page(number: int) -> ReadEvents:
    return ReadEvents(room=1, before=number + 1, after=number, limit=1000)


def test_the_same_page_is_read_once_however_many_ask() -> None:
    shelf = Shelf()
    pages = Pages(shelf.read)
    answers = [pages.read(page(1)) for _ in range(500)]
    assert len(shelf.queries) == 1
    assert answers.count(answers[0]) == 500
    pages.read(page(2))
    pages.read(ReadEvents(room=2, before=2, after=1, limit=1000))
    assert len(shelf.queries) == 3


def test_kept_pages_are_bounded_and_the_least_used_forgotten() -> None:
    shelf = Shelf(event=b"x" * 1000, count=240)
    pages = Pages(shelf.read)
    many = KEPT_BYTES // 240_000
    for number in range(many):
        pages.read(page(number))
        pages.read(page(0))
    shelf.queries.clear()
    pages.read(page(0))
    assert not shelf.queries, "used all the time"
    pages.read(page(1))
    assert shelf.queries == [page(1)], "used longest ago"


@pytest.mark.slow
def test_empty_pages_stay_within_the_bound_with_all_that_they_need() -> None:
    shelf = Shelf(count=0)
    pages = Pages(shelf.read)
    tracemalloc.start()
    try:
        for number in range(1_000_000, 1_040_000):
            pages.read(page(number))
            shelf.queries.clear()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept <= KEPT_BYTES


def test_a_page_that_could_not_be_read_is_read_again() -> None:
    shelf = Shelf()
    shelf.fails = True
    pages = Pages(shelf.read)
    with pytest.raises(StorageError):
        pages.read(page(1))
    shelf.fails = False
    pages.read(page(1))
    assert len(shelf.queries) == 2


def asked(desk: Desk, history: History) -> Effect:
    alice = desk.people[0]
    peer = Peer(alice.routing_id, alice.key, alice.connection)
    [effect] = desk.core.handle(peer, array([encode(history)]), desk.now)
    return effect


@pytest.mark.parametrize(
    ("after", "before", "is_final"),
    [
        (0, 3, True),
        (2, 3, True),
        (2, 2, True),
        (3, 3, False),
        (0, 4, False),
        (0, None, False),
        (None, 3, False),
    ],
)
def test_only_a_stretch_that_is_published_is_final(
    after: int | None, before: int | None, is_final: bool
) -> None:
    desk = Desk()
    alice = desk.meets("Alice").sends(Post(1, LOBBY, "one"), Post(2, LOBBY, "two"))
    desk.stalls()
    alice.sends(Post(3, LOBBY, "not on disk"))
    fetch = asked(desk, History(1, room=LOBBY, after=after, before=before))
    assert isinstance(fetch, Fetch)
    assert fetch.is_final is is_final


def test_no_page_of_an_empty_room_is_final() -> None:
    desk = Desk()
    desk.meets("Alice")
    fetch = asked(desk, History(1, room=LOBBY, after=0, before=1))
    assert isinstance(fetch, Fetch)
    assert not fetch.is_final


def test_pages_of_an_inbox_are_nobody_elses() -> None:
    desk = Desk()
    desk.meets("Alice").sends(Tell(1, "Alice", "note"))
    inbox = desk.core.context.state.accounts[1].inbox.id
    fetch = asked(desk, History(1, room=inbox, after=0, before=2))
    assert isinstance(fetch, Fetch)
    assert not fetch.is_final
