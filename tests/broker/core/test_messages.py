"""Messages: to a room, to a person."""

from typing import Any

import pytest
from tests.broker.core.desk import WALL, Desk
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import refused

from hubbub.common.codec import decode_event, encode
from hubbub.common.commands import Create, Join, Ping, Post, Tell
from hubbub.common.digest import EMPTY, extend
from hubbub.common.errors import Code
from hubbub.common.events import MemberJoined, MessagePosted, MessageTold, RoomCreated
from hubbub.common.replies import Acked, Delivered, Head, Pong, Reply


def told(sender: str, to: str, text: str) -> bytes:
    return encode(MessageTold(WALL, sender, to, text))


def test_everybody_hears_a_message_when_it_is_on_disk() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "Hello, everyone!", {"mood": ["good", 1, None]})).gets()
    alice.hears()
    bob.hears()
    desk.goes_on()
    alice.gets(Acked(1, LOBBY, 1))
    said = MessagePosted(1, WALL, "Alice", "Hello, everyone!", {"mood": ["good", 1, None]})
    alice.hears(said)
    bob.gets().hears(said)


def test_a_message_bears_the_time_of_its_frame() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.passes(1.5)
    alice.sends(Post(1, LOBBY, "later")).hears(MessagePosted(1, WALL + 1500, "Alice", "later"))


def test_a_frame_of_posts_is_acked_as_one_run() -> None:
    alice = Desk().meets("Alice")
    alice.sends(*[Post(n, LOBBY, str(n)) for n in range(1, 513)])
    alice.gets(Acked(1, LOBBY, 1, count=512))
    alice.hears(*[MessagePosted(n, WALL, "Alice", str(n)) for n in range(1, 513)])


def test_each_post_of_a_frame_goes_where_it_belongs() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Create(1, "garden")).forgets()
    garden = desk.core.context.state.rooms[2].log.id
    rooms = [LOBBY, LOBBY, garden, LOBBY, b"?" * 16, garden, garden]
    texts = ["one", "two", "three", "", "five", "six", "seven"]
    alice.sends(*[Post(n, *post) for n, post in enumerate(zip(rooms, texts, strict=True), 2)])
    alice.gets(
        Acked(2, LOBBY, 1, count=2),
        Acked(4, garden, 2),
        refused(Code.BAD_TEXT, n=5),
        refused(Code.NOT_MEMBER, n=6),
        Acked(7, garden, 3, count=2),
    )
    stored = [decode_event(entry.event) for entry in desk.store.events[2][1:]]
    assert stored == [
        MessagePosted(seq, WALL, "Alice", text)
        for seq, text in enumerate(("three", "six", "seven"), 2)
    ]


def test_only_members_post_to_a_room() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Create(1, "garden"))
    garden = desk.core.context.state.rooms[2].log.id
    alice.forgets().listens(garden)
    bob.sends(Post(1, garden, "let me in")).gets(refused(Code.NOT_MEMBER, n=1))
    bob.sends(Post(2, b"?" * 16, "anybody?")).gets(refused(Code.NOT_MEMBER, n=2))
    bob.sends(Join(3, "garden"), Post(4, garden, "thank you"))
    alice.hears(MemberJoined(2, WALL, "Bob"), MessagePosted(3, WALL, "Bob", "thank you"))


def test_an_action_is_heard_as_one_in_a_room_and_in_private() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Post(1, LOBBY, "waves", action=True), Tell(2, "Bob", "winks", action=True))
    bob.hears(MessagePosted(1, WALL, "Alice", "waves", action=True))
    wink = encode(MessageTold(WALL, "Alice", "Bob", "winks", action=True))
    bob.gets(Delivered(1, wink))


def test_what_is_no_action_has_the_bytes_that_it_always_had() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Post(1, LOBBY, "waves", action=False), Tell(2, "Alice", "winks"))
    events = [desk.store.events[1][0].event, desk.store.inboxes[1][0].event]
    assert [b"action" in event for event in events] == [False, False]


def test_nobody_posts_to_an_inbox() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    inbox = desk.core.context.state.accounts[1].inbox.id
    alice.sends(Post(1, inbox, "hi")).gets(refused(Code.NOT_MEMBER, n=1))


