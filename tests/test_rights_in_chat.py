"""Roles, restraints and settings as people meet them on their terminals, by real processes."""

import re

import pytest
from tests.live import OnLiveTerminal
from tests.operating import appoint
from tests.processes import CLIENT, OnTerminal, ThroughPipes, Town
from tests.test_documents import block

from hubbub.client import Client
from hubbub.common.links import parse_link

pytestmark = pytest.mark.slow

PASSWORD = "correct horse battery staple"


def enters(town: Town, name: str) -> OnLiveTerminal:
    person = town.start(OnLiveTerminal, *CLIENT, town.address, "--name", name, who=name)
    person.shows(rf"Welcome to the\s+chat, {name}!", r"^lobby · \d+ online · /help$")
    return person


@pytest.fixture
def carol(town: Town) -> Client:
    """She owns the chat and the room tea, and has not closed her client: the fixture of the broker does."""
    town.broker()
    with Client(town.address, name="Carol", home=town.home("Carol")) as carol:
        carol.create("tea")
        appoint(town.data, "Carol")
    return carol


@pytest.fixture
def owner(town: Town, carol: Client) -> OnTerminal:
    """Carol at her terminal."""
    terminal = town.on_terminal("Carol", town.address, "--name", carol.name)
    terminal.sees("Welcome to the chat, Carol!")
    return terminal


