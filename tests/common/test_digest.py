from hashlib import blake2b

from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.digest import EMPTY, extend

logs = st.lists(st.binary(max_size=64), max_size=12)


def digest(events: list[bytes]) -> bytes:
    head = EMPTY
    for event in events:
        head = extend(head, event)
    return head


def test_digest_is_a_chain_of_hashed_events_when_written_out() -> None:
    first = blake2b(bytes(16) + blake2b(b"one", digest_size=16).digest(), digest_size=16).digest()
    second = blake2b(first + blake2b(b"two", digest_size=16).digest(), digest_size=16).digest()
    assert digest([]) == bytes(16)
    assert digest([b"one"]) == first
    assert digest([b"one", b"two"]) == second


@given(logs, logs)
def test_digest_goes_on_when_a_reader_starts_from_a_head(
    before: list[bytes], after: list[bytes]
) -> None:
    head = digest(before)
    for event in after:
        head = extend(head, event)
    assert head == digest(before + after)


@given(logs, logs)
def test_digest_differs_when_logs_differ(mine: list[bytes], yours: list[bytes]) -> None:
    assert (digest(mine) == digest(yours)) == (mine == yours)


def test_digest_differs_when_bytes_move_between_events() -> None:
    assert digest([b"ab", b"c"]) != digest([b"a", b"bc"]) != digest([b"abc"])
    assert digest([b"a", b"b"]) != digest([b"b", b"a"])
