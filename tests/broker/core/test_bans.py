"""Bans: of accounts, keys, addresses and networks."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.broker.core.desk import WALL, Desk, Person
from tests.broker.core.garden import Garden
from tests.broker.core.wire import key_of, refused

from hubbub.broker.core.banned_networks import BannedNetworks
from hubbub.broker.core.bans import Network, canonical, network_of
from hubbub.broker.core.changes import BanRow
from hubbub.broker.core.effects import Cut
from hubbub.broker.core.handlers.bans import BANS_A_PAGE
from hubbub.common.codec import array, encode
from hubbub.common.commands import Ban, Bans, Kick, Lockdown, Post, SetRole, Tell, Unban
from hubbub.common.errors import Code, WireError
from hubbub.common.events import Audited, MessagePosted
from hubbub.common.fields import BanKind
from hubbub.common.limits import FRAME_DOWN_BYTES
from hubbub.common.replies import Acked, BanInfo, BanList, Closing, Done

HOUR = 3600
UNTIL = WALL + HOUR * 1000
SOMEWHERE = "203.0.113.7"


def moderated() -> tuple[Garden, Person]:
    """A garden, and Max, a moderator of the chat."""
    it = Garden()
    max_ = it.desk.meets("Max", address="198.51.100.1")
    it.decreed(SetRole(1, "Max", "moderator"))
    it.forgets()
    return it, max_


def is_barred(desk: Desk, key: str = "", address: str = "") -> bool:
    return desk.core.bars(key, address, desk.now)


def test_a_banned_persons_sessions_end_at_once_and_are_told_why() -> None:
    it, max_ = moderated()
    laptop = it.desk.meets("Bob")
    max_.sends(Ban(9, "account", "BOB", HOUR, "spam")).gets(Done(9))
    for session in (it.bob, laptop):
        assert session.is_deaf()
        [closing] = session.unread
        assert closing == Closing("banned", "you are banned until 2023-11-14 23:13 UTC: spam")
    it.bob.forgets().sends(Post(2, it.id, "hi"))
    it.bob.gets()
    it.desk.passes(0.2)
    assert it.bob.is_cut
    assert laptop.is_cut
    assert it.desk.store.bans == {("account", "3"): BanRow("spam", 6, WALL, UNTIL)}
    assert it.audited()[-1] == Audited(
        4, WALL, "Max", "ban", "Bob", reason="spam", until=UNTIL, detail="account"
    )
    it.carl.hears()


def test_what_follows_a_ban_in_its_batch_is_not_for_whoever_was_banned() -> None:
    it, max_ = moderated()
    sub = it.bob.sub
    assert sub is not None
    it.desk.stalls()
    it.carl.sends(Post(2, it.id, "in flight"))
    max_.sends(Ban(9, "account", "Bob"))
    it.carl.sends(Post(3, it.id, "he is gone"), Tell(4, "Bob", "good riddance"))
    it.desk.returns()
    sub.heard.clear()
    it.bob.forgets()
    it.desk.goes_on()
    assert sub.heard == []
    assert [type(reply) for reply in it.bob.unread] == [Closing]


def test_what_is_read_of_a_connection_after_its_cut_begins_no_session() -> None:
    it, max_ = moderated()
    sessions = it.desk.core.context.sessions
    max_.sends(Ban(9, "account", "Bob"))
    before = len(sessions)
    it.desk.sets_clock(it.desk.now.monotonic + 0.2)
    assert Cut(it.bob.connection) in it.desk.core.tick(it.desk.now)
    it.desk.takes(it.bob, array([encode(Post(2, it.id, "hi"))]))
    it.desk.core.refuse_frame(it.bob.peer, WireError(Code.MALFORMED, "no frame"), it.desk.now)
    assert len(sessions) == before
    it.desk.loses(it.bob)
    assert it.desk.core.context.cut_by == {}


def test_a_banned_key_has_no_session_under_any_name() -> None:
    it, max_ = moderated()
    other = it.desk.meets("Bobby", owner="Bob")
    max_.sends(Ban(9, "key", key_of("Bob").upper())).gets(Done(9))
    for session in (it.bob, other):
        [closing] = session.unread
        assert closing == Closing("banned", "you are banned from this chat")
    assert is_barred(it.desk, key_of("Bob"))
    assert not is_barred(it.desk, key_of("Carl"))


def test_a_banned_person_does_not_come_back_at_once_by_another_name() -> None:
    it, max_ = moderated()
    max_.sends(Ban(9, "account", "Bob", HOUR)).gets(Done(9))
    again = it.desk.connects("Bob").hello().logs_in("Bobby")
    again.gets(refused(Code.BANNED, id=2))
    it.desk.meets("Eve")
    max_.sends(Unban(10, "account", "Bob")).gets(Done(10))
    it.desk.meets("Bobby", owner="Bob")


def test_what_somebody_sent_behind_their_ban_comes_to_nothing() -> None:
    it, max_ = moderated()
    it.desk.stalls()
    it.carl.sends(Post(2, it.id, "in flight"))
    max_.sends(Ban(9, "account", "Mona"))
    it.mona.sends(Kick(9, "Bob", it.id), Post(2, it.id, "take that"))
    it.desk.goes_on()
    it.olga.hears(MessagePosted(6, WALL, "Carl", "in flight"))
    assert (2, 3) in it.desk.store.members
    max_.sends(Unban(10, "account", "Mona"))
    again = it.desk.connects("Mona").hello()
    again.producer = it.mona.producer
    again.logs_in("Mona").forgets().sends(Post(2, it.id, "sorry"))
    again.gets(Acked(2, it.id, 7))


def test_a_banned_key_that_is_connected_already_does_not_log_in() -> None:
    it, max_ = moderated()
    silent = it.desk.connects("Eve")
    greeted = it.desk.connects("Eve").hello()
    max_.sends(Ban(9, "key", key_of("Eve")))
    silent.hello().logs_in("Eve").gets(refused(Code.BANNED, id=2))
    assert greeted.unread == [Closing("banned", "you are banned from this chat")]


def test_a_key_that_is_banned_while_its_name_is_written_down_does_not_get_in() -> None:
    it, max_ = moderated()
    it.desk.stalls()
    it.carl.sends(Post(2, it.id, "in flight"))
    eve = it.desk.connects("Eve").hello().logs_in("Eve")
    max_.sends(Ban(9, "key", key_of("Eve")))
    it.desk.goes_on()
    assert [type(reply) for reply in eve.unread[-1:]] == [Closing]
    it.desk.passes(0.2)
    assert eve.is_cut


@pytest.mark.parametrize(
    ("kind", "subject", "stored"),
    [
        ("address", SOMEWHERE, SOMEWHERE),
        ("address", "::ffff:203.0.113.7", SOMEWHERE),
        ("network", "203.0.113.9/24", "203.0.113.0/24"),
        ("network", "::ffff:203.0.113.0/120", "203.0.113.0/24"),
        ("network", SOMEWHERE, f"{SOMEWHERE}/32"),
    ],
)
def test_connections_from_what_is_banned_are_cut_and_no_others(
    kind: BanKind, subject: str, stored: str
) -> None:
    it, max_ = moderated()
    dave = it.desk.meets("Dave", address=SOMEWHERE)
    max_.forgets().sends(Ban(9, kind, subject)).gets(Done(9))
    assert it.desk.cut_networks == [stored]
    assert list(it.desk.store.bans) == [(kind, stored)]
    assert dave.is_cut
    assert dave.is_deaf()
    assert not it.bob.is_cut
    assert is_barred(it.desk, address=SOMEWHERE)
    assert not is_barred(it.desk, address="192.0.2.1")


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("key", "abc"),
        ("key", "g" * 64),
        ("address", "nowhere"),
        ("address", "203.0.113.0/24"),
        ("address", "127.0.0.1"),
        ("address", "::1"),
        ("address", "::ffff:127.0.0.1"),
        ("address", "0.0.0.0"),
        ("address", "::"),
        ("network", "0.0.0.0/0"),
        ("network", "::/0"),
        ("network", "127.0.0.0/16"),
        ("network", "126.0.0.0/7"),
        ("network", "::/64"),
        ("network", "2000::/3"),
        ("network", "::ffff:0:0/96"),
        ("network", "203.0.113.0/33"),
        ("network", ""),
    ],
)
def test_what_cannot_be_banned_is_refused_even_to_the_operator(kind: BanKind, subject: str) -> None:
    it = Garden()
    assert it.decreed(Ban(9, kind, subject)) == refused(Code.BAD_SUBJECT, id=9)


@pytest.mark.parametrize(
    ("kind", "subject"),
    [
        ("account", "Max"),
        ("account", "Zoe"),
        ("key", key_of("Max")),
        ("key", key_of("Zoe")),
        ("address", "198.51.100.1"),
        ("network", "198.51.100.0/24"),
        ("network", "192.0.0.0/8"),
    ],
)
def test_a_moderator_bans_neither_themselves_nor_those_above(kind: BanKind, subject: str) -> None:
    it, max_ = moderated()
    it.desk.meets("Zoe", address="192.0.2.77")
    it.decreed(SetRole(1, "Zoe", "owner"))
    max_.forgets().sends(Ban(9, kind, subject)).gets(refused(Code.FORBIDDEN, id=9))
    assert it.desk.store.bans == {}
    assert it.decreed(Ban(9, kind, subject)) == Done(9)


def test_a_ban_that_is_sent_again_changes_nothing_and_another_one_replaces_it() -> None:
    it, max_ = moderated()
    max_.sends(Ban(9, "account", "Bob", HOUR, "spam"))
    it.desk.passes(3)
    max_.forgets().sends(Ban(10, "account", "Bob", HOUR, "spam")).gets(Done(10))
    assert it.desk.store.bans[("account", "3")].until == UNTIL
    assert len(it.audited()) == 3
    max_.sends(Ban(11, "account", "Bob", 60, "spam")).gets(Done(11))
    assert it.desk.store.bans[("account", "3")].until == WALL + 63_000
    max_.sends(Ban(12, "account", "Bob", reason="spam"), Ban(13, "account", "Bob", reason="ham"))
    assert it.desk.store.bans[("account", "3")] == BanRow("ham", 6, WALL + 3000, 0)


def test_a_ban_is_lifted_once() -> None:
    it, max_ = moderated()
    max_.sends(Ban(9, "address", SOMEWHERE), Unban(10, "address", "::ffff:cb00:7107"))
    max_.gets(Done(9), Done(10)).sends(Unban(11, "address", SOMEWHERE))
    max_.gets(refused(Code.UNKNOWN_BAN, id=11))
    assert it.desk.store.bans == {}
    assert not is_barred(it.desk, address=SOMEWHERE)
    assert [deed.action for deed in it.audited()[-2:]] == ["ban", "unban"]


def test_a_ban_holds_until_its_time_has_come() -> None:
    it, max_ = moderated()
    max_.sends(Ban(9, "network", "203.0.113.0/24", HOUR))
    assert is_barred(it.desk, address=SOMEWHERE)
    it.desk.sets_clock(it.desk.now.monotonic + HOUR)
    assert not is_barred(it.desk, address=SOMEWHERE)


def test_bans_are_listed_by_kind_and_subject_for_those_who_may_ban() -> None:
    it, max_ = moderated()
    it.decreed(Ban(1, "account", "Carl", reason="noise"))
    max_.sends(Ban(2, "address", SOMEWHERE, HOUR), Lockdown(3, "no_new_accounts")).forgets()
    it.decreed(Lockdown(3, "no_new_accounts"))
    carl = BanInfo("account", "Carl", WALL, reason="noise")
    somewhere = BanInfo("address", SOMEWHERE, WALL, "Max", UNTIL)
    max_.sends(Bans(9)).gets(BanList(9, [carl, somewhere], "no_new_accounts", more=False))
    max_.sends(Bans(10, "account Carl"))
    max_.gets(BanList(10, [somewhere], "no_new_accounts", more=False))
    it.desk.sets_clock(it.desk.now.monotonic + HOUR)
    max_.sends(Bans(11)).gets(BanList(11, [carl], "no_new_accounts", more=False))
    it.bob.forgets().sends(Bans(12)).gets(refused(Code.FORBIDDEN, id=12))


def test_a_page_of_bans_fits_a_frame_whatever_is_in_it() -> None:
    longest = BanInfo(
        "account", "\U0001f600" * 32, WALL, "\U0001f600" * 32, UNTIL, "\U0001f600" * 200
    )
    page = BanList(2**63 - 1, [longest] * BANS_A_PAGE, "moderators_speak", more=True)
    assert len(encode(page)) < FRAME_DOWN_BYTES


def test_what_has_run_out_is_forgotten_when_the_broker_tidies() -> None:
    it, max_ = moderated()
    max_.sends(Ban(9, "address", SOMEWHERE, 60), Ban(10, "address", "192.0.2.9"))
    it.desk.passes(3601)
    assert list(it.desk.store.bans) == [("address", "192.0.2.9")]


@given(
    network=st.ip_addresses().flatmap(
        lambda ip: st.builds(
            lambda bits: ip_network(f"{ip}/{bits}", strict=False), st.integers(0, ip.max_prefixlen)
        )
    )
)
def test_a_ban_of_a_network_holds_for_all_that_is_in_it_and_nothing_beside_it(
    network: Network,
) -> None:
    subject = canonical("network", str(network))
    assert canonical("network", subject) == subject
    banned = network_of(subject)
    assert (banned[0], banned[-1]) == tuple(map(unmapped, (network[0], network[-1])))
    assert banned.num_addresses == network.num_addresses


def unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    return getattr(address, "ipv4_mapped", None) or address


ADDRESSES = st.one_of(st.ip_addresses(), st.sampled_from([IPv4Address("10.0.0.1"), IPv6Address(1)]))
NETWORKS = st.builds(
    lambda ip, bits: ip_network(f"{ip}/{min(bits, ip.max_prefixlen)}", strict=False),
    ADDRESSES,
    st.integers(0, 128),
)


@given(st.lists(st.tuples(NETWORKS, st.booleans())), st.lists(ADDRESSES), st.data())
def test_the_index_of_banned_networks_finds_what_a_look_at_each_of_them_finds(
    changes: list[tuple[Network, bool]],
    addresses: list[IPv4Address | IPv6Address],
    data: st.DataObject,
) -> None:
    """Banned in any order, also twice, and some lifted again."""
    banned: set[Network] = set()
    index = BannedNetworks(())
    for network, is_lifted in changes:
        index.add(str(network))
        banned.add(network)
        if is_lifted:
            lifted = data.draw(st.sampled_from(sorted(banned, key=str)))
            index.remove(str(lifted))
            banned.remove(lifted)
    ends = [end for network, _ in changes for end in (network[0], network[-1])]
    for ip in [*addresses, *ends]:
        assert set(index.around(ip)) == {str(network) for network in banned if ip in network}


def test_bans_of_networks_hold_again_when_the_state_was_read_anew_and_lifted_ones_do_not() -> None:
    it, max_ = moderated()
    max_.sends(
        Ban(9, "network", "203.0.113.0/24"),
        Ban(10, "network", "203.0.0.0/16"),
        Ban(11, "network", "2001:db8::/32"),
    ).gets(Done(9), Done(10), Done(11))
    max_.sends(Unban(12, "network", "203.0.0.0/16")).gets(Done(12))
    for _ in range(2):
        assert is_barred(it.desk, address=SOMEWHERE)
        assert is_barred(it.desk, address="2001:db8::1")
        assert not is_barred(it.desk, address="203.0.114.7")
        it.desk.core.restored(it.desk.store.load(), it.desk.now)


def test_nobody_sees_the_bans_who_is_no_moderator_any_longer_when_they_are_read() -> None:
    garden = Garden()
    garden.desk.decrees(SetRole(1, "Mona", "moderator"))
    garden.forgets()
    garden.desk.pages_wait = True
    garden.mona.sends(Bans(5))
    garden.desk.decrees(SetRole(2, "Mona", "member"))
    garden.desk.reads_pages()
    garden.mona.gets(refused(Code.FORBIDDEN, id=5))


def test_nobody_cuts_a_network_off_by_an_order_from_before_they_were_a_moderator() -> None:
    """Whom it would have cut off was not looked at."""
    it, _ = moderated()
    it.desk.stalls()
    it.desk.connects("Zed").hello().logs_in("Zed")  # is in flight: what follows is one batch
    it.desk.decrees(SetRole(1, "Bob", "moderator"))
    it.bob.sends(Ban(9, "network", "203.0.113.0/24"), Ban(10, "account", "Carl"))
    it.desk.goes_on()
    it.bob.gets(refused(Code.FORBIDDEN, id=9), Done(10))
    it.bob.sends(Ban(11, "network", "203.0.113.0/24")).gets(Done(11))
