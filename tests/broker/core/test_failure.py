"""When a commit fails: nothing of it was told, everybody waits, and the state is what the disk says."""

from tests.broker.core.desk import WALL, Desk, Person
from tests.broker.core.memory_store import LOBBY, MemoryStore
from tests.broker.core.wire import refused

from hubbub.broker.core.changes import Changes
from hubbub.common.commands import (
    Ban,
    Create,
    Hello,
    History,
    Join,
    Kick,
    Leave,
    Lockdown,
    Logout,
    Ping,
    Post,
    Rooms,
    SetRole,
    Tell,
    Who,
)
from hubbub.common.errors import Code
from hubbub.common.events import MessagePosted
from hubbub.common.replies import (
    Acked,
    Bye,
    Greeted,
    Joined,
    Left,
    Page,
    Pong,
    Resend,
    RoomInfo,
    RoomList,
    Roster,
    Stored,
)


def wait_from(n: int) -> Resend:
    return Resend(n, Code.STORAGE_UNAVAILABLE, 1.0)


def room_id(desk: Desk, name: str) -> bytes:
    room = desk.core.context.state.room_named(name)
    assert room is not None
    return room.log.id


def test_nobody_is_told_anything_before_the_commit() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    laptop = desk.meets("Alice")
    alice.forgets()
    desk.stalls()
    carol = desk.connects("Carol").hello().logs_in("Carol")
    alice.sends(Post(1, LOBBY, "hi"), Tell(2, "Bob", "psst"), Create(3, "garden"), Logout(4))
    for person in (alice, bob, laptop, carol):
        person.gets()
    alice.hears()
    desk.goes_on()
    assert carol.gets_welcome().created
    assert [type(reply) for reply in alice.unread][-1] is Bye
    bob.hears(MessagePosted(1, WALL, "Alice", "hi"))


def test_everybody_of_the_batch_and_everybody_gathered_is_told_to_wait() -> None:
    desk = Desk()
    alice, bob, zoe = desk.meets("Alice"), desk.meets("Bob"), desk.meets("Zoe")
    desk.stalls()
    alice.sends(Post(1, LOBBY, "one"), Post(2, LOBBY, "two"))
    alice.sends(Post(3, LOBBY, "three"))
    bob.sends(Post(1, LOBBY, "hi"))
    bob.sends(Post(2, LOBBY, "hi"))
    carol = desk.connects("Carol").hello().logs_in("Carol")
    zoe.sends(Logout(9))
    desk.fails()
    alice.gets(wait_from(1))
    bob.gets(wait_from(1))
    carol.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    zoe.gets(Bye(9))
    assert desk.published == [p for p in desk.published if b"presence" in p[1]]


def test_everybody_goes_on_where_the_disk_stands_when_it_recovers() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Post(1, LOBBY, "on disk"))
    desk.fails()
    alice.sends(Post(2, LOBBY, "lost"), Create(3, "garden"), Tell(4, "Bob", "lost too"))
    carol = desk.connects("Carol").hello().logs_in("Carol")
    desk.recovers()
    state = desk.core.context.state
    assert (state.lobby.log.seq, len(state.rooms), len(state.accounts)) == (1, 1, 2)
    alice.forgets()
    bob.forgets()
    alice.sends(Post(2, LOBBY, "again"), Create(3, "garden"))
    bob.hears(MessagePosted(2, WALL, "Alice", "again"))
    assert alice.unread[-2:] == [Acked(2, LOBBY, 2), Acked(3, room_id(desk, "garden"), 1)]
    carol.forgets().logs_in("Carol")
    assert carol.gets_welcome().created


def test_sessions_stay_and_reads_go_on_while_the_disk_fails() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    alice.sends(Post(1, LOBBY, "on disk"))
    desk.fails()
    bob.sends(Post(1, LOBBY, "lost")).gets(wait_from(1))
    desk.store.failing = False  # what cannot be written may still be read
    bob.sends(Post(1, LOBBY, "refused in handle")).gets(wait_from(1))
    bob.sends(Who(3)).gets(Roster(3, 1, 2, ["Alice", "Bob"]))
    stored = Stored(1, desk.store.events[1][0].event)
    bob.sends(History(4, LOBBY)).gets(Page(4, LOBBY, [stored], False, 1, bytes(16)))
    bob.sends(Rooms(5)).gets(RoomList(5, [RoomInfo(LOBBY, "lobby", members=2)], more=False))
    bob.sends(Ping(6)).gets(Pong(6, [desk.core.context.state.lobby.log.head()]))
    laptop = desk.connects("Bob").hello().logs_in("Bob")
    assert laptop.gets_welcome().rooms[0].seq == 1
    assert not bob.is_deaf()
    desk.recovers()
    bob.sends(Post(1, LOBBY, "again")).gets(Acked(1, LOBBY, 2))


