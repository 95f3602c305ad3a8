"""The operator's orders in the core: they are carried out like anybody's, without an actor, and answered behind their commit."""

from tests.broker.core.desk import WALL, Desk

from hubbub.broker.core.context import GATHERED_RECORDS
from hubbub.common.codec import decode_event
from hubbub.common.commands import Kick, Lockdown, Post, SetRole
from hubbub.common.errors import Code
from hubbub.common.events import Audited
from hubbub.common.replies import Done, Error

LOBBY = Desk().core.context.state.lobby.log.id


def test_the_operator_is_answered_once_the_order_is_on_disk() -> None:
    desk = Desk()
    desk.stalls()
    desk.decrees(Lockdown(7, "no_new_accounts"))
    assert desk.answered == []
    desk.goes_on()
    assert desk.answered == [Done(7)]
    assert desk.store.lockdown == "no_new_accounts"


def test_the_operator_is_told_when_the_order_could_not_be_written() -> None:
    desk = Desk()
    desk.stalls()
    desk.decrees(Lockdown(7, "no_new_accounts"))
    desk.fails()
    [error] = desk.answered
    assert isinstance(error, Error)
    assert (error.id, error.code) == (7, Code.STORAGE_UNAVAILABLE)
    desk.recovers()
    assert desk.core.context.state.lockdown == "normal"


def test_an_order_is_noted_without_a_name() -> None:
    desk = Desk()
    desk.meets("Alice")
    desk.decrees(Kick(1, "Alice", reason="spam"))
    audited = [decode_event(event) for _, event in desk.published]
    assert Audited(2, WALL, "", "kick", "Alice", reason="spam") in audited


def test_an_order_does_not_wait_behind_what_clients_have_gathered() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.decrees(SetRole(1, "Alice", "owner"))
    desk.core.context.gathered_records = GATHERED_RECORDS
    alice.forgets().sends(Lockdown(2, "no_new_accounts"))
    [busy] = alice.unread
    assert isinstance(busy, Error)
    assert busy.code == Code.BUSY
    desk.decrees(Lockdown(3, "no_new_accounts"))
    assert desk.answered == [Done(1), Done(3)]


def test_an_order_is_refused_at_once_while_the_store_takes_nothing() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.fails()
    alice.sends(Post(1, LOBBY, "hi"))
    assert desk.has_failed
    desk.decrees(Lockdown(7, "no_new_accounts"))
    [error] = desk.answered
    assert isinstance(error, Error)
    assert (error.id, error.code) == (7, Code.STORAGE_UNAVAILABLE)
