"""Changing a room's settings."""

from typing import Any

import pytest
from tests.broker.core.desk import WALL, Desk
from tests.broker.core.garden import Garden, room_id
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.common.commands import Configure, History, Invite, Join, Kick, Post
from hubbub.common.errors import Code
from hubbub.common.events import RoomChanged
from hubbub.common.replies import Acked, Done, Page


@pytest.mark.parametrize(
    "settings",
    [
        {"description": "roses"},
        {"private": True},
        {"read_only": True},
        {"history": "since_joined"},
        {"slow": 30},
        {"description": "roses", "private": True, "slow": 5},
    ],
)
def test_an_owner_changes_settings_and_everybody_is_told_which(settings: dict[str, Any]) -> None:
    it = Garden()
    it.olga.sends(Configure(9, it.id, **settings)).gets(Done(9))
    it.bob.hears(RoomChanged(6, WALL, "Olga", **settings))
    row = it.desk.store.rooms[2]
    found = {
        "description": row.description,
        "private": row.private,
        "read_only": row.read_only,
        "history": "since_joined" if row.since_joined else "all",
        "slow": row.slow,
    }
    assert {name: found[name] for name in settings} == settings
    [_, deed] = it.audited()
    assert (deed.by, deed.action, deed.subject) == ("Olga", "configure", "garden")
    assert "roses" not in deed.detail


def test_settings_that_are_so_already_change_nothing() -> None:
    it = Garden()
    it.olga.sends(
        Configure(9, it.id, private=True, slow=5), Configure(10, it.id, private=True, slow=5)
    )
    it.olga.gets(Done(9), Done(10)).hears(RoomChanged(6, WALL, "Olga", private=True, slow=5))
    it.olga.sends(Configure(11, it.id)).gets(Done(11))
    assert len(it.audited()) == 2


def test_a_room_that_is_read_only_is_for_its_moderators_to_write() -> None:
    it = Garden()
    it.olga.sends(Configure(9, it.id, read_only=True))
    it.bob.sends(Post(2, it.id, "may I")).gets(refused(Code.READ_ONLY, n=2))
    it.mona.sends(Post(2, it.id, "no")).gets(Acked(2, it.id, 7))


def test_a_member_of_a_slow_room_waits_from_post_to_post() -> None:
    it = Garden()
    it.olga.sends(Configure(9, it.id, slow=10))
    it.bob.sends(Post(2, it.id, "one"), Post(3, it.id, "two"))
    it.bob.gets(Acked(2, it.id, 7), refused(Code.SLOW_MODE, n=3))
    it.carl.sends(Post(2, it.id, "me too")).gets(Acked(2, it.id, 8))
    it.mona.sends(Post(2, it.id, "one"), Post(3, it.id, "two")).gets(Acked(2, it.id, 9, count=2))
    it.desk.passes(9.5)
    it.bob.forgets().sends(Post(4, it.id, "two")).gets(refused(Code.SLOW_MODE, n=4))
    it.desk.passes(0.5)
    it.bob.sends(Post(5, it.id, "two")).gets(Acked(5, it.id, 11))


def test_a_room_that_became_private_is_not_for_those_whom_any_member_invited() -> None:
    it = Garden()
    it.bob.sends(Invite(8, it.id, "Dora"))
    it.olga.sends(Configure(9, it.id, private=True))
    it.dora.forgets().sends(Join(1, "garden")).gets(refused(Code.UNKNOWN_ROOM, n=1))
    it.bob.forgets().sends(Invite(9, it.id, "Dora")).gets(refused(Code.FORBIDDEN, id=9))
    assert it.desk.store.invited == {}


def test_what_was_written_before_one_joined_is_hidden_when_the_room_says_so_and_shown_again() -> (
    None
):
    it = Garden()

    def seqs() -> list[int]:
        it.carl.forgets().sends(History(5, it.id))
        [page] = it.carl.unread
        assert isinstance(page, Page)
        return [stored.seq for stored in page.events]

    assert seqs() == [1, 2, 3, 4, 5]
    it.olga.sends(Configure(9, it.id, history="since_joined"))
    assert seqs() == [4, 5, 6]
    it.olga.sends(Configure(10, it.id, history="all"))
    assert seqs() == [1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize("settings", [{"private": True}, {"history": "since_joined"}])
def test_the_lobby_is_for_all(settings: dict[str, Any]) -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    zoe.sends(Configure(9, LOBBY, **settings)).gets(refused(Code.LOBBY_IS_FOR_ALL, id=9))
    zoe.sends(Configure(10, LOBBY, description="welcome", slow=2)).gets(Done(10))
    it.olga.sends(Configure(11, LOBBY, slow=0)).gets(refused(Code.FORBIDDEN, id=11))


def test_nobody_configures_the_audit_room() -> None:
    it = Garden()
    zoe = it.owns_the_chat("Zoe")
    order = Configure(9, room_id(it.desk, "audit"), private=False)
    zoe.sends(order).gets(refused(Code.FORBIDDEN, id=9))
    assert it.decreed(order) == refused(Code.FORBIDDEN, id=9)


def test_a_description_is_one_line_within_its_bound() -> None:
    it = Garden()
    it.olga.sends(Configure(9, it.id, description="x" * 513))
    it.olga.sends(Configure(10, it.id, description="two\nlines"))
    it.olga.gets(refused(Code.TOO_LARGE, id=9), refused(Code.BAD_TEXT, id=10))


def test_settings_and_bars_outlast_a_restart() -> None:
    it = Garden()
    it.olga.sends(Configure(8, it.id, read_only=True), Kick(9, "Carl", it.id, 60))
    again = Desk(store=it.desk.store)
    again.meets("Bob").sends(Post(1, it.id, "may I")).gets(refused(Code.READ_ONLY, n=1))
    again.meets("Carl").sends(Join(1, "garden")).gets(refused(Code.BARRED, n=1))
