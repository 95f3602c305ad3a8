"""Names that a person may take for each other share a skeleton; names that differ do not."""

import pytest
from hypothesis import given, reject
from hypothesis import strategies as st

from hubbub.broker.core.lookalikes import skeletons
from hubbub.common.errors import InvalidName
from hubbub.common.names import canonical, fold


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Alice", "ALICE"),
        ("Alice", "\u0410lice"),  # Cyrillic A
        ("Alice", "\u0410Iice"),  # and a Latin capital I for the l
        ("Alice", "A1ice"),
        ("Alice", "A|ice"),
        ("ALICE", "\u0410lice"),
        ("ALICE", "\u0410Iice"),
        ("scope", "\u0455\u0441\u043e\u0440\u0435"),  # all Cyrillic
        ("Bob", "B0b"),
        ("modern", "modem"),
        ("paypal", "p\u0430yp\u0430l"),
        ("\u03a1aul", "Paul"),  # Greek Rho
    ],
)
def test_names_that_look_alike_share_a_skeleton(name: str, other: str) -> None:
    assert skeletons(canonical(name)) & skeletons(canonical(other))


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Alice", "Alicia"),
        ("Anna", "Hanna"),
        ("Bob", "Rob"),
        ("M\u00fcller", "Muller"),
        ("Jose", "Jos\u00e9"),
        ("\u674e", "\u738b"),
        ("\u0418\u0432\u0430\u043d", "\u0418\u0432\u0430"),
        ("x1", "x2"),
    ],
)
def test_names_that_differ_share_no_skeleton(name: str, other: str) -> None:
    assert not skeletons(name) & skeletons(other)


@given(st.text(st.characters(categories=["L", "M", "N"]), min_size=1, max_size=32))
def test_a_name_looks_like_itself_in_any_case(text: str) -> None:
    try:
        name = canonical(text)
    except InvalidName:
        reject()
    for other in (name.upper(), name.lower(), name.swapcase()):
        if fold(other) == fold(name):
            assert skeletons(name) & skeletons(other)
