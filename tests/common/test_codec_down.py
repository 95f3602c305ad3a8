"""The way down: what a client makes of the bytes that a broker sends."""

import tracemalloc
from contextlib import suppress
from itertools import pairwise
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common import codec
from hubbub.common.errors import Code, WireError
from hubbub.common.events import (
    Audited,
    Event,
    MessagePosted,
    MessageTold,
    PresenceChanged,
    RoleChanged,
    RoomChanged,
    RoomCreated,
    RoomInvited,
    UnknownEvent,
)
from hubbub.common.limits import (
    AWAY_BYTES,
    CLIENT_MAX_FRAME_BYTES,
    DESCRIPTION_BYTES,
    FRAME_DOWN_BYTES,
    MAX_NUMBER,
    NAME_CHARACTERS,
    PAGE_ITEMS,
    REASON_CHARACTERS,
    SLOW_SECONDS,
    SUBJECT_CHARACTERS,
)
from hubbub.common.replies import (
    Acked,
    BanInfo,
    BanList,
    Delivered,
    DeviceInfo,
    DeviceList,
    Error,
    Head,
    Joined,
    LinkMade,
    MemberInfo,
    MemberList,
    Page,
    Pong,
    Reply,
    RoomInfo,
    RoomList,
    Roster,
    Stored,
    Welcome,
)

ROOM = bytes(range(16))
DIGEST = bytes(16)
ACKED = {"type": "acked", "n": 1, "room": ROOM, "seq": 5}
POSTED = ["message_posted", 7, 1, "Alice", "hi"]

REPLIES: list[Reply] = [
    Welcome(
        id=1, name="Alice", epoch=ROOM, inbox=Head(ROOM, 0, DIGEST), time=1, events_port=5001, created=True,
        rooms=[Joined(room=ROOM, name="lobby", seq=3, digest=DIGEST)],
    ),
    Acked(n=1, room=ROOM, seq=5, count=512),
    Error(code="from_a_later_version", text="?", n=3),
    Pong(id=2, heads=[Head(ROOM, MAX_NUMBER, DIGEST)]),
    Delivered(seq=1, event=b"any bytes"),
    Page(id=3, room=ROOM, events=[Stored(1, b"x")], more=False, first=1, before=b""),
    Error(code="slow_down", text="?", id=3, retry_after=1.5),
    LinkMade(id=4, code="k7qm-2vxa-ew5d-pz3t", seconds=600.0),
    DeviceList(id=5, devices=[DeviceInfo(1, "k7qm-2vxa", 5, 6, "Laptop", online=True, current=True)]),
    BanList(id=6, bans=[BanInfo("network", "192.0.2.0/24", 5)], lockdown="accounts_only", more=False),
]  # fmt: skip
EVENTS: list[Event] = [
    MessagePosted(seq=7, time=1, sender="Alice", text="hi"),
    MessagePosted(
        seq=8, time=1, sender="Alice", text="", data={"map": {"list": [1, None, 2.5, b"bin"]}}
    ),
    RoomCreated(seq=1, time=1, name="tea", by="Alice"),
    MessageTold(time=1, sender="Alice", to="Bob", text="hi"),
    PresenceChanged(version=3, online=2, joined=["Bob"]),
    RoleChanged(seq=9, time=1, name="Bob", role="moderator"),
    RoomChanged(seq=10, time=1, by="Alice", private=False, history="since_joined", slow=0),
    Audited(seq=11, time=1, by="", action="ban", subject="Bob", until=7),
    RoomInvited(time=1, sender="Alice", to="Bob", room=ROOM, name="tea"),
]

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.text(max_size=8)
    | st.binary(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=8,
)


def packed(value: Any) -> bytes:
    """Pack plain values as a broker of another make would."""
    return bytes(msgpack.packb(value))


def test_client_reads_what_a_broker_wrote() -> None:
    assert codec.decode_replies(codec.array([codec.encode(reply) for reply in REPLIES])) == REPLIES
    assert [codec.decode_event(codec.encode(event)) for event in EVENTS] == EVENTS


