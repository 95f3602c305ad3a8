"""A broker that shuts down: every session is told when to come back, each at a moment of its own."""

import pytest
from tests.broker.core.desk import Desk
from tests.broker.core.wire import key_of

from hubbub.broker.core.effects import Effect, Send
from hubbub.broker.core.sessions import Peer
from hubbub.common.codec import array, encode
from hubbub.common.commands import Hello
from hubbub.common.errors import Code
from hubbub.common.limits import QUIET_START_SECONDS
from hubbub.common.replies import Closing


def returns(effects: list[Effect]) -> dict[bytes, float]:
    """When each session shall come back."""
    times = {}
    for effect in effects:
        assert isinstance(effect, Send)
        [closing] = effect.replies
        assert isinstance(closing, Closing)
        assert closing.code == Code.SHUTTING_DOWN
        times[effect.routing_id] = closing.retry_after
    assert len(times) == len(effects), "each is told once"
    return times


def crowd(count: int) -> Desk:
    """So many sessions that have said hello."""
    desk = Desk()
    for number in range(count):
        peer = Peer(b"\1" + number.to_bytes(31, "big"), key_of("somebody"), number)
        desk.core.handle(peer, array([encode(Hello(1, [1]))]), desk.now)
    return desk


def test_a_broker_that_closes_tells_every_session_whatever_its_state() -> None:
    desk = Desk()
    alice, stranger = desk.meets("Alice"), desk.connects().hello()
    silent = desk.connects()
    desk.closes()
    assert not silent.unread, "it never sent a frame: there is no session"
    for person, after in ((alice, 1.0), (stranger, 1.004)):
        [closing] = person.unread
        assert isinstance(closing, Closing)
        assert (closing.code, closing.retry_after) == (Code.SHUTTING_DOWN, after)


@pytest.mark.parametrize(("count", "last"), [(1, 1.0), (50, 1.196), (500, 2.996), (6000, 20.997)])
def test_a_broker_that_closes_spreads_its_sessions_by_their_number(count: int, last: float) -> None:
    times = sorted(returns(crowd(count).core.closing()).values())
    assert len(set(times)) == count
    assert (times[0], round(times[-1], 3)) == (1.0, last)
    assert times[-1] < QUIET_START_SECONDS, "whoever comes back is no news"


def test_a_broker_that_closes_says_nothing_when_nobody_is_there() -> None:
    assert Desk().core.closing() == []
