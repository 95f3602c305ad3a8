"""What a client does because it is one of many: it does not ask at the moment when all do, nor again and again of a broker that is busy with the others."""

from itertools import pairwise

import pytest
from tests.client.conversation import LOBBY, Conversation, Log

from hubbub.client.effects import Reconnect
from hubbub.client.reading import GAP_SECONDS
from hubbub.common.commands import Command, History, Login
from hubbub.common.replies import Error


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


def histories(commands: list[Command]) -> list[tuple[int | None, int | None]]:
    return [(command.after, command.before) for command in commands if isinstance(command, History)]


@pytest.mark.parametrize("first_byte", [0, 128, 255])
def test_a_client_asks_for_a_lost_publication_at_a_moment_of_its_own(
    lobby: Log, first_byte: int
) -> None:
    alice = Conversation(first_byte=first_byte).logs_in(lobby)
    share = GAP_SECONDS * first_byte / 256
    lobby.post("Bob", "lost")
    alice.sees(LOBBY, lobby.post("Bob", "seen"))
    if share:
        assert not alice.sent
        assert alice.session.wake_at(alice.now) == pytest.approx(alice.now + share)
        alice.sees(LOBBY, lobby.post("Bob", "meanwhile")).sends()
        alice.waits(share)
    assert histories(alice.sent) == [(0, 2)]
    assert share < GAP_SECONDS
    alice.hears(lobby.page(alice.query()))
    assert alice.texts[:2] == ["lost", "seen"]


def test_a_client_that_was_away_asks_at_once_and_page_after_page(lobby: Log) -> None:
    alice = Conversation(first_byte=255).logs_in(lobby).loses_the_broker()
    for number in range(5):
        lobby.post("Bob", f"missed {number}")
    alice.connects().hears(alice.welcome(lobby))
    assert histories(alice.sent) == [(0, 6)]
    alice.hears(lobby.page(alice.query(), most=3))
    assert histories(alice.sent) == [(3, 6)]


def test_logins_without_an_answer_become_rare() -> None:
    alice = Conversation().connects()
    started, logins, connections = alice.now, [alice.now], [alice.now]
    while alice.now < started + 600:
        wake_at = alice.session.wake_at(alice.now)
        assert wake_at is not None
        assert wake_at > alice.now, "it would never sleep"
        alice.waits(wake_at - alice.now)
        if Reconnect() in alice.effects:
            alice.connects()
            connections.append(alice.now)
        if any(isinstance(command, Login) for command in alice.sent):
            logins.append(alice.now)
    waits = [round(then - before) for before, then in pairwise(logins)]
    assert waits[:4] == [5, 10, 20, 30]
    assert set(waits[4:]) == {30}
    assert logins[2:] == connections[1:], "then each has a connection of its own"


def test_logins_that_the_broker_is_too_busy_for_become_rare() -> None:
    alice = Conversation().connects()
    waits = []
    for _ in range(8):
        alice.hears(Error("busy", "later", id=alice.login.id))
        before = alice.now
        while not any(isinstance(command, Login) for command in alice.sent):
            wake_at = alice.session.wake_at(alice.now)
            assert wake_at is not None
            alice.waits(wake_at - alice.now)
        waits.append(round(alice.now - before))
    assert waits == [1, 2, 4, 8, 8, 8, 8, 8]


def test_a_login_after_a_welcome_is_as_impatient_as_the_first(lobby: Log) -> None:
    alice = Conversation().connects().waits(5).waits(5)
    alice.logs_in(lobby).loses_the_broker().connects()
    assert alice.session.wake_at(alice.now) == alice.now + 5
