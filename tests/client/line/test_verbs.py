"""A typed line becomes the right action, and never a public message that was meant to be private."""

import pytest

from hubbub.client.line import verbs
from hubbub.client.line.actions import (
    Act,
    Action,
    AddPerson,
    Appoint,
    Ban,
    ChangePassword,
    ComeBack,
    ConfigureRoom,
    Enter,
    Exit,
    GoAway,
    Help,
    InviteNewcomers,
    InvitePerson,
    Kick,
    LinkDevice,
    ListBans,
    ListDevices,
    ListPeople,
    ListRooms,
    LockDown,
    MakeRoom,
    Mute,
    Nothing,
    Quit,
    RemoveDevice,
    Say,
    ShowHistory,
    ShowRoom,
    Unban,
    Unclear,
    Unmute,
    Whisper,
)
from hubbub.client.line.verbs import parse


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("Hello, everyone!", Say("Hello, everyone!")),
        ("Hello\n", Say("Hello")),
        ("    indented code", Say("    indented code")),
        ("a: b", Say("a: b")),
        ("10/2", Say("10/2")),
        ("//x", Say("/x")),
        ("//", Say("/")),
        ("", Nothing()),
        (" \t\r\n", Nothing()),
        ("/exit", Exit()),
        ("/EXIT", Exit()),
        ("  /exit  ", Exit()),
        ("/help", Help()),
        ("/rooms", ListRooms()),
        ("/who", ListPeople(None)),
        ("/who dev", ListPeople("dev")),
        ("/join dev", Enter("dev")),
        ("/join #dev", Enter("dev")),
        ("/join   dev ", Enter("dev")),
        ("/me waves", Act("waves")),
        ("/me says:\nyes", Act("says:\nyes")),
        ("/msg Bob Hi there", Whisper("Bob", "Hi there")),
        ("/msg @Bob: Hi", Whisper("Bob", "Hi")),
        ("/history", ShowHistory(None, 50)),
        ("/history 7", ShowHistory(None, 7)),
        ("/history @Bob", ShowHistory("Bob", 50)),
        ("/history @Bob 7", ShowHistory("Bob", 7)),
        ("/away", GoAway("")),
        ("/away out for lunch", GoAway("out for lunch")),
        ("/back", ComeBack()),
        ("/etc/hosts\n127.0.0.1", Say("/etc/hosts\n127.0.0.1")),
        ("/leave", Quit(None)),
        ("/leave dev", Quit("dev")),
        ("/create dev", MakeRoom("dev")),
        ("/create dev where we build", MakeRoom("dev", "where we build")),
        (
            "/create #dev private Read-Only since-joined about private matters",
            MakeRoom("dev", "about private matters", True, True, "since_joined"),
        ),
        ("/help all", Help(all=True)),
        ("/password", ChangePassword()),
        ("/link", LinkDevice()),
        ("/devices", ListDevices()),
        ("/devices remove 2", RemoveDevice(2)),
        ("/invite", InviteNewcomers()),
        ("/invite QR", InviteNewcomers(as_qr=True)),
        ("/invite Bob", InvitePerson("Bob")),
        ("/invite @qr", InvitePerson("qr")),
        ("/add @Bob", AddPerson("Bob")),
        ("/kick Bob", Kick("Bob")),
        ("/kick @Bob: spam", Kick("Bob", 0, "spam")),
        ("/kick Bob 30m", Kick("Bob", 1800)),
        ("/kick Bob 30m too  much spam", Kick("Bob", 1800, "too much spam")),
        ("/kick Bob 30 minutes of spam", Kick("Bob", 0, "30 minutes of spam")),
        ("/mute Bob 2h\nspam", Mute("Bob", 2 * 3600, "spam")),
        ("/mute Bob", Mute("Bob")),
        ("/mute Bob 7d spam", Mute("Bob", 7 * 86400, "spam")),
        ("/unmute Bob", Unmute("Bob")),
        ("/role Bob Moderator", Appoint("Bob", "moderator")),
        ("/room", ShowRoom()),
        ("/room private", ConfigureRoom(private=True)),
        ("/room Public open", ConfigureRoom(private=False, read_only=False)),
        ("/room read-only slow 10s", ConfigureRoom(read_only=True, slow=10)),
        ("/room slow off history all", ConfigureRoom(slow=0, history="all")),
        ("/room history since-joined", ConfigureRoom(history="since_joined")),
        (
            "/room slow 1m description Slow  Tea only",
            ConfigureRoom("Slow Tea only", slow=60),
        ),
        ("/room description", ConfigureRoom("")),
        ("/ban Bob", Ban("account", "Bob")),
        ("/ban @Bob 2d spam", Ban("account", "Bob", 2 * 86400, "spam")),
        ("/ban @Bob: 2d spam", Ban("account", "Bob", 2 * 86400, "spam")),
        ("/ban @192.0.2.7", Ban("account", "192.0.2.7")),
        ("/ban\tBob\t2d\tspam", Ban("account", "Bob", 2 * 86400, "spam")),
        ("/unban ＠Bob：", Unban("account", "Bob")),
        ("/unban #", Unban("account", "")),
        ("/ban 192.0.2.7 floods", Ban("address", "192.0.2.7", 0, "floods")),
        ("/ban 192.0.2.0/24", Ban("network", "192.0.2.0/24")),
        ("/unban 2001:DB8::1", Unban("address", "2001:db8::1")),
        ("/bans", ListBans()),
        ("/lockdown", LockDown()),
        ("/lockdown Accounts-only", LockDown("accounts_only")),
        ("/lockdown moderators_speak", LockDown("moderators_speak")),
    ],
)
def test_a_line_is_an_action(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("@Bob: Hi Bob!", Whisper("Bob", "Hi Bob!")),
        ("@Bob:Hi", Whisper("Bob", "Hi")),
        ("@Bob: a: b", Whisper("Bob", "a: b")),
        ("@Bob: /exit", Whisper("Bob", "/exit")),
        ("@Zoë: ça va", Whisper("Zoë", "ça va")),
        ("  @Bob: Hi", Whisper("Bob", "Hi")),
        ("@Bob : Hi", Whisper("Bob", "Hi")),
        ("\uff20Bob\uff1a Hi", Whisper("Bob", "Hi")),
    ],
)
def test_a_name_with_a_colon_is_private(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "action"),
    [
        ("@Bob hi", Say("@Bob hi", mention="Bob")),
        ("@Bob, hi", Say("@Bob, hi", mention="Bob")),
        ("@Bob see: this", Say("@Bob see: this", mention="Bob")),
        ("@ hi", Say("@ hi")),
        ("mail@example.org: hi", Say("mail@example.org: hi")),
    ],
)
def test_a_name_without_a_colon_is_public(line: str, action: Action) -> None:
    assert parse(line) == action


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("@Bob:", "@Bob:"),
        ("@Bob:   ", "@Bob:"),
        ("/jion dev", "/help"),
        ("/", "/help"),
        ("/join", "/join ROOM"),
        ("/join two rooms", "/join ROOM"),
        ("/leave two rooms", "/leave [ROOM]"),
        ("/exit now", "/exit"),
        ("/me", "/me TEXT"),
        ("/msg Bob", "/msg NAME TEXT"),
        ("/history 0", "/history [@NAME] [COUNT]"),
        ("/history Bob", "/history [@NAME] [COUNT]"),
        ("/back soon", "/back"),
        ("/verify all", "/verify"),
        ("/password secret", "/password"),
        ("/devices 2", "/devices [remove N]"),
        ("/invite two people", "/invite [NAME]"),
        ("/kick", "/kick NAME [30m] [WHY]"),
        ("/role Bob", "/role NAME ROLE"),
        ("/role Bob king", "/role NAME ROLE"),
        ("/room locked", "SETTINGS: private, public, read-only, open, slow 10s"),
        ("/room slow", "/room [SETTINGS]"),
        ("/room slow soon", "for example 30s, 10m, 2h, 7d"),
        ("/room slow 7h", "at most 6 hours"),
        ("/room history none", "/room [SETTINGS]"),
        ("/create", "/create ROOM [WORDS]"),
        ("/ban", "/ban WHOM [2d] [WHY]"),
        ("/ban Bob 9999d", "at most 3,650 days"),
        ("/unban", "/unban WHOM"),
        ("/lockdown all", "/lockdown [LEVEL]"),
        ("/lockdown all", "LEVEL: normal, no-new-accounts, accounts-only, moderators-speak."),
        ("/help me", "/help [all]"),
    ],
)
def test_what_cannot_be_done_is_not_said_but_explained(line: str, told: str) -> None:
    action = parse(line)
    assert isinstance(action, Unclear)
    assert told in action.reason


