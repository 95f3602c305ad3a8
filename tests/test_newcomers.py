"""Into a chat that one's key does not open: invite codes, links with a code, passwords, codes for another device. By real processes."""

import re
import signal

import pytest
from tests.operating import appoint, invite_code
from tests.processes import CLIENT, OnTerminal, Program, ThroughPipes, Town

from hubbub.client import Client, door
from hubbub.client.home import Home
from hubbub.common.addresses import parse
from hubbub.common.links import JoinLink

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"
INVITE = "Enter invite code: "
SECRET = "Enter password or link code: "


@pytest.fixture
def by_invitation(town: Town) -> Town:
    town.broker("--registration", "invite")
    return town


@pytest.fixture
def alice(town: Town) -> Client:
    """She has a password, and a broker that is open."""
    town.broker()
    with Client(town.address, name="Alice", home=town.home("Alice")) as alice:
        alice.account.set_password(PASSWORD)
    return alice


def link(town: Town, code: str) -> str:
    address = parse(town.address)
    return str(JoinLink(address, door.ask(address).key, code))


def welcomed(person: Program, name: str) -> None:
    person.sees(f"Registration successful. Welcome to the chat, {name}!")
    person.types("/exit")
    assert person.ends() == 0


def ends_with_one_line(person: Program, *texts: str) -> None:
    """It ends with exit code 1 and one complaint, which has these texts."""
    assert person.ends() == 1
    [complaint] = [line for line in person.lines if line.startswith("hubbub: ")]
    for text in texts:
        assert text in complaint


def test_a_person_is_asked_for_an_invite_code_until_one_is_good(by_invitation: Town) -> None:
    bob = by_invitation.on_terminal("Bob", by_invitation.address)
    bob.sees("Enter your name: ")
    bob.types("Bob")
    bob.sees("newcomers need an invite code here", INVITE)
    bob.types("no code")
    bob.sees("a code has 16 letters", INVITE)
    bob.types("aaaa-aaaa-aaaa-aaaa")
    bob.sees("this code is not good", INVITE)
    bob.types(invite_code(by_invitation.data).upper().replace("-", " "))
    welcomed(bob, "Bob")
    again = by_invitation.on_terminal("Bob", by_invitation.address, "--name", "Bob")
    welcomed(again, "Bob")
    assert INVITE not in again.transcript()


def test_a_person_who_guesses_is_let_go_after_three_codes(by_invitation: Town) -> None:
    mallory = by_invitation.on_terminal("Mallory", by_invitation.address, "--name", "Mallory")
    for _ in range(3):
        mallory.sees(INVITE)
        mallory.types("aaaa-aaaa-aaaa-aaaa")
    ends_with_one_line(mallory, "this code is not good")


def test_a_pipe_gives_its_invite_code_where_it_is_asked(by_invitation: Town) -> None:
    code = invite_code(by_invitation.data)
    bob = by_invitation.through_pipes("Bob")
    host, _, port = by_invitation.address.rpartition(":")
    bob.types(host, port, "Bob", code, "hello", "/exit")
    assert bob.ends() == 0
    assert bob.lines == [
        f"Enter server IP: {host}",
        f"Enter server port: {port}",
        "Enter your name: Bob",
        f"Enter invite code: {code}",
        "Registration successful. Welcome to the chat, Bob!",
    ]


@pytest.mark.parametrize("said", [["hello everybody"], []], ids=["a line", "nothing"])
def test_a_pipe_without_a_code_is_told_that_it_needs_one(
    by_invitation: Town, said: list[str]
) -> None:
    bob = by_invitation.through_pipes("Bob", by_invitation.address, "--name", "Bob")
    bob.types(*said)
    bob.end_of_input()
    ends_with_one_line(bob, "newcomers need an invite code")


@pytest.mark.parametrize("words", [["{link}"], ["{address}", "--code", "{code}"]])
def test_a_link_with_a_code_or_an_option_answers_the_question(
    by_invitation: Town, words: list[str]
) -> None:
    code = invite_code(by_invitation.data)
    known = {"link": link(by_invitation, code), "address": by_invitation.address, "code": code}
    bob = by_invitation.on_terminal("Bob", *(w.format(**known) for w in words), "--name", "Bob")
    welcomed(bob, "Bob")
    assert INVITE not in bob.transcript()


