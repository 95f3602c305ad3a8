"""Giving and taking roles, in a room and in the whole chat."""

import pytest
from tests.broker.core.desk import WALL, Desk
from tests.broker.core.garden import Garden, room_id
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.broker.core.changes import Membership
from hubbub.broker.core.roles import Role
from hubbub.common.commands import Join, Kick, Leave, Post, SetRole
from hubbub.common.errors import Code
from hubbub.common.events import Audited, MemberLeft, RoleChanged
from hubbub.common.replies import Done, Joined, Left


def test_an_owner_makes_a_moderator_and_takes_the_role_back() -> None:
    it = Garden()
    it.olga.sends(SetRole(9, "bob", "moderator", it.id)).gets(Done(9))
    it.carl.hears(RoleChanged(6, WALL, "Bob", "moderator", "Olga"))
    assert it.desk.store.members[2, 3] == Membership(3, Role.MODERATOR)
    it.bob.sends(Kick(9, "Carl", it.id)).gets(Done(9))
    it.olga.sends(SetRole(10, "Bob", "member", it.id))
    assert it.desk.store.members[2, 3] == Membership(3, Role.MEMBER)
    it.bob.sends(Kick(10, "Carl", it.id)).gets(refused(Code.FORBIDDEN, id=10))


def test_a_role_that_is_given_again_changes_nothing() -> None:
    it = Garden()
    it.olga.sends(SetRole(9, "Mona", "moderator", it.id)).gets(Done(9)).hears()
    assert it.decreed(SetRole(9, "Mona", "member")) == Done(9)
    assert [deed.action for deed in it.audited()] == ["role"]


def test_a_role_is_kept_over_a_restart_and_lost_by_leaving() -> None:
    it = Garden()
    again = Desk(store=it.desk.store)
    mona = again.meets("Mona")
    mona.sends(Kick(9, "Bob", it.id)).gets(Done(9))
    mona.sends(Leave(1, it.id), Join(2, "garden")).forgets()
    mona.sends(Kick(10, "Carl", it.id)).gets(refused(Code.FORBIDDEN, id=10))


def test_an_owner_steps_down_but_not_the_last_one() -> None:
    it = Garden()
    it.olga.sends(SetRole(9, "Olga", "moderator", it.id)).gets(refused(Code.FORBIDDEN, id=9))
    it.olga.sends(SetRole(10, "Mona", "owner", it.id), SetRole(11, "Olga", "member", it.id))
    it.olga.gets(Done(10), Done(11))
    it.mona.sends(SetRole(9, "Mona", "member", it.id)).gets(refused(Code.FORBIDDEN, id=9))


def test_the_last_owner_may_leave_and_the_operator_makes_another() -> None:
    it = Garden()
    it.olga.sends(Leave(2, it.id))
    it.mona.sends(SetRole(9, "Mona", "owner", it.id)).gets(refused(Code.FORBIDDEN, id=9))
    assert it.decreed(SetRole(9, "Mona", "owner", it.id)) == Done(9)
    it.mona.sends(SetRole(10, "Bob", "moderator", it.id)).gets(Done(10))


def test_owners_of_the_chat_own_the_rooms_that_they_are_in() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    zoe.sends(SetRole(9, "Bob", "moderator", it.id)).gets(refused(Code.NOT_MEMBER, id=9))
    zoe.sends(Join(1, "garden")).forgets().sends(SetRole(10, "Bob", "moderator", it.id))
    zoe.gets(Done(10))
    it.olga.sends(SetRole(11, "Olga", "member", it.id)).gets(Done(11))


@pytest.mark.parametrize(
    ("name", "code"),
    [("Olga", Code.FORBIDDEN), ("Dora", Code.NOT_MEMBER), ("Nobody", Code.UNKNOWN_USER)],
)
def test_an_owner_gives_no_role_to_another_owner_or_outsider(name: str, code: Code) -> None:
    it = Garden()
    it.olga.sends(SetRole(8, "Mona", "owner", it.id)).forgets()
    it.mona.sends(SetRole(9, name, "member", it.id)).gets(refused(code, id=9))


def test_the_operator_makes_an_owner_of_the_chat_who_reads_the_audit_room() -> None:
    it = Garden()
    assert it.decreed(SetRole(9, "Carl", "owner")) == Done(9)
    it.bob.hears(RoleChanged(1, WALL, "Carl", "owner"))
    [joined] = it.carl.unread
    assert isinstance(joined, Joined)
    assert (joined.name, joined.role, joined.private) == ("audit", "owner", True)
    assert it.audited()[-1] == Audited(3, WALL, "", "role", "Carl", detail="owner")
    again = Desk(store=it.desk.store).connects("Carl").hello().logs_in("Carl").gets_welcome()
    assert again.role == "owner"
    assert "audit" in [room.name for room in again.rooms]


def test_a_dismissed_owner_reads_the_audit_room_no_more() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    audit = room_id(it.desk, "audit")
    assert audit in zoe.desk.core.context.sessions.of(6)[0].granted
    it.decreed(SetRole(9, "Zoe", "member"))
    zoe.gets(Left(audit, "the operator"))
    assert zoe.is_deaf()
    zoe.listens(LOBBY, audit)
    it.decreed(SetRole(10, "Bob", "moderator"))
    zoe.hears(RoleChanged(3, WALL, "Bob", "moderator"))


def test_owners_of_the_chat_make_moderators_but_no_owners() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    zoe.sends(SetRole(9, "Bob", "moderator"), SetRole(10, "Carl", "owner"))
    zoe.gets(Done(9), refused(Code.FORBIDDEN, id=10))
    it.owns_the_chat("Yves").sends(SetRole(11, "Zoe", "member"), SetRole(12, "Yves", "member"))
    it.desk.people[-1].gets(refused(Code.FORBIDDEN, id=11), refused(Code.FORBIDDEN, id=12))
    it.bob.forgets().sends(SetRole(13, "Carl", "moderator")).gets(refused(Code.FORBIDDEN, id=13))


def test_nobody_leaves_or_posts_in_the_audit_room() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    audit = room_id(it.desk, "audit")
    zoe.sends(Leave(1, audit), Post(2, audit, "nothing to see here"))
    zoe.gets(refused(Code.FORBIDDEN, n=1), refused(Code.READ_ONLY, n=2))
    assert it.decreed(Kick(9, "Zoe", audit)) == refused(Code.FORBIDDEN, id=9)


def test_the_lobbys_roles_are_those_of_the_whole_chat() -> None:
    it = Garden()
    it.owns_the_chat("Zoe").sends(SetRole(9, "Bob", "moderator", LOBBY)).gets(Done(9))
    assert it.desk.store.accounts[3].role is Role.MODERATOR
    it.bob.forgets().sends(Kick(9, "Carl")).gets(Done(9))


def test_a_member_put_out_by_the_operator_hears_it_as_all_do() -> None:
    it = Garden()
    it.decreed(Kick(9, "Mona", it.id))
    it.bob.hears(MemberLeft(6, WALL, "Mona", "the operator"))
