"""Guessing: passwords, codes and names are tried a few times, then slowly; honest people are served meanwhile."""

import os
from collections import Counter
from collections.abc import Iterator

import msgpack
import pytest
import zmq
from tests.stranger import Closed, Map, Stranger
from tests.threats.scene import new_routing_id, post_works

from hubbub.broker.broker import Broker
from hubbub.broker.core.limits import LIMITS, Passwords

GUESSES = 1_000
A_SESSION = 15
"""Logins that one session tries: more cost it its own budget, and a guesser connects again rather than wait."""
PASSWORD = "kelp under a lantern"
REFILLED = 5
"""Tries that come back while a test runs, at the very most: six a minute."""


class Guesser:
    """Tries logins, each session's worth on a connection and by a key of its own."""

    def __init__(self, broker: Broker, means: Stranger) -> None:
        self._address = broker.address.endpoint()
        self._means = means

    def guesses(self, count: int, **login: str) -> Iterator[Map]:
        """Try so often, and yield what is answered."""
        for first in range(0, count, A_SESSION):
            yield from self.comes(zmq.curve_keypair(), min(A_SESSION, count - first), **login)

    def comes(self, key: tuple[bytes, bytes], count: int = 1, **login: str) -> Iterator[Map]:
        """Try so often with this key on a new connection."""
        with self._means._socket(zmq.DEALER, key) as dealer:
            dealer.linger = 0
            dealer.routing_id = new_routing_id()
            dealer.connect(self._address)
            dealer.send(msgpack.packb([{"type": "hello", "id": 0, "versions": [1]}]))
            self._answer(dealer)
            for _ in range(count):
                yield self._tries(dealer, **login)

    def _tries(self, dealer: "zmq.Socket[bytes]", **login: str) -> Map:
        keys = {"events_key": os.urandom(32), "producer": os.urandom(16)}
        dealer.send(msgpack.packb([{"type": "login", "id": 1, **keys, **login}]))
        return self._answer(dealer)

    def _answer(self, dealer: "zmq.Socket[bytes]") -> Map:
        assert dealer.poll(10_000), "the broker does not answer"
        [reply] = msgpack.unpackb(dealer.recv())
        assert isinstance(reply, dict)
        return reply


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A broker of each test's own: the budgets are new."""
    with Broker.temporary(passwords=Passwords(time_cost=1, memory_kib=8192)) as broker:
        yield broker


@pytest.fixture
def guesser(broker: Broker, mallory: Stranger) -> Guesser:
    return Guesser(broker, mallory)


def codes(replies: Iterator[Map]) -> Counter[str]:
    return Counter(reply["code"] for reply in replies)


@pytest.mark.slow
def test_guesser_of_a_password_is_limited_and_honest_people_are_served(
    alice: Stranger, guesser: Guesser
) -> None:
    assert alice.ask("set_password", password=PASSWORD)["type"] == "done"
    heard: Counter[str] = Counter()
    for n in range(10):
        heard += codes(guesser.guesses(GUESSES // 10, name=alice.name, password=f"guess {n}"))
        assert post_works(alice)
    assert heard.total() >= GUESSES
    assert set(heard) == {"bad_credentials", "slow_down"}
    assert 0 <= heard["bad_credentials"] - LIMITS.password_tries_burst <= REFILLED
    [right] = guesser.guesses(1, name=alice.name, password=PASSWORD)
    assert right["code"] == "slow_down", "nor is it told that a guess is right"
    assert right["retry_after"] > 0


@pytest.mark.slow
def test_guesser_who_changes_the_name_each_time_is_limited_at_their_address(
    alice: Stranger, guesser: Guesser
) -> None:
    heard: Counter[str] = Counter()
    for n in range(300):
        way = {"password": "wrong"} if n % 2 else {"code": "aaaa-bbbb-cccc-dddd"}
        heard += codes(guesser.guesses(1, name=f"name{n}", **way))
    assert set(heard) == {"bad_credentials", "bad_code", "slow_down"}
    tried = heard["bad_credentials"] + heard["bad_code"]
    assert 0 <= tried - LIMITS.address_tries_burst <= REFILLED
    assert post_works(alice)


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_guesser_of_names_learns_none_when_registration_is_not_open(
    registration: str, broker: Broker, alice: Stranger, guesser: Guesser
) -> None:
    broker.reconfigure(registration="invite" if registration == "invite" else "closed")
    assert post_works(alice)
    taken, free = (
        [*guesser.guesses(1, name=name), *guesser.guesses(1, name=name, code="nonsense")]
        for name in (alice.name, "Nobody")
    )
    assert taken == free
    assert {reply["type"] for reply in taken} == {"error"}


def test_a_device_that_was_removed_is_out_at_once_and_cannot_come_back(
    broker: Broker, alice: Stranger, guesser: Guesser
) -> None:
    code = alice.ask("link")["code"]
    thief = Stranger("127.0.0.1", broker.address.port, alice.name, code=code)
    with thief:
        assert post_works(thief)
        [_, stolen] = alice.ask("devices")["devices"]
        assert alice.ask("remove_device", device=stolen["device"])["type"] == "done"
        with pytest.raises(Closed, match="device_removed"):
            post_works(thief)
        [refusal] = guesser.comes(thief.device, name=alice.name)
        assert refusal["code"] == "name_taken"
    assert post_works(alice)