def test_a_used_link_is_asked_for_another_code(by_invitation: Town) -> None:
    used = link(by_invitation, "aaaa-aaaa-aaaa-aaaa")
    bob = by_invitation.on_terminal("Bob", used, "--name", "Bob")
    bob.sees("this code is not good", INVITE)
    bob.types(invite_code(by_invitation.data))
    welcomed(bob, "Bob")


def test_an_invite_is_kept_for_another_name(by_invitation: Town) -> None:
    with Client(
        by_invitation.address,
        name="Alice",
        home=by_invitation.home("Alice"),
        code=invite_code(by_invitation.data),
    ):
        pass
    bob = by_invitation.on_terminal("Bob", by_invitation.address)
    bob.sees("Enter your name: ")
    bob.types("Alice")
    bob.sees(INVITE)
    bob.types(invite_code(by_invitation.data))
    bob.sees("Alice", "Enter alone: another name.", SECRET)
    bob.types("")
    bob.sees("Enter your name: ")
    bob.types("Bob")
    welcomed(bob, "Bob")


def test_an_invite_made_in_the_chat_lets_one_in(by_invitation: Town) -> None:
    code = invite_code(by_invitation.data)
    alice = by_invitation.on_terminal(
        "Alice", by_invitation.address, "--name", "Alice", "--code", code
    )
    alice.sees("Welcome to the chat, Alice!")
    alice.types("/invite")
    alice.sees("you may not make invite codes for newcomers")
    appoint(by_invitation.data, "Alice")
    alice.sees("You are an owner now, made so by the operator.")
    alice.types("/invite qr")
    invited = alice.sees_match(r"hubbub chat (hubbub://\S+)")[1]
    alice.sees("an invite code is asked for, by", "from this machine only", "█▀")
    welcomed(by_invitation.on_terminal("Bob", invited, "--name", "Bob"), "Bob")


# Another device


def test_a_person_comes_in_from_another_device_by_a_password_that_nobody_sees(
    town: Town, alice: Client
) -> None:
    phone = town.on_terminal("phone", town.address)
    phone.sees("Enter your name: ")
    phone.types("alice")
    phone.sees("the name Alice belongs to somebody else", SECRET)
    phone.types("wrong horse")
    phone.sees("the password is wrong", SECRET)
    phone.types(PASSWORD)
    welcomed(phone, "Alice")
    for secret in ("horse", "wrong h"):
        assert secret not in phone.transcript()
    welcomed(town.on_terminal("phone", town.address, "--name", "Alice"), "Alice")


@pytest.mark.parametrize(
    ("registration", "told"),
    [("invite", "newcomers need an invite code"), ("closed", "takes no newcomers")],
)
def test_a_password_lets_in_where_newcomers_are_not(
    town: Town, registration: str, told: str
) -> None:
    first = town.broker()
    with Client(town.address, name="Alice", home=town.home("Alice")) as alice:
        alice.account.set_password(PASSWORD)
    first.signal(signal.SIGTERM)
    assert first.ends() == 0
    town.broker("--registration", registration, bind=town.address)
    phone = town.on_terminal("phone", town.address, "--name", "Alice")
    phone.sees(told)
    if registration == "invite":
        phone.sees("Enter alone: the name is yours already, and has a password.", INVITE)
        phone.types("")
    phone.sees(SECRET)
    phone.types(PASSWORD)
    welcomed(phone, "Alice")
    mallory = town.on_terminal("Mallory", town.address, "--name", "Mallory")
    mallory.sees(told)
    mallory.types(*[""] * (2 if registration == "invite" else 1))
    assert mallory.ends() == 1
    assert mallory.transcript().count(told) == 1


