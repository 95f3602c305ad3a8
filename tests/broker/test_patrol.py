"""Connections that hold the broker up without a message are found by what they have sent and by their silence; time is an argument."""

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from hubbub.broker import patrol as patrolling
from hubbub.broker.core.limits import Limits
from hubbub.broker.patrol import (
    BUSY_BYTES,
    CAN_MEASURE,
    DOOR_BYTES,
    DOOR_SECONDS,
    IDLE_SECONDS,
    LOOK_SECONDS,
    QUIET_LOOK_SECONDS,
    SLICE,
    SLICE_SECONDS,
    SUBSCRIPTION_BYTES,
    UNFINISHED_BYTES,
    WALK_SECONDS,
    Patrol,
)
from hubbub.broker.strikes import Strikes
from hubbub.broker.watch import Connection, Service, Watch
from hubbub.common.limits import KIB, MIB

LIMITS = Limits(unread_bytes=1 * MIB)
on_linux = pytest.mark.skipif(not CAN_MEASURE, reason="only Linux tells what has arrived")


@dataclass
class Line:
    """Both ends of a connection, and what the watch knows of it."""

    client: socket.socket
    broker: socket.socket
    connection: Connection

    def sends(self, size: int, *, counted: int = 0) -> None:
        """Send bytes, and read them as libzmq does; so many of them the intake gets to see."""
        self.client.setblocking(False)
        sent = received = 0
        while received < size:
            if sent < size:
                sent += self.client.send(bytes(min(65_536, size - sent)))
            received += len(self.broker.recv(65_536))
        self.client.settimeout(10)
        self.connection.read += counted

    def is_shut(self) -> bool:
        try:
            self.broker.sendall(b"x")
        except BrokenPipeError:
            return True
        return self.client.recv(1) == b""


Connect = Callable[[Service], Line]


@pytest.fixture
def strikes() -> Strikes:
    return Strikes(LIMITS)


@pytest.fixture
def watch(strikes: Strikes) -> Watch:
    return Watch(LIMITS, 10_000, strikes)


@pytest.fixture
def heard() -> set[int]:
    """The numbers of the connections of events on which a session listens."""
    return set()


@pytest.fixture
def patrol(watch: Watch, heard: set[int]) -> Patrol:
    patrol = Patrol(watch, lambda: LIMITS, is_drained=lambda: False, is_heard=heard.__contains__)
    patrol.look(100.0)
    return patrol


