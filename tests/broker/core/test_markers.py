"""Read markers: how far a person has read each log, the same on all their devices."""

import pytest
from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.effects import Send
from hubbub.common.commands import Create, Join, Leave, Mark, Post, Tell
from hubbub.common.errors import Code
from hubbub.common.limits import MAX_NUMBER
from hubbub.common.replies import Acked, Joined, Left, Marked, Welcome


def comes_back(desk: Desk, name: str) -> Welcome:
    """Log in on another device."""
    return desk.connects(name).hello().logs_in(name).gets_welcome()


def reads(welcome: Welcome) -> dict[str, int]:
    """The markers of the rooms in a welcome, by name."""
    return {room.name: room.read for room in welcome.rooms}


def head(desk: Desk, room: bytes) -> tuple[int, bytes]:
    """The published head of a room."""
    published = desk.core.context.state.room_by_id[room].log.published
    return published.seq, published.digest


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def alice(desk: Desk) -> Person:
    return desk.meets("Alice")


@pytest.fixture
def bob(desk: Desk, alice: Person) -> Person:
    """Bob, who came when Alice had written three messages to the lobby."""
    alice.sends(*[Post(n, LOBBY, "before Bob's time") for n in (1, 2, 3)]).forgets()
    return desk.meets("Bob")


def test_a_marker_is_told_to_all_devices_and_to_nobody_else(
    desk: Desk, alice: Person, bob: Person
) -> None:
    laptop = desk.meets("Bob")
    alice.sends(*[Post(n, LOBBY, "hi") for n in (4, 5, 6)]).forgets()
    bob.forgets().sends(Mark(1, LOBBY, 5)).gets(Acked(1, LOBBY, 5), Marked(LOBBY, 5)).hears()
    alice.gets().hears()
    laptop.gets(Marked(LOBBY, 5))
    assert reads(comes_back(desk, "Bob")) == {"lobby": 5}
    assert reads(comes_back(desk, "Alice")) == {"lobby": 0}


def test_devices_are_told_once_what_many_marks_of_a_batch_came_to(
    desk: Desk, alice: Person, bob: Person
) -> None:
    laptop = desk.meets("Bob")
    inbox = desk.core.context.state.accounts[2].inbox.id
    bob.sends(Tell(1, "Bob", "a note"), Create(2, "garden")).forgets()
    garden = desk.core.context.state.rooms[2].log.id
    alice.sends(*[Post(n, LOBBY, "hi") for n in (4, 5, 6)])
    laptop.forgets()
    bob.forgets().sends(*[Mark(n, LOBBY, n + 1) for n in (3, 4, 5)], Mark(6, inbox, 1))
    laptop.gets(Marked(LOBBY, 6), Marked(inbox, 1))
    bob.sends(Post(7, garden, "hi"), Mark(8, garden, 2), Leave(9, garden), Mark(10, LOBBY, 2))
    laptop.gets(Left(garden))
    bob.sends(Join(11, "garden"), Post(12, garden, "hi"), Mark(13, garden, 5))
    laptop.gets(Joined(garden, "garden", *head(desk, garden), read=5), Marked(garden, 5))


class PushlessDesk(Desk):
    """A desk that checks how markers are told."""

    def _send(self, effect: Send) -> None:
        assert not (effect.push and any(isinstance(reply, Marked) for reply in effect.replies))
        super()._send(effect)


def test_a_device_that_cannot_be_told_of_a_marker_is_ended_so_that_it_learns_it_later() -> None:
    desk = PushlessDesk()
    bob, laptop = desk.meets("Bob"), desk.meets("Bob")
    bob.sends(Post(1, LOBBY, "hi"), Mark(2, LOBBY, 1))
    laptop.gets(Marked(LOBBY, 1))


def test_a_newcomer_has_nothing_unread(desk: Desk, alice: Person, bob: Person) -> None:
    alice.sends(Create(4, "garden"))
    [made] = [reply for reply in alice.unread if isinstance(reply, Joined)]
    assert (made.seq, made.read) == (1, 1)
    alice.sends(Post(5, made.room, "hi"))
    bob.sends(Join(1, "garden"))
    [joined] = [reply for reply in bob.unread if isinstance(reply, Joined)]
    assert (joined.seq, joined.read) == (3, 3)
    assert reads(comes_back(desk, "Bob")) == {"lobby": 3, "garden": 3}


def test_a_newcomer_has_read_what_was_written_while_they_came(desk: Desk, alice: Person) -> None:
    desk.stalls()
    alice.sends(Post(1, LOBBY, "in flight"))
    alice.sends(Post(2, LOBBY, "before Bob"))
    bob = desk.connects("Bob").hello().logs_in("Bob")
    alice.sends(Post(3, LOBBY, "after Bob"))
    desk.goes_on()
    [lobby] = bob.gets_welcome().rooms
    assert (lobby.seq, lobby.read) == (3, 2)


