"""What the operator does with accounts: a code for who lost their devices, a name given free, a program marked as one."""

import pytest
from tests.broker.core.accounts import (
    PASSWORD,
    audit,
    links,
    open_desk,
    orders,
    registration,
    sets_password,
)
from tests.broker.core.desk import Desk
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import Way, refused

from hubbub.broker.core.orders import LinkFor, Release, SetBot
from hubbub.common.commands import (
    Create,
    Join,
    Order,
    Post,
    SetPassword,
    SetRole,
    Tell,
    Whois,
)
from hubbub.common.errors import Code
from hubbub.common.events import Audited, MemberLeft, PresenceChanged
from hubbub.common.limits import LINK_SECONDS
from hubbub.common.replies import Closing, Done, Error, LinkMade, MemberList


def test_who_lost_all_devices_comes_in_by_a_code_of_the_operators() -> None:
    desk = open_desk()
    desk.meets("Alice")
    registration(desk, "closed")
    made = orders(desk, LinkFor(7, "alice"))
    assert isinstance(made, LinkMade)
    assert (made.id, made.seconds) == (7, LINK_SECONDS)
    desk.connects("new phone").hello().logs_in("Alice", code=made.code).gets_welcome()
    assert audit(desk)[0] == Audited(0, 0, "", "link", "Alice")
    assert made.code not in repr(desk.batches)


def test_a_code_of_the_operators_is_good_once_it_is_on_disk() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.fails()
    answer = orders(desk, LinkFor(7, "Alice"))
    assert isinstance(answer, Error)
    assert answer.code == Code.STORAGE_UNAVAILABLE
    desk.recovers()
    desk.connects("phone").hello().logs_in("Alice", code=code).gets_welcome()


@pytest.mark.parametrize(
    "order", [LinkFor(7, "Nobody"), Release(7, "Nobody"), SetBot(7, "x", True)]
)
def test_the_operator_is_told_when_nobody_has_the_name(order: Order) -> None:
    answer = orders(open_desk(), order)
    assert isinstance(answer, Error)
    assert answer.code == Code.UNKNOWN_USER


def test_a_name_that_is_given_free_is_anybodys() -> None:
    desk = open_desk()
    alice, bob = sets_password(desk.meets("Alice")), desk.meets("Bob")
    alice.sends(Create(1, "garden")).forgets()
    code = links(alice)
    garden = desk.core.context.state.rooms[3].log.id
    bob.sends(Join(1, "garden")).forgets().subscribes(garden).forgets()
    assert isinstance(orders(desk, Release(7, "ALICE")), Done)
    *_, closing = alice.unread
    assert isinstance(closing, Closing)
    assert closing.code == Code.DEVICE_REMOVED
    assert alice.is_deaf()
    left = MemberLeft(3, bob.desk.now.wall, "Alice", "the operator", "the name was given free")
    bob.hears(left)
    for way in (Way(password=PASSWORD), Way(code=code)):
        old = desk.connects("Alice").hello().logs_in("Alice", **way)
        old.gets(refused(Code.BAD_CREDENTIALS if "password" in way else Code.BAD_CODE, id=2))
    other = desk.connects("Carol").hello().logs_in("Alice")
    welcome = other.gets_welcome()
    assert (welcome.created, welcome.has_password, len(welcome.rooms)) == (True, False, 1)
    assert [row.name for row in desk.store.accounts.values() if not row.released] == [
        "Bob",
        "Alice",
    ]
    assert desk.store.accounts[1].released == desk.now.wall
    assert not desk.store.accounts[1].password
    assert audit(desk)[-1] == Audited(0, 0, "", "release", "Alice")


def test_the_others_see_one_leave_and_the_other_come_when_a_name_changes_hands() -> None:
    desk = open_desk()
    desk.meets("Alice")
    bob = desk.meets("Bob")
    desk.passes(1)
    bob.forgets()
    orders(desk, Release(7, "Alice"))
    desk.connects("Carol").hello().logs_in("Alice").gets_welcome()
    desk.passes(10)
    bob.notices(
        PresenceChanged(3, 1, left=["Alice"]),
        PresenceChanged(4, 2, joined=["Alice"]),
    )


def test_a_released_owner_is_none_and_out_of_the_audit_room() -> None:
    desk = open_desk()
    desk.meets("Alice")
    orders(desk, SetRole(1, "Alice", "owner"))
    orders(desk, Release(2, "Alice"))
    audit_room = desk.core.context.state.audit
    assert audit_room is not None
    assert not audit_room.members
    assert desk.store.accounts[1].role.name == "MEMBER"


def test_private_messages_go_to_whoever_has_the_name_now() -> None:
    desk = open_desk()
    desk.meets("Alice")
    bob = desk.meets("Bob")
    bob.sends(Tell(1, "Alice", "for the first")).forgets()
    orders(desk, Release(7, "Alice"))
    bob.sends(Tell(2, "Alice", "for nobody")).gets(refused(Code.UNKNOWN_USER, n=2))
    bob.sends(Whois(3, "Alice")).gets(refused(Code.UNKNOWN_USER, id=3))
    carol = desk.connects("Carol").hello().logs_in("Alice")
    assert carol.gets_welcome().inbox.seq == 0
    bob.sends(Whois(4, "Alice"))
    assert isinstance(bob.unread[0], MemberList)


def test_a_name_that_was_given_free_stays_so_when_the_broker_starts_again() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    alice.sends(Create(1, "garden"))
    orders(desk, Release(7, "Alice"))
    again = Desk(desk.core.context.settings, desk.store)
    assert again.connects("Alice").hello().logs_in("Alice").gets_welcome().created
    with_password = again.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    with_password.gets(refused(Code.BAD_CREDENTIALS, id=2))


def test_what_was_on_its_way_when_the_name_was_given_free_comes_to_nothing() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "a batch in flight"))
    desk.decrees(Release(7, "Alice"))
    alice.forgets().sends(SetPassword(8, PASSWORD))
    desk.goes_on()
    assert not desk.store.accounts[1].password
    desk.connects("phone").hello().logs_in("Alice").gets_welcome()


def test_a_program_is_marked_and_unmarked_once() -> None:
    desk = open_desk()
    desk.meets("Robin")
    for is_bot, count in ((True, 1), (True, 1), (False, 2)):
        assert isinstance(orders(desk, SetBot(7, "Robin", is_bot)), Done)
        assert desk.store.accounts[1].is_bot is is_bot
        assert len(audit(desk)) == count
    assert [entry.action for entry in audit(desk)] == ["bot", "no_bot"]


def test_nobody_gives_the_operators_orders_but_the_operator() -> None:
    desk = open_desk()
    desk.meets("Alice")
    alice = desk.meets("Alice")
    orders(desk, SetRole(1, "Alice", "owner"))
    alice.forgets().sends(Release(7, "Alice"))
    [answer] = alice.unread
    assert isinstance(answer, Error)
    assert answer.code == Code.UNKNOWN_COMMAND
    assert not desk.store.accounts[1].released