def test_a_newcomer_is_refused_while_the_disk_fails() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.fails()
    alice.sends(Post(1, LOBBY, "lost")).gets(wait_from(1))
    carol = desk.connects("Carol").hello().logs_in("Carol")
    carol.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    desk.recovers()
    assert carol.logs_in("Carol").gets_welcome().created


def test_a_name_that_came_to_nothing_is_not_taken() -> None:
    desk = Desk()
    desk.fails()
    carol = desk.connects("Carol").hello().logs_in("Carol")
    carol.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    other = desk.connects("Other").hello().logs_in("Carol")
    other.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    desk.recovers()
    assert other.logs_in("Carol").gets_welcome().created
    carol.logs_in("Carol").gets(refused(Code.NAME_TAKEN, id=2))


def test_somebody_may_log_out_while_the_disk_fails() -> None:
    desk = Desk()
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.fails()
    bob.sends(Post(1, LOBBY, "lost")).gets(wait_from(1))
    alice.sends(Logout(4)).gets(Bye(4))
    bob.sends(Who(3))
    [roster] = bob.unread
    assert isinstance(roster, Roster)
    assert roster.names == ["Bob"]


def test_a_logout_that_failed_does_not_end_the_session_that_came_after_it() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(Logout(4), Hello(5, [1])).gets(Greeted(5, 1, "hub"))
    alice.logs_in("Alice").gets_welcome()
    desk.fails()
    alice.gets()
    desk.recovers()
    alice.sends(Post(1, LOBBY, "here")).gets(Acked(1, LOBBY, 1))


def gardener() -> tuple[Desk, Person, bytes]:
    desk = Desk()
    alice = desk.meets("Alice")
    alice.sends(Create(1, "garden"))
    garden = room_id(desk, "garden")
    return desk, alice.forgets().subscribes(garden).forgets(), garden


def test_a_room_left_in_vain_is_told_to_a_session_that_came_meanwhile() -> None:
    desk, alice, garden = gardener()
    desk.stalls()
    alice.sends(Leave(2, garden))
    laptop = desk.connects("Alice").hello().logs_in("Alice")
    assert [room.room for room in laptop.gets_welcome().rooms] == [LOBBY]
    desk.fails()
    desk.recovers()
    alice.gets(wait_from(2))
    log = desk.core.context.state.room_by_id[garden].log
    laptop.gets(Joined(garden, "garden", 1, log.digest, read=1, role="owner"))


def test_a_join_in_vain_does_not_keep_one_who_left_listening() -> None:
    desk, alice, garden = gardener()
    alice.sends(Leave(2, garden)).gets(Left(garden), Acked(2, garden, 2))
    desk.passes(0.9)
    desk.stalls()
    alice.sends(Join(3, "garden"))
    desk.passes(0.2)
    desk.fails()
    desk.recovers()
    assert alice.is_deaf()


def test_numbers_given_in_vain_are_given_again() -> None:
    desk = Desk()
    alice = desk.meets("Alice")
    desk.fails()
    alice.sends(Create(1, "garden"), Tell(2, "Alice", "note")).gets(wait_from(1))
    desk.recovers()
    alice.sends(Create(1, "attic"), Tell(2, "Alice", "note"))
    assert [row.name for row in desk.store.rooms.values()] == ["lobby", "attic"]
    assert list(desk.store.messages) == [1]


class Doubtful(MemoryStore):
    """A store whose commits may be on disk though they failed, as when a sync does."""

    def commit(self, changes: Changes) -> None:
        failing, self.failing = self.failing, False
        super().commit(changes)
        self.failing = failing
        self._check()


def test_nobody_stays_whom_a_commit_put_out_that_failed_and_is_on_disk() -> None:
    store = Doubtful()
    desk = Desk(store=store)
    names = ("Alice", "Bob", "Carol", "Dan", "Eve")
    alice, bob, carol, dan, eve = map(desk.meets, names)
    alice.sends(Create(1, "garden"))
    garden = room_id(desk, "garden")
    for person in (bob, carol):
        person.sends(Join(1, "garden")).subscribes(garden)
    desk.stalls()
    desk.decrees(Lockdown(1, "normal"))  # is in flight: what follows is one batch
    desk.decrees(
        Kick(2, "Bob", garden), Ban(3, "account", "Dan"), Ban(4, "address", eve.peer.address)
    )
    desk.returns()
    desk.fails()
    desk.recovers()
    assert [person.is_cut for person in (alice, bob, carol, dan, eve)] == [
        False,
        True,
        False,
        True,
        True,
    ]
    assert bob.is_deaf()


def test_everybody_is_out_whom_a_lockdown_put_out_that_failed_and_is_on_disk() -> None:
    desk = Desk(store=Doubtful())
    alice, bob = desk.meets("Alice"), desk.meets("Bob")
    desk.decrees(SetRole(1, "Alice", "moderator"))
    desk.stalls()
    desk.decrees(Lockdown(2, "accounts_only"))
    desk.fails()
    desk.recovers()
    assert (alice.is_cut, bob.is_cut) == (False, True)
