import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.codes import CODE_LETTERS, hash_of, make, normalise
from hubbub.common.errors import InvalidCode
from hubbub.common.limits import CODE_BYTES, CODE_CHARACTERS

CODE = "aaaq-eaye-auda-ocaj"

chance = st.binary(min_size=CODE_BYTES, max_size=CODE_BYTES)


def test_a_code_is_80_bits_in_four_groups_of_four() -> None:
    assert make(bytes(range(10))) == CODE
    assert CODE_BYTES * 8 == 80
    assert len(CODE) <= CODE_CHARACTERS


@pytest.mark.parametrize("size", [0, 9, 11])
def test_a_code_is_made_of_so_many_bytes_only(size: int) -> None:
    with pytest.raises(ValueError, match="10 bytes, not"):
        make(bytes(size))


@pytest.mark.parametrize(
    "typed",
    [CODE, CODE.upper(), CODE.replace("-", ""), " aaaq eaye auda\tocaj \n", "aaaqeaye--audaocaj"],
)
def test_a_code_is_the_same_however_it_is_typed(typed: str) -> None:
    assert normalise(typed) == "aaaqeayeaudaocaj"
    assert hash_of(typed) == hash_of(CODE)


@given(chance, chance)
def test_two_codes_have_one_hash_when_they_are_the_same_only(one: bytes, other: bytes) -> None:
    assert len(normalise(make(one))) == CODE_LETTERS
    assert (hash_of(make(one)) == hash_of(make(other))) == (one == other)


@pytest.mark.parametrize(
    "typed",
    ["", "-", CODE[:-1], CODE + "a", CODE.replace("q", "0"), CODE.replace("q", "ı"), "k" * 5000],
)
def test_a_code_is_refused_unquoted_when_it_cannot_be_one(typed: str) -> None:
    with pytest.raises(InvalidCode) as refusal:
        normalise(typed)
    assert not typed.strip("-") or typed not in str(refusal.value)
    with pytest.raises(InvalidCode):
        hash_of(typed)
