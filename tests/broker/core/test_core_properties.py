"""Whatever people do, however their frames are doubled and their connections lost, and whenever the disk fails: the promises hold."""

from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from tests.broker.core.desk import Desk
from tests.broker.core.device import Device
from tests.broker.core.memory_store import LOBBY, LOBBY_NUMBER, Entry
from tests.broker.core.picture import picture
from tests.broker.core.wire import Sub, is_presence

from hubbub.broker.core.apply import apply
from hubbub.broker.core.batch import Batch
from hubbub.broker.core.changes import INBOX
from hubbub.broker.core.effects import Publish
from hubbub.broker.core.records import Submission
from hubbub.broker.core.state import State
from hubbub.common.codec import decode_event
from hubbub.common.commands import Away, Create, Join, Leave, Mark, Post, Tell, Write
from hubbub.common.digest import EMPTY, extend
from hubbub.common.events import MessagePosted, MessageTold, PresenceChanged, RoomEvent

OWNERS = ("Alice", "Alice", "Bob", "Carol")
ROOMS = ("garden", "attic")

devices = st.integers(0, len(OWNERS) - 1)
kinds = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 5)), min_size=1, max_size=4)


def by_topic(batch: Batch) -> dict[bytes, list[bytes]]:
    """What a batch publishes."""
    return {room.log.id: events for room, events in batch.published.items()}


class CheckedDesk(Desk):
    """A desk that checks each batch on its way to the disk."""

    def __init__(self) -> None:
        super().__init__()
        self.listeners: dict[int, int] = {}
        """By connection of a SUB: whose it is."""

    def _apply(self, submissions: Sequence[Submission]) -> Batch:
        """The same records on the same state change the same."""
        before = self.store.load()
        batch = super()._apply(submissions)
        again = apply(State(before), submissions, self.core.context.settings.limits)
        assert again.changes == batch.changes
        assert by_topic(again) == by_topic(batch)
        return batch

    def _finish_commit(self) -> None:
        """The rows tell the live state; nothing lives in memory alone."""
        self._members = set(self.store.members)
        super()._finish_commit()
        if not self.has_failed:
            names = (*OWNERS, "ALICE", "B0b")
            now = picture(self.core.context.state, names)
            assert picture(State(self.store.load()), names) == now

    def reads_subscription(self, sub: Sub, topic: bytes) -> None:
        session = self.core.context.sessions.announced(sub.key)
        if session is not None and session.account is not None:
            self.listeners[sub.connection] = session.account.number
        super().reads_subscription(sub, topic)

    def _publish(self, effect: Publish) -> None:
        """Nobody hears a room but those who are in it, or were when the batch began."""
        if effect.topic != LOBBY:
            members = self._members | set(self.store.members)
            room = self.core.context.state.room_by_id[effect.topic].number
            for sub in self.subs:
                if effect.topic in sub.topics:
                    assert (room, self.listeners[sub.connection]) in members
        super()._publish(effect)


