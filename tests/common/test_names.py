import unicodedata
from typing import Literal, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.errors import InvalidName
from hubbub.common.limits import NAME_CHARACTERS, RAW_NAME_CHARACTERS
from hubbub.common.names import FORBIDDEN, LOBBY, canonical, fold

anything = st.text(max_size=RAW_NAME_CHARACTERS + 8)
letters = st.text(
    st.characters(categories=("L", "N", "P", "S", "M"), codec="utf-8"), min_size=1, max_size=40
)
Form = Literal["NFC", "NFD", "NFKC", "NFKD"]
FORMS: tuple[Form, ...] = get_args(Form)


def is_name(text: str) -> bool:
    try:
        canonical(text)
    except InvalidName:
        return False
    return True


@given(st.one_of(anything, letters))
def test_canonical_gives_a_fixed_point_or_refuses(text: str) -> None:
    if not is_name(text):
        return
    name = canonical(text)
    assert canonical(name) == name == unicodedata.normalize("NFKC", name)
    assert 1 <= len(name) <= NAME_CHARACTERS
    assert not FORBIDDEN & set(name)
    assert name.isprintable()
    assert not any(character.isspace() for character in name)


@given(letters, st.sampled_from(FORMS))
def test_canonical_agrees_when_a_name_comes_in_another_form(text: str, form: Form) -> None:
    if is_name(text):
        assert canonical(unicodedata.normalize("NFKD", text)) == canonical(text)
        assert fold(unicodedata.normalize(form, text)) == fold(text)


@given(st.one_of(anything, letters))
def test_fold_gives_a_fixed_point(text: str) -> None:
    assert fold(fold(text)) == fold(text) or len(fold(text)) > RAW_NAME_CHARACTERS
    if is_name(text):
        assert fold(canonical(text)) == fold(text)
        assert fold(text.casefold()) == fold(text)


@given(st.text(st.characters(max_codepoint=127), max_size=40))
def test_fold_ignores_case_when_a_name_is_ascii(text: str) -> None:
    assert fold(text.upper()) == fold(text.lower()) == fold(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Alice", "ALICE"), ("straße", "STRASSE"), ("Ångström", "A\u030angstro\u0308m"), ("ﬁn", "FIN"),
        ("Ⅷ", "viii"), ("①", "1"), ("Ａｌｉｃｅ", "alice"), ("ΣΊΣΥΦΟΣ", "σίσυφος"), ("K", "\u212a"),
    ],
)  # fmt: skip
def test_two_spellings_are_one_name_when_they_fold_alike(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert is_name(one)
    assert is_name(other)


@pytest.mark.parametrize(
    "name", [LOBBY, "Alice", "7", "x" * 32, "東京", "Zoë", "🦊", "!?", "a.b-c_d", "नमस्ते", "o'neil"]
)
def test_canonical_takes_a_name_when_people_use_such(name: str) -> None:
    assert canonical(name) == unicodedata.normalize("NFKC", name)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "empty"),
        ("x" * 33, "at most 32"),
        ("ﷺ" * 2, "at most 32"),  # one character that NFKC makes 18
        ("x" * 129, "at most 32"),
        ("@lice", "'@'"), ("a:b", "':'"), ("#a", "'#'"), ("a/b", "'/'"), ("a／b", "'/'"), ("＠", "'@'"),
        ("a b", "space"), ("a\u00a0b", "space"), ("a\u3000b", "space"), ("\u2028", "space"),
        ("a\0", "invisible"), ("a\x1b[0m", "invisible"), ("a\nb", "invisible"), ("\x7f", "invisible"),
        ("a\u200bb", "invisible"), ("a\u200db", "invisible"), ("a\u202eb", "invisible"), ("\ufeffa", "invisible"),
        ("a\u00adb", "invisible"), ("\ud800", "invisible"), ("\ue000", "invisible"), ("\uffff", "invisible"),
        ("\u3164", "invisible"), ("\u115f", "invisible"), ("\uffa0", "invisible"), ("\u2800", "invisible"),
        ("a\u034fb", "invisible"), ("a\ufe0f", "invisible"), ("a\U000e0101", "invisible"), ("\u180ba", "combining"),
        ("\u0301a", "combining"), ("\u20dda", "combining"), ("\u0903a", "combining"),
    ],
)  # fmt: skip
def test_canonical_refuses_a_name_when_it_breaks_a_rule(name: str, reason: str) -> None:
    with pytest.raises(InvalidName, match=reason):
        canonical(name)


def test_names_are_not_normalized_when_they_are_made_to_be_costly() -> None:
    # Sorting combining marks is quadratic: 64 KiB of them took 0.8 s.
    marks = "a" + "\u0315\u0300" * 16_000
    assert not is_name(marks)
    assert fold(marks) == marks
