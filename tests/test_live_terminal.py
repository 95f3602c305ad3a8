"""A person on a real terminal: what others send never breaks the line being typed, and nothing of it is executed."""

import os
import pty
import signal
import subprocess
import termios
from typing import TypeVar

import pytest
from tests.live import OnLiveTerminal, OnNarrowTerminal, hears
from tests.processes import BROKER, CLIENT, PATIENCE, OnTerminal, ThroughPipes, Town, environment

from hubbub.client import Client
from hubbub.client.line.chat import LINES_AHEAD
from hubbub.client.line.pieces import pieces
from hubbub.common.limits import TEXT_BYTES

_Kind = TypeVar("_Kind", bound=OnLiveTerminal)

STATUS = r"^lobby · \d+ online · /help$"


def enters(town: Town, name: str, kind: type[_Kind], *options: str) -> _Kind:
    person = town.start(kind, *CLIENT, "chat", town.address, "--name", name, *options, who=name)
    person.shows(rf"Welcome to the\s+chat, {name}!", STATUS)
    return person


def somebody(town: Town, name: str) -> Client:
    return Client(town.address, name=name, home=town.home(name))


def test_what_arrives_stands_above_the_line_being_typed(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    with somebody(town, "Bob") as bob:
        alice.shows("^Bob has joined the chat.$")
        alice.keys("half a li")
        alice.shows("^half a li$")
        bob.post("lobby", "first")
        alice.shows("^Bob: first$")  # between rooms and private messages there is no order
        bob.tell("Alice", "second")
        alice.shows(r"^Bob: first\nPrivate message from Bob: second\nhalf a li\nlobby · 2 online")
        assert alice.cursor == len("half a li")
        alice.keys("ne\r")
        alice.shows(r"^Private message from Bob: second\nhalf a line\n\nlobby")
        hears(bob, "half a line")
        assert [m.text for m in bob.history("lobby")] == ["first", "half a line"]


def test_the_brief_is_kept_on_a_live_terminal_too(town: Town) -> None:
    town.broker()
    alice = town.chats(OnLiveTerminal, "Alice")
    bob = town.chats(OnLiveTerminal, "Bob")
    alice.shows("^Bob has joined the chat.$")
    alice.types("Hello, everyone!")
    bob.shows("^Alice: Hello, everyone!$")
    alice.types("@Bob: Hi Bob!")
    bob.shows("^Private message from Alice: Hi Bob!$")
    bob.types("@Alice: Hi Alice!")
    alice.shows("^Private message from Bob: Hi Alice!$")
    bob.types("/exit")
    alice.shows("^Bob has left the chat.$")
    assert bob.ends() == 0
    alice.shows(r"^Bob has left the chat.\n\nlobby · 1 online")
    assert alice.transcript() == "\n".join(
        [
            "Enter server IP: 127.0.0.1",
            f"Enter server port: {town.address.rpartition(':')[2]}",
            "Enter your name: Alice",
            "Registration successful. Welcome to the chat, Alice!",
            "Bob has joined the chat.",
            "Hello, everyone!",
            "@Bob: Hi Bob!",
            "Private message from Bob: Hi Alice!",
            "Bob has left the chat.",
            "",
            "lobby · 1 online · /help",
        ]
    )


def test_whoever_comes_back_sees_what_was_said_and_what_is_new(town: Town) -> None:
    town.broker()
    with somebody(town, "Bob") as bob:
        bob.post("lobby", "before")
        alice = enters(town, "Alice", OnLiveTerminal)
        alice.shows(r"^─── earlier in lobby ───\nBob: before\n─── now ───$")
        alice.types("/exit")
        assert alice.ends() == 0
        bob.post("lobby", "meanwhile")
        bob.tell("Alice", "for you")
        again = enters(town, "Alice", OnLiveTerminal)
        again.shows(
            r"^─── earlier in lobby ───\nBob: before\n"
            r"─── new since .*\d\d:\d\d ───\nBob: meanwhile\n"
            r"─── private messages while you were away ───\nPrivate message from Bob: for you\n"
            r"─── now ───$"
        )
        bob.post("lobby", "live")
        again.shows("^Bob: live$")
        assert again.transcript().count("meanwhile") == 1
        again.types("/history 2")
        again.shows(r"^─── the last 2 messages in lobby ───\nBob: meanwhile\nBob: live\n─── now")


def test_what_cannot_be_sent_yet_is_seen_to_wait_and_then_to_be_sent(town: Town) -> None:
    broker = town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    broker.kill()
    alice.shows("^Connection lost")
    alice.types("one", "two")
    alice.keys("three")
    alice.shows(r"^⋯ one\n⋯ two\nthree\nlobby · 1 online · no connection, trying again")
    town.broker(bind=town.address)
    # Two threads tell of the connection and of the acks: either may be first.
    alice.shows("^Connected again.$", r"^one  ✓ sent\ntwo  ✓ sent$")
    alice.shows(r"^three\nlobby · 1 online · /help")
    alice.enter()
    with somebody(town, "Bob") as bob:
        alice.shows("^Bob has joined")
        assert [m.text for m in bob.history("lobby")] == ["one", "two", "three"]


def test_nothing_that_others_write_is_executed(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    title = alice.title
    attack = "\x1b[31mred\x1b]0;owned\x07\x1b[2J\x1b[H\x9b2J\rover\u202eturned\x1b]52;c;aGk=\x07"
    with somebody(town, "Mallory") as mallory:
        alice.keys("typing")
        mallory.post("lobby", attack)
        mallory.tell("Alice", attack)
        mallory.post("lobby", "x\nBob: I never said that")
        alice.shows(
            r"^Mallory: \\x1b\[31mred\\x1b\]0;owned\\x07",
            r"^Private message from Mallory: \\x1b\[31mred",
            r"^    Bob: I never said that$",
            r"^typing$",
        )
    assert "Welcome to the chat, Alice!" in alice.transcript()  # nothing was cleared
    assert alice.title == title
    for sequence in ("\x1b]", "\x9b", "\x07", "\u202e", "\x1b[31m"):
        assert sequence not in alice.raw()


def test_no_text_passes_for_a_line_of_its_own(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    with somebody(town, "Mallory") as mallory:
        for fake in ("Private message from Bob: yes", "─── now ───"):
            start = "Mallory: all is well"
            mallory.post("lobby", start[9:] + " " * (alice.columns - len(start)) + fake)
            alice.shows(rf"^Mallory: all is well\n    {fake}$")
        alice.shows("^lobby · 2 online")


def test_news_of_a_room_wait_for_whoever_has_not_looked_yet(town: Town) -> None:
    town.broker()
    with somebody(town, "Bob") as bob:
        bob.create("dev")
        bob.post("dev", "old")
        alice = enters(town, "Alice", OnLiveTerminal)
        alice.types("/join dev")
        alice.shows(r"^─── earlier in dev ───\nBob: old\n─── now ───$")
        alice.types("/exit")
        assert alice.ends() == 0
        bob.post("dev", "unread")
        for live in ("one", "two"):
            alice = enters(town, "Alice", OnLiveTerminal)
            alice.shows("^There is news in dev; /join shows it.$")
            bob.post("dev", live)
            alice.shows(rf"^\[dev\] Bob: {live}$")
            if live == "one":
                alice.types("/exit")
                assert alice.ends() == 0
        alice.types("/join dev")
        alice.shows(r"Bob: old\n─── new since .*\d\d:\d\d ───\nBob: unread\nBob: one\n─── now")


def test_only_what_others_wrote_is_new(town: Town) -> None:
    town.broker()
    with somebody(town, "Bob") as bob:
        bob.create("dev")
        alice = enters(town, "Alice", OnLiveTerminal)
        alice.types("/join dev", "mine", "/join lobby", "mine too")
        hears(bob, "mine too")
        alice.kill()
        with somebody(town, "Carol") as carol:
            carol.join("dev")
        alice = enters(town, "Alice", OnLiveTerminal)
        alice.shows(r"^─── earlier in lobby ───\nAlice: mine too\n─── now ───\n")
        assert "news" not in alice.transcript()


def test_advice_stands_behind_what_it_is_about(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    with somebody(town, "Bob"):
        alice.shows("^Bob has joined")
        alice.types("@Bob hi")
        alice.shows(r"^@Bob hi\nEverybody in lobby can read that. To Bob alone: @Bob: text$")
    alice.shows("^Bob has left")
    alice.types("@Bob: hi")
    alice.shows(r"^@Bob: hi\nBob is offline and reads it on coming back.$")


def test_whoever_talks_in_a_room_that_is_gone_is_led_to_the_lobby(town: Town) -> None:
    broker = town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    backup = [str(town.data.with_name("backup")), "--data", str(town.data)]
    assert town.start(ThroughPipes, *BROKER, "backup", *backup).ends() == 0
    alice.types("/join dev")
    alice.shows("^You have created dev and talk in it now.$", "^dev · 1 online")
    broker.kill()
    assert town.start(ThroughPipes, *BROKER, "restore", *backup).ends() == 0
    town.broker(bind=town.address)
    alice.shows("^The broker has another record", "^You are no longer in dev; you talk in lobby")
    alice.shows("^lobby · 1 online")


def test_wide_characters_do_not_break_a_narrow_line(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnNarrowTerminal)
    typed = "長い" * 10 + "😀 naïve שלום"  # longer than a row
    with somebody(town, "Bob") as bob:
        alice.keys(typed)
        bob.post("lobby", "😀" * 30 + " done")
        alice.shows("done", "שלום")
        alice.enter()
        alice.shows(r"שלום\n\nlobby")
        hears(bob, typed)
        bob.post("lobby", "after")
        alice.shows("^Bob: after$")
        assert bob.history("lobby")[1].text == typed


def test_a_long_paste_is_one_message_or_is_cut_after_asking(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    small = "\n".join(f"line {number}" for number in range(500))
    large = "\n".join(f"line {number} of many" for number in range(500))
    assert len(small.encode()) <= TEXT_BYTES < len(large.encode())
    with somebody(town, "Bob") as bob:
        alice.shows("^Bob has joined")
        alice.pastes(small)
        alice.shows("^line 499$", "^500 lines: Enter sends them as one message")
        alice.enter()
        alice.shows(STATUS)
        alice.pastes(large)
        alice.shows("^line 499 of many$")
        alice.enter()
        alice.shows(r"Not sent: a message has at most 8 KiB", "again to send it as 2 messages")
        alice.enter()
        alice.shows(r"^    line 499 of many\n\nlobby")
        hears(bob, pieces(large, TEXT_BYTES)[-1])
        texts = [m.text for m in bob.history("lobby")]
    assert texts[0] == small
    assert "\n".join(texts[1:]) == large
    assert len(texts) == 3


def test_tab_completes_a_name_and_a_command(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    with somebody(town, "Bob") as bob:
        alice.shows("^Bob has joined")
        alice.keys("@b\t")
        alice.shows("^@Bob: ?$")
        alice.types("hi")
        hears(bob, "hi")
        alice.keys("/wh\t")
        alice.shows("^/who ?$")
        alice.enter()
        alice.shows("^Online .2.: Alice, Bob$")


def test_a_flood_leaves_typing_alone_and_is_counted(town: Town) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    with somebody(town, "Bot") as bot:
        outcomes = []
        for number, key in enumerate("typed while it pours" * 50):
            outcomes.append(bot.post_nowait("lobby", f"drop {number}"))
            if number < 20:
                alice.keys(key)
        assert [outcome.result(15) for outcome in outcomes] == list(range(1, 1001))
        alice.shows(
            r"lines not shown: too fast to read; /history has all", "^typed while it pours$"
        )
        alice.shows("^Bot: drop 999$")
        alice.keys("\x7f" * 20)
        alice.types("/history 1000")
        alice.shows(r"^─── all that was said in lobby ───\nBot: drop 0\nBot: drop 1\n")
        alice.shows(r"^Bot: drop 499$", r"^Bot: drop 999\n─── now ───$")


@pytest.mark.parametrize("key", ["\x03", "\x04"], ids=["ctrl-c", "ctrl-d"])
def test_a_key_clears_or_leaves_and_gives_the_terminal_back(town: Town, key: str) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    assert not alice.echoes
    if key == "\x03":
        alice.keys("no, not that")
        alice.shows("^no, not that$")
        alice.keys(key)
        alice.shows(r"Alice!\n\nlobby")
    alice.keys(key)
    assert alice.ends() == 0
    assert alice.echoes


def test_the_others_are_told_when_the_terminal_is_closed(town: Town) -> None:
    town.broker()
    bob = town.chats(ThroughPipes, "Bob")
    ours, theirs = pty.openpty()
    command = [*CLIENT, "chat", town.address, "--name", "Alice"]
    env = environment(town.home("Alice")) | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    ) as alice:
        os.close(theirs)
        shown = b""
        while b"/help" not in shown:
            shown += os.read(ours, 4096)
        os.close(ours)
        bob.sees("Alice has left the chat.")
        assert alice.wait(PATIENCE) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_it_and_gives_the_terminal_back(town: Town, number: signal.Signals) -> None:
    town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    alice.signal(number)
    assert alice.ends() == 0
    assert alice.echoes


def test_leaving_while_the_broker_is_away_says_what_waits(town: Town) -> None:
    broker = town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    broker.kill()
    alice.shows("^Connection lost")
    alice.types("important", "/exit")
    alice.shows(r"^⋯ important$", "^Waiting until all you wrote is stored; Ctrl-C gives up.$")
    alice.presses("c")
    assert alice.ends() == 1
    assert "1 message has no answer" in alice.transcript()


def test_leaving_ends_also_when_very_much_waits(town: Town) -> None:
    broker = town.broker()
    alice = enters(town, "Alice", OnLiveTerminal)
    broker.kill()
    alice.shows("^Connection lost")
    lines = LINES_AHEAD + 50
    alice.types(*map(str, range(lines)))
    alice.shows(rf"^⋯ {lines - 1}$")
    alice.presses("c")
    alice.shows("^Waiting until all you wrote is stored; Ctrl-C gives up.$")
    alice.presses("c")
    assert alice.ends() == 1
    assert f"{lines} messages have no answer" in alice.transcript()


def test_a_signal_ends_it_though_the_terminal_takes_nothing(town: Town) -> None:
    town.broker()
    ours, theirs = pty.openpty()
    command = [*CLIENT, "chat", town.address, "--name", "Alice"]
    env = environment(town.home("Alice")) | {"TERM": "xterm-256color"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=env, start_new_session=True
    ) as alice:
        shown = b""
        while b"/help" not in shown:
            shown += os.read(ours, 4096)
        with somebody(town, "Bob") as bob:
            for _ in range(100):
                bob.post_nowait("lobby", "Alice, " + "much " * 1000)
            bob.flush()
        carol = town.chats(ThroughPipes, "Carol")
        alice.send_signal(signal.SIGTERM)
        carol.sees("Alice has left the chat.")
        assert alice.wait(PATIENCE) == 0
    assert termios.tcgetattr(theirs)[3] & termios.ECHO
    os.close(theirs)
    os.close(ours)


def test_a_simple_terminal_stays_simple(town: Town) -> None:
    town.broker()
    alice = town.on_terminal("Alice", "chat", town.address, "--name", "Alice")
    alice.sees("Welcome to the chat, Alice!")
    assert isinstance(alice, OnTerminal)
    assert "\x1b" not in alice.transcript()
    assert "/help" not in alice.transcript()
