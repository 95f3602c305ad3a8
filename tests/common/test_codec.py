"""The way up: what a broker makes of the bytes that clients send. The way down is in `test_codec_down`."""

import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgpack
import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hubbub.common import codec
from hubbub.common.commands import (
    COMMANDS,
    Command,
    Create,
    Hello,
    History,
    Join,
    Leave,
    Login,
    Logout,
    Members,
    Ping,
    Post,
    Rooms,
    Tell,
    Who,
    Write,
)
from hubbub.common.errors import Code, WireError
from hubbub.common.limits import (
    ARRAY_ITEMS,
    COMMANDS_PER_FRAME,
    DATA_DEPTH,
    FRAME_UP_BYTES,
    MAP_KEYS,
    MAX_NUMBER,
    PASSWORD_CHARACTERS,
    RESTRAINT_SECONDS,
)

ROOM = bytes(16)
POST = {"type": "post", "n": 1, "room": ROOM, "text": "hi"}

numbers = st.integers(1, MAX_NUMBER)
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=8),
    st.binary(max_size=8),
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)
data = st.dictionaries(st.text(max_size=8), values, max_size=4)
ids, names, texts = st.integers(0, MAX_NUMBER), st.text(max_size=8), st.text(max_size=20)
rooms, keys = st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32)
bodies = st.none() | data
commands: st.SearchStrategy[Command] = st.one_of(
    st.builds(Post, n=numbers, room=rooms, text=texts, data=bodies),
    st.builds(Tell, n=numbers, to=names, text=texts, data=bodies),
    st.builds(Create, n=numbers, name=names, description=texts),
    st.builds(Join, n=numbers, name=names),
    st.builds(Leave, n=numbers, room=rooms),
    st.builds(Hello, id=ids, versions=st.lists(st.integers(0, 65535), min_size=1, max_size=16)),
    st.builds(Login, id=ids, name=names, events_key=keys, producer=rooms, resuming=st.booleans()),
    st.builds(Logout, id=ids, close_producer=st.booleans()),
    st.builds(Ping, id=ids),
    st.builds(Rooms, id=ids, after=names),
    st.builds(Members, id=ids, room=rooms, after=names),
    st.builds(Who, id=ids),
    st.builds(History, id=ids, room=rooms, before=st.none() | ids, limit=st.integers(1, 1000)),
    st.builds(History, id=ids, peer=names, after=st.none() | ids),
)


def frame(*items: Any) -> bytes:
    """Pack plain values as a client of another language would."""
    return bytes(msgpack.packb(list(items)))


def written(*sent: Command) -> bytes:
    return codec.array([codec.encode(command) for command in sent])


def only_fault(payload: bytes) -> WireError:
    """Return the one fault of a frame: of the whole, or of its one command."""
    try:
        (result,) = codec.decode_commands(payload)
    except WireError as error:
        return error
    assert isinstance(result, WireError), result
    return result


@pytest.mark.slow
@given(st.lists(commands, min_size=1, max_size=12))
def test_broker_reads_what_a_client_wrote_in_order(sent: list[Command]) -> None:
    assert codec.decode_commands(written(*sent)) == sent


@pytest.mark.parametrize(
    "kinds",
    [[Post] * COMMANDS_PER_FRAME, [Post, Ping, Post, Join, Join, Ping] * 20],
    ids=["run", "mixed"],
)
def test_broker_keeps_the_order_when_a_frame_is_large(kinds: list[type[Command]]) -> None:
    make: dict[type[Command], Callable[[int], Command]] = {
        Post: lambda n: Post(n=n, room=ROOM, text=str(n), data={"n": n} if n % 5 == 0 else None),
        Ping: lambda n: Ping(id=n),
        Join: lambda n: Join(n=n, name=f"room{n}"),
    }
    sent = [make[kind](n) for n, kind in enumerate(kinds, 1)]
    assert codec.decode_commands(written(*sent)) == sent


