"""Devices: one-time codes for further ones, the list of them, and how one is removed."""

import pytest
from tests.broker.core.accounts import (
    PASSWORD,
    audit,
    invites,
    links,
    open_desk,
    registration,
    sets_password,
)
from tests.broker.core.desk import WALL, Desk, Person
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import key_of, refused

from hubbub.broker.core.limits import Limits
from hubbub.common.codes import normalise
from hubbub.common.commands import Devices, Link, Post, RemoveDevice, SetPassword
from hubbub.common.errors import Code
from hubbub.common.events import Audited
from hubbub.common.fingerprint import fingerprint
from hubbub.common.limits import LINK_SECONDS
from hubbub.common.replies import Acked, Closing, DeviceInfo, DeviceList, Done, LinkMade

DAY = 24 * 3600.0
REMOVED = Closing(
    Code.DEVICE_REMOVED, "this device was removed: it may not use the name any longer"
)


def print_of(owner: str) -> str:
    return fingerprint(bytes.fromhex(key_of(owner)))


def adds(desk: Desk, alice: Person, owner: str, label: str = "") -> Person:
    """Another device comes in by a code, and subscribes to the lobby."""
    phone = desk.connects(owner).hello().logs_in("Alice", code=links(alice), device=label)
    phone.gets_welcome()
    return phone.listens(LOBBY).forgets()


def test_a_person_comes_in_from_another_device_by_a_code() -> None:
    desk = open_desk()
    alice = desk.meets("Alice").sends(Link(3))
    [made] = alice.unread
    assert isinstance(made, LinkMade)
    assert (made.id, made.seconds) == (3, LINK_SECONDS)
    registration(desk, "closed")
    phone = desk.connects("phone").hello()
    phone.logs_in("ALICE", code=made.code.upper().replace("-", " ")).gets_welcome()
    phone.sends(Post(1, LOBBY, "from the bus")).gets(Acked(1, LOBBY, 1))
    desk.connects("phone").hello().logs_in("Alice").gets_welcome()
    added = Audited(0, 0, "Alice", "device_added", "Alice", detail=print_of("phone"))
    assert audit(desk) == [added]


def test_a_code_lets_one_device_in_only() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.stalls()
    phone = desk.connects("phone").hello().logs_in("Alice", code=code)
    thief = desk.connects("thief").hello().logs_in("Alice", code=code)
    thief.gets(refused(Code.BAD_CODE, id=2))
    desk.goes_on()
    phone.gets_welcome()
    desk.connects("thief").hello().logs_in("Alice", code=code).gets(refused(Code.BAD_CODE, id=2))


def test_a_code_is_good_for_its_own_name_only() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.meets("Bob")
    for name in ("Bob", "Nobody", "AIice"):
        mallory = desk.connects("Mallory").hello()
        mallory.logs_in(name, code=code).gets(refused(Code.BAD_CODE, id=2))
    desk.connects("phone").hello().logs_in("Alice", code=code).gets_welcome()


def test_a_code_is_good_for_ten_minutes() -> None:
    desk = open_desk()
    early, late = (links(desk.meets(name)) for name in ("Alice", "Bob"))
    desk.passes(LINK_SECONDS - 1)
    desk.connects("phone").hello().logs_in("Alice", code=early).gets_welcome()
    desk.passes(1)
    phone = desk.connects("another").hello()
    phone.logs_in("Bob", code=late).gets(refused(Code.BAD_CODE, id=2))


def test_a_new_code_takes_the_place_of_the_one_before() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    before, code = links(alice), links(alice)
    assert before != code
    phone = desk.connects("phone").hello()
    phone.logs_in("Alice", code=before).gets(refused(Code.BAD_CODE, id=2))
    phone.logs_in("Alice", code=code).gets_welcome()


def test_a_code_is_good_still_when_the_disk_failed() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.fails()
    phone = desk.connects("phone").hello().logs_in("Alice", code=code)
    phone.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    phone.logs_in("Alice", code=code)
    phone.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
    desk.recovers()
    phone.logs_in("Alice", code=code).gets_welcome()


@pytest.mark.parametrize("typed", ["", "abcd", "aaaa-aaaa-aaaa-aaaa", "0000-0000-0000-0000"])
def test_a_code_is_refused_when_it_never_was_one(typed: str) -> None:
    desk = open_desk()
    desk.meets("Alice")
    phone = desk.connects("phone").hello()
    phone.logs_in("Alice", code=typed).gets(refused(Code.BAD_CODE, id=2))
    phone.logs_in("Alison", code=typed).gets(refused(Code.BAD_CODE, id=2))


def test_a_key_that_has_the_name_needs_no_code_and_uses_none_up() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(alice)
    desk.connects("Alice").hello().logs_in("Alice", code=code, password="wrong").gets_welcome()
    desk.connects("phone").hello().logs_in("Alice", code=code).gets_welcome()


