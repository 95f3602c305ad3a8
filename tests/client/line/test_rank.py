"""Whoever may do more is offered more, where they may, as soon as it is heard."""

from hubbub.client import updates
from hubbub.client.line.rank import Rank
from hubbub.client.line.verbs import VERBS
from hubbub.client.results import Room
from hubbub.common.fields import RoleName

OF_ROOM_MODERATORS = {"add", "kick", "mute", "unmute"}
OF_ROOM_OWNERS = OF_ROOM_MODERATORS | {"role"}
OF_MODERATORS = OF_ROOM_MODERATORS | {"ban", "unban", "bans"}
OF_OWNERS = OF_MODERATORS | {"role", "lockdown"}


def extras(rank: Rank, room: str) -> set[str]:
    """What is offered beyond what everybody is offered."""
    return set(rank.offered(room)) - Rank("Nobody").offered("lobby")


def changed(room: str, name: str, role: RoleName) -> updates.RoleChanged:
    return updates.RoleChanged(room, name, role, "", 0, 1)


def test_members_are_offered_what_is_everybodys() -> None:
    rank = Rank("Alice")
    assert rank.offered("tea") == set(VERBS) - OF_OWNERS
    rank.learn([Room("lobby", "", 3, "member"), Room("den", "", 2)])
    assert not extras(rank, "den")


def test_a_role_in_a_room_counts_there() -> None:
    rank = Rank("Alice")
    rank.learn([Room("Tea", "", 2, "moderator"), Room("den", "", 2, "owner")])
    assert extras(rank, "tea") == OF_ROOM_MODERATORS
    assert extras(rank, "den") == OF_ROOM_OWNERS
    assert not extras(rank, "lobby")


def test_a_role_in_the_lobby_counts_everywhere() -> None:
    rank = Rank("Alice")
    rank.learn([Room("lobby", "", 2, "moderator"), Room("den", "", 2, "owner")])
    assert extras(rank, "lobby") == extras(rank, "tea") == OF_MODERATORS
    assert extras(rank, "den") == OF_MODERATORS | {"role"}
    rank.happens(changed("lobby", "Alice", "owner"))
    assert extras(rank, "tea") == OF_OWNERS


def test_a_role_comes_and_goes_with_the_news() -> None:
    rank = Rank("Alice")
    rank.happens(updates.RoomJoined("tea", "", "owner"))
    assert extras(rank, "TEA") == OF_ROOM_OWNERS
    rank.happens(changed("tea", "Bob", "member"))
    assert extras(rank, "tea") == OF_ROOM_OWNERS
    rank.happens(changed("tea", "ALICE", "member"))
    assert not extras(rank, "tea")
    rank.happens(changed("tea", "Alice", "owner"))
    rank.happens(updates.RoomLeft("tea"))
    assert not extras(rank, "tea")
