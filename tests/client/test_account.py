"""One name on several devices: passwords, link codes, devices removed; and newcomers by invitation."""

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.client.watching import Enter, next_of
from tests.operating import appoint, invite_code

from hubbub.broker.broker import Broker
from hubbub.client import (
    BadCode,
    BadCredentials,
    Client,
    Closed,
    Ended,
    Forbidden,
    InviteRequired,
    Message,
    NameTaken,
    PutOut,
    RegistrationClosed,
    RequestError,
    TooLarge,
    WeakPassword,
)
from hubbub.client.link import Credentials
from hubbub.common.commands import Login
from hubbub.common.links import JoinLink

PASSWORD = "correct horse battery staple"


def test_a_password_lets_another_device_in(enter: Enter, broker: Broker, tmp_path: Path) -> None:
    alice = enter("Alice")
    alice.account.set_password(PASSWORD)
    with pytest.raises(NameTaken):
        enter("Alice", home="phone")
    phone = enter("Alice", home="phone", password=PASSWORD, device="phone")
    assert not phone.created
    phone.post("lobby", "from the phone")
    message = next_of(alice, Message)
    assert isinstance(message, Message)
    assert (message.sender, message.own) == ("Alice", False)
    phone.close()
    enter("Alice", home="phone")  # its key is known now


def test_a_password_is_forgotten_once_one_is_in(enter: Enter) -> None:
    enter("Alice").account.set_password(PASSWORD)
    password = " ".join(PASSWORD.split())  # of this test alone
    phone = enter("Alice", home="phone", password=password)
    phone.post("lobby", "hi")
    assert not [it for it in gc.get_referrers(password) if type(it) in (Credentials, Login)]


def test_a_wrong_password_says_no_more_than_that_of_nobody(enter: Enter) -> None:
    enter("Alice").account.set_password(PASSWORD)
    told = set()
    for name in ("Alice", "Nobody"):
        with pytest.raises(BadCredentials) as refused:
            enter(name, home="phone", password="wrong horse battery staple")
        told.add(str(refused.value))
    assert len(told) == 1


def test_a_password_that_is_guessed_easily_is_refused_with_advice(enter: Enter) -> None:
    alice = enter("Alice")
    with pytest.raises(WeakPassword, match="too easily guessed"):
        alice.account.set_password("password1")
    with pytest.raises(TooLarge, match="at most 256"):
        alice.account.set_password("x" * 257)
    with pytest.raises(NameTaken):
        enter("Alice", home="phone")


def test_a_link_code_lets_one_device_in_once(enter: Enter) -> None:
    alice = enter("Alice")
    made = alice.account.link()
    assert made.seconds == 600
    assert made.code not in repr(made)
    phone = enter("Alice", home="phone", code=made.code.upper().replace("-", " "))
    assert phone.name == "Alice"
    with pytest.raises(BadCode):
        enter("Alice", home="tablet", code=made.code)
    with pytest.raises(BadCode, match="16 letters"):
        enter("Alice", home="tablet", code="no code at all")


def test_devices_are_listed_and_removed_at_once(enter: Enter) -> None:
    alice = enter("Alice", device="desk")
    with pytest.raises(Forbidden):
        alice.account.remove_device(1)
    phone = enter("Alice", home="phone", code=alice.account.link().code, device="phone")
    desk, listed = alice.account.devices()
    assert (desk.number, desk.label, desk.current, desk.online) == (1, "desk", True, True)
    assert (listed.number, listed.label, listed.current, listed.online) == (2, "phone", False, True)
    assert desk.fingerprint != listed.fingerprint
    alice.account.remove_device(2)
    ended = next_of(phone, Ended)
    assert isinstance(ended, Ended)
    assert isinstance(ended.reason, PutOut)
    assert ended.reason.code == "device_removed"
    with pytest.raises(Closed):
        phone.post("lobby", "still here?")
    with pytest.raises(NameTaken):
        enter("Alice", home="phone")
    with pytest.raises(RequestError) as refused:
        alice.account.remove_device(2)
    assert refused.value.code == "unknown_device"


# By invitation


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def private_broker(data: Path) -> Iterator[Broker]:
    with Broker.temporary(data=data, registration="invite") as broker:
        yield broker


def test_newcomers_need_an_invite_and_need_it_once(
    private_broker: Broker, data: Path, tmp_path: Path
) -> None:
    where = private_broker.address
    for name in ("Alice", "Bob"):
        with pytest.raises(InviteRequired):
            Client(where, name=name, home=tmp_path / name)
    with Client(where, name="Alice", home=tmp_path / "Alice", code=invite_code(data)) as alice:
        assert alice.created
        with pytest.raises(Forbidden):
            alice.moderation.make_invite()
        appoint(data, "Alice")
        invite = alice.moderation.make_invite(uses=1, seconds=3600)
        assert invite.uses == 1
        assert invite.code not in repr(invite)
        assert alice.server_key == private_broker.public_key
        link = invite.link(alice.address, private_broker.public_key)
    with Client(link, name="Bob", home=tmp_path / "Bob") as bob:
        assert bob.created
    with pytest.raises(BadCode):
        Client(link, name="Carol", home=tmp_path / "Carol")
    with Client(link, name="Bob", home=tmp_path / "Bob") as bob:  # a used link is a link still
        assert not bob.created


def test_a_code_that_is_given_counts_more_than_that_of_a_link(
    private_broker: Broker, data: Path, tmp_path: Path
) -> None:
    link = JoinLink(private_broker.address, private_broker.public_key, "aaaa-aaaa-aaaa-aaaa")
    with pytest.raises(BadCode):
        Client(link, name="Alice", home=tmp_path)
    with Client(link, name="Alice", home=tmp_path, code=invite_code(data)) as alice:
        alice.account.set_password(PASSWORD)
    with Client(link, name="Alice", home=tmp_path / "phone", password=PASSWORD) as alice:
        assert not alice.created


def test_a_closed_broker_takes_nobody_new(data: Path, tmp_path: Path) -> None:
    with (
        Broker.temporary(data=data, registration="closed") as broker,
        pytest.raises(RegistrationClosed),
    ):
        Client(broker.address, name="Alice", home=tmp_path)


def test_a_device_may_be_called_what_is_no_unicode(enter: Enter) -> None:
    [device] = enter("Alice", device="caf\udce9" * 20).account.devices()
    assert device.label == ("caf?" * 20)[:64]


@pytest.mark.parametrize("said", [{"code": 5}, {"password": 5}, {"device": 5}])
def test_what_is_no_text_is_refused_where_it_is_given(enter: Enter, said: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="a text is a str, not int"):
        enter("Alice", **said)