@pytest.mark.parametrize("count", [2, 24])
@pytest.mark.parametrize(
    "fault",
    [{"type": "post", "n": 2}, {"type": "dance"}, "post", {**POST, "data": {"deep": {b"": 1}}}],
)
def test_broker_takes_the_other_commands_when_one_is_faulty(count: int, fault: Any) -> None:
    for place in range(count):
        items: list[Any] = [POST] * count
        items[place] = fault
        results = codec.decode_commands(frame(*items))
        assert [isinstance(result, WireError) for result in results] == [
            n == place for n in range(count)
        ]


@given(st.binary(max_size=200))
@example(b"")
@example(b"\xc1")
def test_broker_raises_nothing_but_wire_errors_when_bytes_are_arbitrary(payload: bytes) -> None:
    try:
        results = codec.decode_commands(payload)
    except WireError:
        return
    assert all(isinstance(result, Command | WireError) for result in results)


@given(st.lists(commands, min_size=1, max_size=4), st.data())
def test_broker_raises_nothing_but_wire_errors_when_a_frame_is_damaged(
    sent: list[Command], draw: st.DataObject
) -> None:
    payload = bytearray(written(*sent))
    for _ in range(draw.draw(st.integers(1, 3))):
        place = draw.draw(st.integers(0, len(payload) - 1))
        payload[place : place + draw.draw(st.integers(0, 3))] = draw.draw(st.binary(max_size=3))
        if not payload:
            return
    try:
        results = codec.decode_commands(bytes(payload))
    except WireError:
        return
    assert all(isinstance(result, Command | WireError) for result in results)


@given(st.lists(st.one_of(scalars, values, data), min_size=1, max_size=4))
def test_broker_raises_nothing_but_wire_errors_when_commands_are_any_values(
    items: list[Any],
) -> None:
    assert all(isinstance(result, WireError) for result in codec.decode_commands(frame(*items)))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", Code.MALFORMED),
        (b"\x90", Code.MALFORMED),
        (frame(POST)[1:], Code.MALFORMED),
        (frame(POST) + b"\0", Code.MALFORMED),
        (frame(POST)[:-1], Code.MALFORMED),
        (frame(*[POST] * (COMMANDS_PER_FRAME + 1)), Code.MALFORMED),
        (frame("x" * FRAME_UP_BYTES), Code.TOO_LARGE),
        (b"\x91\x81\xa4type\xa4p\xffst", Code.MALFORMED),  # not UTF-8
        (b"\x91\x81\xa4type\xa3\xed\xa0\x80", Code.MALFORMED),  # a surrogate
        (b"\x91\x81\x01\xa4post", Code.MALFORMED),  # a key that is a number
        (b"\x91\x81\xc0\xa4post", Code.MALFORMED),
        (b"\x91\x81\x90\xa4post", Code.MALFORMED),
        (frame({**POST, "data": {"t": msgpack.Timestamp(1)}}), Code.MALFORMED),
        (frame({**POST, "data": {"t": msgpack.ExtType(5, b"x")}}), Code.MALFORMED),
        (frame({**POST, "data": {"t": msgpack.ExtType(5, b"")}}), Code.INVALID),
        (frame({**POST, "data": {"list": [0] * (ARRAY_ITEMS + 1)}}), Code.MALFORMED),
        (frame({**POST, "data": {str(key): 0 for key in range(MAP_KEYS + 1)}}), Code.MALFORMED),
        (frame({**POST, "data": {"map": {b"key": 1}}}), Code.INVALID),
        (frame({**POST, b"key": 1}), Code.INVALID),
        (frame({**POST, "data": [1]}), Code.INVALID),
        (frame({**POST, "texts": "?"}), Code.INVALID),
        (frame({**POST, "text": b"hi"}), Code.INVALID),
        (frame({**POST, "text": None}), Code.INVALID),
        (frame({**POST, "room": "x" * 16}), Code.INVALID),
        (frame({**POST, "room": bytes(15)}), Code.INVALID),
        (frame({**POST, "n": 0}), Code.INVALID),
        (frame({**POST, "n": -1}), Code.INVALID),
        (frame({**POST, "n": True}), Code.INVALID),
        (frame({**POST, "n": 1.5}), Code.INVALID),
        (frame({**POST, "n": MAX_NUMBER + 1}), Code.INVALID),
        (frame({**POST, "n": 2**64 - 1}), Code.INVALID),
        (frame({"type": "ping", "id": MAX_NUMBER + 1}), Code.INVALID),
        (frame({"type": "hello", "id": 1, "versions": []}), Code.INVALID),
        (frame({"type": "hello", "id": 1, "versions": [1] * 17}), Code.INVALID),
        (frame({"type": "history", "id": 1, "limit": 1001}), Code.INVALID),
        (frame({"type": "history", "id": 1, "peer": "Bob"}), Code.INVALID),
        (frame({"type": "lockdown", "id": 1, "level": "loud"}), Code.INVALID),
        (frame({"type": "lockdown", "id": 1, "level": None}), Code.INVALID),
        (frame({"type": "unban", "id": 1, "kind": "name", "subject": "Bob"}), Code.INVALID),
        (frame({"type": "kick", "id": 1, "name": "Bob", "seconds": -1}), Code.INVALID),
        (frame({"type": "kick", "id": 1, "name": "Bob", "seconds": 0.5}), Code.INVALID),
        (frame({"type": "kick", "n": 1, "name": "Bob"}), Code.INVALID),
        (
            frame({"type": "kick", "id": 1, "name": "Bob", "seconds": RESTRAINT_SECONDS + 1}),
            Code.INVALID,
        ),
        (frame({"type": "make_invite", "id": 1, "uses": 0}), Code.INVALID),
        (frame({"type": "configure", "id": 1, "room": ROOM, "private": 1}), Code.INVALID),
        (frame({"type": "set_password", "id": 1, "password": "x" * 257}), Code.INVALID),
        (frame({"type": "Post"}), Code.UNKNOWN_COMMAND),
        (frame({"type": ["post"]}), Code.UNKNOWN_COMMAND),
        (frame({"type": b"post"}), Code.UNKNOWN_COMMAND),
        (frame({}), Code.UNKNOWN_COMMAND),
        (frame(["type"]), Code.UNKNOWN_COMMAND),
        (frame(None), Code.UNKNOWN_COMMAND),
        (frame("type"), Code.UNKNOWN_COMMAND),
    ],
)
def test_broker_refuses_a_frame_when_it_breaks_the_protocol(payload: bytes, code: Code) -> None:
    assert only_fault(payload).code is code


