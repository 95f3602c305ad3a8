"""Who may take a new name: in the open, by an invite, not at all; and who is kept out whatever they have."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.core.accounts import (
    PASSWORD,
    audit,
    comes,
    invites,
    links,
    meets_by_invite,
    open_desk,
    orders,
    registration,
    sets_password,
)
from tests.broker.core.desk import WALL
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import Way, refused

from hubbub.broker.core.context import Registration
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.orders import Release
from hubbub.common.commands import Ban, Lockdown, Logout, MakeInvite, Post, SetRole, Unban
from hubbub.common.errors import Code
from hubbub.common.events import Audited
from hubbub.common.replies import Closing, Done, Error, InviteMade, Reply

MODES: dict[Registration, Code] = {
    "invite": Code.INVITE_REQUIRED,
    "closed": Code.REGISTRATION_CLOSED,
}


# Modes.


@pytest.mark.parametrize("mode", MODES)
def test_a_newcomer_is_refused_when_registration_is_not_open(mode: Registration) -> None:
    desk = open_desk(mode)
    comes(desk, "Alice").gets(refused(MODES[mode], id=2))
    assert not desk.store.accounts


@pytest.mark.parametrize("mode", MODES)
def test_who_has_a_name_comes_back_whatever_the_mode(mode: Registration) -> None:
    desk = open_desk()
    desk.meets("Alice")
    registration(desk, mode)
    desk.meets("Alice")


@pytest.mark.parametrize("mode", ["open", "invite"])
def test_an_invite_lets_a_newcomer_in_unless_nobody_may_come(mode: Registration) -> None:
    desk = open_desk(mode)
    welcome = comes(desk, "Alice", code=invites(desk), device="laptop").gets_welcome()
    assert (welcome.name, welcome.created) == ("Alice", True)
    assert desk.store.accounts[1].invited
    assert desk.store.devices[1, 1].label == "laptop"
    assert not desk.store.invites


def test_an_invite_waits_while_nobody_new_may_come() -> None:
    desk = open_desk("closed")
    code = invites(desk)
    comes(desk, "Bob", code=code).gets(refused(Code.REGISTRATION_CLOSED, id=2))
    registration(desk, "invite")
    comes(desk, "Bob", code=code).gets_welcome()


known = st.sampled_from(["Alice", "ALICE", "AIice", "Bob", "audit", "lobby", "Nobody", "B0b"])
ways = st.sampled_from([Way(), Way(code="aaaa-bbbb-cccc-dddd"), Way(code="x"), Way(password="x")])


@given(mode=st.sampled_from(list(MODES)), names=st.tuples(known, known), way=ways)
def test_a_stranger_cannot_tell_a_taken_name_from_a_free_one(
    mode: Registration, names: tuple[str, str], way: Way
) -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    links(desk.meets("Bob"))
    registration(desk, mode)
    answers: list[list[Reply]] = []
    tasks = []
    for name in names:
        desk.passwords_wait = True
        stranger = comes(desk, name, **way)
        tasks.append([type(task) for task in desk.passwords])
        desk.hashes_passwords()
        answers.append(stranger.unread)
    assert answers[0] == answers[1] != []
    assert tasks[0] == tasks[1]
    assert all(isinstance(answer, Error) for answer in answers[0])


def test_a_second_terminal_waits_with_the_first_when_that_has_just_come_by_an_invite() -> None:
    desk = open_desk("invite")
    code = invites(desk)
    desk.stalls()
    first = desk.connects("Alice").hello().logs_in("Alice", code=code)
    second = desk.connects("Alice").hello().logs_in("Alice")
    other = desk.connects("Mallory").hello().logs_in("Alice")
    other.gets(refused(Code.INVITE_REQUIRED, id=2))
    desk.goes_on()
    assert first.gets_welcome().created
    assert not second.gets_welcome().created


def test_a_second_terminal_gets_no_name_when_the_first_got_none() -> None:
    desk = open_desk("invite")
    code = invites(desk)
    desk.fails()
    desk.connects("Alice").hello().logs_in("Alice", code=code)
    second = desk.connects("Alice").hello().logs_in("Alice")
    desk.recovers()
    second.forgets().logs_in("Alice").gets(refused(Code.INVITE_REQUIRED, id=2))
    desk.connects("Alice").hello().logs_in("Alice", code=code).gets_welcome()


@pytest.mark.parametrize("mode", MODES)
def test_a_second_terminal_gets_no_name_when_it_is_given_free_again_before_its_turn(
    mode: Registration,
) -> None:
    desk = open_desk("invite")
    code = invites(desk)
    desk.stalls()
    first = desk.connects("Alice").hello().logs_in("Alice", code=code)
    registration(desk, mode)
    desk.decrees(Release(1, "Alice"))
    second = desk.connects("Alice").hello().logs_in("Alice")
    desk.goes_on()
    assert isinstance(first.unread[-1], Closing)
    second.gets(refused(Code.INVITE_REQUIRED, id=2))
    assert [row.released > 0 for row in desk.store.accounts.values()] == [True]


# Invites.


def test_an_owner_makes_an_invite_and_the_owners_are_told() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    orders(desk, SetRole(1, "Alice", "owner"))
    alice.forgets().sends(MakeInvite(3, 2, 60))
    [made] = alice.unread
    assert isinstance(made, InviteMade)
    assert (made.id, made.uses, made.expires) == (3, 2, WALL + 60_000)
    [row] = desk.store.invites.values()
    assert (row.uses, row.expires, row.by, row.created) == (2, WALL + 60_000, 1, WALL)
    assert audit(desk)[-1] == Audited(0, 0, "Alice", "invite", "2 newcomers")
    registration(desk, "invite")
    comes(desk, "Bob", code=made.code).gets_welcome()


@pytest.mark.parametrize("role", ["member", "moderator"])
def test_others_make_no_invites(role: str) -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    if role == "moderator":
        orders(desk, SetRole(1, "Alice", "moderator"))
    alice.forgets().sends(MakeInvite(3)).gets(refused(Code.FORBIDDEN, id=3))
    assert not desk.store.invites


def test_an_invite_that_is_never_good_is_not_made() -> None:
    desk = open_desk()
    answer = orders(desk, MakeInvite(3, 1, 0))
    assert isinstance(answer, Error)
    assert answer.code == Code.INVALID


def test_an_invite_is_good_for_so_many_newcomers() -> None:
    desk = open_desk("invite")
    code = invites(desk, uses=2)
    for name in ("Alice", "Bob"):
        comes(desk, name, code=code).gets_welcome()
    comes(desk, "Carol", code=code).gets(refused(Code.BAD_CODE, id=2))


def test_an_invite_is_good_until_it_runs_out() -> None:
    desk = open_desk("invite")
    code = invites(desk, uses=2, seconds=10)
    desk.passes(9.9)
    comes(desk, "Alice", code=code).gets_welcome()
    desk.passes(0.1)
    comes(desk, "Bob", code=code).gets(refused(Code.BAD_CODE, id=2))
    desk.passes(3600)
    assert not desk.store.invites


def test_one_of_two_who_race_for_the_last_use_of_an_invite_gets_it() -> None:
    desk = open_desk("invite")
    zoe = meets_by_invite(desk, "Zoe")
    code = invites(desk)
    desk.stalls()
    zoe.sends(Post(1, LOBBY, "a batch in flight"))
    alice, bob = comes(desk, "Alice", code=code), comes(desk, "Bob", code=code)
    desk.goes_on()
    assert alice.gets_welcome().created
    bob.gets(refused(Code.BAD_CODE, id=2))
    assert [row.name for row in desk.store.accounts.values()] == ["Zoe", "Alice"]


def test_an_invite_is_not_used_up_by_a_name_that_is_taken_or_a_disk_that_fails() -> None:
    desk = open_desk("invite")
    meets_by_invite(desk, "Zoe")
    code = invites(desk)
    comes(desk, "Zoe", code=code).gets(refused(Code.NAME_TAKEN, id=2))
    desk.fails()
    comes(desk, "Alice", code=code)
    desk.recovers()
    comes(desk, "Alice", code=code).gets_welcome()


def test_an_invite_is_not_used_up_by_a_device_with_too_many_names() -> None:
    desk = open_desk(limits=Limits(names_per_key=1))
    desk.meets("Alice")
    code = invites(desk)
    other = desk.connects("Alice").hello().logs_in("Alison", code=code)
    other.gets(refused(Code.TOO_MANY_NAMES, id=2))
    comes(desk, "Bob", code=code).gets_welcome()


# Kept out.


def test_a_banned_person_is_told_why_and_until_when_and_nobody_else_is() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    code = links(alice)
    assert isinstance(orders(desk, Ban(1, "account", "Alice", 3600, "spam")), Done)
    desk.connects("Alice").hello().logs_in("Alice").gets(refused(Code.BANNED, id=2))
    for way in (Way(password=PASSWORD), Way(code=code)):
        comes(desk, "Alice", **way).gets(refused(Code.BANNED, id=2))
    comes(desk, "Alice").gets(refused(Code.NAME_TAKEN, id=2))
    comes(desk, "Alice", password="wrong").gets(refused(Code.BAD_CREDENTIALS, id=2))
    assert len(desk.store.devices) == 1
    desk.passes(3601)
    desk.meets("Alice")


def test_a_person_who_is_banned_while_the_disk_works_on_their_device_stays_out() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.stalls()
    phone = comes(desk, "Alice", code=code)
    desk.decrees(Ban(1, "account", "Alice"))
    phone.gets()
    desk.goes_on()
    _, closing = phone.unread
    assert isinstance(closing, Closing)
    assert closing.code == Code.BANNED
    orders(desk, Unban(2, "account", "Alice"))
    desk.meets("Alice")


def test_a_person_who_is_banned_in_the_same_batch_is_not_let_in() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(alice)
    desk.stalls()
    alice.sends(Post(1, LOBBY, "a batch in flight"))
    phone = comes(desk, "Alice", code=code)
    desk.decrees(Ban(1, "account", "Alice"))
    desk.goes_on()
    phone.gets(refused(Code.BANNED, id=2))


def test_nobody_new_comes_in_while_there_are_no_new_accounts() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    invite, code = invites(desk), links(alice)
    orders(desk, Lockdown(1, "no_new_accounts"))
    comes(desk, "Bob").gets(refused(Code.LOCKED_DOWN, id=2))
    comes(desk, "Bob", code=invite).gets(refused(Code.LOCKED_DOWN, id=2))
    desk.meets("Alice")
    comes(desk, "Alice", code=code).gets_welcome()
    comes(desk, "Alice", password=PASSWORD).gets_welcome()
    orders(desk, Lockdown(2, "normal"))
    comes(desk, "Bob", code=invite).gets_welcome()


@pytest.mark.parametrize("mode", MODES)
def test_the_lockdown_tells_no_stranger_which_names_are_taken(mode: Registration) -> None:
    desk = open_desk()
    desk.meets("Alice")
    registration(desk, mode)
    orders(desk, Lockdown(1, "no_new_accounts"))
    for name in ("Alice", "Bob"):
        comes(desk, name).gets(refused(Code.LOCKED_DOWN, id=2))


def test_only_trusted_accounts_come_in_while_accounts_only_do() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    desk.meets("Bob")
    meets_by_invite(desk, "Carol")
    code = links(desk.meets("Bob"))
    orders(desk, Lockdown(1, "accounts_only"))
    for name in ("Alice", "Carol"):
        desk.meets(name)
    desk.connects("Bob").hello().logs_in("Bob").gets(refused(Code.LOCKED_DOWN, id=2))
    comes(desk, "Bob", code=code).gets(refused(Code.LOCKED_DOWN, id=2))
    comes(desk, "Dave").gets(refused(Code.LOCKED_DOWN, id=2))
    orders(desk, Lockdown(2, "normal"))
    comes(desk, "Bob", code=code).gets_welcome()


def test_a_person_has_so_many_sessions() -> None:
    desk = open_desk(limits=Limits(sessions_per_account=2))
    first, second = desk.meets("Alice"), desk.meets("Alice")
    third = desk.connects("Alice").hello().logs_in("Alice")
    third.gets(refused(Code.TOO_MANY_SESSIONS, id=2))
    comes(desk, "Alice", code=links(first)).gets(refused(Code.TOO_MANY_SESSIONS, id=2))
    desk.meets("Bob")
    second.sends(Logout(3))
    third.logs_in("Alice").gets_welcome()


def test_no_more_sessions_come_in_together_than_may() -> None:
    desk = open_desk(limits=Limits(sessions_per_account=2))
    desk.stalls()
    all = [desk.connects("Alice").hello().logs_in("Alice") for _ in range(4)]
    desk.goes_on()
    codes = [reply.code for person in all for reply in person.unread if isinstance(reply, Error)]
    assert codes == [Code.TOO_MANY_SESSIONS] * 2
    assert len(desk.core.context.sessions.of(1)) == 2


def test_nobody_new_comes_in_behind_a_lockdown() -> None:
    desk = open_desk()
    code = invites(desk)
    desk.stalls()
    first = comes(desk, "Alice")  # is in flight: what follows is one batch
    desk.decrees(Lockdown(1, "no_new_accounts"))
    late, invited = comes(desk, "Bob"), comes(desk, "Carol", code=code)
    desk.goes_on()
    first.gets_welcome()
    late.gets(refused(Code.LOCKED_DOWN, id=2))
    invited.gets(refused(Code.LOCKED_DOWN, id=2))
    assert [row.name for row in desk.store.accounts.values()] == ["Alice"]
    desk.decrees(Lockdown(3, "normal"))
    invited.logs_in("Carol", code=code).gets_welcome()