def test_both_parties_get_a_private_message_in_every_session() -> None:
    desk = Desk()
    alice, bob, carol = desk.meets("Alice"), desk.meets("Bob"), desk.meets("Carol")
    laptop = desk.meets("Bob")
    state = desk.core.context.state
    message = Delivered(1, told("Alice", "Bob", "Hi Bob!"))
    alice.sends(Tell(1, "bob", "Hi Bob!")).gets(Acked(1, state.accounts[1].inbox.id, 1), message)
    bob.gets(message).hears()
    laptop.gets(message)
    carol.gets().hears()


def test_somebody_absent_finds_private_messages_in_the_inbox() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    bob.vanishes()
    alice.sends(Tell(1, "Bob", "Hi Bob!"), Tell(2, "Bob", "Are you there?"))
    welcome = desk.connects("Bob").hello().logs_in("Bob").gets_welcome()
    digest = EMPTY
    for text in ("Hi Bob!", "Are you there?"):
        digest = extend(digest, told("Alice", "Bob", text))
    assert welcome.inbox == Head(welcome.inbox.room, 2, digest)


def test_a_note_to_oneself_is_delivered_once() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    inbox = desk.core.context.state.accounts[1].inbox.id
    note = told("Alice", "Alice", "milk")
    alice.sends(Tell(1, "Alice", "milk")).gets(Acked(1, inbox, 1), Delivered(1, note))
    assert len(desk.store.messages) == len(desk.store.inboxes[1]) == 1


@pytest.mark.parametrize("name", ["Nobody", "", "x" * 5000, "a b"])
def test_a_message_to_nobody_is_refused(name: str) -> None:
    alice = Desk().meets("Alice")
    alice.sends(Tell(1, name, "hi")).gets(refused(Code.UNKNOWN_USER, n=1))


def deep(depth: int) -> dict[str, Any]:
    return {"in": deep(depth - 1)} if depth > 1 else {}


@pytest.mark.parametrize(
    ("text", "data", "code"),
    [
        ("é" * 4096, None, None),
        ("é" * 4096 + "x", None, Code.TOO_LARGE),
        ("x" * 8193, None, Code.TOO_LARGE),
        ("", None, Code.BAD_TEXT),
        ("a\0b", None, Code.BAD_TEXT),
        ("", {}, None),
        ("", {"x": b"x" * (16384 - 6)}, None),
        ("", {"x": b"x" * (16384 - 5)}, Code.TOO_LARGE),
        ("", deep(32), None),
    ],
)
def test_a_message_is_taken_within_its_bounds(
    text: str, data: dict[str, Any] | None, code: Code | None
) -> None:
    alice = Desk().meets("Alice")
    post: Reply = refused(code, n=1) if code else Acked(1, LOBBY, 1)
    alice.sends(Post(1, LOBBY, text, data)).gets(post)
    alice.sends(Tell(2, "Nobody", text, data)).gets(refused(code or Code.UNKNOWN_USER, n=2))


def test_data_too_deep_is_the_clients_fault_and_uses_no_number() -> None:
    alice = Desk().meets("Alice")
    alice.sends(Post(1, LOBBY, "", deep(33))).gets(refused(Code.INVALID, n=1))
    alice.sends(Post(1, LOBBY, "hi")).gets(Acked(1, LOBBY, 1))


def test_a_ping_is_answered_by_the_heads_that_moved_since_the_last() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    bob.sends(Ping(3)).gets(Pong(3))
    alice.sends(Post(1, LOBBY, "hi"), Tell(2, "Bob", "psst"))
    state = desk.core.context.state
    bob.forgets().sends(Ping(4))
    bob.gets(Pong(4, [state.accounts[2].inbox.head(), state.lobby.log.head()]))
    bob.sends(Ping(5)).gets(Pong(5))


def test_a_ping_tells_published_heads_only() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "hi"))
    bob.sends(Ping(3)).gets(Pong(3))
    desk.goes_on()
    bob.sends(Ping(4)).gets(Pong(4, [desk.core.context.state.lobby.log.head()]))


def test_every_log_is_chained_from_the_bytes_that_are_published() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Create(1, "garden"), Post(2, LOBBY, "a"), Post(3, LOBBY, "b"))
    digest = EMPTY
    for topic, event in desk.published:
        if topic == LOBBY and b"message_posted" in event:
            digest = extend(digest, event)
    state = desk.core.context.state
    assert state.lobby.log.digest == digest
    created = encode(RoomCreated(1, WALL, "garden", "Alice"))
    assert state.rooms[2].log.digest == extend(EMPTY, created)