def test_each_setting_that_is_explained_can_be_typed() -> None:
    for setting in verbs.SETTING_WORDS.split(", "):
        assert isinstance(parse(f"/room {setting}"), ConfigureRoom)


def test_help_shows_every_command_once() -> None:
    lines = verbs.help_lines()
    for name in verbs.VERBS:
        assert sum(line.split()[0] == f"/{name}" for line in lines) == 1
    assert lines[1].startswith("@name: text")


def test_help_shows_what_is_offered() -> None:
    lines = verbs.help_lines(80, {"me", "exit"})
    assert [line.split()[0] for line in lines] == ["text", "@name:", "//text", "/me", "/exit"]


def test_a_secret_typed_behind_the_command_is_not_repeated() -> None:
    action = parse("/password hunter2hunter2")
    assert isinstance(action, Unclear)
    assert "hunter2" not in action.reason
    assert verbs.without_secret(" /PASSWORD hunter2\nhunter2") == " /PASSWORD"
    assert verbs.without_secret("/passwords are bad") == "/passwords are bad"
    assert verbs.without_secret("/password") == "/password"


def test_help_fits_the_terminal() -> None:
    assert all(len(line) < 80 for line in verbs.help_lines(80))
    narrow = [row for line in verbs.help_lines(60) for row in line.split("\n")]
    assert all(len(row) < 56 for row in narrow)