@given(
    commands, st.sampled_from(["id", "n"]), st.one_of(scalars, st.integers(-2, 2), st.just(2**63))
)
def test_fault_names_the_command_when_its_number_can_be_read(
    command: Command, key: str, number: Any
) -> None:
    fault = only_fault(
        frame({**msgspec.to_builtins(command, builtin_types=(bytes,)), key: number, "nonsense": 1})
    )
    least = {"id": 0, "n": 1}[key]
    readable = type(number) is int and least <= number <= MAX_NUMBER
    assert getattr(fault, key) == (number if readable else None)


@pytest.mark.parametrize("length", [PASSWORD_CHARACTERS, PASSWORD_CHARACTERS + 1])
@pytest.mark.parametrize("wrong", [{"id": -1}, {"events_key": 7}, {"mood": "good"}])
def test_fault_holds_no_password_when_a_login_breaks_the_protocol(
    wrong: dict[str, Any], length: int
) -> None:
    """Faults go to logs and screens."""
    secret = "quiet-otter".ljust(length, "!")
    login = {"type": "login", "id": 1, "name": "Alice", "password": secret, "code": secret}
    fault = only_fault(frame({**login, **wrong}))
    assert fault.code is Code.INVALID
    assert "otter" not in f"{fault} {fault!r} {fault.args} {fault.__cause__} {fault.__context__}"


def test_broker_takes_the_last_when_a_key_comes_twice() -> None:
    twice = b"\x91\x83\xa4type\xa4join\xa4type\xa4ping\xa2id\x07"
    assert codec.decode_commands(twice) == [Ping(id=7)]