class PromisesHold(RuleBasedStateMachine):
    """Devices at a desk whose disk is slow: a commit returns, or fails, when a rule says so."""

    @initialize()
    def opens(self) -> None:
        self.desk = CheckedDesk()
        self.devices = [Device(self.desk, name, n) for n, name in enumerate(OWNERS)]
        self.texts = self.told = self.version = 0
        self.online: set[str] = set()
        self.away: dict[str, str] = {}
        for device in self.devices[1:]:
            device.connects()
            device.reacts()
        self.desk.stalls()

    # People.

    @rule(device=devices)
    def connects(self, device: int) -> None:
        if self.devices[device].person is None:
            self.devices[device].connects()

    @rule(device=devices)
    def begins_anew(self, device: int) -> None:
        if self.devices[device].person is not None:
            self.devices[device].logs_in()

    @rule(device=devices)
    def vanishes(self, device: int) -> None:
        person = self.devices[device].person
        if person is not None:
            person.vanishes()

    @rule(device=devices, close=st.booleans())
    def logs_out(self, device: int, close: bool) -> None:
        self.devices[device].logs_out(close=close)

    @rule(device=devices, text=st.sampled_from([None, "", "at lunch"]), again=st.booleans())
    def says_away(self, device: int, text: str | None, again: bool) -> None:
        person = self.devices[device].person
        if person is not None and self.devices[device].is_live:
            person.sends(Away(8, text, again))

    @rule(device=devices, kinds=kinds, send=st.sampled_from([True, True, False]))
    def writes(self, device: int, kinds: list[tuple[int, int]], send: bool) -> None:
        """New writes; unless sent they lie in the outbox, so that later ones come out of order."""
        it = self.devices[device]
        if it.is_closing:
            return
        new = [self._write(it.name, len(it.outbox) + 1 + i, *kind) for i, kind in enumerate(kinds)]
        it.outbox += new
        if send:
            it.sends(new)

    def _write(self, name: str, n: int, kind: int, pick: int) -> Write:
        self.texts += 1
        text = f"text {self.texts}"
        state = self.desk.core.context.state
        ids = [room.log.id for room in state.rooms.values()]
        room = ids[pick % len(ids)]
        match kind:
            case 0 | 1 | 2 | 3:
                return Post(n, room, text)
            case 4:
                return Tell(n, OWNERS[pick % len(OWNERS)], text)
            case 5:
                return Create(n, ROOMS[pick % len(ROOMS)])
            case 6 | 7:
                return Join(n, ROOMS[pick % len(ROOMS)])
            case 8 | 9:
                return Leave(n, ids[-1 - pick % len(ids)])
            case _:
                account = state.account_named(name)
                inbox = account.inbox.id if account else room
                return Mark(n, inbox if kind == 10 else room, self.texts % 12)

    @rule(device=devices, first=st.integers(0, 40), count=st.integers(1, 12))
    def sends_again(self, device: int, first: int, count: int) -> None:
        """From anywhere in the outbox: duplicates, and holes before them."""
        it = self.devices[device]
        it.sends(it.outbox[first % (len(it.outbox) or 1) :][:count])

    @rule(device=devices)
    def goes_back(self, device: int) -> None:
        """As a client does after `resend`."""
        self.devices[device].sends(self.devices[device].open_writes())

    @rule(seconds=st.sampled_from([0.1, 0.9, 6.0]))
    def time_passes(self, seconds: float) -> None:
        self.desk.passes(seconds)

    # The disk.

    @precondition(lambda self: self.desk.is_committing)
    @rule()
    def commit_returns(self) -> None:
        self.desk.returns()

    @precondition(lambda self: self.desk.is_committing)
    @rule()
    def commit_fails(self) -> None:
        self.desk.fails()

    @precondition(lambda self: self.desk.has_failed)
    @rule()
    def disk_recovers(self) -> None:
        self.desk.stalls()
        self.desk.recovers()

    # The promises.

    @invariant()
    def everybody_reacts(self) -> None:
        for device in self.devices:
            device.reacts()

    @invariant()
    def logs_have_no_holes_and_are_published_as_stored(self) -> None:
        store = self.desk.store
        published: dict[bytes, list[bytes]] = {}
        for topic, event in self.desk.published:
            if not is_presence(event):
                published.setdefault(topic, []).append(event)
        for number, row in store.rooms.items():
            log = store.events.get(number, [])
            assert [entry.event for entry in log] == published.get(row.room, [])
            self._is_chained(log)
            for entry in log:
                stored = decode_event(entry.event)
                assert isinstance(stored, RoomEvent)
                assert stored.seq == entry.seq
        for inbox in store.inboxes.values():
            self._is_chained(inbox)

    @invariant()
    def presence_adds_up_to_the_roster(self) -> None:
        new, self.told = self.desk.published[self.told :], len(self.desk.published)
        for change in (decode_event(event) for _, event in new):
            if isinstance(change, PresenceChanged):
                self._hears(change)
        roster = self.desk.core.context.roster
        assert self.version == roster.version
        names = roster.names(9)
        assert roster.away_among(names) == {n: self.away[n] for n in names if n in self.away}
        if roster.deadline() is None:  # nothing is pending
            assert self.online == set(names)
            for number, row in self.desk.store.accounts.items():
                assert roster.away(number) == self.away.get(row.name)

    def _hears(self, change: PresenceChanged) -> None:
        assert change.version == self.version + 1
        self.version = change.version
        came, gone = {*change.joined, *change.returned}, {*change.left}
        assert not came & self.online, "came twice"
        assert gone <= self.online, "went without having come"
        self.online = (self.online | came) - gone
        assert {*change.away, *change.back} <= self.online
        assert self.away.keys() >= {*change.back}
        kept = {name: text for name, text in self.away.items() if name in self.online}
        self.away = {name: text for name, text in kept.items() if name not in change.back}
        self.away |= change.away

    def _is_chained(self, log: list[Entry]) -> None:
        digest = EMPTY
        for seq, entry in enumerate(log, 1):
            digest = extend(digest, entry.event)
            assert (entry.seq, entry.digest) == (seq, digest)

    @invariant()
    def markers_are_those_of_members_and_within_their_logs(self) -> None:
        store = self.desk.store
        everybody = {(number, LOBBY_NUMBER) for number in store.accounts}
        members = {(account, room) for room, account in store.members}
        assert {key for key in store.markers if key[1] != INBOX} == everybody | members
        for (account, room), seq in store.markers.items():
            log = store.inboxes[account] if room == INBOX else store.events.get(room, [])
            membership = store.members.get((room, account))
            assert (membership.since if membership else 0) <= seq <= len(log)
        for device in self.devices:
            if device.is_live:
                device.checks_markers()

    @invariant()
    def what_is_acked_is_on_disk_and_nothing_is_there_twice(self) -> None:
        for device in self.devices:
            device.checks_outcomes()
        store = self.desk.store
        logs = [*store.events.values(), *([Entry(0, e, b"")] for e in store.messages.values())]
        events = [decode_event(entry.event) for log in logs for entry in log]
        texts = Counter(e.text for e in events if isinstance(e, MessagePosted | MessageTold))
        assert set(texts.values()) <= {1}

    def teardown(self) -> None:
        """In the end the disk works, everybody comes back, and every write has its outcome."""
        if not hasattr(self, "desk"):
            return
        if self.desk.has_failed:
            self.desk.stalls()
            self.desk.recovers()
        while self.desk.is_committing:
            self.desk.returns()
            self.everybody_reacts()
        self.desk.goes_on()
        for device in self.devices:
            if device.person is None:
                device.connects()
            else:
                device.logs_in()
            self.everybody_reacts()
            assert device.is_live
            device.sends(device.open_writes())
            self.everybody_reacts()
            assert len(device.outcomes) == len(device.outbox)
        self.logs_have_no_holes_and_are_published_as_stored()
        self.what_is_acked_is_on_disk_and_nothing_is_there_twice()


TestPromisesHold = pytest.mark.slow(PromisesHold.TestCase)
TestPromisesHold.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,  # the same examples each time; run with --hypothesis-seed and more of them when core/ changes
    suppress_health_check=[HealthCheck.too_slow],
)
