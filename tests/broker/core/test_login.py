"""How a session begins: hello, login, and who gets a name."""

from dataclasses import replace

import msgspec
import pytest
from tests.broker.core.desk import SETTINGS, WALL, Desk, Person
from tests.broker.core.memory_store import EPOCH, LOBBY
from tests.broker.core.wire import key_of, refused

from hubbub.broker.core.context import Settings
from hubbub.broker.core.limits import Limits
from hubbub.broker.core.rules import DECREES, LEGAL, QUERIES, WRITES
from hubbub.broker.core.sessions import SessionState
from hubbub.common import commands as c
from hubbub.common.commands import Create, Hello, Logout, Ping, Post, Tell
from hubbub.common.digest import EMPTY
from hubbub.common.errors import Code
from hubbub.common.replies import (
    Acked,
    Bye,
    Error,
    Greeted,
    Head,
    Joined,
    Pong,
    Resend,
    Welcome,
)

FIELDS: dict[str, object] = {
    "id": 9,
    "n": 1,
    "versions": [1],
    "name": "Bob",
    "events_key": b"k" * 32,
    "producer": b"p" * 16,
    "room": LOBBY,
    "seq": 0,
    "to": "Bob",
    "text": "hi",
    "password": "kelp under a lantern",
    "device": 1,
}
"""What the commands of the test below hold in the fields that they need."""


def example(kind: type[c.Command]) -> c.Command:
    needed = [field.name for field in msgspec.structs.fields(kind) if field.required]
    return kind(**{name: FIELDS[name] for name in needed})


def somebody_in(state: SessionState) -> Person:
    desk = Desk()
    person = desk.connects("Alice")
    if state is SessionState.NEW:
        return person
    person.hello()
    if state is SessionState.GREETED:
        return person
    if state is SessionState.CHECKING:
        desk.passwords_wait = True
        return person.logs_in("Bob", password="mistletoe")
    if state is SessionState.REGISTERING:
        desk.stalls()
        return person.logs_in("Alice")
    person.logs_in("Alice").forgets()
    if state is SessionState.LEAVING:
        desk.stalls()
        person.sends(Logout(3))
    return person


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("kind", [*QUERIES, *WRITES])
def test_a_session_takes_a_command_when_the_table_says_so(
    state: SessionState, kind: type[c.Command]
) -> None:
    person = somebody_in(state)
    person.sends(example(kind))
    person.desk.goes_on()
    refusals = {Code.LOGIN_REQUIRED, Code.WRONG_STATE}
    codes = [reply.code for reply in person.unread if isinstance(reply, Error | Resend)]
    assert bool(refusals & set(codes)) == (kind not in LEGAL[state])


@pytest.mark.parametrize(
    "state",
    [state for state in SessionState if state is not SessionState.LIVE],
)
def test_a_session_is_told_to_log_in_when_it_has_not(state: SessionState) -> None:
    person = somebody_in(state)
    person.sends(c.Who(9), Post(4, LOBBY, "hi"), Post(5, LOBBY, "hi"))
    person.gets(refused(Code.LOGIN_REQUIRED, id=9), Resend(4, Code.LOGIN_REQUIRED))


def test_a_session_is_told_the_state_is_wrong_when_it_logs_in_twice() -> None:
    alice = Desk().meets("Alice")
    alice.logs_in("Alice").gets(refused(Code.WRONG_STATE, id=2))
    alice.sends(Ping(3)).gets(Pong(3))


def test_every_command_stands_in_both_tables() -> None:
    assert set(c.COMMANDS.values()) == {*QUERIES, *WRITES, *DECREES}
    assert set(LEGAL) == set(SessionState)


def test_a_client_is_greeted_in_a_version_that_both_speak() -> None:
    Desk().connects().sends(Hello(7, [4, 1])).gets(Greeted(7, 1, "hub"))


def test_a_client_learns_what_program_greets_it_as_often_as_it_asks() -> None:
    desk = Desk(Settings("hub", events_port=5001, software="hubbub 9.9"))
    stranger = desk.connects()
    stranger.sends(Hello(1, [1])).gets(Greeted(1, 1, "hub", software="hubbub 9.9"))
    stranger.sends(Hello(2, [1])).gets(Greeted(2, 1, "hub", software="hubbub 9.9"))


def test_a_client_is_refused_when_it_speaks_no_version_of_ours() -> None:
    stranger = Desk().connects().sends(Hello(7, [2, 3]))
    stranger.gets(refused(Code.VERSION_UNSUPPORTED, id=7))
    stranger.logs_in("Alice").gets(refused(Code.LOGIN_REQUIRED, id=2))


def test_a_newcomer_is_welcomed_with_the_lobby_and_an_empty_inbox() -> None:
    desk = Desk(Settings("hub", events_port=5001, events_host="example.org"))
    welcome = desk.connects("Alice").hello().logs_in("Alice").gets_welcome()
    inbox = desk.core.context.state.accounts[1].inbox.id
    assert welcome == Welcome(
        id=2,
        name="Alice",
        epoch=EPOCH,
        inbox=Head(inbox, 0, EMPTY),
        rooms=[Joined(LOBBY, "lobby", 0, EMPTY)],
        events_port=5001,
        time=WALL,
        events_host="example.org",
        created=True,
    )