def test_no_code_is_kept_or_shown_in_a_repr() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    alice.sends(Link(3))
    [made] = alice.unread
    assert isinstance(made, LinkMade)
    code = invites(desk)
    state = repr((desk.core.context.links.__dict__, desk.store.invites, desk.batches, made))
    for secret in (made.code, code):
        assert secret not in state
        assert normalise(secret) not in state


def test_a_person_sees_their_devices() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.passes(5)
    phone = adds(desk, alice, "phone", "Alice's phone\x1b[31m")
    phone.sends(Devices(4)).gets(
        DeviceList(
            4,
            [
                DeviceInfo(1, print_of("Alice"), WALL, WALL, online=True),
                DeviceInfo(
                    2,
                    print_of("phone"),
                    WALL + 5000,
                    WALL + 5000,
                    "Alice's phone[31m",
                    online=True,
                    current=True,
                ),
            ],
        )
    )
    alice.vanishes()
    phone.sends(Devices(5))
    [listed] = phone.unread
    assert isinstance(listed, DeviceList)
    assert [device.online for device in listed.devices] == [False, True]


def test_a_device_is_noted_as_used_once_a_day() -> None:
    desk = open_desk()
    desk.meets("Alice")
    for days, expected in ((0.5, 0), (0.6, 1.1), (0.5, 1.1), (0.6, 2.2)):
        desk.passes(days * DAY)
        desk.meets("Alice")
        assert desk.store.devices[1, 1].used == round(WALL + expected * DAY * 1000)


def test_a_removed_device_is_out_at_once_and_stays_out() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    phone, again = adds(desk, alice, "phone"), desk.meets("Alice", owner="phone")
    alice.sends(RemoveDevice(7, 2)).gets(Done(7))
    for session in (phone, again):
        session.gets(REMOVED)
        assert session.is_deaf()
        desk.passes(0.2)
        assert session.is_cut
    desk.connects("phone").hello().logs_in("Alice").gets(refused(Code.NAME_TAKEN, id=2))
    alice.sends(RemoveDevice(8, 2)).gets(refused(Code.UNKNOWN_DEVICE, id=8))
    alice.sends(Post(1, LOBBY, "alone")).gets(Acked(1, LOBBY, 1))
    assert audit(desk)[-1] == Audited(
        0, 0, "Alice", "device_removed", "Alice", detail=print_of("phone")
    )


def test_a_device_may_remove_itself_when_another_is_left() -> None:
    desk = open_desk()
    phone = adds(desk, desk.meets("Alice"), "phone")
    phone.sends(RemoveDevice(7, 2)).gets(Done(7), REMOVED)
    desk.passes(0.2)
    assert phone.is_cut


def test_a_device_of_another_name_goes_on_when_the_key_is_removed_from_this_one() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    family = desk.meets("Carol", owner="phone")
    adds(desk, alice, "phone")
    alice.sends(RemoveDevice(7, 2)).gets(Done(7))
    family.sends(Post(1, LOBBY, "still here")).gets(Acked(1, LOBBY, 1))


def test_the_last_device_stays_unless_there_is_a_password() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    alice.sends(RemoveDevice(7, 1)).gets(refused(Code.FORBIDDEN, id=7))
    sets_password(alice)
    alice.sends(RemoveDevice(8, 1)).gets(Done(8), REMOVED)


@pytest.mark.parametrize("disk", ["works", "fails"])
def test_a_device_that_lost_its_connection_on_the_way_to_the_disk_comes_in_by_the_same_code(
    disk: str,
) -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(alice)
    desk.stalls()
    alice.sends(Post(1, LOBBY, "on its way to the disk, so what follows waits"))
    desk.loses(desk.connects("phone").hello().logs_in("Alice", code=code))
    again = desk.connects("phone").hello().logs_in("Alice", code=code)
    again.gets()
    if disk == "works":
        desk.goes_on()
    else:
        desk.fails()
        again.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
        desk.recovers()
        again.logs_in("Alice", code=code)
    again.gets_welcome()
    desk.connects("thief").hello().logs_in("Alice", code=code).gets(refused(Code.BAD_CODE, id=2))


def test_a_code_is_good_still_when_the_disk_failed_a_device_that_is_gone() -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.stalls()
    desk.loses(desk.connects("phone").hello().logs_in("Alice", code=code))
    desk.fails()
    desk.recovers()
    desk.connects("tablet").hello().logs_in("Alice", code=code).gets_welcome()


