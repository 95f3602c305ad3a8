"""The referee between the core and its model: lets happen in the model what is on disk, and compares what people are told, page by page and outcome by outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.broker.core.desk import Desk, Person
from tests.broker.core.memory_store import LOBBY_NUMBER
from tests.broker.core.model import LOBBY, Chat, Happening

from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.reads import Read, ReadResult
from hubbub.broker.core.records import AddDevice, Decree, Record, Register, Writes
from hubbub.common import commands as c
from hubbub.common.codec import decode_event
from hubbub.common.events import (
    MemberJoined,
    MemberLeft,
    MessagePosted,
    MessageTold,
    RoomCreated,
)
from hubbub.common.limits import GRACE_SECONDS
from hubbub.common.replies import (
    Acked,
    Bye,
    Closing,
    Done,
    Error,
    Joined,
    Page,
    Reply,
    Resend,
    Welcome,
)


def happening(event: bytes) -> Happening:
    """An event in the model's words."""
    match decode_event(event):
        case MessagePosted(sender=sender, text=text):
            return "said", sender, text
        case MessageTold(sender=sender, to=to, text=text):
            return "told", sender, to, text
        case RoomCreated(by=by, name=name):
            return "made", by, name
        case MemberJoined(name=name):
            return "came", name
        case MemberLeft(name=name):
            return "went", name
        case other:
            raise AssertionError(other)


@dataclass(eq=False)
class Device:
    """A connection that comes and goes, the producer it keeps, and all that it ever wrote by it under a name."""

    owner: str
    producer: bytes
    person: Person | None = None
    live: str | None = None
    """As whom it is logged in."""
    claim: tuple[str, int] | None = None
    """The name that it waits for, and since when."""
    leaves: bool = False
    closes: bool = False
    """Whether it leaves its producer behind."""
    written: dict[str, list[c.Write]] = field(default_factory=dict)


def _claims(device: Device, record: Record, result: object) -> bool:
    """Whether this is what a device waits for; it may have begun anew since."""
    match record:
        case Register(name=name, time=time):
            return device.claim == (name, time)
        case AddDevice(time=time):
            return device.claim == (result, time)
    return False


@dataclass
class Told:
    """What a device must be told when a batch is on disk."""

    outcomes: list[object] = field(default_factory=list)
    is_behind: bool = False
    next: int = 0
    """The write that its producer comes to next."""
    entered: str | None = None
    """As whom its claim lets it in, or why it does not."""
    ordered: list[str] = field(default_factory=list)
    """What its orders came to."""
    is_out: bool = False
    """Whether its key may not use the name any longer."""


class ModelDesk(Desk):
    """A desk that tells the referee of each commit, and keeps what was read as final."""

    def __init__(self, referee: "Referee") -> None:
        super().__init__()
        self.referee = referee
        self.final: list[tuple[Read, ReadResult]] = []

    def _finish_commit(self) -> None:
        batch = self._in_flight
        assert batch is not None
        super()._finish_commit()
        if self.has_failed:
            self.referee.nothing_happened()
        else:
            self.referee.happened(batch)

    def reads_pages(self) -> None:
        if not self.store.failing:
            final = [fetch.query for fetch in self._fetches if fetch.is_final]
            self.final += [(query, self.store.read(query)) for query in final]
        super().reads_pages()


