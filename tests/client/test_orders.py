"""Orders and questions about accounts, rights and restraints, as the session sends them and what comes of them."""

import pytest
from tests.client.conversation import LOBBY, TEA, Conversation, Log

from hubbub.client import orders
from hubbub.client.effects import Fail
from hubbub.client.errors import Closed, Forbidden, NotMember, RequestError, WeakPassword
from hubbub.client.results import Ban, Device, Invite, LinkCode
from hubbub.common.commands import (
    Bans,
    Command,
    Devices,
    Kick,
    Link,
    Lockdown,
    MakeInvite,
    Mute,
    Query,
    SetPassword,
)
from hubbub.common.replies import (
    BanInfo,
    BanList,
    DeviceInfo,
    DeviceList,
    Done,
    Error,
    InviteMade,
    LinkMade,
    Reply,
    RoomList,
)


@pytest.fixture
def alice() -> Conversation:
    return Conversation("Alice").logs_in(Log(LOBBY, "lobby"), Log(TEA, "tea"))


KICK = Kick(0, name="Bob", seconds=60, reason="spam")


def test_an_order_is_sent_and_done(alice: Conversation) -> None:
    alice.calls(orders.order, KICK).sends(Kick(4, name="Bob", seconds=60, reason="spam"))
    alice.hears(Done(4)).completes("t", None)


def test_an_order_for_a_room_names_it_by_its_id(alice: Conversation) -> None:
    alice.calls(orders.order_in, "TEA", Mute(0, room=b"", name="Bob", seconds=5))
    alice.sends(Mute(4, room=TEA, name="Bob", seconds=5))


def test_nothing_is_ordered_in_a_room_that_one_is_not_in(alice: Conversation) -> None:
    alice.calls(orders.order_in, "chess", KICK).sends().fails("t", NotMember)


def test_an_order_without_an_answer_is_given_again(alice: Conversation) -> None:
    alice.calls(orders.order, KICK).loses_the_broker()
    alice.logs_in(Log(LOBBY, "lobby"), Log(TEA, "tea"))
    kicks = [command for command in alice.sent if isinstance(command, Kick)]
    assert [kick.name for kick in kicks] == ["Bob"]
    alice.hears(Done(kicks[0].id)).completes("t", None)


@pytest.mark.parametrize(
    ("code", "error"),
    [("forbidden", Forbidden), ("weak_password", WeakPassword), ("unknown_ban", RequestError)],
)
def test_a_refusal_says_why_and_when_to_try_again(
    alice: Conversation, code: str, error: type[RequestError]
) -> None:
    alice.calls(orders.order, SetPassword(0, password="x")).hears(
        Error(code, "no", id=4, retry_after=2.5)
    )
    [found] = [e.error for e in alice.effects if isinstance(e, Fail)]
    assert type(found) is error
    assert isinstance(found, RequestError)
    assert (found.code, str(found), found.retry_after) == (code, "no", 2.5)


@pytest.mark.parametrize(
    ("question", "answer", "result"),
    [
        (Link(4), LinkMade(4, "abcd-efgh", 600.0), LinkCode("abcd-efgh", 600.0)),
        (MakeInvite(4, uses=2), InviteMade(4, "abcd", 2, 5000), Invite("abcd", 2, 5000)),
        (
            Devices(4),
            DeviceList(4, [DeviceInfo(1, "fp", 10, 20, "laptop", online=True)]),
            [Device(1, "fp", "laptop", 10, 20, online=True, current=False)],
        ),
        (Lockdown(4, level="normal"), Done(4), None),
    ],
)
def test_what_is_told_comes_back(
    alice: Conversation, question: Query, answer: Reply, result: object
) -> None:
    alice.calls(orders.order, question).sends(question).hears(answer).completes("t", result)


def test_another_kind_of_answer_is_a_fault_of_the_broker(alice: Conversation) -> None:
    alice.calls(orders.order, KICK).hears(RoomList(4, [], more=False))
    assert [type(effect) for effect in alice.effects] == [Fail]


def test_bans_come_in_pages_with_the_level_of_lockdown(alice: Conversation) -> None:
    alice.calls(orders.bans, "account Bob").sends(Bans(4, after="account Bob"))
    ban = BanInfo("key", "ab", created=1, by="Alice", until=9, reason="spam")
    alice.hears(BanList(4, [ban], lockdown="accounts_only", more=True))
    alice.completes("t", ([Ban("key", "ab", "Alice", 1, 9, "spam")], True, "accounts_only"))


@pytest.mark.parametrize("command", [KICK, SetPassword(0, password="x")])
def test_nothing_is_ordered_after_the_end(alice: Conversation, command: Command) -> None:
    alice.session.give_up()
    alice.waits(0)
    alice.calls(orders.order, command).fails("t", Closed)