def test_a_link_code_lets_a_device_in_once(town: Town, alice: Client) -> None:
    desk = town.on_terminal("Alice", town.address, "--name", "Alice")
    desk.sees("Welcome to the chat, Alice!")
    desk.types("/link")
    desk.sees("Once, within 10 minutes, another device may use your name by")
    words = desk.sees_match(r"hubbub chat (hubbub://\S+) --name (\S+)")
    code = desk.sees_match(r"by ([a-z2-7-]{19})")[1]
    phone = town.on_terminal("phone", town.address, "--name", words[2])
    phone.sees(SECRET)
    phone.types(code)
    welcomed(phone, "Alice")
    tablet = town.on_terminal("tablet", words[1], "--name", words[2])
    tablet.sees("this code is not good", INVITE)
    tablet.types("")
    tablet.sees(SECRET)
    tablet.types("")
    assert tablet.ends() == 1
    desk.types("/devices", "/devices remove 2", "/devices remove 2")
    desk.sees("  1  ", "this device", "  2  ")
    desk.sees("Device 2 may use your name no longer.", "you have no device 2")


def test_a_pipe_is_not_taken_for_somebody_who_knows_the_password(town: Town, alice: Client) -> None:
    job = town.through_pipes("job", town.address, "--name", "Alice")
    job.types(PASSWORD)
    job.end_of_input()
    ends_with_one_line(job, "the name Alice belongs to somebody else")
    assert PASSWORD not in job.transcript()


def test_a_pipe_that_is_asked_for_its_name_is_asked_for_the_password_too(
    town: Town, alice: Client
) -> None:
    phone = town.through_pipes("phone", town.address)
    phone.types("Alice", PASSWORD, "/exit")
    assert phone.ends() == 0
    assert phone.lines == [
        "Enter your name: Alice",
        "Enter password or link code: ",
        "Registration successful. Welcome to the chat, Alice!",
    ]


def test_the_banned_are_told_why_in_one_line(town: Town, alice: Client) -> None:
    with Client(town.address, name="Alice", home=town.home("Alice")) as chat:
        appoint(town.data, "Alice")
        bob = town.through_pipes("Bob", town.address, "--name", "Bob")
        bob.sees("Welcome to the chat, Bob!")
        chat.moderation.ban("account", "Bob", reason="spam")
        ends_with_one_line(bob, "banned", "spam")
        for kind in (ThroughPipes, OnTerminal):
            again = town.start(kind, *CLIENT, town.address, "--name", "Bob", who="Bob")
            ends_with_one_line(again, "banned", "spam")
            assert len(again.lines) == 1


def test_a_banned_device_is_told_so_before_its_patience_ends(town: Town, alice: Client) -> None:
    appoint(town.data, "Alice")
    key = Home(town.home("Bob")).device_key().public.hex()
    with Client(town.address, name="Alice", home=town.home("Alice")) as chat:
        chat.moderation.ban("key", key)
    bob = town.through_pipes("Bob", town.address, "--name", "Bob")
    bob.end_of_input()
    ends_with_one_line(bob, "lets nobody in from here: this device or address is banned")


def test_a_new_password_is_asked_for_twice_and_seen_nowhere(town: Town) -> None:
    town.broker()
    alice = town.on_terminal("Alice", town.address, "--name", "Alice")
    alice.sees("Welcome to the chat, Alice!")
    for first, second, told in (
        (PASSWORD, "another horse", "That was not the same twice"),
        ("password1", "password1", "too easily guessed"),
        ("", None, "Your password is as it was."),
        (PASSWORD, PASSWORD, "Your password is set."),
    ):
        alice.types("/password")
        alice.sees("New password: ")
        alice.types(first)
        if second is not None:
            alice.sees("The same again: ")
            alice.types(second)
        alice.sees(told)
    alice.types("this is seen", "/exit")
    assert alice.ends() == 0
    assert "this is seen" in alice.transcript()
    assert not re.search("horse|password1", alice.transcript())
    phone = town.on_terminal("phone", town.address, "--name", "Alice")
    phone.sees(SECRET)
    phone.types(PASSWORD)
    welcomed(phone, "Alice")


def test_a_pipe_sets_a_password_by_the_lines_behind_the_command(town: Town) -> None:
    town.broker()
    alice = town.through_pipes("Alice", town.address, "--name", "Alice")
    alice.types("/password", PASSWORD, PASSWORD, "/password", PASSWORD)
    alice.end_of_input()
    assert alice.ends() == 0
    assert PASSWORD not in alice.transcript()
    alice.sees("New password: ", "The same again: ", "Your password is set.", "New password: ")