class Referee:
    """Core and model side by side, and the devices that talk to the core."""

    def __init__(self, owners: Sequence[str]) -> None:
        self.chat = Chat()
        self.desk = ModelDesk(self)
        self.all = [Device(owner, b"%016d" % n) for n, owner in enumerate(owners)]
        self._producers = len(owners)
        self.grace: dict[str, float] = {}
        """Until when somebody who was lost counts as online."""

    # What comes.

    def reads(self, device: Device) -> list[Reply]:
        """Take what has come to a device; learn ids, and how its session stands."""
        person = device.person
        if person is None:
            return []
        replies = person.unread[:]
        person.unread.clear()
        for reply in replies:
            match reply:
                case Welcome():
                    device.live, device.claim = reply.name, None
                    self.grace.pop(reply.name, None)
                    self.learns(reply.inbox.room, f"@{reply.name}")
                    for joined in reply.rooms:
                        self.learns(joined.room, joined.name)
                case Joined():
                    self.learns(reply.room, reply.name)
                case Bye():
                    self.ends(device, grace=0.0)
                case Closing():
                    self.ends(device)
                    device.person = None
                    person.vanishes()
        return replies

    def learns(self, id: bytes, log: str) -> None:
        """An id stands for one log, always the same, and no two for one."""
        assert self.chat.names.setdefault(id, log) == log
        assert list(self.chat.names.values()).count(log) == 1

    def ends(self, device: Device, grace: float = GRACE_SECONDS) -> None:
        """A session is over."""
        name = device.live
        device.live = device.claim = None
        device.leaves = False
        if name is not None and not any(other.live == name for other in self.all):
            self.grace[name] = self.desk.now.monotonic + grace
        if device.closes:
            device.closes = False
            device.producer = b"%016d" % self._producers
            device.written.clear()
            self._producers += 1

    def is_online(self, name: str) -> bool:
        """Whether the others see somebody."""
        is_live = any(device.live == name for device in self.all)
        return is_live or self.desk.now.monotonic < self.grace.get(name, 0.0)

    # The log.

    def happened(self, batch: Batch) -> None:
        """A batch is on disk: let the same happen in the model, and compare what each was told."""
        told = [Told() for _ in self.all]
        for submission in batch.submissions:
            record, result = submission.record, self.chat.carry_out(submission.record)
            for device, its in zip(self.all, told, strict=True):
                if isinstance(record, Decree):
                    its.is_out |= self._is_out(device, record, result)
                if device.person is None or device.person.routing_id != submission.routing_id:
                    continue
                if isinstance(record, Writes) and self._waits(device, record):
                    its.outcomes += [outcome for outcome in result if outcome != "behind"]
                    its.is_behind |= "behind" in result
                    its.next = self.chat.next(self.chat.people[record.account - 1], record.producer)
                elif isinstance(record, Decree):
                    its.ordered.append(result[0])
                elif _claims(device, record, result):
                    device.claim, its.entered = None, result
        for device, its in zip(self.all, told, strict=True):
            self._compare(device, its)

    def _is_out(self, device: Device, record: Decree, result: tuple[str, str]) -> bool:
        """Whether a session ends because its key was removed."""
        person = self.chat.people[(record.actor or 0) - 1]
        is_its = device.person is not None and device.person.key == result[1]
        return is_its and device.live == person

    def _waits(self, device: Device, record: Writes) -> bool:
        """Whether the session that wrote this goes on: it may have begun anew as somebody else."""
        writer = self.chat.people[record.account - 1]
        return (device.live, device.producer) == (writer, record.producer)

    def _compare(self, device: Device, its: Told) -> None:
        was_live = device.live is not None
        outcomes: list[object] = []
        resent: list[int] = []
        answers: list[Reply] = []
        ordered: list[str] = []
        is_out = False
        for reply in self.reads(device):
            match reply:
                case Acked():
                    log = self.chat.names[reply.room]
                    outcomes += [(reply.n + i, (log, reply.seq + i)) for i in range(reply.count)]
                case Error(n=int(n), code=code):
                    outcomes.append((n, code))
                case Resend(n=n, code="out_of_order"):
                    resent.append(n)
                case Done():
                    ordered.append("done")
                case Error(id=8, code=code):
                    ordered.append(code)
                case Closing(code=code):
                    assert code == "device_removed"
                    is_out = True
                case Welcome() | Error():
                    answers.append(reply)
        assert outcomes == its.outcomes
        assert (ordered, is_out) == (its.ordered, its.is_out)
        assert resent == ([its.next] if its.is_behind else [])
        match answers:
            case [Welcome() as welcome]:
                assert not was_live
                assert welcome.name == its.entered
                self.checks_welcome(welcome)
            case [Error(code=code)]:
                assert code == its.entered == "name_taken"
            case _:
                assert not answers
                assert its.entered is None

    def checks_welcome(self, welcome: Welcome) -> None:
        chat, name = self.chat, welcome.name
        assert welcome.rooms[0].name == LOBBY
        rooms = {room.name: (room.seq, room.read) for room in welcome.rooms}
        assert rooms == {
            room: (len(chat.logs[room]), chat.markers[name, room]) for room in chat.rooms_of(name)
        }
        inbox = f"@{name}"
        read = chat.markers.get((name, inbox), 0)
        assert (welcome.inbox.seq, welcome.inbox_read) == (len(chat.logs[inbox]), read)

    def nothing_happened(self) -> None:
        """A commit has failed: nobody is told an outcome."""
        for device in self.all:
            for reply in self.reads(device):
                match reply:
                    case Error(code=code):
                        assert code == "storage_unavailable"
                        device.claim = None
                    case Resend(code=code):
                        assert code in ("storage_unavailable", "out_of_order")
                    case _:
                        assert isinstance(reply, Bye)

    def checks_page(self, reply: Reply, query: c.History, log: list[tuple[int, Happening]]) -> None:
        after = -1 if query.after is None else query.after
        before = 1000 if query.before is None else query.before
        span = [entry for entry in log if after < entry[0] < before]
        shown = span[-query.limit :] if query.after is None else span[: query.limit]
        assert isinstance(reply, Page)
        assert [(e.seq, happening(e.event)) for e in reply.events] == shown
        assert reply.more == (len(span) > query.limit)

    # What is on disk.

    def checks_disk(self) -> None:
        store, chat = self.desk.store, self.chat
        people = {row.account: row.name for row in store.accounts.values()}
        rooms = {row.number: row.name for row in store.rooms.values() if not row.audit}
        assert list(people.values()) == chat.people
        devices = {(people[account], n): row.key for (account, n), row in store.devices.items()}
        assert devices == {
            (p, n): key for p, keys in chat.devices.items() for n, key in keys.items()
        }
        logs = {name: store.events.get(number, []) for number, name in rooms.items()}
        logs |= {f"@{name}": store.inboxes.get(n, []) for n, name in people.items()}
        found = {log: [happening(entry.event) for entry in es] for log, es in logs.items()}
        assert found == chat.logs
        members: dict[str, set[str]] = {name: set() for name in rooms.values()}
        members[LOBBY] = set(chat.people)
        for number, account in store.members:
            assert number != LOBBY_NUMBER
            members[rooms[number]].add(people[account])
        assert members == chat.members
        markers = {
            (people[account], f"@{people[account]}" if room == INBOX else rooms[room]): seq
            for (account, room), seq in store.markers.items()
        }
        assert {k: seq for k, seq in markers.items() if seq} == {
            k: seq for k, seq in chat.markers.items() if seq
        }

    def checks_final_pages(self) -> None:
        if not self.desk.store.failing:
            assert all(self.desk.store.read(query) == page for query, page in self.desk.final)
