import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub.common.addresses import MAX_HOST, Address
from hubbub.common.errors import InvalidAddress
from hubbub.common.links import MAX_LINK, JoinLink, address_of, is_link, parse_link, parse_place

KEY = bytes(range(32))
TEXT = "aaaqeayeaudaocajbifqydiob4ibceqtcqkrmfyydenbwha5dypq"
HERE = Address("127.0.0.1", 5000)
LINK = f"hubbub://127.0.0.1:5000/{TEXT}"
CODE = "aaaqeayeaudaocaj"

hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(str),
    st.text("abcxyz019.-_", min_size=1, max_size=MAX_HOST),
    st.just("fe80::1%eth0"),
)
links = st.builds(
    JoinLink,
    st.builds(Address, hosts, st.integers(0, 65533)),
    st.binary(min_size=32, max_size=32),
    st.just("") | st.text("abcdefghijklmnopqrstuvwxyz234567", min_size=16, max_size=16),
)


def test_link_is_written_in_lower_case_without_padding() -> None:
    assert str(JoinLink(HERE, KEY)) == LINK
    assert len(TEXT) == 52


@given(links)
def test_link_is_the_same_when_written_and_read_again(link: JoinLink) -> None:
    assert parse_link(str(link)) == link
    assert parse_link(f"  {link}/\n") == link
    assert parse_link(str(link).upper()).key == link.key


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (LINK, HERE),
        (f"hubbub://127.0.0.1/{TEXT}", HERE),
        (f"HUBBUB://127.0.0.1:5000/{TEXT.upper()}", HERE),
        (f"hubbub://[fe80::1%eth0]:1/{TEXT}", Address("fe80::1%eth0", 1)),
        (f"hubbub://chat.example.org:7/{TEXT}/", Address("chat.example.org", 7)),
    ],
)
def test_link_is_read_when_a_person_pastes_it(text: str, address: Address) -> None:
    assert parse_link(text) == JoinLink(address, KEY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("127.0.0.1:5000", "is no join link: those begin with hubbub://"),
        (LINK[:-1], "cut off: 51 of the 52 characters"),
        (LINK[:30], "cut off: 6 of the 52 characters"),
        ("hubbub://127.0.0.1:5000/", "has no key: copy it whole"),
        ("hubbub://127.0.0.1:5000", "has no key: copy it whole"),
        ("hubbub://", "cannot read the address"),
        (f"hubbub://:5000/{TEXT}", "cannot read the address"),
        (f"hubbub://::1/{TEXT}", "write IPv6 in brackets"),
        (f"hubbub://127.0.0.1:65534/{TEXT}", "not between 1 and 65533"),
        (LINK.replace("q", "0"), "damaged: '0' occurs in none"),
        (LINK.replace("q", "ı"), "damaged: 'ı' occurs in none"),
        (LINK[:-1] + "=", "damaged: '=' occurs in none"),
        (LINK[:-1] + "\n" + LINK[-1], r"damaged: '\\n' occurs in none"),
        (LINK[:-1] + "b", "damaged at its end"),
        (LINK + "aa", "has 54 characters, not 52"),
        (f"{LINK}/abcd-efgh", "code in this join link is damaged"),
        (f"{LINK}/{CODE[:-1]}0", "code in this join link is damaged"),
        (f"{LINK}/{CODE}/more/", "goes on behind the code, by 'more'.* update it"),
        (LINK + "a" * 5000, f"too long: .* none has over {MAX_LINK}"),
    ],
)
def test_link_is_refused_with_what_is_wrong_when_it_is_damaged(text: str, reason: str) -> None:
    with pytest.raises(InvalidAddress, match=reason) as refusal:
        parse_link(text)
    assert "\n" not in str(refusal.value)
    assert len(str(refusal.value)) < 300


@given(st.text(max_size=80), st.sampled_from(["", "hubbub://", LINK]))
def test_any_text_behind_the_scheme_gives_a_link_or_a_refusal(text: str, before: str) -> None:
    try:
        link = parse_link(before + text)
    except InvalidAddress:
        return
    assert parse_link(str(link)) == link


@pytest.mark.parametrize(
    "typed", [CODE, CODE.upper(), "aaaq-eaye-auda-ocaj", CODE + "/", "aaaq-eaye-auda-ocaj/\n"]
)
def test_link_lets_its_reader_in_when_a_code_stands_behind_the_key(typed: str) -> None:
    link = parse_link(f"{LINK}/{typed}")
    assert link == JoinLink(HERE, KEY, CODE)
    assert str(link) == f"{LINK}/{CODE}"
    assert CODE not in repr(link)


def test_link_does_not_quote_a_code_when_it_is_damaged() -> None:
    with pytest.raises(InvalidAddress) as refusal:
        parse_link(f"{LINK}/{CODE}x")
    assert CODE not in str(refusal.value)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_link_refuses_a_key_when_it_has_another_size(size: int) -> None:
    with pytest.raises(InvalidAddress, match=f"32 bytes, not {size}"):
        JoinLink(HERE, bytes(size))


def test_place_is_an_address_or_a_link_as_it_was_typed() -> None:
    assert parse_place(" 127.0.0.1 ") == HERE
    assert parse_place(LINK.upper()) == JoinLink(HERE, KEY)
    assert address_of(parse_place(LINK)) == address_of(HERE) == HERE
    assert is_link(" Hubbub://nonsense")
    assert not is_link("hubbub:5000")
    with pytest.raises(InvalidAddress, match="cut off"):
        parse_place(LINK[:-3])
