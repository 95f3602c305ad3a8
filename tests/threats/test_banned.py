"""Who is banned has connections open: for commands, for events, several sessions, frames on their way. None of them brings or takes anything more, and no new one comes about."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import msgpack
import pytest
import zmq
from tests.stranger import Closed, Refused, Stranger, named
from tests.threats.scene import RawMember, monitored, post_works
from tests.zmtp import Closed as ClosedByHand
from zmq.utils import z85

from hubbub.broker.broker import Broker
from hubbub.broker.operator.asking import ASKED, running
from hubbub.common.commands import Ban
from hubbub.common.fields import BanKind
from hubbub.common.replies import Done

Banish = Callable[[BanKind, str], None]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    """A broker of each test's own: bans stay."""
    with Broker.temporary(data=tmp_path / "data") as broker:
        yield broker


@pytest.fixture
def banish(broker: Broker, tmp_path: Path) -> Iterator[Banish]:
    """The operator bans; when it returns, the ban holds."""
    with running(tmp_path / "data") as operator:

        def banish(kind: BanKind, subject: str) -> None:
            operator.ask(Ban(ASKED, kind, subject), Done)

        yield banish


def is_silenced(person: Stranger, others: Stranger) -> None:
    """Check that somebody whose SUB was cut hears nothing that is said afterwards."""
    assert post_works(others)
    assert person.sub is not None
    while person.sub.poll(300):
        _, events = person.sub.recv_multipart()
        assert others.name not in str(msgpack.unpackb(events))


@pytest.mark.parametrize("kind", ["account", "key"])
def test_banned_user_is_cut_on_all_connections_at_once(
    alice: Stranger, mallory: Stranger, banish: Banish, kind: BanKind
) -> None:
    subjects = {"account": mallory.name, "key": z85.decode(mallory.device[0]).hex()}
    assert post_works(mallory)
    assert mallory.sub is not None
    with (
        monitored(mallory.sub, zmq.EVENT_DISCONNECTED) as deaf,
        monitored(mallory.dealer, zmq.EVENT_DISCONNECTED) as mute,
    ):
        banish(kind, subjects[kind])
        assert deaf.poll(10_000)
        with pytest.raises(Closed, match="banned"):
            mallory.wait_for("pong")
        assert mute.poll(10_000)
    is_silenced(mallory, alice)


def test_banned_key_is_denied_any_new_connection(
    broker: Broker, mallory: Stranger, banish: Banish
) -> None:
    banish("key", z85.decode(mallory.device[0]).hex())
    for kind, offset in ((zmq.DEALER, 0), (zmq.SUB, 1)):
        with (
            mallory._socket(kind, mallory.device) as socket,
            monitored(socket, zmq.EVENT_HANDSHAKE_FAILED_AUTH) as denied,
        ):
            socket.connect(broker.address.endpoint(offset))
            assert denied.poll(10_000)


def test_banned_user_is_told_so_at_a_new_login(mallory: Stranger, banish: Banish) -> None:
    banish("account", mallory.name)
    mallory.reconnect()
    with pytest.raises(Refused, match="banned"):
        mallory.login()


def test_nothing_is_taken_that_a_banned_user_sends_over_an_open_connection(
    broker: Broker, alice: Stranger, banish: Banish
) -> None:
    """A client made by hand: it does not heed that it was told to go."""
    with RawMember.enter(broker.address.port, broker.public_key, "Mallory") as mallory:
        post = {"type": "post", "room": mallory.lobby}
        mallory.dealer.send(msgpack.packb([post | {"n": 1, "text": "before"}]))
        lobby = alice.rooms["lobby"]
        alice.until(lambda: "before" in lobby.texts)
        banish("account", "Mallory")
        with suppress(ClosedByHand):
            for n in range(2, 1000):
                mallory.dealer.send(msgpack.packb([post | {"n": n, "text": "behind"}]))
        assert mallory.dealer.is_closed()
        assert post_works(alice)
        page = alice.ask("history", room=lobby.id, limit=100)
    texts = [named(event).get("text") for _, event in page["events"]]
    assert texts.count("before") == 1
    assert "behind" not in texts