def test_whoever_is_put_out_of_a_room_is_led_to_the_lobby(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    bob.types("/join tea")
    bob.shows("^tea · 2 online")
    bob.keys("half a li")
    owner.types("/join tea", "/kick Nobody", "/kick @Bob 30m too much spam")
    owner.sees("You talk in tea now.", "nobody here is called 'Nobody'")
    owner.sees("Bob is out of tea, and may not come back for 30 minutes.")
    bob.shows(
        r"^You were put out of tea by Carol: too much spam\nYou talk in lobby now.\nhalf a li\nlobby · 2"
    )
    bob.keys("\x03")
    bob.types("/join tea")
    bob.shows(r"^/join tea\nBob was put out of tea, until ")


def test_a_line_that_may_not_be_said_is_shown_as_not_sent(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    owner.types("/mute Bob 10m spam")
    owner.sees("Bob is muted in lobby for 10 minutes.")
    bob.shows(r"^You are muted in lobby until .*\d\d:\d\d by Carol: spam$")
    bob.types("but why?")
    bob.shows(r"^but why\?  ✗ not sent\nNot sent: “but why\?”: you are muted in lobby until \d{4}")
    bob.types("@Carol: I may write to you")
    owner.sees("Private message from Bob: I may write to you")
    owner.types("/who lobby", "/unmute Bob")
    owner.sees("Bob (muted)", "Bob may speak in lobby again.")
    bob.shows("^You may speak in lobby again.$")
    bob.types("thanks")
    owner.sees("Bob: thanks")


def test_the_settings_of_a_room_are_shown_changed_and_told(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    bob.types("/join tea", "/room private")
    bob.shows("you may not change the room's settings")
    owner.types("/join tea", "/room", "/room read-only slow 10s description Leaves only")
    owner.sees("tea: public, everybody writes", "You are an owner of tea.")
    owner.sees("tea: public, only moderators write, one message in 10 seconds")
    owner.sees("Description: Leaves only")
    bob.shows(
        r"^tea is read-only and slow \(a message in 10 seconds\) now; tea is described so:\s+Leaves only.$"
    )
    bob.types("a word")
    bob.shows(r"^Not sent: “a word”: only moderators post in tea$")
    owner.types("/role Bob moderator")
    owner.sees("Bob has the role moderator in tea now.")
    bob.shows(r"^You are a moderator of tea now, made so by Carol.$")
    bob.types("a word now")
    owner.sees("Bob: a word now")


def test_a_private_room_is_made_and_entered_by_invitation(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    owner.types("/create den private since-joined For few", "/invite Bob", "/add Bob")
    owner.sees("You have created den and talk in it now.", "Bob is invited to den.")
    bob.shows(r"^Carol invites you to den; /join den takes you there.$")
    owner.sees("Bob is a member of den now.")
    bob.shows(r"^You are a member of den now; /join den takes you there.$")
    bob.types("/join den", "/rooms")
    bob.shows(r"^den    \(2 members, you talk here, private\) For few$")
    assert bob.transcript().count("You are a member of den") == 1
    mallory = enters(town, "Mallory")
    mallory.types("/join den")
    mallory.shows("^den is private: one of its moderators would have to invite you$")


def test_a_command_to_be_copied_is_cut_by_nothing_but_the_edge(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice")
    alice.types("/link")
    alice.shows(r"^or, where it is asked for a password or code, by ")
    [first, second] = re.findall(
        r"^    hubbub chat (.{64})\n(\S+ --name Alice)$", alice.screen(), re.MULTILINE
    )[0]
    assert parse_link(f"{first}{second.partition(' ')[0]}").code


def test_what_one_may_not_do_is_offered_only_on_request(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    bob.types("/help")
    bob.shows(r"^/exit +leave the chat$")
    assert "/kick" not in bob.transcript()
    bob.keys("/ba\t")
    bob.shows("^/back ?$")
    bob.keys("\x03")
    owner.types("/role Bob moderator")
    bob.shows("^You are a moderator now, made so by Carol.$")
    bob.keys("/ban\t")
    bob.shows(r"^/ban\nban  bans")
    bob.keys("\x03")
    bob.types("/help all")
    bob.shows(r"^/lockdown \[LEVEL\] +say who may come and speak$")


def test_the_chat_is_defended_and_the_owners_can_read_how(town: Town, owner: OnTerminal) -> None:
    town.chats(ThroughPipes, "Bob")
    owner.types("/ban Bob 2d spam", "/ban 192.0.2.0/24", "/bans", "/unban Bob")
    owner.sees("Bob is banned for 2 days.", "Bob until", "by Carol: spam")
    owner.sees("the network 192.0.2.0/24 by Carol.", "Bob is banned no longer.")
    owner.types("/lockdown no-new-accounts", "/lockdown")
    owner.sees("Lockdown: no-new-accounts.", "Lockdown: no-new-accounts.")
    for deed in (
        "[audit] Carol banned the account Bob until",
        "[audit] Carol banned the network 192.0.2.0/24.",
        "[audit] Carol lifted the ban of the account Bob.",
        "[audit] Carol set the lockdown to no_new_accounts.",
    ):
        assert deed in owner.transcript()
    later = town.start(OnLiveTerminal, *CLIENT, town.address, "--name", "Carol", who="Carol")
    later.shows(r"^lobby · \d online")
    later.types("/join audit")
    later.shows(
        r"^─── earlier in audit ───\nThe operator made Carol owner of the chat.\n"
        r"Carol banned the account Bob until [^─]*\n"
        r"Carol set the lockdown to no_new_accounts.\n─── now ───$"
    )
    later.types("/history 1", "hello")
    later.shows(r"^─── the last entries of audit ───\nCarol set the lockdown to no_new_accounts.\n")
    later.shows("^Not sent: “hello”: only moderators post in audit$")


def test_a_new_password_is_masked_and_kept_out_of_the_line(town: Town, owner: OnTerminal) -> None:
    bob = enters(town, "Bob")
    bob.types("/password")
    bob.shows(r"^New password:\nnobody sees it; Enter alone gives up$")
    bob.keys(f"{PASSWORD} oops\x17\x7f")  # Ctrl-W takes a word back
    bob.shows(rf"^New password: \*{{{len(PASSWORD)}}}$")
    owner.types("@Bob: meanwhile")
    bob.shows(r"^Private message from Carol: meanwhile\nNew password: \*+$")
    bob.enter()
    bob.shows("^The same again:$")
    bob.types(PASSWORD)
    bob.shows("^Your password is set.", r"^\nlobby · 2 online")
    bob.keys("\x1b[A")  # the line before this one
    bob.shows(r"^/password\nlobby")
    bob.keys("\x03\x19")  # clear, and what was taken back
    bob.types("nothing to see")
    owner.sees("Bob: nothing to see")
    for secret in ("horse", "oops"):
        assert secret not in bob.raw()


@pytest.mark.parametrize("key", ["\r", "\x03", "\x04"], ids=["enter", "ctrl-c", "ctrl-d"])
def test_whoever_thinks_better_of_a_password_goes_on_chatting(
    town: Town, owner: OnTerminal, key: str
) -> None:
    bob = enters(town, "Bob")
    bob.types("/password")
    bob.shows("^New password:")
    if key != "\r":
        bob.keys("half a sec")
        bob.shows(r"^New password: \*{10}$")
    bob.keys(key)
    bob.shows(r"^Your password is as it was.\n\nlobby")
    bob.types("still here")
    owner.sees("Bob: still here")


def test_a_password_is_forgotten_when_the_broker_is_gone_meanwhile(town: Town) -> None:
    broker = town.broker()
    bob = enters(town, "Bob")
    bob.types("/password")
    bob.shows("^New password:")
    bob.keys(PASSWORD)
    broker.kill()
    bob.shows("^Connection lost")
    bob.enter()
    bob.shows(r"^The broker is out of reach: your password is as it was.\n\nlobby")


def test_a_password_behind_its_command_is_not_kept_on_the_screen(
    town: Town, owner: OnTerminal
) -> None:
    bob = enters(town, "Bob")
    bob.types(f"/password {PASSWORD}")
    bob.shows(r"^/password\nWrite /password: set one")
    assert "horse" not in bob.transcript()
    bob.keys("\x1b[A")
    bob.types("seen")
    owner.sees("Bob: seen")


@pytest.mark.parametrize("kind", [OnLiveTerminal, OnTerminal])
def test_whoever_is_put_out_of_the_chat_is_told_and_the_terminal_given_back(
    town: Town, owner: OnTerminal, kind: type[OnTerminal]
) -> None:
    bob = town.start(kind, *CLIENT, town.address, "--name", "Bob", who="Bob")
    bob.sees("Welcome to the chat, Bob!")
    bob.types("/password")
    bob.sees("New password:")
    assert not bob.echoes
    owner.types("/kick Bob enough")
    owner.sees("Bob is out of the chat.")
    assert bob.ends() == 1
    assert "hubbub: Carol put you out of the chat: enough" in bob.transcript()
    assert bob.echoes


def masked(lines: list[str], town: Town) -> str:
    """Leave the address, key and codes out, which differ from run to run, and the ends of lines, where a long one goes on in the next row."""
    codes = r"[a-z2-7]{4}(?:-[a-z2-7]{4}){3}|(?<=/)[a-z2-7]{16}(?= )|(?<=/)[a-z2-7]{52}(?=/)"
    text = "".join(line.rstrip() for line in lines)
    return re.sub(codes, "…", text.replace(town.address, "127.0.0.1:5000"))


def test_people_see_what_the_readme_shows_of_names_and_rights(town: Town) -> None:
    town.broker()
    alice = town.on_terminal("Alice", town.address, "--name", "Alice")
    alice.sees("Welcome to the chat, Alice!")
    alice.types("/link")
    alice.sees("put the broker's own address in its place.")
    alice.types("/password")
    for question in ("New password:", "The same again:"):
        alice.sees(question)
        alice.types(PASSWORD)
    alice.sees("asks for it.")
    start = "$ hubbub chat 127.0.0.1:5000 --name Alice\nRegistration successful. Welcome to the chat, Alice!\n"
    shown = block("README.md", "text", f"{start}/link")[1:]
    assert masked(alice.lines, town) == masked(shown, town)
    alice.types("/exit")
    assert alice.ends() == 0

    alice = town.on_terminal("Alice", town.address, "--name", "Alice")
    mallory = town.through_pipes("Mallory", town.address, "--name", "Mallory")
    for person in (alice, mallory):
        person.sees("Welcome to the chat")
    alice.types("/join tea")
    alice.sees("talk in it now.")
    mallory.types("/join tea", "BUY NOW")
    alice.sees("Mallory: BUY NOW")
    for line, answer in (
        ("/mute Mallory 10m spam", "for 10 minutes."),
        ("/kick Mallory 2h more spam", "for 2 hours."),
        ("/room slow 10s", "You are an owner of tea."),
    ):
        alice.types(line)
        alice.sees(answer)
    shown = block("README.md", "text", f"{start}/join tea")[1:]
    news = "Mallory has joined the chat."
    assert [line for line in alice.lines if line != news] == shown
