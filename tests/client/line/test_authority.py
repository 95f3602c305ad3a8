"""Who did what to whom, and what is set, reads as plain sentences."""

import pytest

from hubbub.client.line import authority
from hubbub.client.line.authority import Governed
from hubbub.client.results import Ban, Bans, Device, Room
from hubbub.client.updates import Audited, Invited, MemberMuted, RoleChanged, RoomChanged

NEVER = 10 * 365 * 24 * 3600 * 1000


def clock(time: int) -> str:
    return f"{time} o'clock"


def seen(update: Governed, room: str = "tea") -> str | None:
    line = authority.line(update, me="Alice", room=room, when=clock)
    return None if line is None else str(line)


@pytest.mark.parametrize(
    ("update", "line"),
    [
        (
            RoleChanged("lobby", "Bob", "moderator", "Carol", 0, 1),
            "Bob is a moderator now, made so by Carol.",
        ),
        (
            RoleChanged("tea", "Alice", "owner", "", 0, 1),
            "You are an owner of tea now, made so by the operator.",
        ),
        (
            RoleChanged("tea", "Bob", "member", "Carol", 0, 1),
            "Bob is an ordinary member of tea now, made so by Carol.",
        ),
        (RoleChanged("tea", "Bob", "member", "Alice", 0, 1), None),
        (
            MemberMuted("tea", "Alice", "Bob", 1405, "spam", 0, 1),
            "You are muted in tea until 1405 o'clock by Bob: spam",
        ),
        (
            MemberMuted("tea", "Bob", "", NEVER, "", 0, 1),
            "Bob is muted in tea by the operator.",
        ),
        (MemberMuted("tea", "Alice", "Bob", 0, "", 0, 1), "You may speak in tea again."),
        (MemberMuted("tea", "Bob", "Alice", 0, "", 0, 1), None),
        (RoomChanged("tea", "Bob", 0, 1, read_only=True), "tea is read-only now."),
        (
            RoomChanged("tea", "Bob", 0, 1, False, "Hot", True, False, "since_joined", 90),
            "tea is private and open to everybody's messages and slow (a message in 90 seconds) and showing newcomers only what is said from then on now; tea is described so: Hot.",
        ),
        (
            RoomChanged("tea", "Bob", 0, 1, private=False, slow=0),
            "tea is public and slow no longer now.",
        ),
        (RoomChanged("tea", "Bob", 0, 1, description=""), "tea has no description any longer."),
        (RoomChanged("tea", "Alice", 0, 1, private=True), None),
        (
            Invited("Bob", "Alice", "den", 0, 1),
            "Bob invites you to den; /join den takes you there.",
        ),
        (Invited("Alice", "Bob", "den", 0, 1), None),
        (
            Audited("audit", "Bob", "kick", "Carol", "tea", "spam", 1405, "", 0, 1),
            "[audit] Bob put Carol out of tea until 1405 o'clock: spam",
        ),
        (
            Audited("audit", "", "ban", "192.0.2.7", "", "", 0, "address", 0, 1),
            "[audit] The operator banned the address 192.0.2.7.",
        ),
        (
            Audited("audit", "Bob", "role", "Carol", "", "", 0, "owner", 0, 1),
            "[audit] Bob made Carol owner of the chat.",
        ),
        (
            Audited("audit", "", "bot", "Bob", "", "", 0, "", 0, 1),
            "[audit] The operator marked Bob as a bot.",
        ),
        (
            Audited("audit", "", "no_bot", "Bob", "", "", 0, "", 0, 1),
            "[audit] The operator marked Bob as no bot.",
        ),
        (
            Audited("audit", "Bob", "password", "Bob", "", "", 0, "", 0, 1),
            "[audit] Bob set a password.",
        ),
        (
            Audited("audit", "Bob", "device_removed", "Bob", "", "", 0, "", 0, 1),
            "[audit] Bob removed one of their devices.",
        ),
        (
            Audited("audit", "Bob", "some_new_power", "Carol", "tea", "", 0, "very", 0, 1),
            "[audit] Bob did some new power Carol in tea (very).",
        ),
    ],
)
def test_what_those_do_who_have_a_say_reads(update: Governed, line: str | None) -> None:
    assert seen(update) == line


def test_the_audit_room_is_not_named_where_one_reads_it() -> None:
    deed = Audited("audit", "Bob", "lockdown", "normal", "", "", 0, "", 0, 1)
    assert seen(deed, room="audit") == "Bob set the lockdown to normal."


def test_braces_in_a_name_are_a_name() -> None:
    deed = Audited("audit", "{where}", "mute", "{subject}", "{0}", "{", 0, "", 0, 1)
    assert seen(deed, room="audit") == "{where} muted {subject} in {0}: {"


def test_an_invitation_rings() -> None:
    line = authority.line(Invited("Bob", "Alice", "den", 0, 1), me="Alice", room="tea", when=clock)
    assert line is not None
    assert line.rings


def test_a_room_s_settings_are_told_whole() -> None:
    plain = Room("tea", "", 1)
    assert authority.settings(plain) == [
        "tea: public, everybody writes, as fast as one likes, showing all its history to newcomers; 1 member"
    ]
    special = Room("den", "Quiet", 2, "owner", True, True, "since_joined", 10)
    assert authority.settings(special) == [
        "den: private, only moderators write, one message in 10 seconds, showing newcomers only what is said from then on; 2 members",
        "Description: Quiet",
        "You are an owner of den.",
    ]


def test_devices_are_told_apart() -> None:
    mine = Device(1, "aaaa-bbbb", "laptop", 5, 6, online=True, current=True)
    other = Device(12, "cccc-dddd", "", 7, 8, online=True, current=False)
    assert authority.devices([mine, other], clock) == [
        "  1  laptop  (this device, added 5 o'clock, used 6 o'clock)  aaaa-bbbb",
        " 12  unnamed  (online, added 7 o'clock, used 8 o'clock)  cccc-dddd",
    ]


def test_bans_are_told_with_who_why_and_how_long() -> None:
    nobody = Bans((), "normal")
    assert authority.bans(nobody, clock) == ["Nobody is banned."]
    found = Bans(
        (
            Ban("account", "Bob", "Carol", 0, 1405, "spam"),
            Ban("network", "192.0.2.0/24", "", 0, 0, ""),
        ),
        "accounts_only",
    )
    assert authority.bans(found, clock) == [
        "Bob until 1405 o'clock by Carol: spam",
        "the network 192.0.2.0/24 by the operator.",
        "Lockdown: accounts-only.",
    ]
