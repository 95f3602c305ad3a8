"""History: pages of a room, of the own inbox, of what one exchanged with a person."""

import pytest
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.common.codec import decode_event
from hubbub.common.commands import Create, History, Post, Tell, Who
from hubbub.common.digest import EMPTY, extend
from hubbub.common.errors import Code
from hubbub.common.events import MessagePosted, MessageTold
from hubbub.common.replies import Acked, Page, Roster


def page(person: Person) -> Page:
    [reply] = person.unread
    person.unread.clear()
    assert isinstance(reply, Page)
    return reply


def seqs(person: Person, query: History) -> tuple[list[int], bool]:
    reply = page(person.sends(query))
    return [stored.seq for stored in reply.events], reply.more


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, None, ([8, 9, 10], True)),
        (8, None, ([5, 6, 7], True)),
        (3, None, ([1, 2], False)),
        (None, 0, ([1, 2, 3], True)),
        (None, 7, ([8, 9, 10], False)),
        (None, 10, ([], False)),
        (9, 4, ([5, 6, 7], True)),
        (7, 4, ([5, 6], False)),
        (5, 4, ([], False)),
        (1, None, ([], False)),
    ],
)
def test_a_member_reads_a_page_oldest_first(
    before: int | None, after: int | None, expected: tuple[list[int], bool]
) -> None:
    alice = Desk().meets("Alice")
    alice.sends(*[Post(n, LOBBY, str(n)) for n in range(1, 11)]).forgets()
    assert seqs(alice, History(3, LOBBY, None, before, after, 3)) == expected


def test_a_page_holds_the_published_bytes_and_goes_on_from_its_digest() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(*[Post(n, LOBBY, str(n)) for n in range(1, 6)]).forgets()
    published = [event for topic, event in desk.published if b"message_posted" in event]
    reply = page(alice.sends(History(3, LOBBY, after=2)))
    assert (reply.id, reply.room, reply.first, reply.more) == (3, LOBBY, 1, False)
    assert [stored.event for stored in reply.events] == published[2:]
    digest = reply.before
    for stored in reply.events:
        digest = extend(digest, stored.event)
    assert digest == desk.core.context.state.lobby.log.digest
    assert extend(extend(EMPTY, published[0]), published[1]) == reply.before


def test_a_person_reads_the_own_inbox() -> None:
    desk = Desk()
    alice, bob, carol = desk.meets("Alice"), desk.meets("Bob"), desk.meets("Carol")
    alice.sends(Tell(1, "Bob", "one"))
    carol.sends(Tell(1, "Bob", "two"))
    inbox = desk.core.context.state.accounts[2].inbox
    reply = page(bob.forgets().sends(History(3, inbox.id)))
    assert (reply.room, [stored.seq for stored in reply.events]) == (inbox.id, [1, 2])
    digest = EMPTY
    for stored in reply.events:
        digest = extend(digest, stored.event)
    assert digest == inbox.digest


def test_a_person_reads_what_was_exchanged_with_another() -> None:
    desk = Desk()
    alice, bob, carol = desk.meets("Alice"), desk.meets("Bob"), desk.meets("Carol")
    alice.sends(Tell(1, "Bob", "one"), Tell(2, "Carol", "two"))
    carol.sends(Tell(1, "Alice", "three"))
    bob.sends(Tell(1, "Alice", "four"))
    reply = page(alice.forgets().sends(History(3, peer="bob")))
    told = [decode_event(stored.event) for stored in reply.events]
    assert [e.text for e in told if isinstance(e, MessageTold)] == ["one", "four"]
    assert [stored.seq for stored in reply.events] == [1, 4]
    assert (reply.room, reply.before) == (desk.core.context.state.accounts[1].inbox.id, b"")


def test_nobody_reads_the_inbox_of_another() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Tell(1, "Bob", "secret")).forgets()
    inbox = desk.core.context.state.accounts[1].inbox.id
    bob.forgets().sends(History(3, inbox)).gets(refused(Code.NOT_MEMBER, id=3))


@pytest.mark.parametrize(
    ("query", "code"),
    [
        (History(3), Code.INVALID),
        (History(3, LOBBY, "Alice"), Code.INVALID),
        (History(3, b"?" * 16), Code.NOT_MEMBER),
        (History(3, peer="Nobody"), Code.UNKNOWN_USER),
    ],
)
def test_a_page_of_nothing_is_refused(query: History, code: Code) -> None:
    Desk().meets("Alice").sends(query).gets(refused(code, id=3))


def test_strangers_do_not_read_a_room() -> None:
    desk = Desk()
    desk.meets("Alice").sends(Create(1, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    desk.meets("Bob").sends(History(3, garden)).gets(refused(Code.NOT_MEMBER, id=3))


def test_a_page_shows_what_is_committed_only() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Post(1, LOBBY, "on disk"))
    desk.stalls()
    alice.sends(Post(2, LOBBY, "not yet"))
    assert seqs(bob, History(3, LOBBY)) == ([1], False)
    desk.goes_on()
    assert seqs(bob, History(4, LOBBY)) == ([1, 2], False)


def test_a_session_waits_for_its_page_before_it_asks_for_the_next() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.pages_wait = True
    alice.sends(History(3, LOBBY), History(4, LOBBY)).gets(refused(Code.BUSY, id=4))
    alice.sends(Post(1, LOBBY, "hi"), Who(5))
    alice.gets(Roster(5, 1, 1, ["Alice"]), Acked(1, LOBBY, 1))
    desk.reads_pages()
    assert page(alice).id == 3
    alice.sends(History(6, LOBBY))
    desk.reads_pages()
    assert page(alice).id == 6


def test_a_page_for_a_session_that_is_gone_goes_nowhere() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.pages_wait = True
    alice.sends(History(3, LOBBY)).hello()
    desk.reads_pages()
    alice.gets()


def test_a_reader_is_told_when_the_store_cannot_be_read() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.store.failing = True
    alice.sends(History(3, LOBBY)).gets(refused(Code.STORAGE_UNAVAILABLE, id=3))
    desk.store.failing = False
    assert seqs(alice, History(4, LOBBY)) == ([], False)


def test_a_page_of_posts_reads_as_they_were_posted() -> None:
    alice = Desk().meets("Alice")
    alice.sends(Post(1, LOBBY, "hi", {"a": [1, 2.5, b"x"]})).forgets()
    [stored] = page(alice.sends(History(3, LOBBY))).events
    event = decode_event(stored.event)
    assert isinstance(event, MessagePosted)
    assert (event.sender, event.text, event.data) == ("Alice", "hi", {"a": [1, 2.5, b"x"]})
