"""Whatever the network does: the app sees every event once and in order, and every post is acked once."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.client.simulation import Network

from hubbub.client.updates import Diverged, Missed

Step = Callable[[Network], None]
often: list[Step] = [
    Network.alice_posts,
    Network.bob_posts,
    Network.carry_up,
    Network.carry_down,
    Network.carry_events,
    Network.carry_all,
    Network.connect,
    Network.alice_orders,
]
trouble: list[Step] = [
    Network.lose_events,
    Network.lose_commands,
    Network.cut,
    Network.broker_gets_busy,
    Network.broker_gets_strict,
    Network.broker_sends_away,
    Network.broker_recovers,
    Network.time_passes,
    Network.app_stops_reading,
    Network.app_reads,
]
steps = st.lists(st.sampled_from(often * 3 + trouble), min_size=40, max_size=160)


def live_network() -> Network:
    network = Network()
    network.bob_posts()  # before Alice's time
    network.connect()
    network.carry_all()
    return network


@pytest.mark.slow
@given(steps, st.booleans())
@settings(max_examples=200, deadline=None)
def test_nothing_is_lost_doubled_or_out_of_order(story: list[Step], tail_is_lost: bool) -> None:
    network = live_network()
    for step in story:
        step(network)
    if tail_is_lost:
        network.bob_posts()
        network.published.clear()
    network.calm_down()

    lobby = network.broker.lobby
    assert [message.seq for message in network.messages] == list(range(2, lobby.seq + 1))
    assert not [update for update in network.updates if isinstance(update, Diverged | Missed)]
    position = network.session.reading.rooms.named("lobby")
    assert position is not None
    assert (position.reader.seq, position.reader.digest) == (lobby.seq, lobby.digests[-1])

    assert not network.failures
    assert set(network.orders.values()) <= {1}, "each order is answered once"
    done = list(dict.fromkeys(network.broker.orders))
    assert done == list(network.orders), "and carried out, at first in the order given"
    texts = {message.seq: message.text for message in network.messages}
    assert all(len(seqs) == 1 for seqs in network.acks.values()), "each post is acked once"
    assert [texts[seqs[0]] for seqs in network.acks.values()] == list(network.acks)
    assert sorted(network.acks.values()) == list(network.acks.values()), "in the order written"
    assert len({message.text for message in network.messages}) == len(network.messages)


@pytest.mark.slow
@given(steps)
@settings(max_examples=100, deadline=None)
def test_ones_own_messages_are_recognised(story: list[Step]) -> None:
    network = live_network()
    for step in story:
        step(network)
    network.calm_down()
    assert all(message.own == (message.sender == "Alice") for message in network.messages)


@pytest.mark.slow
@given(steps)
@settings(max_examples=100, deadline=None)
def test_a_session_sleeps_when_there_is_nothing_to_do(story: list[Step]) -> None:
    network = live_network()
    for step in story:
        step(network)
        network.session.tick(network.now)
        network.perform()
        wake_at = network.session.wake_at(network.now)
        assert wake_at is None or wake_at > network.now, "or the pump would spin"