NAMES = [f"{number:04}" + "𐎠" * (NAME_CHARACTERS - 4) for number in range(PAGE_ITEMS)]
LONGEST = "𐎠" * (DESCRIPTION_BYTES // 4)
REASON = "𐎠" * REASON_CHARACTERS
LARGEST: list[Reply] = [
    Roster(1, MAX_NUMBER, PAGE_ITEMS, NAMES, dict.fromkeys(NAMES, "x" * AWAY_BYTES)),
    MemberList(
        1, ROOM, [MemberInfo(name, True, "x" * AWAY_BYTES, "moderator", MAX_NUMBER) for name in NAMES], more=True,
    ),
    Welcome(
        id=1, name=NAMES[0], epoch=ROOM, inbox=Head(ROOM, MAX_NUMBER, DIGEST), time=1, events_port=5001,
        rooms=[
            Joined(
                ROOM, name, MAX_NUMBER, DIGEST, LONGEST, MAX_NUMBER, "moderator", True, True, "since_joined", SLOW_SECONDS,
            )
            for name in NAMES
        ],
    ),
    RoomList(
        1, [RoomInfo(ROOM, name, LONGEST, MAX_NUMBER, True, True, "since_joined", SLOW_SECONDS) for name in NAMES[:256]], more=True,
    ),
    BanList(
        1, [BanInfo("network", "𐎠" * SUBJECT_CHARACTERS, MAX_NUMBER, name, MAX_NUMBER, REASON) for name in NAMES[:200]],
        "moderators_speak", more=True,
    ),
]  # fmt: skip


@pytest.mark.parametrize("reply", LARGEST, ids=lambda reply: type(reply).__name__)
def test_client_reads_the_largest_reply_of_a_kind(reply: Reply) -> None:
    payload = codec.array([codec.encode(reply)])
    assert len(payload) < CLIENT_MAX_FRAME_BYTES
    assert codec.decode_replies(payload) == [reply]


def test_client_ignores_what_it_does_not_know_when_a_broker_is_newer() -> None:
    newer = [{**ACKED, "colour": "red"}, {"type": "sung", "song": 1}, {}, "text", None, ACKED]
    assert codec.decode_replies(packed(newer)) == [Acked(n=1, room=ROOM, seq=5)] * 2
    assert codec.decode_replies(packed([])) == []
    assert codec.decode_event(packed([*POSTED, None, False, "good mood"])) == EVENTS[0]
    assert codec.decode_event(packed(POSTED)) == EVENTS[0], "of an older broker"


def test_client_keeps_the_seq_when_an_event_is_of_an_unknown_type() -> None:
    assert codec.decode_event(packed(["poll_opened", 9, "x", [1]])) == UnknownEvent(seq=9)
    assert codec.decode_event(packed(["weather", None, 3])) == UnknownEvent(seq=None)
    assert codec.decode_event(packed(["rain"])) == UnknownEvent(seq=None)


@pytest.mark.parametrize("seq", ["9", -1, 2**63, 1.5, True])
def test_client_refuses_an_unknown_event_when_its_seq_is_none(seq: Any) -> None:
    with pytest.raises(WireError):
        codec.decode_event(packed(["poll_opened", seq]))


@pytest.mark.parametrize("event", [[], {}, "rain", None, [None, 1], [1, 1], {"type": "rain"}])
def test_client_refuses_an_event_when_it_does_not_begin_with_a_type(event: Any) -> None:
    with pytest.raises(WireError):
        codec.decode_event(packed(event))


@pytest.mark.parametrize(
    ("payload", "code"),
    [
        (b"", Code.MALFORMED),
        (b"\xc1", Code.MALFORMED),
        (packed(ACKED), Code.MALFORMED),
        (packed([ACKED]) + b"\0", Code.MALFORMED),
        (packed([{"type": "acked", "n": 0}]), Code.INVALID),
        (packed([{**ACKED, "room": b"short"}]), Code.INVALID),
        (packed([{**ACKED, "seq": 2**63}]), Code.INVALID),
    ],
)
def test_client_refuses_a_frame_when_it_breaks_the_protocol(payload: bytes, code: Code) -> None:
    with pytest.raises(WireError) as fault:
        codec.decode_replies(payload)
    assert fault.value.code is code


@pytest.mark.parametrize(
    "payload", [b"", packed({}), packed(["text"]), packed([b"x", None]), packed(b"x")]
)
def test_client_refuses_a_publication_when_it_is_no_array_of_bin(payload: bytes) -> None:
    with pytest.raises(WireError):
        codec.decode_events(payload)
    assert codec.decode_events(packed([b"x", b""])) == [b"x", b""]


@given(
    st.one_of(st.binary(max_size=100), values.map(packed), st.lists(values, max_size=3).map(packed))
)
def test_client_raises_nothing_but_wire_errors_when_bytes_are_arbitrary(payload: bytes) -> None:
    for decode in (
        codec.decode_replies,
        codec.decode_events,
        codec.decode_event,
        codec.decode_door,
    ):
        with suppress(WireError):
            decode(payload)


@given(st.sampled_from([*REPLIES, *EVENTS]), st.data())
def test_client_raises_nothing_but_wire_errors_when_a_field_is_wrong(
    value: Reply | Event, draw: st.DataObject
) -> None:
    fields = msgpack.unpackb(codec.encode(value))
    places = sorted(fields) if isinstance(fields, dict) else range(len(fields))
    fields[draw.draw(st.sampled_from(places))] = draw.draw(values)
    for decode in (codec.decode_replies, codec.decode_event):
        with suppress(WireError):
            decode(packed([fields]))
        with suppress(WireError):
            decode(packed(fields))


@pytest.mark.parametrize("depth", [500, 1000, 100_000])
def test_client_raises_nothing_but_wire_errors_when_data_is_nested_without_end(depth: int) -> None:
    bottomless = b"\x96" + packed(POSTED)[1:] + b"\x81\xa1x" + b"\x91" * depth + b"\xc0"
    with suppress(WireError):
        codec.decode_event(bottomless)
    with suppress(WireError):
        codec.decode_replies(b"\x91" * depth + b"\xc0")


@pytest.mark.parametrize(
    "data",
    [
        {"a": msgpack.ExtType(5, b"x")},
        {"a": msgpack.Timestamp(1)},
        {"a": {1: 2}},
        {"a": {b"b": 2}},
        {1: 2},
        ["a"],
        {"a": "\udc80"},
    ],
    ids=repr,
)
def test_client_refuses_an_event_when_its_data_is_not_plain(data: Any) -> None:
    plain = {"a": [1, {"b": None}, b"c", 0.5]}
    event = codec.decode_event(packed([*POSTED, plain]))
    assert event == MessagePosted(7, 1, "Alice", "hi", plain)
    strange = msgpack.packb([*POSTED, data], unicode_errors="surrogatepass")
    with pytest.raises(WireError):
        codec.decode_event(strange)


@pytest.mark.parametrize(
    "claim", [b"\xdd\xff\xff\xff\xff", b"\xdf\xff\xff\xff\xff", b"\xdb\xff\xff\xff\xff"]
)
def test_client_makes_nothing_that_was_only_announced(claim: bytes) -> None:
    """Room for four thousand million items, that their five bytes claim, is never asked for."""
    event = b"\x96" + packed(POSTED)[1:] + b"\x81\xa1x" + claim
    tracemalloc.start()
    try:
        for decode, payload in (
            (codec.decode_event, event),
            (codec.decode_replies, claim),
            (codec.decode_events, claim),
        ):
            with pytest.raises(WireError):
                decode(payload)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


DOOR = {"broker": "tea house", "key": bytes(32), "versions": [1, 2]}


def test_client_reads_the_answer_of_the_door() -> None:
    answer = codec.decode_door(packed({**DOOR, "weather": "fine"}))
    assert (answer.broker, answer.key, answer.versions) == ("tea house", bytes(32), [1, 2])


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        b"hello",
        {**DOOR, "key": bytes(31)},
        {**DOOR, "key": "k" * 32},
        {**DOOR, "versions": []},
        {**DOOR, "broker": None},
    ],
)
def test_client_refuses_the_answer_when_it_is_not_that_of_a_door(answer: Any) -> None:
    with pytest.raises(WireError):
        codec.decode_door(packed(answer))