@pytest.fixture
def connect(watch: Watch) -> Iterator[Connect]:
    """Make connections at 100 s."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

        def connect(service: Service) -> Line:
            client = stack.enter_context(socket.create_connection(server.getsockname()))
            client.settimeout(10)
            broker = stack.enter_context(server.accept()[0])
            watch.accepted(broker.fileno(), service, 100.0)
            connection = watch.on(broker.fileno())
            assert connection is not None
            return Line(client, broker, connection)

        yield connect


@pytest.fixture
def patrol_of_the_drained(watch: Watch, heard: set[int]) -> Patrol:
    patrol = Patrol(watch, lambda: LIMITS, is_drained=lambda: True, is_heard=heard.__contains__)
    patrol.look(100.0)
    return patrol


def walk(patrol: Patrol, until: float) -> None:
    """Let it look whenever it wants to."""
    while patrol.deadline <= until:
        patrol.look(patrol.deadline)


@on_linux
def test_who_has_sent_too_much_that_nobody_can_read_is_shut(
    patrol: Patrol, connect: Connect
) -> None:
    line, other = connect(Service.COMMANDS), connect(Service.COMMANDS)
    line.sends(LIMITS.unread_bytes - 10 * KIB)
    walk(patrol, 101.0)
    assert not line.is_shut()
    line.sends(20 * KIB)
    walk(patrol, 102.0)
    assert line.is_shut()
    assert not other.is_shut()


@on_linux
def test_less_is_borne_of_a_message_that_has_not_ended_when_no_other_can_be_what_is_held(
    patrol_of_the_drained: Patrol, connect: Connect
) -> None:
    commands, events = connect(Service.COMMANDS), connect(Service.EVENTS)
    for line in (commands, events):
        line.sends(UNFINISHED_BYTES - 10 * KIB)
    walk(patrol_of_the_drained, 101.0)
    assert not commands.is_shut()
    for line in (commands, events):
        line.sends(20 * KIB)
    walk(patrol_of_the_drained, 102.0)
    assert commands.is_shut()
    assert events.is_shut()


@on_linux
def test_as_much_is_borne_on_events_as_the_subscriptions_take_that_are_allowed_at_once(
    watch: Watch, heard: set[int], connect: Connect
) -> None:
    limits = Limits(subscriptions_burst=2 * UNFINISHED_BYTES // SUBSCRIPTION_BYTES)
    patrol = Patrol(watch, lambda: limits, is_drained=lambda: True, is_heard=heard.__contains__)
    line = connect(Service.EVENTS)
    patrol.look(100.0)
    line.sends(2 * UNFINISHED_BYTES - 10 * KIB)
    walk(patrol, 101.0)
    assert not line.is_shut()
    line.sends(20 * KIB)
    walk(patrol, 102.0)
    assert line.is_shut()


@on_linux
def test_as_much_is_borne_when_whole_messages_may_be_what_is_held(
    patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.COMMANDS)
    line.sends(UNFINISHED_BYTES + 10 * KIB)
    walk(patrol, 101.0)
    assert not line.is_shut()


@on_linux
def test_who_sends_a_message_without_an_end_is_charged_and_who_is_silent_is_not(
    strikes: Strikes, patrol: Patrol, connect: Connect
) -> None:
    silent = connect(Service.DOOR)
    walk(patrol, 101.0 + DOOR_SECONDS)
    assert silent.is_shut()
    assert not strikes.are_used_up("127.0.0.1", 111.0)
    for _ in range(LIMITS.strikes_burst):
        line = connect(Service.COMMANDS)
        line.sends(LIMITS.unread_bytes + 10 * KIB)
    walk(patrol, 112.0)
    assert line.is_shut()
    assert strikes.are_used_up("127.0.0.1", 112.0)


@on_linux
def test_the_patrol_hurries_while_connections_come_or_much_arrives(
    watch: Watch, patrol: Patrol, connect: Connect
) -> None:
    walk(patrol, 105.0)
    line = connect(Service.COMMANDS)  # at 100 s
    patrol.look(100.5)
    assert patrol.deadline == pytest.approx(100.5 + LOOK_SECONDS)
    patrol.look(105.0)
    assert patrol.deadline == pytest.approx(105.0 + QUIET_LOOK_SECONDS)
    line.sends(BUSY_BYTES - 1 * KIB, counted=BUSY_BYTES)
    walk(patrol, 106.0)
    patrol.look(106.0)
    assert patrol.deadline == pytest.approx(106.0 + QUIET_LOOK_SECONDS)
    line.sends(BUSY_BYTES + 1 * KIB, counted=BUSY_BYTES)
    walk(patrol, 106.5)
    assert patrol.deadline <= 106.5 + LOOK_SECONDS + 0.001
    walk(patrol, 110.0)
    patrol.look(110.0)
    assert patrol.deadline == pytest.approx(110.0 + QUIET_LOOK_SECONDS)
    watch.accepted(900, Service.COMMANDS, 110.05)
    assert patrol.deadline == pytest.approx(110.0 + LOOK_SECONDS)


@on_linux
def test_who_sends_messages_is_not_shut_however_much_it_is(
    patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.COMMANDS)
    for second in range(8):
        line.sends(LIMITS.unread_bytes // 2, counted=LIMITS.unread_bytes // 2)
        walk(patrol, 101.0 + second)
    assert not line.is_shut()


@on_linux
def test_what_was_counted_too_much_cannot_be_saved_up(patrol: Patrol, connect: Connect) -> None:
    line = connect(Service.COMMANDS)
    line.sends(1000, counted=100 * LIMITS.unread_bytes)
    walk(patrol, 101.0)
    line.sends(LIMITS.unread_bytes + 10 * KIB)
    walk(patrol, 102.0)
    assert line.is_shut()


@on_linux
def test_heartbeats_of_weeks_are_nothing_unread(
    patrol: Patrol, heard: set[int], connect: Connect
) -> None:
    line = connect(Service.EVENTS)
    heard.add(line.connection.number)
    step = 40_000  # seconds; 82 bytes each 5
    for now in range(200, 200 + 50 * step, step):
        line.sends(82 * step // 5 // 10)
        for part in range(10):
            patrol.look(now + part * step / 10)
    assert not line.is_shut()


@on_linux
def test_what_the_system_holds_back_is_not_counted(patrol: Patrol, connect: Connect) -> None:
    line = connect(Service.COMMANDS)
    line.broker.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * LIMITS.unread_bytes)
    line.client.setblocking(False)
    sent = 0
    while sent <= LIMITS.unread_bytes + 10 * KIB:
        try:
            sent += line.client.send(bytes(10 * KIB))
        except BlockingIOError:
            pytest.skip("this system holds less back")
    line.client.settimeout(10)
    walk(patrol, 101.0)
    assert not line.is_shut()


@on_linux
def test_less_is_borne_at_the_door(patrol: Patrol, connect: Connect) -> None:
    line = connect(Service.DOOR)
    line.sends(DOOR_BYTES + 1 * KIB)
    walk(patrol, 101.0)
    assert line.is_shut()


@on_linux
def test_those_who_hold_the_most_are_shut_when_all_together_hold_too_much(
    patrol: Patrol, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patrolling, "UNREAD_BYTES_IN_ALL", 200 * KIB)
    lines = [connect(Service.COMMANDS) for _ in range(4)]
    for line, size in zip(lines, (20, 120, 40, 60), strict=True):
        line.sends(size * KIB)
    walk(patrol, 101.0)
    assert [line.is_shut() for line in lines] == [False, True, False, False]


@pytest.mark.parametrize(
    ("service", "seconds"),
    [
        (Service.DOOR, DOOR_SECONDS),
        (Service.COMMANDS, IDLE_SECONDS),
        (Service.EVENTS, IDLE_SECONDS),
    ],
)
def test_who_sends_no_message_is_shut_in_time(
    patrol: Patrol, connect: Connect, service: Service, seconds: float
) -> None:
    line = connect(service)
    walk(patrol, 99.0 + seconds)
    assert not line.is_shut()
    walk(patrol, 101.0 + seconds)
    assert line.is_shut()


def test_who_sends_commands_again_and_again_stays_and_so_does_whose_session_listens(
    patrol: Patrol, heard: set[int], connect: Connect
) -> None:
    commands, events = connect(Service.COMMANDS), connect(Service.EVENTS)
    events.connection.read = SUBSCRIPTION_BYTES  # in the turn in which it was accepted
    heard.add(events.connection.number)
    for now in range(110, 310, 10):
        commands.connection.heard = float(now)
        walk(patrol, now)
    assert not commands.is_shut()
    assert not events.is_shut()
    walk(patrol, 311.0 + IDLE_SECONDS)
    assert commands.is_shut()
    assert not events.is_shut()
    heard.clear()
    walk(patrol, 312.0 + IDLE_SECONDS)
    assert events.is_shut()


def test_nobody_is_blamed_for_silence_while_the_broker_was_stopped(
    patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.COMMANDS)
    walk(patrol, 110.0)
    patrol.look(1000.0)
    walk(patrol, 999.0 + IDLE_SECONDS)
    assert not line.is_shut()
    walk(patrol, 1001.0 + IDLE_SECONDS)
    assert line.is_shut()


def test_a_connection_that_is_gone_is_not_confused_with_the_next_on_its_descriptor(
    watch: Watch, patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.DOOR)
    patrol.look(patrol.deadline)
    watch.accepted(line.broker.fileno(), Service.DOOR, 109.0)
    walk(patrol, 101.0 + DOOR_SECONDS)
    assert not line.is_shut()


@pytest.fixture
def quiet(watch: Watch) -> int:
    """Connections of which nothing is ever heard; return how many slices they are."""
    for fd in range(100_000, 100_000 + 10 * SLICE):
        watch.accepted(fd, Service.COMMANDS, 0.0)
    return 10


def test_every_connection_is_looked_at_in_turn_and_only_some_at_once(
    watch: Watch, heard: set[int], quiet: int
) -> None:
    patrol = Patrol(watch, lambda: LIMITS, is_drained=lambda: False, is_heard=heard.__contains__)
    looks = 0
    while any(connection.looked == 0.0 for connection in watch):
        before = sum(connection.looked > 0.0 for connection in watch)
        now = patrol.deadline + 1.0 * (looks == 0)
        patrol.look(now)
        looks += 1
        assert sum(connection.looked > 0.0 for connection in watch) == before + SLICE
        assert patrol.deadline == pytest.approx(now + WALK_SECONDS)
    assert looks == quiet


@on_linux
def test_who_sends_much_is_found_at_once_among_thousands(
    quiet: int, patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.COMMANDS)
    patrol.look(patrol.deadline)
    line.sends(LIMITS.unread_bytes + 10 * KIB)
    patrol.look(patrol.deadline)
    assert line.is_shut()


@on_linux
def test_what_was_read_meanwhile_is_not_held_though_nothing_more_has_arrived(
    quiet: int, patrol: Patrol, connect: Connect
) -> None:
    line = connect(Service.COMMANDS)
    line.sends(100 * KIB)
    patrol.look(patrol.deadline)
    assert line.connection.unread > 90 * KIB
    line.connection.read += 100 * KIB
    patrol.look(patrol.deadline)
    assert line.connection.unread == 0


@on_linux
def test_the_patrol_goes_on_soon_when_something_has_arrived_from_more_than_it_looks_at(
    patrol: Patrol, connect: Connect
) -> None:
    lines = [connect(Service.COMMANDS) for _ in range(SLICE + 1)]
    patrol.look(200.0)
    assert patrol.deadline == pytest.approx(200.0 + SLICE_SECONDS)
    patrol.look(patrol.deadline)
    assert all(line.connection.looked >= 200.0 for line in lines)
