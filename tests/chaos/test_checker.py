"""The checker on small journals and books, made up: what is sound passes, and each thing that is wrong is named."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from tests.broker.store.scribe import ALICE, BOB, Scribe
from tests.chaos import book as books
from tests.chaos import checker, journal, naming
from tests.chaos.book import Book, Row
from tests.chaos.journal import (
    Acked,
    AnyEntry,
    At,
    Drained,
    Journal,
    Kept,
    Left,
    Reading,
    Refused,
    Replaced,
    Saw,
    Sent,
    Trouble,
    Unknown,
)

from hubbub.broker.store.sqlite import SqliteStore
from hubbub.common.codec import encode
from hubbub.common.digest import EMPTY, extend
from hubbub.common.events import MemberJoined, MessagePosted, MessageTold

EPOCH = "0e"
TIME = 1000


def posted(seq: int, id: str) -> bytes:
    return encode(MessagePosted(seq=seq, time=TIME, sender="Alice", text="", data={naming.ID: id}))


def told(to: str, id: str) -> bytes:
    return encode(MessageTold(time=TIME, sender="Alice", to=to, text="", data={naming.ID: id}))


def log(*events: bytes) -> list[Row]:
    """A sound log of these events."""
    rows, digest = [], EMPTY
    for seq, event in enumerate(events, 1):
        digest = extend(digest, event)
        rows.append(books.row(seq, event, digest))
    return rows


def lobby(*ids: str) -> Book:
    """A book with these messages in the lobby and empty inboxes."""
    rows = log(*(posted(seq, id) for seq, id in enumerate(ids, 1)))
    return Book(EPOCH, {"lobby": rows}, {"Alice": [], "Bob": []})


def letters(**inboxes: list[Row]) -> Book:
    """A book with these inboxes and an empty lobby."""
    return Book(EPOCH, {"lobby": []}, {"Alice": [], "Bob": []} | inboxes)


def found(book: Book, *entries: AnyEntry) -> list[str]:
    """Check the journal of a life of Alice that was killed."""
    return checker.check({("Alice", 0): entries}, [book], {}).faults


def found_at_end(book: Book, *entries: AnyEntry) -> list[str]:
    """Check the journal of a life of Alice that came to the end."""
    return checker.check({("Alice", 0): entries}, [book], {"Alice": 0}).faults


def saw(seq: int, what: str, room: str | None = "lobby", time: int = TIME) -> Saw:
    return Saw(room, seq, what, time)


def at(book: Book, room: str | None, rows: Sequence[Row]) -> At:
    digest = (rows[-1].digest if rows else None) or EMPTY
    return At(book.epoch, room, len(rows), digest.hex())


READS = Reading(EPOCH, "lobby", 0)


def test_checker_finds_nothing_when_all_is_as_it_should_be() -> None:
    book = lobby("Alice-1", "Bob-1")
    faults = found_at_end(
        book,
        READS,
        Reading(EPOCH, None, 0),
        Sent("Alice-1", "lobby"),
        Acked("Alice-1", 1),
        saw(1, "Alice-1"),
        saw(2, "Bob-1"),
        Drained(),
        at(book, "lobby", book.rooms["lobby"]),
        at(book, None, []),
    )
    assert faults == []


def test_checker_finds_nothing_when_a_private_message_lies_with_both() -> None:
    event = told("Bob", "Alice-1")
    book = letters(Alice=log(event), Bob=log(event))
    mine: list[AnyEntry] = [
        Reading(EPOCH, None, 0),
        Sent("Alice-1", None, "Bob"),
        Acked("Alice-1", 1),
    ]
    assert found(book, *mine, saw(1, "Alice-1", None)) == []


# The book.


def test_checker_names_a_hole_in_the_store() -> None:
    book = lobby("Alice-1", "Alice-2", "Alice-3")
    del book.rooms["lobby"][1]
    assert found(book) == ["lost: room lobby: 2 is missing, 3 comes next"]


def test_checker_names_a_message_that_is_there_twice() -> None:
    assert found(lobby("Alice-1", "Alice-1")) == ["doubled: Alice-1 is in the rooms 2 times"]


def test_checker_names_a_private_message_that_is_there_twice() -> None:
    event = told("Bob", "Alice-1")
    faults = found(letters(Alice=log(event), Bob=log(event, event)))
    assert faults == ["doubled: Alice-1 is in the inbox of Bob 2 times"]


def test_checker_names_a_private_message_that_did_not_arrive() -> None:
    faults = found(letters(Alice=log(told("Bob", "Alice-1"))))
    assert faults == ["lost: Alice-1 is not in the inbox of Bob"]


def test_checker_names_a_third_person_who_got_a_private_message() -> None:
    event = told("Bob", "Alice-1")
    faults = found(letters(Alice=log(event), Bob=log(event), Carol=log(event)))
    assert faults == ["overheard: Alice-1 is in the inbox of Carol, who is no party"]


def test_checker_names_a_digest_that_is_not_of_the_bytes() -> None:
    book = lobby("Alice-1")
    book.rooms["lobby"] = [books.row(1, posted(1, "Alice-1"), bytes(16))]
    assert found(book) == ["digest: room lobby: at 1 the digest is not that of the bytes"]


def test_checker_names_an_event_in_the_place_of_another() -> None:
    book = lobby()
    book.rooms["lobby"] = log(posted(2, "Alice-2"), posted(1, "Alice-1"))
    assert found(book) == [
        "order: room lobby: at 1 stands an event of 2",
        "order: room lobby: at 2 stands an event of 1",
    ]


# What was sent.


def test_checker_names_an_acked_message_that_is_not_there() -> None:
    [fault] = found(lobby(), Sent("Alice-1", "lobby"), Acked("Alice-1", 1))
    assert fault == "lost: Alice in life 0: Alice-1 was acked as 1 of lobby and is not stored"


@pytest.mark.parametrize(("room", "seq"), [("lobby", 2), ("red", 1)])
def test_checker_names_an_ack_that_says_another_place(room: str, seq: int) -> None:
    [fault] = found(lobby("Alice-1"), Sent("Alice-1", room), Acked("Alice-1", seq))
    assert fault.endswith(f"Alice-1 was acked as {seq} of {room} and is elsewhere")


def test_checker_names_an_ack_that_came_twice() -> None:
    acked = Acked("Alice-1", 1)
    [fault] = found(lobby("Alice-1"), Sent("Alice-1", "lobby"), acked, acked)
    assert fault.endswith("Alice-1 was acked, and was not waiting for that")


def test_checker_names_a_refused_message_that_is_there() -> None:
    [fault] = found(lobby("Alice-1"), Sent("Alice-1", "lobby"), Refused("Alice-1", "not_member"))
    assert fault.endswith("Alice-1 was refused (not_member) and is there")


@pytest.mark.parametrize("book", [lobby(), lobby("Alice-1")])
def test_checker_lets_a_message_be_there_or_not_when_its_sender_was_killed(book: Book) -> None:
    assert found(book, Sent("Alice-1", "lobby")) == []


def test_checker_names_a_message_that_was_in_an_outbox_file_and_is_not_there() -> None:
    [fault] = found(lobby(), Sent("Alice-1", "lobby"), Kept("Alice-1"))
    assert fault == "lost: Alice in life 0: Alice-1 was in the outbox file and is not stored"


def test_checker_counts_a_message_that_outlived_its_sender() -> None:
    entries: list[AnyEntry] = [Sent("Alice-1", "lobby"), Kept("Alice-1")]
    verdict = checker.check({("Alice", 0): entries}, [lobby("Alice-1")], {})
    assert (verdict.faults, verdict.outlived) == ([], 1)


def test_checker_names_a_message_whose_outcome_a_living_client_does_not_know() -> None:
    written: list[AnyEntry] = [Sent("Alice-1", "lobby"), Unknown("Alice-1"), Drained()]
    faults = found_at_end(lobby("Alice-1"), *written)
    assert "lost: Alice in life 0: 1 writes have no known outcome: Alice-1 …" in faults


def test_checker_names_a_client_that_was_never_answered() -> None:
    faults = found_at_end(lobby(), Sent("Alice-1", "lobby"))
    assert "incomplete: Alice in life 0: 1 writes were never answered" in faults


# What was seen.


def test_checker_names_a_hole_in_what_a_client_saw() -> None:
    book = lobby("Alice-1", "Alice-2", "Alice-3")
    [fault] = found(book, READS, saw(1, "Alice-1"), saw(3, "Alice-3"))
    assert fault == "incomplete: Alice in life 0: saw 3 of lobby after 1"


def test_checker_names_a_hole_where_reading_began() -> None:
    [fault] = found(lobby("Alice-1", "Alice-2"), READS, saw(2, "Alice-2"))
    assert fault == "incomplete: Alice in life 0: saw 2 of lobby after 0"


def test_checker_names_an_event_seen_twice() -> None:
    [fault] = found(lobby("Alice-1"), READS, saw(1, "Alice-1"), saw(1, "Alice-1"))
    assert fault == "order: Alice in life 0: saw 1 of lobby after 1"


def test_checker_names_another_order_than_the_stored_one() -> None:
    faults = found(lobby("Alice-1", "Alice-2"), READS, saw(1, "Alice-2"), saw(2, "Alice-1"))
    assert faults == [
        "order: Alice in life 0: saw Alice-2 as 1 of lobby, where Alice-1 is stored",
        "order: Alice in life 0: saw Alice-1 as 2 of lobby, where Alice-2 is stored",
    ]


def test_checker_names_an_event_that_was_shown_and_rolled_back() -> None:
    [fault] = found(lobby(), READS, saw(1, "Alice-1"))
    assert fault.endswith("saw Alice-1 as 1 of lobby, which is not stored")
    [fault] = found(lobby("Alice-1"), READS, saw(1, "Alice-1", time=TIME - 1))
    assert fault.endswith("saw Alice-1 as 1 of lobby, and another of that name is stored")


def test_checker_names_a_room_that_was_seen_and_is_not_read() -> None:
    book = lobby("Alice-1")
    [fault] = found(book, saw(1, "Alice-1"))
    assert fault.endswith("saw 1 of lobby, which it does not read")
    [fault] = found(book, READS, Left("lobby"), saw(1, "Alice-1"))
    assert fault.endswith("saw 1 of lobby, which it does not read")


def test_checker_bears_a_room_that_was_left_before_its_beginning_was_known() -> None:
    assert found(lobby("Alice-1"), saw(1, "Alice-1"), Left("lobby")) == []


def test_checker_names_what_a_client_says_itself() -> None:
    [fault] = found(lobby(), Trouble("Diverged(room='lobby', seq=1)"))
    assert fault == "trouble: Alice in life 0: Diverged(room='lobby', seq=1)"


# The end.


def test_checker_names_a_client_that_did_not_come_to_the_end() -> None:
    book = lobby("Alice-1", "Alice-2")
    end = at(book, "lobby", book.rooms["lobby"][:1])
    faults = found_at_end(book, READS, saw(1, "Alice-1"), Drained(), end)
    assert faults == [
        "incomplete: Alice in life 0: ends at 1 of lobby, having seen 1, where 2 are stored",
        "incomplete: Alice in life 0: never came to the end of its inbox",
    ]


def test_checker_names_a_room_of_which_a_member_knows_nothing() -> None:
    book = lobby()
    book.rooms["red"] = log(encode(MemberJoined(seq=1, time=TIME, name="Alice")))
    book.members.add(("red", "Alice"))
    faults = found_at_end(book, Drained(), at(book, "lobby", []), at(book, None, []))
    assert "incomplete: Alice in life 0: never came to the end of red" in faults


def test_checker_names_another_digest_at_the_end() -> None:
    book = lobby("Alice-1")
    other = At(EPOCH, "lobby", 1, "00" * 16)
    verdict = checker.check({("Alice", 0): [READS, saw(1, "Alice-1"), other]}, [book], {})
    assert verdict.compared == 1
    [fault] = verdict.faults
    assert fault.endswith("ends with another digest of lobby than that of the bytes")


# Several books.


def test_checker_bears_an_ack_of_a_log_that_was_replaced() -> None:
    before, after = lobby("Alice-1"), Book("0f", {"lobby": []}, {"Alice": []})
    entries: list[AnyEntry] = [
        READS,
        Sent("Alice-1", "lobby"),
        Acked("Alice-1", 1),
        saw(1, "Alice-1"),
        Replaced(),
        Reading("0f", "lobby", 0),
    ]
    assert checker.check({("Alice", 0): entries}, [before, after], {}).faults == []


def test_checker_bears_a_refusal_by_a_restored_log_of_what_the_one_before_had_taken() -> None:
    before, after = lobby("Alice-1"), Book("0f", {"lobby": []}, {"Alice": []})
    entries: list[AnyEntry] = [Sent("Alice-1", "lobby"), Refused("Alice-1", "not_member")]
    assert checker.check({("Alice", 0): entries}, [before, after], {}).faults == []
    assert checker.check({("Alice", 0): entries}, [after, before], {}).faults != []


def test_checker_names_a_log_that_no_book_has() -> None:
    [fault] = found(lobby(), Reading("0f", "lobby", 0))
    assert fault.endswith("reads a log of epoch 0f, which no book has")


# From files.


def test_book_holds_what_the_store_has_written(tmp_path: Path) -> None:
    database = tmp_path / "hubbub.db"
    with closing(SqliteStore.open(database)) as store:
        scribe = Scribe(store).adds(ALICE, BOB).posts(1, posted(1, "Alice-1"))
        scribe.sends(ALICE, BOB, told("Bob", "Alice-2")).write()
        book = books.read(database)
    assert [row.what for row in book.rooms["lobby"]] == ["Alice-1"]
    assert [row.what for row in book.inboxes["Bob"]] == ["Alice-2"]
    assert book.heads("Bob") == {"lobby": 1, "": 1}
    assert found(book, Sent("Alice-2", None, "Bob"), Acked("Alice-2", 1)) == []


def test_journal_gives_back_what_was_written_but_for_a_torn_line(tmp_path: Path) -> None:
    path = journal.path_of(tmp_path, "Alice", 2)
    entries: list[AnyEntry] = [
        Sent("Alice-1", None, "Bob"),
        Acked("Alice-1", 7),
        saw(7, "Alice-1", None),
    ]
    with closing(Journal(path)) as writing:
        for entry in entries:
            writing.write(entry)
    with path.open("ab") as file:
        file.write(b'["Acked","Alice-2')
    assert journal.whose(path) == ("Alice", 2)
    assert list(journal.read(path)) == entries
