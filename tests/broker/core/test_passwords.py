"""Passwords: how one is set, and how another device comes in by it."""

from dataclasses import replace

import pytest
from tests.broker.core.accounts import (
    CHEAP,
    PASSWORD,
    audit,
    fails_to_hash,
    open_desk,
    sets_password,
)
from tests.broker.core.desk import SETTINGS, WALL, Desk
from tests.broker.core.memory_store import LOBBY
from tests.broker.core.wire import key_of, refused

from hubbub.broker.core.context import BUSY_SECONDS, HASHING_SECONDS, Registration
from hubbub.broker.core.hashing import Hash, Verify
from hubbub.broker.core.limits import Limits, Passwords
from hubbub.broker.core.orders import Release
from hubbub.common.commands import Hello, Login, Logout, Ping, Post, SetPassword
from hubbub.common.errors import Code
from hubbub.common.events import Audited
from hubbub.common.fingerprint import fingerprint
from hubbub.common.replies import Acked, Bye, Done, Pong

RAISED = replace(SETTINGS, passwords=Passwords(time_cost=2, memory_kib=8192))


def test_a_person_comes_in_from_another_device_by_the_password() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    phone = desk.connects("phone").hello()
    welcome = phone.logs_in("alice", password=PASSWORD, device="phone").gets_welcome()
    assert (welcome.name, welcome.created, welcome.has_password) == ("Alice", False, True)
    phone.sends(Post(1, LOBBY, "from the bus")).gets(Acked(1, LOBBY, 1))
    device = desk.store.devices[1, 2]
    assert (device.key, device.label, device.added) == (key_of("phone"), "phone", WALL)
    desk.connects("phone").hello().logs_in("Alice").gets_welcome()
    added = fingerprint(bytes.fromhex(key_of("phone")))
    assert audit(desk) == [
        Audited(0, 0, "Alice", "password", "Alice"),
        Audited(0, 0, "Alice", "device_added", "Alice", detail=added),
    ]


def test_a_password_that_was_hashed_is_told_when_it_is_on_disk() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.stalls()
    alice.sends(SetPassword(5, PASSWORD)).gets()
    desk.goes_on()
    alice.gets(Done(5))
    assert desk.store.accounts[1].password.startswith("$argon2id$v=19$m=8192,t=1,p=1$")


def test_a_password_is_not_set_when_the_disk_fails() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.fails()
    alice.sends(SetPassword(5, PASSWORD))
    alice.gets(refused(Code.STORAGE_UNAVAILABLE, id=5, retry_after=1.0))
    alice.sends(SetPassword(6, PASSWORD))
    alice.gets(refused(Code.STORAGE_UNAVAILABLE, id=6, retry_after=1.0))
    desk.recovers()
    assert not desk.core.context.state.accounts[1].password


@pytest.mark.parametrize(
    "password", ["", "a", "password1", "alice", "Alice1999", "hubhub", "x" * 256]
)
def test_a_password_is_refused_with_advice_when_it_is_easily_guessed(password: str) -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.passwords_wait = True
    alice.sends(SetPassword(5, password))
    [task] = desk.passwords
    assert isinstance(task, Hash)
    assert task.guessable == ("Alice", "hub", "hubbub")
    desk.hashes_passwords()
    alice.gets(refused(Code.WEAK_PASSWORD, id=5))
    assert not desk.store.accounts[1].password


def test_a_password_is_refused_by_its_type_when_it_has_257_characters() -> None:
    alice = open_desk().meets("Alice")
    alice.sends(SetPassword(5, "kelp " * 51 + "xy")).gets(refused(Code.INVALID, id=5))


def test_a_password_of_256_characters_is_taken() -> None:
    desk = open_desk()
    long = ("seven kelp lanterns drift " * 10)[:256]
    sets_password(desk.meets("Alice"), long)
    desk.connects("phone").hello().logs_in("Alice", password=long).gets_welcome()
    phone = desk.connects("another").hello().logs_in("Alice", password=long[:-1])
    phone.gets(refused(Code.BAD_CREDENTIALS, id=2))