def test_an_owner_is_welcomed_with_heads_when_returning() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Create(1, "garden", "for all"), Post(2, LOBBY, "hi"), Tell(3, "Alice", "note"))
    welcome = desk.connects("Alice").hello().logs_in("ALICE").gets_welcome()
    state = desk.core.context.state
    garden = state.rooms[2].log
    assert (welcome.name, welcome.created) == ("Alice", False)
    assert welcome.inbox == state.accounts[1].inbox.head()
    assert welcome.rooms == [
        Joined(LOBBY, "lobby", 1, state.lobby.log.digest),
        Joined(garden.id, "garden", 1, garden.digest, "for all", read=1, role="owner"),
    ]


@pytest.mark.parametrize("name", ["", "two words", "@alice", "x" * 33, "a\u200bb"])
def test_a_newcomer_is_refused_when_the_name_is_bad(name: str) -> None:
    newcomer = Desk().connects().hello()
    newcomer.logs_in(name).gets(refused(Code.BAD_NAME, id=2))
    assert newcomer.logs_in("Alice").gets_welcome().created


@pytest.mark.parametrize("owner", ["Alice", "ALICE"])
@pytest.mark.parametrize("name", ["Alice", "ALICE", "\u0410lice", "\u0410Iice", "Al\u0456ce"])
def test_a_stranger_is_refused_when_the_name_is_taken_or_looks_it(name: str, owner: str) -> None:
    desk = Desk()
    desk.meets(owner)
    stranger = desk.connects("Mallory").hello()
    stranger.logs_in(name).gets(refused(Code.NAME_TAKEN, id=2))
    stranger.logs_in("Mallory").gets_welcome()


def test_an_owner_is_refused_a_look_alike_of_the_own_name() -> None:
    desk = Desk()
    desk.meets("Alice")
    desk.connects("Alice").hello().logs_in("AIice").gets(refused(Code.NAME_TAKEN, id=2))


def test_a_device_is_refused_when_it_owns_too_many_names() -> None:
    desk = Desk(Settings("hub", events_port=5001, limits=Limits(names_per_key=2)))
    for name in ("one", "two"):
        desk.meets(name, owner="Alice")
    device = desk.connects("Alice").hello()
    device.logs_in("three").gets(refused(Code.TOO_MANY_NAMES, id=2))
    device.logs_in("two").gets_welcome()
    assert desk.connects("Bob").hello().logs_in("three").gets_welcome().created


def test_a_session_is_refused_when_its_events_key_is_in_use() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    bob = desk.connects("Bob").hello().logs_in("Bob", events_key=alice.events_key)
    bob.gets(refused(Code.INVALID, id=2))


def test_the_second_is_refused_when_two_new_people_announce_one_events_key_at_once() -> None:
    desk = Desk()
    desk.stalls()
    alice = desk.connects("Alice").hello().logs_in("Alice")
    bob = desk.connects("Bob").hello().logs_in("Bob", events_key=alice.events_key)
    desk.goes_on()
    alice.gets_welcome()
    bob.gets(refused(Code.INVALID, id=2))


def test_a_session_is_refused_when_its_events_key_is_its_passport() -> None:
    alice = Desk().connects("Alice").hello()
    alice.logs_in("Alice", events_key=bytes.fromhex(key_of("Alice")))
    alice.gets(refused(Code.INVALID, id=2))


@pytest.mark.parametrize("routing_id", [b"\1" * 31, b"\0" + b"\1" * 31, b"\1" * 33, b"\0\1\2\3\4"])
def test_a_session_is_refused_when_its_routing_id_can_be_guessed(routing_id: bytes) -> None:
    alice = Desk().connects("Alice", routing_id).hello()
    alice.logs_in("Alice").gets(refused(Code.INVALID, id=2))


def test_a_second_terminal_waits_for_the_disk_when_the_first_has_just_claimed_the_name() -> None:
    desk = Desk()
    desk.stalls()
    first = desk.connects("Alice").hello().logs_in("Alice")
    second = desk.connects("Alice").hello().logs_in("Alice")
    first.gets()
    second.gets()
    desk.goes_on()
    assert first.gets_welcome().created
    assert not second.gets_welcome().created


def test_a_stranger_waits_for_the_disk_when_the_name_is_taken_in_memory_only() -> None:
    desk = Desk()
    desk.stalls()
    desk.connects("Alice").hello().logs_in("Alice")
    bob = desk.connects("Bob").hello().logs_in("Alice")
    bob.gets()
    desk.goes_on()
    bob.gets(refused(Code.NAME_TAKEN, id=2))


def test_the_first_gets_the_name_when_two_keys_race_for_it_in_one_batch() -> None:
    desk = Desk()
    zoe = desk.meets("Zoe")
    desk.stalls()
    zoe.sends(Post(1, LOBBY, "a batch in flight"))
    alice = desk.connects("Alice").hello().logs_in("Alice")
    bob = desk.connects("Bob").hello().logs_in("alice")
    desk.goes_on()
    assert alice.gets_welcome().created
    bob.gets(refused(Code.NAME_TAKEN, id=2))
    assert len(desk.batches[-1].submissions) == 2


