"""The core against a model that a child could check: whatever people do, and however the disk stalls and fails, every outcome, every page and every list is
what the model says from the order of the records alone."""

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.broker.core.model import LOBBY
from tests.broker.core.referee import Device, Referee

from hubbub.common import commands as c
from hubbub.common.names import fold
from hubbub.common.replies import (
    Error,
    Joined,
    LinkMade,
    MemberList,
    Reply,
    Resend,
    RoomList,
    Roster,
    Welcome,
)

OWNERS = ("Alice", "Alice", "Bob", "Carol")
NAMES = ("Alice", "ALICE", "Bob", "B0b", "Carol")
ROOMS = ("garden", "Garden", "attic", "attic", "nowhere", "no room", "")
TEXTS = ("hi", "ho", "hello", "", "x" * 8192, "é" * 4097, "a\0b")
NO_ID = b"?" * 16

devices = st.integers(0, len(OWNERS) - 1)
picks = st.integers(0, 11)
seqs = st.none() | st.integers(0, 12)


class CoreIsTheModel(RuleBasedStateMachine):
    """People at a desk whose commits return, or fail, when a rule says so."""

    @initialize()
    def opens(self) -> None:
        self.it = Referee(OWNERS)
        self.chat, self.desk = self.it.chat, self.it.desk
        self.desk.stalls()
        for device in self.it.all:
            self._logs_in(device, device.owner)
        self._settles()

    def _settles(self) -> None:
        while self.desk.is_committing:
            self.desk.returns()

    # People come and go.

    @rule(device=devices, name=st.sampled_from(NAMES))
    def comes(self, device: int, name: str) -> None:
        self._logs_in(self.it.all[device], name)

    def _logs_in(self, device: Device, name: str, code: str = "") -> None:
        if device.person is None:
            device.person = self.desk.connects(device.owner)
        self.it.ends(device)
        device.person.producer = device.producer
        device.person.hello()
        expected = self.chat.entering(name, device.person.key)
        if code:
            device.person.logs_in(name, code=code)
            expected = None if expected == "name_taken" else expected
        else:
            device.person.logs_in(name)
        replies = self.it.reads(device)
        match replies:
            case [Welcome() as welcome]:
                assert welcome.name == expected
                if not self.desk.is_committing:
                    self.it.checks_welcome(welcome)
            case [Error(code=code)]:
                assert code == (expected or "storage_unavailable")
                assert expected or self.desk.has_failed
            case _:
                assert not replies
                assert expected is None
                device.claim = (name, self.desk.now.wall)

    @rule(device=devices, how=st.sampled_from(["is lost", "says goodbye", "keeps its producer"]))
    def goes(self, device: int, how: str) -> None:
        it = self.it.all[device]
        if it.person is None:
            return
        if how == "is lost":
            it.person.vanishes()
            it.person = None
            self.it.ends(it)
        elif it.live is not None and not it.leaves:
            it.leaves, it.closes = True, how == "says goodbye"
            it.person.sends(c.Logout(9, close_producer=it.closes))
            self.it.reads(it)

    @rule(device=devices, other=devices)
    def lets_another_in(self, device: int, other: int) -> None:
        """By a code, between batches: what a batch in flight does to keys may show already."""
        it, guest = self.it.all[device], self.it.all[other]
        self._settles()
        if it is guest or it.person is None or it.live is None or it.leaves:
            return
        it.person.sends(c.Link(9))
        [made] = self.it.reads(it)
        assert isinstance(made, LinkMade)
        self._logs_in(guest, it.live, made.code)
        self._settles()

    @rule(device=devices, number=st.integers(1, 3))
    def removes(self, device: int, number: int) -> None:
        """A key, perhaps its own; between batches as well."""
        it = self.it.all[device]
        self._settles()
        if it.person is not None and it.live is not None and not self.desk.has_failed:
            it.person.sends(c.RemoveDevice(8, number))
            self._settles()

    @rule(seconds=st.sampled_from([0.1, 4.9, 6.0]))
    def time_passes(self, seconds: float) -> None:
        for device in self.it.all:  # nobody is silent for long
            if device.person is not None:
                device.person.sends(c.Ping(1))
        self.desk.passes(seconds)
        for device in self.it.all:
            self.it.reads(device)

    # People write.

    @rule(
        device=devices,
        kinds=st.lists(st.tuples(picks, picks), min_size=1, max_size=5),
        is_sent=st.sampled_from([True, True, True, False]),
    )
    def writes(self, device: int, kinds: list[tuple[int, int]], is_sent: bool) -> None:
        """New writes; unless they are sent, later ones come out of order."""
        it = self.it.all[device]
        if it.live is None:
            self._logs_in(it, it.owner)
            self._settles()
        if it.live is not None:
            written = it.written.setdefault(it.live, [])
            first = len(written) + 1
            written += [self._command(it.live, n, *kind) for n, kind in enumerate(kinds, first)]
            if is_sent:
                self._sends(it, written[-len(kinds) :])

    @rule(
        device=devices,
        move=st.sampled_from(["creates", "joins", "leaves"]),
        room=st.sampled_from(["garden", "attic"]),
    )
    def moves(self, device: int, move: str, room: str) -> None:
        """Into a room; or out of all that one is in."""
        it = self.it.all[device]
        if it.live is None:
            return
        written = it.written.setdefault(it.live, [])
        n = len(written) + 1
        if move == "leaves":
            inside = self.chat.rooms_of(it.live)
            ids = [id for id, log in self.chat.names.items() if log in inside and log != LOBBY]
            written += [c.Leave(number, id) for number, id in enumerate(ids, n)]
        else:
            written.append(c.Create(n, room) if move == "creates" else c.Join(n, room))
        self._sends(it, written[n - 1 :])

    @rule(device=devices, first=st.integers(0, 30), count=st.integers(1, 8))
    def writes_again(self, device: int, first: int, count: int) -> None:
        """From anywhere: repeats of what was done, holes before what was not."""
        it = self.it.all[device]
        written = it.written.get(it.live or "", [])
        if written:
            self._sends(it, written[first % len(written) :][:count])

    @rule(device=devices)
    def goes_back(self, device: int) -> None:
        """To the first write that has no outcome, as clients do."""
        it = self.it.all[device]
        first = self.chat.next(it.live or "", it.producer)
        self._sends(it, it.written.get(it.live or "", [])[first - 1 :])

    def _sends(self, device: Device, writes: list[c.Write]) -> None:
        if device.person is None or device.leaves or not writes:
            return
        device.person.sends(*writes)
        for reply in self.it.reads(device):
            assert isinstance(reply, Resend), "no outcome before the commit"

    def _command(self, name: str, n: int, kind: int, pick: int) -> c.Write:  # noqa: PLR0911 - a table
        id, text = self._log(name, pick), TEXTS[pick % len(TEXTS)]
        match kind:
            case 0 | 1:
                return c.Post(n, id, text)
            case 2:
                return c.Post(n, id, "", data={"pick": pick})
            case 3 | 4:
                return c.Tell(n, [*NAMES, "Nobody"][pick % 6], text)
            case 5:
                return c.Create(
                    n, ROOMS[pick % len(ROOMS)], ["", "two\nlines", "x" * 513][pick % 3]
                )
            case 6:
                return c.Create(n, ROOMS[pick % 3], "ours")
            case 7 | 8:
                return c.Join(n, ROOMS[pick % len(ROOMS)])
            case 9:
                return c.Leave(n, id)
            case 10:
                return c.Mark(n, id, pick)
            case _:
                return c.Skip(n)

    def _log(self, name: str | None, pick: int) -> bytes:
        """One of the logs that people have heard of, or none at all; more often one of those that this person is in, those found last first."""
        mine = [id for id, log in self.chat.names.items() if self.chat.is_in(name or "", log)]
        ids = [*mine[::-1], *self.chat.names, NO_ID]
        return ids[pick % len(ids)]

    # The disk.

    @precondition(lambda self: self.desk.is_committing)
    @rule(end=st.sampled_from(["returns", "all return", "all return", "fails"]))
    def commit_ends(self, end: str) -> None:
        match end:
            case "returns":
                self.desk.returns()
            case "fails":
                self.desk.fails()
            case _:
                self._settles()

    @precondition(lambda self: self.desk.has_failed)
    @rule()
    def disk_recovers(self) -> None:
        self.desk.stalls()
        self.desk.recovers()
        for device in self.it.all:
            assert all(isinstance(reply, Joined) for reply in self.it.reads(device))

    # People ask. What a batch in flight does may show in refusals already, so they ask between batches.

    def _asks(self, device: int, query: c.Query) -> Reply | None:
        it = self.it.all[device]
        self._settles()
        if it.live is None:
            self._logs_in(it, it.owner)
            self._settles()
        if it.person is None or it.live is None:
            return None
        it.person.sends(query)
        [reply] = self.it.reads(it)
        if isinstance(reply, Error) and reply.code == "storage_unavailable":
            assert self.desk.has_failed
            return None
        return reply

    @rule(device=devices, pick=picks, span=st.tuples(seqs, seqs), limit=st.sampled_from([1, 2, 99]))
    def asks_for_history(
        self, device: int, pick: int, span: tuple[int | None, int | None], limit: int
    ) -> None:
        query = c.History(3, self._log(self.it.all[device].live, pick), None, *span, limit)
        reply = self._asks(device, query)
        if reply is None:
            return
        name, log = self.it.all[device].live or "", self.chat.names.get(query.room or b"")
        if log is None or not self.chat.is_in(name, log):
            assert isinstance(reply, Error)
            assert reply.code == "not_member"
        else:
            self.it.checks_page(reply, query, list(enumerate(self.chat.logs[log], 1)))

    @rule(device=devices, name=st.sampled_from([*NAMES, "Nobody"]), span=st.tuples(seqs, seqs))
    def asks_what_was_exchanged(
        self, device: int, name: str, span: tuple[int | None, int | None]
    ) -> None:
        query = c.History(3, None, name, *span, 2)
        reply = self._asks(device, query)
        if reply is None:
            return
        other = self.chat.person(name)
        if other is None:
            assert isinstance(reply, Error)
            assert reply.code == "unknown_user"
        else:
            exchanged = self.chat.exchanged(self.it.all[device].live or "", other)
            self.it.checks_page(reply, query, exchanged)

    @rule(device=devices, pick=picks)
    def asks_for_lists(self, device: int, pick: int) -> None:
        after = ["", "attic", "lobby"][pick % 3]
        self._checks_rooms(self._asks(device, c.Rooms(4, after)), after)
        room = self._log(self.it.all[device].live, pick)
        reply = self._asks(device, c.Members(5, room))
        if reply is None:
            return
        members = self.chat.members.get(self.chat.names.get(room, ""), set())
        if self.it.all[device].live not in members:
            assert isinstance(reply, Error)
            assert reply.code == "not_member"
        else:
            assert isinstance(reply, MemberList)
            assert [(member.name, member.online) for member in reply.members] == [
                (name, self.it.is_online(name)) for name in sorted(members, key=fold)
            ]

    def _checks_rooms(self, reply: Reply | None, after: str) -> None:
        if reply is None:
            return
        names = [name for name in sorted(self.chat.members, key=fold) if fold(name) > after]
        assert isinstance(reply, RoomList)
        assert [(r.name, r.description, r.members) for r in reply.rooms] == [
            (name, self.chat.descriptions[name], len(self.chat.members[name])) for name in names
        ]
        assert all(self.chat.names.get(r.room, r.name) == r.name for r in reply.rooms)

    @rule(device=devices, name=st.sampled_from([*NAMES, "Nobody"]))
    def asks_who_is_here(self, device: int, name: str) -> None:
        roster = self._asks(device, c.Who(6))
        reply = self._asks(device, c.Whois(7, name))
        if roster is None or reply is None:
            return
        assert isinstance(roster, Roster)
        assert roster.names == sorted(filter(self.it.is_online, self.chat.people))
        found = self.chat.person(name)
        if found is None:
            assert isinstance(reply, Error)
            assert reply.code == "unknown_user"
        else:
            assert isinstance(reply, MemberList)
            [member] = reply.members
            assert (member.name, member.online) == (found, self.it.is_online(found))

    @invariant()
    def what_is_on_disk_is_the_model(self) -> None:
        self.it.checks_disk()
        self.it.checks_final_pages()


TestCoreIsTheModel = pytest.mark.slow(CoreIsTheModel.TestCase)
TestCoreIsTheModel.settings = settings(
    max_examples=150,
    stateful_step_count=50,
    deadline=None,
    derandomize=True,  # the same examples each time; run with --hypothesis-seed and more of them when core/ changes
    suppress_health_check=[HealthCheck.too_slow],
)
