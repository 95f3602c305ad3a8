"""Moderators and owners at work, by real clients on a real broker: what they do is in force when the call returns."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace
from tests.client.watching import Enter, messages, next_of
from tests.operating import appoint

from hubbub.broker.broker import Broker
from hubbub.client import (
    Audited,
    Banned,
    Client,
    Ended,
    Forbidden,
    Invited,
    MemberLeft,
    MemberMuted,
    NotMember,
    PutOut,
    RequestError,
    RoleChanged,
    RoomChanged,
    RoomJoined,
    RoomLeft,
    UnknownRoom,
    UnknownUser,
    Update,
)
from hubbub.client.results import Room


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def broker(data: Path) -> Iterator[Broker]:
    with Broker.temporary(data=data) as broker:
        yield broker


@pytest.fixture
def alice(enter: Enter) -> Client:
    """She owns the room tea."""
    alice = enter("Alice")
    alice.create("tea")
    return alice


@pytest.fixture
def bob(enter: Enter, alice: Client) -> Client:
    """He is a member of it."""
    bob = enter("Bob")
    bob.join("tea")
    return bob


def sees(client: Client, update: Update) -> None:
    """Wait for an update that is this one but for when it happened."""
    found = next_of(client, type(update))
    when = {field: getattr(found, field) for field in ("time", "seq") if hasattr(found, field)}
    assert found == replace(update, **when)


def code_of(error: pytest.ExceptionInfo[RequestError]) -> str:
    return error.value.code


def test_whoever_is_kicked_is_out_is_told_why_and_may_be_kept_out(
    alice: Client, bob: Client
) -> None:
    alice.moderation.kick("bob", "TEA", seconds=3600, reason="  too\nmuch  ")
    sees(bob, RoomLeft("tea", "Alice", "too much"))
    sees(alice, MemberLeft("tea", "Bob", 0, 0, by="Alice", reason="too much"))
    with pytest.raises(NotMember):
        bob.post("tea", "hello?")
    with pytest.raises(Forbidden) as refused:
        bob.join("tea")
    assert code_of(refused) == "barred"
    alice.moderation.kick("bob", "tea", seconds=3600, reason="too much")
    assert bob.post("lobby", "here I may") > 0


def test_whoever_is_muted_reads_and_says_nothing(alice: Client, bob: Client) -> None:
    alice.moderation.mute("tea", "Bob", seconds=60, reason="spam")
    muted = next_of(bob, MemberMuted)
    assert isinstance(muted, MemberMuted)
    assert (muted.name, muted.by, muted.reason) == ("Bob", "Alice", "spam")
    assert muted.until > muted.time
    with pytest.raises(Forbidden) as refused:
        bob.post("tea", "but")
    assert code_of(refused) == "muted"
    assert [member.muted_until > 0 for member in alice.members("tea")] == [False, True]
    alice.post("tea", "quiet here")
    assert messages(bob, 1)[0].text == "quiet here"
    alice.moderation.unmute("tea", "Bob")
    assert bob.post("tea", "thank you") > 0


def test_roles_are_given_told_and_used(alice: Client, bob: Client, enter: Enter) -> None:
    with pytest.raises(Forbidden):
        bob.moderation.mute("tea", "Alice")
    alice.moderation.set_role("Bob", "moderator", "tea")
    sees(bob, RoleChanged("tea", "Bob", "moderator", "Alice", 0, 0))
    assert [room.role for room in bob.rooms()] == ["member", "moderator"]
    assert [member.role for member in bob.members("tea")] == ["owner", "moderator"]
    enter("Carol").join("tea")
    bob.moderation.mute("tea", "Carol")
    with pytest.raises(Forbidden):
        bob.moderation.kick("Alice", "tea")
    with pytest.raises(Forbidden):
        bob.moderation.configure("tea", private=True)
    with pytest.raises(Forbidden):
        bob.moderation.set_role("Carol", "moderator", "tea")
    with pytest.raises(UnknownUser):
        bob.moderation.mute("tea", "Nobody")


def test_a_room_is_configured_and_shows_it(alice: Client, bob: Client) -> None:
    alice.moderation.configure("tea", description="Hot", read_only=True, slow=5)
    sees(bob, RoomChanged("tea", "Alice", 0, 0, False, "Hot", None, True, None, 5))
    assert bob.rooms()[1] == Room("tea", "Hot", 2, "member", read_only=True, slow=5)
    with pytest.raises(Forbidden) as refused:
        bob.post("tea", "may I?")
    assert code_of(refused) == "read_only"
    alice.moderation.configure("tea", read_only=False)
    assert bob.post("tea", "now I may") > 0
    with pytest.raises(Forbidden) as refused:
        bob.post("tea", "and at once")
    assert code_of(refused) == "slow_mode"
    assert alice.post("tea", "owners") < alice.post("tea", "do not wait")


def test_a_private_room_is_entered_by_invitation_and_shows_no_more_than_it_should(
    alice: Client, enter: Enter
) -> None:
    alice.create("den", private=True, history="since_joined")
    alice.post("den", "before")
    bob, carol = enter("Bob"), enter("Carol")
    assert [room.name for room in bob.rooms()] == ["lobby", "tea"]
    with pytest.raises(UnknownRoom):
        bob.join("den")
    alice.invite("den", "Bob")
    sees(bob, Invited("Alice", "Bob", "den", 0, 0))
    bob.join("den")
    assert next_of(bob, RoomJoined) == RoomJoined("den", "")
    alice.moderation.add("den", "Carol")
    assert next_of(carol, RoomJoined) == RoomJoined("den", "")
    alice.post("den", "welcome")
    assert [message.text for message in bob.history("den")] == ["welcome"]
    assert bob.verify("den").agrees
    assert [m.text for m in messages(bob, 1)] == [m.text for m in messages(carol, 1)] == ["welcome"]


def test_whoever_was_out_and_is_in_again_has_missed_nothing(alice: Client, enter: Enter) -> None:
    alice.create("den", private=True, history="since_joined")
    bob = enter("Bob")
    alice.moderation.add("den", "Bob")
    next_of(bob, RoomJoined)
    alice.moderation.kick("Bob", "den")
    next_of(bob, RoomLeft)
    alice.post("den", "behind his back")
    alice.moderation.add("den", "Bob")
    next_of(bob, RoomJoined)
    alice.post("den", "hello again")
    assert [message.text for message in messages(bob, 1)] == ["hello again"]
    assert [message.text for message in bob.history("den")] == ["hello again"]
    assert bob.verify("den").agrees


def test_whoever_is_put_out_of_the_chat_stays_out(alice: Client, bob: Client, data: Path) -> None:
    appoint(data, "Alice")
    alice.moderation.kick("Bob", seconds=3600, reason="spam")
    ended = next_of(bob, Ended)
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, PutOut)
    assert ended.reason.code == "kicked"
    assert "spam" in str(ended.reason)


def test_the_banned_are_told_why_and_come_back_when_it_is_lifted(
    alice: Client, bob: Client, enter: Enter, data: Path
) -> None:
    with pytest.raises(Forbidden):
        alice.moderation.ban("account", "Bob")
    appoint(data, "Alice")
    alice.moderation.ban("account", "bob", reason="spam")
    ended = next_of(bob, Ended)
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, Banned)
    assert "spam" in str(ended.reason)
    with pytest.raises(Banned, match="spam"):
        enter("Bob")
    alice.moderation.ban("network", "192.0.2.0/24")
    bans = alice.moderation.bans()
    assert [(ban.kind, ban.subject, ban.by, ban.reason) for ban in bans] == [
        ("account", "Bob", "Alice", "spam"),
        ("network", "192.0.2.0/24", "Alice", ""),
    ]
    assert bans.lockdown == "normal"
    alice.moderation.unban("account", "BOB")
    assert enter("Bob").post("lobby", "sorry") > 0


def test_a_lockdown_lets_in_and_speak_only_whom_it_should(
    alice: Client, bob: Client, enter: Enter, data: Path
) -> None:
    appoint(data, "Alice")
    bob.account.set_password("correct horse battery staple")
    alice.moderation.lockdown("moderators_speak")
    assert alice.moderation.bans().lockdown == "moderators_speak"
    with pytest.raises(Forbidden) as refused:
        bob.post("lobby", "why?")
    assert code_of(refused) == "locked_down"
    with pytest.raises(PutOut) as put_out:
        enter("Carol")
    assert code_of(put_out) == "locked_down"
    assert alice.post("lobby", "a moment, please") > 0
    alice.moderation.lockdown("normal")
    assert enter("Carol").created


def test_owners_of_the_chat_see_what_is_done_and_nobody_else_does(
    alice: Client, bob: Client, data: Path
) -> None:
    appoint(data, "Alice")
    sees(alice, RoleChanged("lobby", "Alice", "owner", "", 0, 0))
    alice.moderation.mute("tea", "Bob", reason="spam")
    while True:
        deed = next_of(alice, Audited)
        assert isinstance(deed, Audited)
        if deed.action == "mute":
            break
    assert (deed.room, deed.by, deed.subject, deed.where) == ("audit", "Alice", "Bob", "tea")
    assert [room.name for room in bob.rooms()] == ["lobby", "tea"]
    with pytest.raises(NotMember):
        bob.moderation.audit()
    deeds = alice.moderation.audit()
    assert [(deed.by, deed.action, deed.subject) for deed in deeds] == [
        ("", "role", "Alice"),
        ("Alice", "mute", "Bob"),
    ]
    assert alice.moderation.audit(limit=1) == deeds[1:]
    assert alice.moderation.audit(before=deeds[1].seq) == deeds[:1]
    assert alice.moderation.audit("tea") == []


def test_what_cannot_be_ordered_is_refused_where_it_is_given(alice: Client) -> None:
    with pytest.raises(ValueError, match="seconds are 0 to"):
        alice.moderation.kick("Bob", seconds=-1)
    with pytest.raises(ValueError, match="seconds are 1 to"):
        alice.moderation.mute("tea", "Bob", seconds=0)
    with pytest.raises(TypeError, match="seconds are an int"):
        alice.moderation.ban("account", "Bob", seconds=1.5)  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="at most 200 characters"):
        alice.moderation.kick("Bob", reason="x" * 201)


@pytest.mark.parametrize(
    "order",
    [
        lambda chat: chat.account.remove_device(2**70),
        lambda chat: chat.account.remove_device("phone"),
        lambda chat: chat.moderation.ban("account", "\ud800"),
        lambda chat: chat.moderation.ban("account", "x" * 100_000),
        lambda chat: chat.moderation.ban("planet", "Mars"),
        lambda chat: chat.moderation.lockdown("\ud800"),
        lambda chat: chat.moderation.set_role("Bob", object()),
        lambda chat: chat.moderation.make_invite(uses=0),
        lambda chat: chat.moderation.configure("tea", private=1),
    ],
)
def test_an_order_that_no_broker_takes_is_refused_and_ends_nobody(
    alice: Client, order: Callable[[Client], None]
) -> None:
    with pytest.raises(RequestError):
        order(alice)
    alice.post("lobby", "still here")
