"""Who hears what: a subscription is granted to a member's announced SUB, by exact topic, and ends with the membership."""

import pytest
from tests.broker.core.desk import WALL, Desk, Person
from tests.broker.core.memory_store import LOBBY

from hubbub.broker.core.limits import Limits
from hubbub.common.commands import Create, Join, Leave, Post
from hubbub.common.events import MessagePosted
from hubbub.common.replies import Left, Resend, Subscribed


def gardeners() -> tuple[Desk, Person, Person, bytes]:
    """Alice and Bob are in the garden and hear it."""
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Create(1, "garden"))
    bob.sends(Join(1, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    for person in (alice, bob):
        person.forgets().subscribes(garden).forgets()
    return desk, alice, bob, garden


def test_a_member_is_granted_the_room_and_told_its_published_head() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Post(1, LOBBY, "one"))
    desk.stalls()
    alice.sends(Post(2, LOBBY, "two")).forgets()
    bob = desk.meets("Alice")
    log = desk.core.context.state.lobby.log
    bob.listens(LOBBY).gets(Subscribed(LOBBY, 1, log.published.digest))
    desk.goes_on()
    bob.hears(MessagePosted(2, WALL, "Alice", "two"))


@pytest.mark.parametrize("topic", [b"", LOBBY[:-1], LOBBY + b"\0", LOBBY[:1]])
def test_a_sub_is_cut_when_it_subscribes_to_what_is_no_room_id(topic: bytes) -> None:
    alice = Desk().meets("Alice")
    alice.subscribes(topic).gets()
    assert alice.is_deaf()
    assert not alice.is_cut


def test_a_foreign_room_is_not_granted() -> None:
    desk, alice, _, garden = gardeners()
    eve = desk.meets("Eve").subscribes(garden).subscribes(b"?" * 16).gets()
    alice.sends(Post(2, garden, "secret"))
    eve.hears()
    assert not eve.is_deaf()


def test_an_inbox_is_not_granted() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.subscribes(desk.core.context.state.accounts[1].inbox.id).gets()


def test_a_session_is_ended_when_it_subscribes_too_much_at_once() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    for number in range(Limits().subscriptions_burst - 2):
        alice.subscribes(number.to_bytes(16, "big"))
    desk.passes(0.5)
    for _ in range(20):
        alice.subscribes(b"?" * 16)
    assert not alice.is_deaf()
    assert alice.sub is not None
    sub = alice.sub.connection
    for _ in range(40):
        alice.subscribes(b"?" * 16)
    assert alice.is_deaf()
    assert alice.is_cut
    assert desk.struck == [sub]


def test_a_sub_connects_only_with_a_key_that_a_live_session_announced() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    newcomer = desk.connects("Bob").hello().logs_in("Bob")
    admits = desk.core.admits
    assert admits(alice.events_key.hex())
    assert not admits(newcomer.events_key.hex())
    assert not admits(alice.key)
    alice.vanishes()
    assert not admits(alice.events_key.hex())


def test_a_sub_that_outlives_its_session_is_cut_when_it_subscribes() -> None:
    desk = Desk()
    alice = desk.connects("Alice").hello().logs_in("Alice").forgets()
    sub = desk.opens_sub(alice.events_key.hex())
    alice.hello()
    desk.reads_subscription(sub, LOBBY)
    assert sub.is_cut


def test_a_membership_that_is_not_on_disk_is_not_granted() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(Create(1, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    alice.subscribes(garden).gets()
    desk.goes_on()
    alice.forgets().subscribes(garden)
    alice.gets(Subscribed(garden, 1, desk.core.context.state.rooms[2].log.digest))


def test_a_sub_is_cut_when_it_still_listens_1_s_after_leaving() -> None:
    desk, alice, bob, garden = gardeners()
    bob.sends(Leave(2, garden))
    desk.passes(0.9)
    assert not bob.is_deaf()
    desk.passes(0.2)
    assert bob.is_deaf()
    assert not bob.is_cut
    assert not alice.is_deaf()


def test_a_sub_is_not_cut_when_it_unsubscribes_in_time() -> None:
    desk, alice, bob, garden = gardeners()
    bob.sends(Leave(2, garden)).unsubscribes(garden).forgets()
    alice.sends(Post(2, garden, "now that Bob is away"))
    bob.hears()
    desk.passes(5)
    assert not bob.is_deaf()


def test_every_room_has_a_second_of_its_own() -> None:
    desk, alice, bob, garden = gardeners()
    alice.sends(Create(2, "attic"))
    attic = desk.core.context.state.rooms[3].log.id
    bob.sends(Join(2, "attic")).forgets().subscribes(attic)
    bob.sends(Leave(3, garden)).unsubscribes(garden)
    desk.passes(0.9)
    bob.sends(Leave(4, attic))
    desk.passes(0.5)
    assert not bob.is_deaf()
    desk.passes(0.6)
    assert bob.is_deaf()


def test_the_other_sessions_of_one_who_left_are_cut_too() -> None:
    desk, _, bob, garden = gardeners()
    laptop = desk.meets("Bob")
    bob.sends(Leave(2, garden)).unsubscribes(garden)
    laptop.gets(Left(garden))
    desk.passes(1.1)
    assert laptop.is_deaf()
    assert not bob.is_deaf()


def test_one_who_left_is_not_granted_the_room_again() -> None:
    _, alice, bob, garden = gardeners()
    bob.sends(Leave(2, garden)).unsubscribes(garden).forgets()
    bob.subscribes(garden).gets()
    alice.sends(Post(2, garden, "secret"))
    bob.hears()


def test_a_session_has_one_sub() -> None:
    desk, _, bob, garden = gardeners()
    first = bob.sub
    assert first is not None
    bob.listens(LOBBY)
    assert first.is_cut
    assert not bob.is_deaf()
    bob.forgets().subscribes(garden)
    desk.passes(5)
    assert not bob.is_deaf()


def test_an_old_sub_does_not_unsubscribe_for_the_new_one() -> None:
    desk, _, bob, garden = gardeners()
    first = bob.sub
    bob.listens(LOBBY, garden).unsubscribes(garden, first)
    bob.sends(Leave(2, garden))
    desk.passes(1.1)
    assert bob.is_deaf()


def test_a_sub_that_was_lost_may_connect_and_subscribe_again() -> None:
    desk, alice, bob, garden = gardeners()
    desk.loses_sub(bob)
    alice.sends(Post(2, garden, "missed"))
    bob.listens(garden).gets(Subscribed(garden, 3, desk.core.context.state.rooms[2].log.digest))
    alice.sends(Post(3, garden, "heard"))
    bob.hears(MessagePosted(4, WALL, "Alice", "heard"))


def test_a_session_is_cut_when_its_sub_sends_what_no_sub_sends() -> None:
    desk, alice, bob, _ = gardeners()
    assert bob.sub is not None
    desk.reads_nonsense(bob.sub)
    assert bob.is_cut
    assert bob.is_deaf()
    assert not alice.is_cut


def test_a_session_that_cannot_take_a_reply_is_cut() -> None:
    desk, alice, bob, _ = gardeners()
    desk.cannot_reach(bob)
    assert bob.is_cut
    assert bob.is_deaf()
    again = desk.connects("Bob", bob.routing_id)
    again.sends(Post(1, LOBBY, "hi")).gets(Resend(1, "login_required"))
    assert not alice.is_cut
