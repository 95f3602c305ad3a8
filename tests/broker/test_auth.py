"""ZAP: who may connect to commands, who to events."""

from collections.abc import Callable

import pytest

from hubbub.broker.auth import BANNED_KEYS, Auth
from hubbub.broker.core.clock import Now
from hubbub.broker.core.limits import Limits

KEY = bytes(range(32))
HANDSHAKE = 7
USER = KEY.hex().encode() + b".7"


def ask(
    auth: Auth,
    credential: bytes = KEY,
    *,
    domain: bytes = b"cmd",
    mechanism: bytes = b"CURVE",
    version: bytes = b"1.0",
    address: bytes = b"127.0.0.1",
    now: float = 0.0,
) -> tuple[bytes, bytes]:
    """Return the status and the user id of the answer."""
    request = [b"zap", b"", version, b"request 7", domain, address, b"", mechanism, credential]
    if mechanism == b"PLAIN":
        request.append(b"")
    reply = auth.answer(request, HANDSHAKE, Now(now, 0))
    assert reply is not None
    assert reply[:4] == [b"zap", b"", b"1.0", b"request 7"]
    assert (len(reply), reply[5], reply[7]) == (8, b"", b"")
    return reply[4], reply[6]


def auth_for(*announced: bytes) -> Auth:
    return auth_that(lambda key, address, now: False, *announced)


def auth_that(
    bars: Callable[[str, str, Now], bool],
    *announced: bytes,
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Auth:
    return Auth(lambda key: key in {each.hex() for each in announced}, bars, limits)


def test_everybody_may_send_commands_under_the_key_they_prove() -> None:
    assert ask(auth_for()) == (b"200", USER)


def test_a_sub_may_hear_events_when_its_key_was_announced() -> None:
    assert ask(auth_for(KEY), domain=b"pub") == (b"200", USER)


def test_a_sub_waits_when_its_key_was_not_announced_yet() -> None:
    assert ask(auth_for(), domain=b"pub") == (b"300", b"")


@pytest.mark.parametrize("domain", [b"", b"CMD", b"other", b"\xff"])
def test_a_client_is_refused_at_any_other_domain(domain: bytes) -> None:
    assert ask(auth_for(KEY), domain=domain) == (b"400", b"")


@pytest.mark.parametrize(
    ("mechanism", "credential"),
    [
        (b"CURVE", KEY[:-1]),
        (b"CURVE", KEY + b"\0"),
        (b"CURVE", b""),
        (b"PLAIN", KEY),
        (b"PLAIN", KEY.hex().upper().encode()),
        (b"PLAIN", b"g" * 64),
        (b"PLAIN", b"\xff" * 64),
        (b"PLAIN", b"0" * 63),
        (b"NULL", KEY),
        (b"GSSAPI", KEY),
    ],
)
def test_a_client_is_refused_when_it_shows_no_key(mechanism: bytes, credential: bytes) -> None:
    assert ask(auth_for(KEY), credential, mechanism=mechanism) == (b"400", b"")


def test_a_client_without_encryption_shows_its_key_as_user_name() -> None:
    text = KEY.hex().encode()
    assert ask(auth_for(), text, mechanism=b"PLAIN") == (b"200", USER)
    assert ask(auth_for(KEY), text, mechanism=b"PLAIN", domain=b"pub") == (b"200", USER)


def test_a_banned_key_is_refused_everywhere() -> None:
    auth = auth_for(KEY)
    auth.ban(KEY.hex())
    assert ask(auth) == (b"400", b"")
    assert ask(auth, domain=b"pub") == (b"400", b"")
    assert ask(auth, bytes(32))[0] == b"200"


def test_the_oldest_bans_are_forgotten_first() -> None:
    auth = auth_for()
    for number in range(BANNED_KEYS + 1):
        auth.ban(number.to_bytes(32, "big").hex())
    assert ask(auth, bytes(32))[0] == b"200"
    assert ask(auth, (1).to_bytes(32, "big"))[0] == b"400"


@pytest.mark.parametrize(
    "request_",
    [
        [],
        [b"zap", b""],
        [b"zap", b"", b"2.0", b"7", b"cmd", b"", b"", b"CURVE", KEY],
        [b"zap", b"", b"1.0", b"7", b"cmd", b"", b"", b"NULL"],
    ],
)
def test_what_is_no_request_is_not_answered(request_: list[bytes]) -> None:
    assert auth_for().answer(request_, HANDSHAKE, Now(0.0, 0)) is None


@pytest.mark.parametrize("domain", [b"cmd", b"pub"])
def test_who_is_barred_is_refused_by_key_or_by_address(domain: bytes) -> None:
    auth = auth_that(lambda key, address, now: key == KEY.hex() or address == "192.0.2.7", KEY)
    other = bytes(32)
    assert ask(auth, domain=domain) == (b"400", b"")
    assert ask(auth, other, domain=domain, address=b"192.0.2.7") == (b"400", b"")
    assert ask(auth, other, domain=domain, address=b"::ffff:192.0.2.7") == (b"400", b"")
    assert ask(auth, other, domain=domain, address=b"192.0.2.8")[0] in (b"200", b"300")


def test_an_address_with_too_many_handshakes_is_refused_until_some_time_has_passed() -> None:
    auth = auth_that(
        lambda key, address, now: False,
        KEY,
        limits=Limits(handshakes_burst=3, handshakes_a_second=2),
    )
    assert [ask(auth)[0] for _ in range(4)] == [b"200", b"200", b"200", b"400"]
    assert ask(auth, domain=b"pub")[0] == b"400"
    assert ask(auth, address=b"192.0.2.1")[0] == b"200"
    assert ask(auth, now=0.5)[0] == b"200"
    assert ask(auth, now=0.5)[0] == b"400"
    auth.configure(Limits(handshakes_burst=3, handshakes_a_second=100))
    assert ask(auth, now=0.6)[0] == b"200"


def test_an_address_without_strikes_is_refused_until_some_come_back() -> None:
    auth = auth_that(lambda key, address, now: False, KEY, limits=Limits(strikes_burst=1))
    auth.strikes.charge("192.0.2.7", 0.0)
    for domain in (b"cmd", b"pub"):
        assert ask(auth, domain=domain, address=b"192.0.2.7")[0] == b"400"
        assert ask(auth, domain=domain)[0] == b"200"
    assert ask(auth, address=b"192.0.2.7", now=10.1)[0] == b"200"
    auth.strikes.charge("192.0.2.7", 10.1)
    auth.configure(Limits(strikes_burst=1, strikes_a_minute=10_000))
    assert ask(auth, address=b"192.0.2.7", now=10.2)[0] == b"200"


def test_who_shows_no_key_uses_up_handshakes_too() -> None:
    auth = auth_that(lambda key, address, now: False, limits=Limits(handshakes_burst=2))
    for _ in range(2):
        assert ask(auth, b"", mechanism=b"CURVE")[0] == b"400"
    assert ask(auth)[0] == b"400"


def test_all_addresses_of_one_ipv6_network_share_their_handshakes() -> None:
    auth = auth_that(lambda key, address, now: False, limits=Limits(handshakes_burst=2))
    assert ask(auth, address=b"2001:db8::1")[0] == b"200"
    assert ask(auth, address=b"2001:db8::ffff:2")[0] == b"200"
    assert ask(auth, address=b"2001:db8::3")[0] == b"400"
    assert ask(auth, address=b"2001:db8:0:1::3")[0] == b"200"
