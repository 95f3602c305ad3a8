"""An outbox in a file: what one process left, the next one sends, and nothing of it twice."""

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import ClassVar

import pytest
from tests.client.conversation import EPOCH, INBOX, LOBBY, Conversation, Log

from hubbub.client import calls
from hubbub.client.effects import Complete
from hubbub.client.errors import Cancelled, OutboxUnusable
from hubbub.client.outbox import Keeping, Kept
from hubbub.client.outbox_file import OutboxFile
from hubbub.client.results import Unanswered
from hubbub.common.commands import Leave, Mark, Post, Skip, Tell
from hubbub.common.limits import WINDOW_COMMANDS
from hubbub.common.replies import Acked, Error

OWNER = "alice at a broker"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox"


@pytest.fixture(autouse=True)
def opened() -> Iterator[ExitStack]:
    """Close what a test leaves open."""
    with ExitStack() as stack:
        Process.opened = stack
        yield stack


def left(path: Path) -> Kept | None:
    """Return what the next process finds."""
    with closing(OutboxFile.open(path, OWNER)) as file:
        return file.kept


class Process:
    """One process's life with the file: its session commits when it would send."""

    opened: ClassVar[ExitStack]

    def __init__(self, path: Path) -> None:
        self.file = OutboxFile.open(path, OWNER)
        self.opened.callback(self.file.close)
        self.alice = Conversation("Alice", Keeping(self.file, self.file.kept, lambda: "earlier"))

    def dies(self) -> None:
        """What was done so far is in the file; nothing is closed in order."""
        self.file.commit()
        self.file.close()


@pytest.fixture
def lobby() -> Log:
    return Log(LOBBY, "lobby")


@pytest.fixture
def first(path: Path, lobby: Log) -> Process:
    """A process with two unanswered messages, the second private, behind an answered one."""
    process = Process(path)
    process.alice.logs_in(lobby).posts("done").hears(Acked(1, LOBBY, 1))
    process.alice.posts("one").calls(calls.tell, "Bob", "two", {"a": 1})
    return process


def unanswered(alice: Conversation) -> list[Unanswered]:
    [completed] = [e for e in alice.calls(calls.outbox).effects if isinstance(e, Complete)]
    assert isinstance(completed.result, list)
    return completed.result


def test_what_had_no_outcome_is_sent_by_the_next_process(
    path: Path, first: Process, lobby: Log
) -> None:
    producer = first.alice.login.producer
    before = unanswered(first.alice)
    first.dies()
    alice = Process(path).alice
    assert unanswered(alice) == before
    assert [(it.kind, it.room, it.to, it.text, it.data) for it in before] == [
        ("post", "lobby", None, "one", None),
        ("tell", None, "Bob", "two", {"a": 1}),
    ]
    alice.logs_in(lobby)
    assert alice.login.producer == producer
    assert (Post(2, LOBBY, "one"), Tell(3, "Bob", "two", {"a": 1})) in alice.frames
    alice.hears(Acked(2, LOBBY, 2), Acked(3, INBOX, 1))
    alice.posts("new").sends(Post(4, LOBBY, "new"))


def test_what_was_answered_is_forgotten_and_an_empty_file_begins_anew(
    path: Path, first: Process, lobby: Log
) -> None:
    producer = first.alice.login.producer
    first.alice.hears(Acked(2, LOBBY, 2), Acked(3, INBOX, 1))
    first.dies()
    next_one = Process(path)
    assert next_one.file.kept is None
    next_one.alice.logs_in(lobby).posts("new").sends(Post(1, LOBBY, "new"))
    assert next_one.alice.login.producer is not producer


def test_what_was_not_committed_was_never_sent(path: Path, first: Process) -> None:
    first.file.close()
    assert left(path) is None


def test_the_end_of_a_client_keeps_what_it_gives_up(path: Path, first: Process) -> None:
    first.alice.calls(calls.give_up, ticket="end").completes("end", 2)
    first.dies()
    kept = left(path)
    assert kept is not None
    assert [it.write.n for it in kept.writes] == [2, 3]


def test_a_file_follows_its_rooms_into_another_log(path: Path, first: Process) -> None:
    first.alice.calls(calls.mark, "lobby", 7).calls(calls.mark, None, 1).calls(calls.leave, "lobby")
    first.dies()
    new, inbox = Log(b"N" * 16, "Lobby"), Log(b"J" * 16)
    alice = Process(path).alice
    alice.connects().hears(alice.welcome(new, inbox=inbox, epoch=b"2" * 16))
    [sent] = alice.frames
    assert sent == (
        Post(2, new.id, "one"),
        Tell(3, "Bob", "two", {"a": 1}),
        Mark(4, new.id, 0),
        Mark(5, inbox.id, 0),
        Leave(6, new.id),
    )
    alice.hears(Error("producer_expired", "", n=2))
    alice.hears(alice.welcome(new, inbox=inbox, epoch=b"2" * 16))
    assert [write.n for frame in alice.frames for write in frame if isinstance(write, Post)] == [1]


def test_another_epoch_is_remembered_with_its_numbers(path: Path, first: Process) -> None:
    alice = first.alice.loses_the_broker().connects()
    new = Log(b"N" * 16, "lobby")
    alice.hears(alice.welcome(new, epoch=b"2" * 16)).hears(Error("producer_expired", "", n=2))
    producer = alice.login.producer
    first.dies()
    kept = left(path)
    assert kept is not None
    assert (kept.producer, kept.epoch) == (producer, b"2" * 16)
    assert kept.writes[0].write == Post(1, new.id, "one")


# Cancelling