def test_broker_takes_data_when_it_is_as_deep_as_allowed() -> None:
    def nested(depth: int) -> dict[str, Any]:
        value: Any = {}
        for level in range(depth - 1):
            value = [value] if level % 2 else {"in": value}
        return value if isinstance(value, dict) else {"in": value}

    deepest = nested(DATA_DEPTH)
    assert codec.decode_commands(frame({**POST, "data": deepest})) == [
        Post(n=1, room=ROOM, text="hi", data=deepest)
    ]
    assert codec.check_data(deepest) == len(msgpack.packb(deepest))
    for depth in (DATA_DEPTH + 1, 300, 900):
        value: Any = 0
        for _ in range(depth - 1):
            value = [value]
        assert only_fault(frame({**POST, "data": {"in": value}})).code is Code.INVALID
    assert only_fault(b"\x91\x81\xa4data" + b"\x91" * 2000 + b"\xc0").code is Code.MALFORMED


BOMBS = {
    "arrays that claim to be long": b"\xdd\x00\x00\xea\x60" * 13_000,
    "arrays as long as allowed": b"\xdc\x02\x00" * 21_000,
    "maps that claim to be long": b"\xdf\xff\xff\xff\xff" * 13_000,
    "a text that claims to be long": b"\x91\xdb\xff\xff\xff\xff",
    "a bin that claims to be long": b"\x91\xc6\xff\xff\xff\xff",
    "an extension that claims to be long": b"\x91\xc9\xff\xff\xff\xff\x05",
    "nesting": b"\x91" * 65_000,
    "many empty maps": b"\xdc\x00\x7f" + (b"\xdc\x01\xff" + b"\x80" * 511) * 127,
    "many empty maps in data": b"\x91\x85\xa4type\xa4post\xa1n\x01\xa4room\xc4\x10" + ROOM + b"\xa4text\xa0\xa4data\x81\xa1x"
    + b"\xdc\x00\x7e" + (b"\xdc\x01\xff" + b"\x80" * 511) * 126,
}  # fmt: skip


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_broker_spends_little_when_a_frame_is_a_bomb(bomb: bytes) -> None:
    assert len(bomb) <= FRAME_UP_BYTES
    tracemalloc.start()
    try:
        with suppress(WireError):
            codec.decode_commands(bomb)
        assert tracemalloc.get_traced_memory()[1] < 12 * 2**20
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@given(data)
def test_data_is_measured_as_a_client_encodes_it(body: dict[str, Any]) -> None:
    assert codec.data_size(body) == codec.check_data(body) == len(codec.encode(body))


@pytest.mark.parametrize(
    "body",
    [
        {"x": object()}, {"x": 2**64}, {"x": -(2**63) - 1}, {"x": [0] * (ARRAY_ITEMS + 1)}, {"x": {1: 2}}, {"x": {b"y": 2}},
        {"x": "\ud800"}, {str(key): 0 for key in range(MAP_KEYS + 1)}, {"x": "y" * (FRAME_UP_BYTES + 1)},
    ],
)  # fmt: skip
def test_data_is_refused_before_it_is_sent_when_a_broker_would_refuse_it(
    body: dict[str, Any],
) -> None:
    with pytest.raises(WireError) as fault:
        codec.check_data(body)
    assert fault.value.code is Code.INVALID


def test_data_is_refused_when_it_holds_itself() -> None:
    body: dict[str, Any] = {}
    body["self"] = body
    for check in (codec.data_size, codec.check_data):
        with pytest.raises(WireError):
            check(body)


def test_commands_have_short_names_on_the_wire() -> None:
    assert msgpack.unpackb(codec.encode(Hello(id=1, versions=[1]))) == {
        "type": "hello",
        "id": 1,
        "versions": [1],
    }
    assert {kind for kind, struct in COMMANDS.items() if issubclass(struct, Write)} == {
        "post",
        "tell",
        "create",
        "join",
        "leave",
        "mark",
        "skip",
    }
