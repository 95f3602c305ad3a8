"""ZAP: who may connect to commands, who to events."""

import pytest

from hubbub.broker.auth import BANNED_KEYS, Auth

KEY = bytes(range(32))


def ask(
    auth: Auth,
    credential: bytes = KEY,
    *,
    domain: bytes = b"cmd",
    mechanism: bytes = b"CURVE",
    version: bytes = b"1.0",
) -> tuple[bytes, bytes]:
    """Return the status and the user id of the answer."""
    request = [b"zap", b"", version, b"request 7", domain, b"127.0.0.1", b"", mechanism, credential]
    if mechanism == b"PLAIN":
        request.append(b"")
    reply = auth.answer(request)
    assert reply is not None
    assert reply[:4] == [b"zap", b"", b"1.0", b"request 7"]
    assert (len(reply), reply[5], reply[7]) == (8, b"", b"")
    return reply[4], reply[6]


def auth_for(*announced: bytes) -> Auth:
    return Auth(lambda key: key in {each.hex() for each in announced})


def test_everybody_may_send_commands_under_the_key_they_prove() -> None:
    assert ask(auth_for()) == (b"200", KEY.hex().encode())


def test_a_sub_may_hear_events_when_its_key_was_announced() -> None:
    assert ask(auth_for(KEY), domain=b"pub") == (b"200", KEY.hex().encode())


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
    assert ask(auth_for(), text, mechanism=b"PLAIN") == (b"200", text)
    assert ask(auth_for(KEY), text, mechanism=b"PLAIN", domain=b"pub") == (b"200", text)


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
    assert auth_for().answer(request_) is None