def test_a_password_is_the_same_however_a_keyboard_writes_its_accents() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"), "caf\u00e9 lantern kelp")
    phone = desk.connects("phone").hello()
    phone.logs_in("Alice", password="cafe\u0301 lantern kelp").gets_welcome()


def test_a_new_password_takes_the_place_of_the_old_one() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    sets_password(alice, "driftwood over marzipan")
    phone = desk.connects("phone").hello()
    phone.logs_in("Alice", password=PASSWORD).gets(refused(Code.BAD_CREDENTIALS, id=2))
    phone.logs_in("Alice", password="driftwood over marzipan").gets_welcome()


@pytest.mark.parametrize("registration", ["open", "invite", "closed"])
@pytest.mark.parametrize("name", ["Alice", "Bob", "Nobody", "AIice"])
def test_a_guesser_gets_one_answer_whether_there_is_the_name_or_a_password_or_not(
    registration: Registration, name: str
) -> None:
    desk = Desk(replace(SETTINGS, passwords=CHEAP))
    sets_password(desk.meets("Alice"))
    desk.meets("Bob")
    desk.core.reconfigure(replace(SETTINGS, passwords=CHEAP, registration=registration))
    desk.passwords_wait = True
    mallory = desk.connects("Mallory").hello().logs_in(name, password="wrong")
    [task] = desk.passwords
    assert isinstance(task, Verify)
    desk.hashes_passwords()
    [error] = mallory.unread
    assert error == refused(Code.BAD_CREDENTIALS, id=2)
    assert mallory.key not in {device.key for device in desk.store.devices.values()}


def test_a_session_waits_for_its_password_and_says_only_hello_and_ping_meanwhile() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    phone.sends(Ping(7)).gets(Pong(7))
    phone.logs_in("Alice", id=8).gets(refused(Code.LOGIN_REQUIRED, id=8))
    desk.hashes_passwords()
    assert phone.gets_welcome().id == 2


def test_a_session_that_begins_anew_hears_nothing_of_the_password_it_sent_before() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    phone.sends(Hello(9, [1])).forgets()
    desk.hashes_passwords()
    phone.gets()
    assert [device.key for device in desk.store.devices.values()] == [key_of("Alice")]
    phone.logs_in("Carol", id=3).gets_welcome()


def test_a_session_tries_again_when_another_password_was_set_while_it_waited() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    waiting = desk.passwords[:]
    desk.passwords.clear()
    desk.passwords_wait = False
    sets_password(alice, "driftwood over marzipan")
    desk.passwords += waiting
    desk.hashes_passwords()
    phone.gets(refused(Code.BUSY, id=2, retry_after=BUSY_SECONDS))
    phone.logs_in("Alice", password=PASSWORD).gets(refused(Code.BAD_CREDENTIALS, id=2))


def test_a_new_password_stays_when_the_old_one_is_hashed_anew_at_the_same_time() -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    desk.core.reconfigure(RAISED)
    desk.stalls()
    alice.sends(Post(1, LOBBY, "a batch in flight"))
    alice.sends(SetPassword(6, "driftwood over marzipan"))
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    desk.goes_on()
    phone.gets_welcome()
    tablet = desk.connects("tablet").hello()
    tablet.logs_in("Alice", password=PASSWORD).gets(refused(Code.BAD_CREDENTIALS, id=2))
    tablet.logs_in("Alice", password="driftwood over marzipan").gets_welcome()


def test_a_password_that_was_right_is_wrong_when_the_name_is_given_free_before_the_disk_has_it() -> (
    None
):
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    desk.stalls()
    alice.sends(Post(1, LOBBY, "a batch in flight"))
    desk.decrees(Release(1, "Alice"))
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    phone.gets()
    desk.goes_on()
    phone.gets(refused(Code.BAD_CREDENTIALS, id=2))
    assert phone.logs_in("Alice").gets_welcome().created


def test_a_password_is_hashed_anew_at_a_login_when_the_parameters_were_raised() -> None:
    desk = open_desk()
    sets_password(desk.meets("Alice"))
    desk.core.reconfigure(RAISED)
    desk.connects("phone").hello().logs_in("Alice", password=PASSWORD).gets_welcome()
    assert ",t=2," in desk.store.accounts[1].password
    desk.connects("tablet").hello().logs_in("Alice", password=PASSWORD).gets_welcome()


