"""Every update reads as one plain line, and no line does anything to a terminal but show."""

import pytest
from msgspec.structs import replace

from hubbub.client import updates
from hubbub.client.errors import (
    Forbidden,
    LobbyIsForAll,
    NotMember,
    TooLarge,
    TooManyRooms,
    UnknownUser,
)
from hubbub.client.line import screen, verbs
from hubbub.client.line.lines import Style
from hubbub.client.results import Member, People, Room
from hubbub.client.updates import Message, PrivateMessage, Update
from hubbub.common.errors import HubbubError


def seen(update: Update, room: str = "lobby") -> str | None:
    line = screen.line(update, me="Alice", when=str, room=room)
    return None if line is None else str(line)


def message(sender: str, text: str, room: str = "lobby", *, own: bool = False) -> Message:
    return Message(room=room, sender=sender, text=text, data=None, time=0, seq=1, own=own)


def private(sender: str, to: str, text: str, *, own: bool = False) -> PrivateMessage:
    return PrivateMessage(sender=sender, to=to, text=text, data=None, time=0, seq=1, own=own)


@pytest.mark.parametrize(
    ("update", "line"),
    [
        (message("Bob", "Hello, everyone!"), "Bob: Hello, everyone!"),
        (message("Bob", "hi", "dev"), "[dev] Bob: hi"),
        (message("Alice", "typed here", own=True), None),
        (message("Alice", "typed elsewhere"), "Alice: typed elsewhere"),
        (private("Bob", "Alice", "Hi!"), "Private message from Bob: Hi!"),
        (private("Alice", "Bob", "Hi!", own=True), None),
        (private("Alice", "Bob", "Hi!"), "Private message to Bob from your other session: Hi!"),
        (private("Alice", "Alice", "a note", own=True), "Private message from Alice: a note"),
        (updates.PersonJoined("Bob"), "Bob has joined the chat."),
        (updates.PersonLeft("Bob"), "Bob has left the chat."),
        (updates.PeopleOnline(51), "51 people are online."),
        (updates.MemberJoined("dev", "Bob", time=0, seq=2), "Bob has joined dev."),
        (updates.MemberJoined("dev", "Alice", time=0, seq=2), None),
        (updates.MemberLeft("dev", "Bob", time=0, seq=3), "Bob has left dev."),
        (updates.MemberLeft("dev", "Alice", time=0, seq=3), None),
        (
            updates.MemberLeft("dev", "Bob", time=0, seq=3, by="Carol", reason="spam"),
            "Bob was put out of dev by Carol: spam",
        ),
        (
            updates.MemberLeft("dev", "Bob", time=0, seq=3, by="the operator"),
            "Bob was put out of dev by the operator.",
        ),
        (updates.MemberLeft("dev", "Bob", time=0, seq=3, by="Alice"), None),
        (updates.RoleChanged("dev", "Bob", "member", "Alice", 0, 4), None),
        (updates.RoomCreated("dev", "Alice", "", time=0, seq=1), None),
        (updates.RoomJoined("dev", ""), None),
        (updates.RoomLeft("dev"), None),
        (updates.MarkerMoved("dev", 3), None),
        (
            updates.ConnectionLost(),
            "Connection lost; trying again… What you type is sent when it is back.",
        ),
        (updates.ConnectionRestored(), "Connected again."),
        (updates.Missed("dev", 3, 7), "5 entries of dev are no longer kept and were missed."),
        (updates.Ended(HubbubError("replaced")), "replaced"),
    ],
)
def test_an_update_reads(update: Update, line: str | None) -> None:
    assert seen(update) == line


def test_the_room_one_talks_in_is_not_named() -> None:
    assert seen(message("Bob", "hi", "dev"), room="DEV") == "Bob: hi"
    assert seen(message("Bob", "hi", "lobby"), room="dev") == "[lobby] Bob: hi"


@pytest.mark.parametrize(
    ("typed", "error", "told"),
    [
        ("hi", TooLarge("too_large", "too long"), "Not sent: too long"),
        ("@Bob: hi", TooLarge("too_large", "too long"), "Not sent: too long"),
        (
            "@12:30 lunch?",
            UnknownUser("unknown_user", "nobody here is called '12'"),
            "Not sent: nobody here is called '12'; to say it to everybody, write something before the @",
        ),
        ("hi", Forbidden("muted", "you are muted"), "Not sent: “hi”: you are muted"),
        ("/me hi", Forbidden("read_only", "no"), "Not sent: “hi”: no"),
        ("@Bob: a\nb", Forbidden("locked_down", "no"), "Not sent: “a…”: no"),
        ("x" * 41, Forbidden("slow_mode", "wait 3 s"), f"Not sent: “{'x' * 40}…”: wait 3 s"),
        ("/kick Bob", Forbidden("forbidden", "you may not"), "you may not"),
        ("/leave nowhere", NotMember("not_member", "no"), "You are not in nowhere."),
        ("/leave", LobbyIsForAll("lobby_is_for_all", "no"), "no; /exit leaves the chat"),
        ("/leave", NotMember("not_member", "no"), "no"),
        ("/join dev", TooManyRooms("too_many_rooms", "no"), "no"),
    ],
)
def test_a_refusal_says_what_was_not_done(typed: str, error: HubbubError, told: str) -> None:
    assert screen.refusal(verbs.parse(typed), error) == told


def test_trouble_with_a_log_names_it() -> None:
    assert "dev" in (seen(updates.Diverged("dev", 4)) or "")
    assert "your private messages" in (seen(updates.Missed(None, 1, 1)) or "")
    assert seen(updates.LogReplaced())