parts = st.lists(st.binary(max_size=40), max_size=30)


@given(parts, st.integers(10, 100), st.integers(1, 8))
def test_split_keeps_the_order_and_the_bounds(series: list[bytes], limit: int, most: int) -> None:
    chunks = list(codec.split(series, limit, most))
    assert [part for chunk in chunks for part in chunk] == series
    for chunk in chunks:
        assert 1 <= len(chunk) <= most
        assert len(packed(chunk)) <= limit or len(chunk) == 1
        assert len(codec.array(chunk)) <= limit or len(chunk) == 1


@given(parts, st.integers(10, 100))
def test_split_starts_another_list_only_when_the_next_part_may_not_fit(
    series: list[bytes], limit: int
) -> None:
    chunks = list(codec.split(series, limit))
    for chunk, following in pairwise(chunks):
        assert 5 + sum(len(part) + 5 for part in [*chunk, following[0]]) > limit


def test_split_gives_a_part_of_its_own_list_when_it_is_over_the_limit() -> None:
    huge = bytes(FRAME_DOWN_BYTES)
    assert list(codec.split([b"a", huge, b"b"])) == [[b"a"], [huge], [b"b"]]
    assert list(codec.split([])) == []


@pytest.mark.parametrize("count", [0, 1, 15, 16, 65_535, 65_536])
def test_array_is_that_of_msgpack_when_its_parts_are_encoded(count: int) -> None:
    assert codec.array([b"\xc0"] * count) == packed([None] * count)


@pytest.mark.parametrize("seconds", [-1.0, 3601.0, float("inf"), float("nan")])
def test_nobody_is_sent_away_for_ever(seconds: float) -> None:
    closing = {"type": "closing", "code": "shutting_down", "text": "", "retry_after": seconds}
    with pytest.raises(WireError):
        codec.decode_replies(msgpack.packb([closing]))