def test_a_session_gets_the_name_it_asked_for_last_when_it_begins_anew_in_between() -> None:
    desk = Desk()
    desk.stalls()
    alice = desk.connects("Alice").hello().logs_in("Alice")
    alice.hello().logs_in("Alison", id=5)
    desk.returns()
    alice.gets()
    desk.goes_on()
    welcome = alice.gets_welcome()
    assert (welcome.id, welcome.name) == (5, "Alison")


def test_an_intruder_is_cut_when_it_uses_a_routing_id_of_another_key() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    mallory = desk.connects("Mallory", alice.routing_id)
    mallory.sends(Post(1, LOBBY, "I am Alice"))
    assert mallory.is_cut
    assert not alice.is_cut
    alice.sends(Post(1, LOBBY, "hi")).gets(Acked(1, LOBBY, 1))


def test_an_intruder_is_cut_when_its_frame_cannot_even_be_read() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    mallory = desk.connects("Mallory", alice.routing_id)
    desk.takes(mallory, b"\xc1")
    assert mallory.is_cut
    alice.gets()


def test_the_old_session_ends_when_its_client_comes_over_a_new_connection() -> None:
    desk = Desk()
    old = desk.meets("Alice")
    new = desk.connects("Alice", old.routing_id)
    old.is_cut = True  # libzmq gives a routing id to one connection only; its loss is not yet told
    new.sends(Post(1, LOBBY, "hi")).gets(Resend(1, Code.LOGIN_REQUIRED))
    assert old.is_deaf()
    assert not desk.core.admits(old.events_key.hex())
    desk.loses(old)
    new.hello().logs_in("Alice").gets_welcome()
    new.sends(Ping(3)).gets(Pong(3))


def test_a_session_begins_anew_when_it_says_hello_again() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Hello(5, [1])).gets(Greeted(5, 1, "hub"))
    assert alice.is_deaf()
    alice.sends(Post(1, LOBBY, "hi")).gets(Resend(1, Code.LOGIN_REQUIRED))
    alice.logs_in("Alice").gets_welcome()
    alice.sends(Post(1, LOBBY, "hi")).gets(Acked(1, LOBBY, 1))


def test_a_session_is_answered_bye_when_it_logs_out_behind_its_writes() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Post(1, LOBBY, "last words"), Logout(4)).gets(Acked(1, LOBBY, 1), Bye(4))
    assert alice.is_deaf()
    assert not alice.is_cut
    alice.sends(Ping(5)).gets(Pong(5))


def test_nobody_is_removed_because_the_broker_itself_was_stopped() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.sets_clock(desk.now.monotonic + 100)
    bob.sends(Ping(3))  # read in the first turn, before the tick
    desk.ticks()
    alice.forgets().sends(Ping(3)).gets(Pong(3))
    desk.passes(15)
    assert [alice.is_cut, bob.is_cut] == [False, False]
    desk.passes(2)
    assert [alice.is_cut, bob.is_cut] == [True, True]


def test_a_session_is_removed_when_it_is_silent_for_15_s() -> None:
    desk = Desk(SETTINGS)
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    for _ in range(4):
        desk.passes(4)
        bob.sends(Ping(3))
    assert alice.is_cut
    assert alice.is_deaf()
    assert not bob.is_cut


@pytest.mark.parametrize("visits", [1, 2])
def test_it_is_logged_where_a_client_comes_from_then_who_it_is(visits: int) -> None:
    desk = Desk()
    for _ in range(visits):
        desk.meets("Alice").sends(Logout(3))
    assert desk.logged == ["peer", "user_entered", "user_left"] * visits


def test_what_becomes_of_sessions_is_logged() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    mallory = desk.connects("Mallory", routing_id=alice.routing_id)
    desk.logged.clear()
    mallory.sends(Ping(1))
    assert desk.struck == [mallory.connection]
    alice.vanishes()
    desk.connects("Alice").hello().logs_in("Alice", resuming=True)
    assert bob.sub is not None
    desk.reads_nonsense(bob.sub)
    desk.meets("Alice")
    expected = ["place_claimed", "user_disconnected", "peer", "user_returned"]
    assert desk.logged == [*expected, "client_banned", "peer", "user_entered"]


def test_a_person_in_many_rooms_is_slowed_down_who_logs_in_over_and_over() -> None:
    desk = Desk(replace(SETTINGS, limits=Limits(pages_burst=3, pages_a_second=2)))
    alice = desk.meets("Alice").sends(*(Create(n, f"room{n}") for n in range(1, 101))).forgets()
    alice.hello().logs_in("Alice").gets_welcome()
    alice.hello().logs_in("Alice").gets(refused(Code.SLOW_DOWN, id=2, retry_after=0.5))
    desk.passes(0.5)
    alice.logs_in("Alice").gets_welcome()