@pytest.mark.parametrize("disk", ["works", "fails"])
def test_a_second_session_of_a_new_device_waits_for_the_disk_as_the_first_does(disk: str) -> None:
    desk = open_desk()
    code = links(desk.meets("Alice"))
    desk.stalls()
    first = desk.connects("phone").hello().logs_in("Alice", code=code)
    second = desk.connects("phone").hello().logs_in("Alice")
    first.gets()
    second.gets()
    if disk == "works":
        desk.goes_on()
        first.gets_welcome()
        second.gets_welcome()
    else:
        desk.fails()
        for session in (first, second):
            session.gets(refused(Code.STORAGE_UNAVAILABLE, id=2, retry_after=1.0))
        desk.recovers()
        second.logs_in("Alice").gets(refused(Code.NAME_TAKEN, id=2))


def test_a_second_session_stays_out_when_its_device_is_removed_before_the_disk_has_it() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(alice)
    desk.stalls()
    first = desk.connects("phone").hello().logs_in("Alice", code=code)
    alice.sends(RemoveDevice(7, 2))
    second = desk.connects("phone").hello().logs_in("Alice")
    desk.goes_on()
    assert first.unread[1:] == [REMOVED]
    second.gets(refused(Code.NAME_TAKEN, id=2))


def test_a_device_whose_removal_reached_the_disk_after_all_is_out_when_the_store_recovers() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    phone = adds(desk, alice, "phone")
    desk.fails()
    alice.sends(RemoveDevice(7, 2))
    alice.gets(refused(Code.STORAGE_UNAVAILABLE, id=7, retry_after=1.0))
    del desk.store.devices[1, 2]  # a sync that failed says nothing of what was written
    desk.recovers()
    assert phone.is_cut
    assert not alice.is_cut


def test_a_device_is_refused_when_the_name_has_too_many() -> None:
    desk = open_desk(limits=Limits(devices_per_account=2))
    alice = desk.meets("Alice")
    adds(desk, alice, "phone")
    tablet = desk.connects("tablet").hello().logs_in("Alice", code=links(alice))
    tablet.gets(refused(Code.TOO_MANY_DEVICES, id=2))


def test_a_device_is_refused_when_it_owns_too_many_names() -> None:
    desk = open_desk(limits=Limits(names_per_key=1))
    alice = desk.meets("Alice")
    desk.meets("Carol", owner="phone")
    phone = desk.connects("phone").hello().logs_in("Alice", code=links(alice))
    phone.gets(refused(Code.TOO_MANY_NAMES, id=2))


def test_a_code_is_good_still_when_the_device_that_came_by_it_was_refused() -> None:
    desk = open_desk(limits=Limits(names_per_key=1))
    code = links(desk.meets("Alice"))
    desk.meets("Carol", owner="phone")
    desk.connects("phone").hello().logs_in("Alice", code=code).vanishes()
    phone = desk.connects("phone").hello().logs_in("Alice", code=code)
    phone.gets(refused(Code.TOO_MANY_NAMES, id=2))
    desk.connects("tablet").hello().logs_in("Alice", code=code).gets_welcome()


def test_a_code_lets_nobody_in_when_the_device_that_had_it_made_was_removed() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(adds(desk, alice, "thief"))
    alice.sends(RemoveDevice(7, 2)).gets(Done(7))
    again = desk.connects("thief's other").hello().logs_in("Alice", code=code)
    again.gets(refused(Code.BAD_CODE, id=2))


def test_a_code_lets_nobody_in_behind_the_removal_of_the_device_that_had_it_made() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    code = links(adds(desk, alice, "thief"))
    desk.stalls()
    desk.connects("Bob").hello().logs_in("Bob")  # is in flight: what follows is one batch
    alice.sends(RemoveDevice(7, 2))
    again = desk.connects("thief's other").hello().logs_in("Alice", code=code)
    desk.goes_on()
    again.gets(refused(Code.BAD_CODE, id=2))
    assert [device.key for (account, _), device in desk.store.devices.items() if account == 1] == [
        key_of("Alice")
    ]


def test_what_a_removed_device_sent_behind_its_removal_comes_to_nothing() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    thief = adds(desk, alice, "thief")
    adds(desk, alice, "phone")
    desk.stalls()
    desk.connects("Bob").hello().logs_in("Bob")  # is in flight: what follows is one batch
    alice.sends(RemoveDevice(7, 2))
    thief.sends(SetPassword(8, PASSWORD), RemoveDevice(9, 1), Post(1, LOBBY, "it is me"))
    desk.goes_on()
    forbidden = refused(Code.FORBIDDEN, id=9), refused(Code.FORBIDDEN, id=8)
    thief.gets(*forbidden, REMOVED)
    alice.sends(Post(1, LOBBY, "alone")).gets(Done(7), Acked(1, LOBBY, 1))
    assert not desk.store.accounts[1].password


def test_a_code_stays_good_when_it_was_made_while_a_device_came_in_by_the_one_before() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    before = links(alice)
    desk.stalls()
    phone = desk.connects("phone").hello().logs_in("Alice", code=before)
    code = links(alice)
    desk.goes_on()
    phone.gets_welcome()
    desk.connects("tablet").hello().logs_in("Alice", code=code).gets_welcome()
