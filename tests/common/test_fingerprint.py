import re

from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.fingerprint import fingerprint, matches

keys = st.binary(min_size=32, max_size=32)


def test_the_format_is_fixed() -> None:
    assert fingerprint(bytes(32)) == fingerprint(bytes(32))
    assert re.fullmatch(r"[a-z2-7]{4}(-[a-z2-7]{4}){5}", fingerprint(bytes(32)))


@given(keys)
def test_case_and_dashes_do_not_matter(key: bytes) -> None:
    assert matches(fingerprint(key), key)
    assert matches(fingerprint(key).upper().replace("-", " "), key)
    assert matches(fingerprint(key).replace("-", ""), key)


@given(keys, keys)
def test_another_key_or_a_part_does_not_match(key: bytes, other: bytes) -> None:
    assert matches(fingerprint(other), key) == (key == other)
    assert not matches(fingerprint(key)[:-1], key)
    assert not matches("", key)