def test_what_is_cancelled_is_skipped_under_its_number(
    path: Path, first: Process, lobby: Log
) -> None:
    first.alice.loses_the_broker()
    one, two = unanswered(first.alice)
    first.alice.calls(calls.cancel, one.id, ticket="cancel")
    assert [it.kind for it in unanswered(first.alice)] == ["skip", "tell"]
    first.dies()
    alice = Process(path).alice
    assert [it.id for it in unanswered(alice)] == [one.id, two.id]
    alice.logs_in(lobby)
    assert (Skip(2), Tell(3, "Bob", "two", {"a": 1})) in alice.frames


def test_whoever_cancels_is_told_what_came_first(first: Process) -> None:
    one, two = unanswered(first.alice)
    first.alice.calls(calls.cancel, one.id, ticket="c1").calls(calls.cancel, two.id, ticket="c2")
    first.alice.hears(Error("cancelled", "", n=2), Acked(3, INBOX, 1))
    first.alice.completes("c1", True).completes("c2", False).fails("t", Cancelled)
    first.alice.calls(calls.cancel, one.id, ticket="again").completes("again", False)


# The file


def test_a_file_belongs_to_one_name_at_one_broker(path: Path, first: Process) -> None:
    first.dies()
    with pytest.raises(OutboxUnusable, match="is the outbox of alice at a broker, not of bob"):
        OutboxFile.open(path, "bob at a broker")


def test_a_file_belongs_to_one_process(path: Path, first: Process) -> None:
    with pytest.raises(OutboxUnusable, match="another process uses it"):
        OutboxFile.open(path, OWNER)
    first.dies()
    assert left(path) is not None


def test_nobody_else_can_read_it(path: Path, first: Process) -> None:
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.fixture
def unusable(path: Path, request: pytest.FixtureRequest) -> Path:
    match request.param:
        case "text":
            path.write_text("this is no database, but long enough to look like one" * 100)
        case "another database":
            with sqlite3.connect(path) as database:
                database.execute("CREATE TABLE t (a)")
            database.close()
        case "newer":
            with sqlite3.connect(path) as database:
                database.execute("PRAGMA user_version = 99")
            database.close()
        case "no folder":
            path = path / "in" / "nowhere"
        case "folder":
            path.mkdir()
    return path


@pytest.mark.parametrize(
    ("unusable", "reason"),
    [
        ("text", "not a database"),
        ("another database", "is no outbox"),
        ("newer", "newer hubbub"),
        ("no folder", "No such file or directory"),
        ("folder", "Is a directory"),
    ],
    indirect=["unusable"],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_reason(unusable: Path, reason: str) -> None:
    with pytest.raises(OutboxUnusable, match=reason) as error:
        OutboxFile.open(unusable, OWNER)
    assert str(unusable) in str(error.value)


def test_a_damaged_write_is_refused(path: Path, first: Process) -> None:
    first.dies()
    with sqlite3.connect(path) as database:
        database.execute("UPDATE writes SET body = x'c0'")
    database.close()
    with pytest.raises(OutboxUnusable, match="is damaged"):
        OutboxFile.open(path, OWNER)


def test_the_epoch_is_known_from_the_first_login(path: Path, first: Process) -> None:
    first.dies()
    kept = left(path)
    assert kept is not None
    assert kept.epoch == EPOCH


def test_a_process_killed_before_another_log_answers_finds_out_again(
    path: Path, first: Process
) -> None:
    first.dies()
    new = Log(b"N" * 16, "lobby")
    second = Process(path)
    second.alice.connects().hears(second.alice.welcome(new, epoch=b"2" * 16))
    second.dies()
    third = Process(path)
    third.alice.connects().hears(third.alice.welcome(new, epoch=b"2" * 16))
    third.alice.hears(Error("producer_expired", "", n=2))
    third.alice.hears(third.alice.welcome(new, epoch=b"2" * 16))
    assert (Post(1, new.id, "one"), Tell(2, "Bob", "two", {"a": 1})) in third.alice.frames
    third.alice.hears(Acked(1, new.id, 1), Acked(2, INBOX, 1))
    third.dies()
    assert left(path) is None


def test_only_what_was_perhaps_sent_is_given_up_with_its_producer(
    path: Path, first: Process, lobby: Log
) -> None:
    for number in range(WINDOW_COMMANDS):
        first.alice.posts(f"more {number}")
    first.dies()
    alice = Process(path).alice.logs_in(lobby)
    alice.hears(Error("producer_expired", "", n=2))
    assert [it.text for it in unanswered(alice)] == [
        f"more {number}" for number in (WINDOW_COMMANDS - 2, WINDOW_COMMANDS - 1)
    ]


def test_what_cannot_be_written_down_is_not_sent_and_nothing_counts_without_it(
    path: Path, first: Process
) -> None:
    first.file.commit()
    with sqlite3.connect(":memory:") as full:
        full.execute("CREATE TABLE writes (id)")
    full.close()
    broken, first.file._database = first.file._database, full
    first.alice.calls(calls.outbox)
    with pytest.raises(OutboxUnusable):
        first.alice.posts("three")
    first.file._database = broken
    assert [it.text for it in unanswered(first.alice)] == ["one", "two"]
    with pytest.raises(OutboxUnusable):
        first.file.commit()


def test_a_file_that_was_removed_or_replaced_keeps_nothing_more(path: Path, first: Process) -> None:
    first.file.commit()
    path.unlink()
    first.alice.posts("three")
    with pytest.raises(OutboxUnusable, match="was removed"):
        first.file.commit()
    path.touch()
    with pytest.raises(OutboxUnusable, match="was removed"):
        first.file.commit()


def test_a_program_may_change_its_folder(
    tmp_path: Path, path: Path, first: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    first.dies()
    monkeypatch.chdir(tmp_path)
    second = Process(Path(path.name))
    monkeypatch.chdir("/")
    second.file.entered(b"2" * 16)
    second.dies()
    assert left(path) is not None