def test_data_without_text_is_said_to_be_there() -> None:
    assert seen(Message("lobby", "bot", "", {"a": 1}, 0, 1)) == "bot: (data for programs)"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("plain ÄÖÜ 中文 שלום", "plain ÄÖÜ 中文 שלום"),
        ("family 👨‍👩‍👧", "family 👨‍👩‍👧"),
        ("red \x1b[31m", r"red \x1b[31m"),
        ("bell \a, back \b, c1 \x9b", r"bell \x07, back \x08, c1 \x9b"),
        ("over\rwritten", r"over\rwritten"),
        ("turned \u202earound", r"turned \u202earound"),
        ("a\u2028b", r"a\u2028b"),
        ("a\u3164b", r"a\u3164b"),
        ("one\ttwo", "one two"),
        ("Bob: yes\nAlice: I quit", "Bob: yes\n    Alice: I quit"),
        ("a\r\nb\n\nc", "a\n    b\n    \n    c"),
    ],
)
def test_a_terminal_only_shows_a_line(line: str, shown: str) -> None:
    assert screen.harmless(line) == shown


def test_everybody_online_stands_in_one_line() -> None:
    assert screen.people(People(2, ("Alice", "Bob"))) == "Online (2): Alice, Bob"
    assert (
        screen.people(People(1200, ("Alice", "Bob"))) == "Online (1200): Alice, Bob and 1198 more"
    )


def test_members_tell_who_is_offline() -> None:
    listed = [Member("Alice", online=True), Member("Bob", online=False)]
    assert screen.members("dev", listed, 0) == "Members of dev (2): Alice, Bob (offline)"


def test_members_tell_who_is_muted_until_that_is_over() -> None:
    listed = [Member("Alice", online=True, role="owner"), Member("Bob", True, muted_until=1000)]
    told = [screen.members("dev", listed, now) for now in (999, 1000)]
    assert told == [
        "Members of dev (2): Alice (owner), Bob (muted)",
        "Members of dev (2): Alice (owner), Bob",
    ]


def test_rooms_stand_in_a_column() -> None:
    listed = [
        Room("lobby", "", 3, "member"),
        Room("dev", "code", 1, "member"),
        Room("x", "", 2),
    ]
    assert screen.rooms(listed, "dev") == [
        "lobby  (3 members, joined)",
        "dev    (1 member, you talk here) code",
        "x      (2 members)",
    ]


def test_wide_names_of_rooms_keep_the_column_and_a_very_long_one_leaves_it() -> None:
    names = ["lobby", "部屋", "e\u0301t", "長い部屋名前" * 5]
    assert screen.rooms([Room(name, "", 2) for name in names], "lobby") == [
        "lobby" + " " * 19 + "  (2 members, you talk here)",
        "部屋" + " " * 20 + "  (2 members)",
        "e\u0301t" + " " * 22 + "  (2 members)",
        "長い部屋名前" * 5 + "  (2 members)",
    ]


def test_a_deed_reads_as_one() -> None:
    assert seen(replace(message("Bob", "waves"), action=True)) == "* Bob waves"
    assert (
        seen(replace(private("Bob", "Alice", "nods"), action=True)) == "Private message: * Bob nods"
    )


@pytest.mark.parametrize(
    ("text", "mention"),
    [
        ("hey Alice, look", "Alice"),
        ("hey @ALICE", "@ALICE"),
        ("alice: yes", "alice"),
        ("Malice is no mention", None),
        ("nor Alice2", None),
    ],
)
def test_a_mention_of_me_stands_out_and_rings(text: str, mention: str | None) -> None:
    line = screen.line(message("Bob", text), me="Alice", when=str, room="lobby")
    assert line is not None
    found = [span.text for span in line.spans if span.style is Style.MENTION]
    assert found == ([] if mention is None else [mention])
    assert (line.rings, line.may_skip) == (mention is not None, mention is None)
    assert str(line) == f"Bob: {text}"


def test_a_short_name_is_mentioned_behind_an_at_only() -> None:
    line = screen.line(message("Bob", "a b @a"), me="a", when=str, room="lobby")
    assert line is not None
    assert [span.text for span in line.spans if span.style is Style.MENTION] == ["@a"]


def test_my_own_words_do_not_mention_me() -> None:
    line = screen.line(message("Alice", "I, Alice"), me="Alice", when=str, room="lobby")
    assert line is not None
    assert not line.rings


def test_a_private_message_rings_and_is_never_skipped() -> None:
    line = screen.line(private("Bob", "Alice", "Hi!"), me="Alice", when=str, room="lobby")
    assert line is not None
    assert line.rings
    assert not line.may_skip


def test_text_from_right_to_left_stays_behind_the_name() -> None:
    assert seen(message("Bob", "שלום")) == "Bob\u200e: שלום"
    assert seen(message("דן", "hi")) == "דן\u200e: hi"
    assert seen(message("Bob", "hi")) == "Bob: hi"


def test_a_very_long_message_is_cut_for_a_person() -> None:
    long = message("Bob", "\n".join(map(str, range(100))))
    line = screen.line(long, me="Alice", when=str, room="lobby", rows=3)
    assert str(line) == "Bob: 0\n1\n2\n(97 more lines; /history shows them)"
    assert str(screen.line(long, me="Alice", when=str, room="lobby")) == f"Bob: {long.text}"


def test_whoever_is_away_is_said_to_be() -> None:
    assert (
        screen.people(People(2, ("Alice", "Bob"), {"Bob": "lunch"}))
        == "Online (2): Alice, Bob (away: lunch)"
    )
    assert str(screen.away(Member("Bob", online=True, away=""))) == "Bob (away) may read it later."
    assert (
        str(screen.away(Member("Bob", online=False)))
        == "Bob is offline and reads it on coming back."
    )
