"""What the bench's clients say to other servers is what these servers' protocols have: read here by their rules, with every length looked at."""

from collections.abc import Iterator

import pytest
from bench.peers.dialect import PRODUCER, Dialect
from bench.peers.mosquitto import Mqtt
from bench.peers.nats import JetStream, Nats
from bench.peers.ngircd import Irc
from bench.peers.redis import PubSub, Streams
from bench.wire import MARK, TEXT

LONG_ROOM = "r" * 200
"""Its posts need more than one digit, byte or part of a length."""


def resp(data: bytes) -> Iterator[list[bytes]]:
    """Read Redis's arrays of strings."""
    while data:
        head, data = data.split(b"\r\n", 1)
        assert head[:1] == b"*"
        words = []
        for _ in range(int(head[1:])):
            size, data = data.split(b"\r\n", 1)
            assert size[:1] == b"$"
            end = int(size[1:])
            assert data[end : end + 2] == b"\r\n"
            words.append(data[:end])
            data = data[end + 2 :]
        yield words


def mqtt(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Read MQTT's packets: a kind, a length in groups of seven bits, a body."""
    while data:
        kind, size, place, more = data[0], 0, 1, True
        while more:
            more = data[place] >= 128
            size |= (data[place] & 127) << 7 * (place - 1)
            place += 1
        assert len(data) >= place + size
        yield kind, data[place : place + size]
        data = data[place + size :]


@pytest.mark.parametrize("room", ["bench", LONG_ROOM])
def test_redis_is_told_words_with_their_lengths(room: str) -> None:
    text = TEXT.encode()
    assert list(resp(PubSub().post(room))) == [[b"PUBLISH", room.encode(), text]]
    assert list(resp(Streams().post(room))) == [[b"XADD", room.encode(), b"*", b"text", text]]
    assert list(resp(PubSub().enter(1, room)[0])) == [[b"SUBSCRIBE", room.encode()]]
    assert list(resp(PubSub().enter(1, "")[0])) == [[b"PING"]]


@pytest.mark.parametrize("room", ["bench", LONG_ROOM])
def test_mosquitto_is_told_packets_with_their_lengths(room: str) -> None:
    named = len(room).to_bytes(2) + room.encode()
    [(kind, body)] = mqtt(Mqtt().post(room))
    assert kind == 0x30
    assert body == named + TEXT.encode()
    [(connect, hello), (subscribe, wish)] = mqtt(Mqtt().enter(7, room)[0])
    assert (connect, subscribe) == (0x10, 0x82)
    assert hello == b"\0\x04MQTT\x04\x02\0\0" + b"\0\x02c7"
    assert wish == b"\0\x01" + named + b"\0"


@pytest.mark.parametrize("dialect", [Nats(), JetStream()])
def test_nats_is_told_how_long_a_payload_is(dialect: Nats) -> None:
    head, payload = dialect.post("bench").split(b"\r\n", 1)
    assert int(head.split()[-1]) == len(payload) - len(b"\r\n")
    assert payload == TEXT.encode() + b"\r\n"


def test_jetstream_answers_into_the_inbox_of_the_producer_that_asks() -> None:
    says, _ = JetStream().enter(PRODUCER + 3, "")
    verb, subject, inbox, _ = JetStream().post("bench", PRODUCER + 3).split(b"\r\n")[0].split()
    assert (verb, subject) == (b"PUB", b"bench")
    listened = [line.split()[1] for line in says.split(b"\r\n") if line.startswith(b"SUB ")]
    assert inbox.rpartition(b".")[0] in [it.rpartition(b".")[0] for it in listened]


def test_irc_lines_are_as_short_as_a_server_takes_them() -> None:
    line = Irc().post("bench")
    assert line == f"PRIVMSG #bench :{TEXT}\r\n".encode()
    assert len(line) <= 512
    assert Irc().post(Irc().own(5)).split()[1] == b"u5"
    assert b"JOIN" not in Irc().enter(5, Irc().own(5))[0]


@pytest.mark.parametrize(
    "dialect", [PubSub(), Mqtt(), Nats(), Irc()], ids=lambda it: type(it).__name__
)
def test_post_has_the_mark_in_its_text_alone(dialect: Dialect) -> None:
    """Otherwise the count of what arrives would be wrong for one server and not for another."""
    assert dialect.post("bench").count(MARK) == len(TEXT)