def test_a_marker_never_goes_back(desk: Desk, bob: Person, alice: Person) -> None:
    alice.sends(*[Post(n, LOBBY, "hi") for n in (4, 5, 6)])
    bob.sends(Mark(1, LOBBY, 5), Mark(2, LOBBY, 4), Mark(3, LOBBY, 0))
    bob.gets(Acked(1, LOBBY, 5), Acked(2, LOBBY, 5), Acked(3, LOBBY, 5), Marked(LOBBY, 5))
    bob.sends(Mark(4, LOBBY, 2)).gets(Acked(4, LOBBY, 5))
    assert reads(comes_back(desk, "Bob")) == {"lobby": 5}


def test_a_mark_beyond_the_head_counts_as_the_head(desk: Desk, bob: Person) -> None:
    bob.sends(Post(1, LOBBY, "hi"), Mark(2, LOBBY, MAX_NUMBER), Post(3, LOBBY, "not read yet"))
    assert reads(comes_back(desk, "Bob")) == {"lobby": 4}


def test_the_inbox_has_a_marker_of_its_own(desk: Desk, alice: Person, bob: Person) -> None:
    inbox = desk.core.context.state.accounts[2].inbox.id
    alice.sends(*[Tell(n, "Bob", "psst") for n in (4, 5, 6)])
    assert comes_back(desk, "Bob").inbox_read == 0
    bob.forgets().sends(Mark(1, inbox, 2)).gets(Acked(1, inbox, 2), Marked(inbox, 2))
    welcome = comes_back(desk, "Bob")
    assert (welcome.inbox.seq, welcome.inbox_read, reads(welcome)) == (3, 2, {"lobby": 3})


def test_only_members_have_a_marker(desk: Desk, alice: Person, bob: Person) -> None:
    alice.sends(Create(4, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    alices = desk.core.context.state.accounts[1].inbox.id
    bob.sends(Mark(1, garden, 1), Mark(2, alices, 1), Mark(3, b"?" * 16, 1))
    bob.gets(*[refused(Code.NOT_MEMBER, n=n) for n in (1, 2, 3)])


def test_a_membership_that_began_again_has_a_new_marker(desk: Desk, bob: Person) -> None:
    bob.sends(Create(1, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    bob.sends(Leave(2, garden), Join(3, "garden"), Mark(4, garden, 2)).forgets()
    assert desk.store.markers == {(1, 1): 0, (2, 1): 3, (2, 2): 3}
    bob.sends(Leave(5, garden))
    assert desk.store.markers == {(1, 1): 0, (2, 1): 3}
    bob.sends(Mark(6, garden, 4)).forgets()
    assert desk.store.markers == {(1, 1): 0, (2, 1): 3}


def test_marks_between_posts_have_their_own_place_in_the_acks(alice: Person) -> None:
    alice.sends(
        Post(1, LOBBY, "one"),
        Mark(2, LOBBY, 1),
        Post(3, LOBBY, "two"),
        Mark(4, LOBBY, 1),
        Mark(5, LOBBY, 2),
        Post(6, LOBBY, "three"),
    )
    # A run is of consecutive seqs, whatever became of the writes in it: 2 and 3 came to 1 and 2, as 4, 5 and 6 to 1, 2 and 3.
    expected = [Acked(1, LOBBY, 1), Acked(2, LOBBY, 1, 2), Acked(4, LOBBY, 1, 3)]
    alice.gets(*expected, Marked(LOBBY, 2))
    alice.sends(Mark(5, LOBBY, 2)).gets(Acked(5, LOBBY, 2))


def test_a_mark_that_was_sent_again_is_done_once(desk: Desk, bob: Person) -> None:
    bob.sends(Mark(1, LOBBY, 3)).gets(Acked(1, LOBBY, 3))
    bob.sends(Post(2, LOBBY, "hi"), Mark(3, LOBBY, 4)).forgets()
    bob.sends(Mark(1, LOBBY, 3)).gets(Acked(1, LOBBY, 3))
    assert reads(comes_back(desk, "Bob")) == {"lobby": 4}


def test_a_marker_is_told_when_it_is_on_disk(desk: Desk, bob: Person) -> None:
    bob.sends(Post(1, LOBBY, "hi")).forgets()
    desk.stalls()
    bob.sends(Mark(2, LOBBY, 4)).gets()
    assert reads(comes_back(desk, "Bob")) == {"lobby": 3}
    desk.goes_on()
    bob.gets(Acked(2, LOBBY, 4), Marked(LOBBY, 4))
    assert reads(comes_back(desk, "Bob")) == {"lobby": 4}


def test_a_mark_that_was_not_written_is_not_done(desk: Desk, bob: Person) -> None:
    bob.sends(Post(1, LOBBY, "hi")).forgets()
    desk.fails()
    bob.sends(Mark(2, LOBBY, 4)).forgets()
    desk.recovers()
    assert reads(comes_back(desk, "Bob")) == {"lobby": 3}
    bob.sends(Mark(2, LOBBY, 4)).gets(Acked(2, LOBBY, 4), Marked(LOBBY, 4))