def test_a_person_sets_one_password_at_a_time() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.passwords_wait = True
    alice.sends(SetPassword(5, PASSWORD), SetPassword(6, "driftwood over marzipan"))
    alice.gets(refused(Code.BUSY, id=6, retry_after=HASHING_SECONDS))
    desk.hashes_passwords()
    alice.gets(Done(5))


def test_a_password_is_busy_when_64_wait_and_no_try_is_counted() -> None:
    desk = open_desk(limits=Limits(hashes_waiting=2, password_tries_burst=1))
    alice = sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    for n in range(2):
        desk.connects(f"guesser {n}").hello().logs_in(f"Bob{n}", password="wrong").gets()
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    phone.gets(refused(Code.BUSY, id=2, retry_after=HASHING_SECONDS))
    alice.sends(SetPassword(5, PASSWORD))
    alice.gets(refused(Code.BUSY, id=5, retry_after=HASHING_SECONDS))
    desk.passwords_wait = False
    desk.hashes_passwords()
    phone.logs_in("Alice", password=PASSWORD).gets_welcome()


def test_what_waits_for_a_lost_session_counts_until_it_is_hashed() -> None:
    desk = open_desk(limits=Limits(hashes_waiting=1))
    desk.passwords_wait = True
    desk.connects("guesser").hello().logs_in("Bob", password="wrong").vanishes()
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    phone.gets(refused(Code.BUSY, id=2, retry_after=HASHING_SECONDS))
    desk.hashes_passwords()
    phone.logs_in("Alice", password=PASSWORD).gets()
    assert len(desk.core.context.hashing) == 1


def test_whoever_loses_connection_after_connection_while_their_password_is_checked_comes_in() -> (
    None
):
    desk = open_desk(limits=Limits(password_tries_burst=1, address_tries_burst=1))
    sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    for _ in range(2):
        desk.connects("phone").hello().logs_in("Alice", password=PASSWORD).vanishes()
        desk.hashes_passwords()
    phone = desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    desk.hashes_passwords()
    phone.gets_welcome()


@pytest.mark.parametrize("what", ["login", "change"])
def test_a_person_tries_again_when_the_hasher_failed(what: str) -> None:
    desk = open_desk()
    alice = sets_password(desk.meets("Alice"))
    desk.passwords_wait = True
    person = alice if what == "change" else desk.connects("phone").hello()
    if what == "change":
        person.sends(SetPassword(2, PASSWORD))
    else:
        person.logs_in("Alice", password=PASSWORD)
    fails_to_hash(desk)
    person.gets(refused(Code.BUSY, id=2, retry_after=HASHING_SECONDS))
    desk.passwords_wait = False
    if what == "change":
        person.sends(SetPassword(3, PASSWORD)).gets(Done(3))
    else:
        person.logs_in("Alice", password=PASSWORD).gets_welcome()


def test_a_session_that_logs_out_while_its_password_is_hashed_sets_none() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.passwords_wait = True
    desk.stalls()
    alice.sends(SetPassword(5, PASSWORD), Logout(6)).forgets()
    desk.hashes_passwords()
    desk.goes_on()
    alice.gets(Bye(6))
    assert not desk.store.accounts[1].password


def test_no_password_is_in_a_repr() -> None:
    desk = open_desk()
    alice = desk.meets("Alice")
    desk.passwords_wait = True
    alice.sends(SetPassword(5, PASSWORD))
    desk.connects("phone").hello().logs_in("Alice", password=PASSWORD)
    shown = [repr(task) for task in desk.passwords]
    shown += map(repr, desk.core.context.hashing.values())
    shown += [
        repr(SetPassword(5, PASSWORD)),
        repr(Login(1, "Alice", bytes(32), bytes(16), password=PASSWORD)),
    ]
    desk.hashes_passwords()
    shown += [repr(submission) for batch in desk.batches for submission in batch.submissions]
    hash = desk.store.accounts[1].password
    assert hash
    assert not [text for text in shown if PASSWORD in text or hash in text]
