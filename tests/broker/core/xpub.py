"""The desk's XPUB: the SUBs that are connected to it, and what each was granted and hears."""

from collections.abc import Iterable

from tests.broker.core.wire import Sub

from hubbub.broker.core import effects as fx
from hubbub.broker.core.clock import Now
from hubbub.broker.core.core import Core


class Xpub:
    """What the loop does for SUBs. A desk is one: it has the core, and performs what that says."""

    core: Core
    now: Now

    def __init__(self) -> None:
        self.subs: list[Sub] = []
        self.published: list[tuple[bytes, bytes]] = []
        """Every event ever published, with its topic."""
        self._reading: Sub | None = None

    def _number(self) -> int:
        raise NotImplementedError

    def _tell(self, effects: Iterable[fx.Effect]) -> None:
        raise NotImplementedError

    def opens_sub(self, events_key: str) -> Sub:
        """A SUB connects; ZAP asks the core first."""
        assert self.core.admits(events_key), "no live session announced this key"
        sub = Sub(events_key, self._number())
        self.subs.append(sub)
        return sub

    def reads_subscription(self, sub: Sub, topic: bytes) -> None:
        self._reading = sub
        self._tell(self.core.subscribe(sub.key, topic, sub.connection, self.now))
        self._reading = None

    def reads_unsubscription(self, sub: Sub, topic: bytes) -> None:
        self._reading = sub
        self._tell(self.core.unsubscribe(sub.key, topic, sub.connection, self.now))
        self._reading = None

    def reads_nonsense(self, sub: Sub) -> None:
        """Read from XPUB what is no subscription."""
        self._tell(self.core.misbehaved(sub.key, sub.connection, self.now))

    def _grant(self, effect: fx.Grant | fx.Revoke) -> None:
        assert self._reading is not None, "grants belong to the subscription being read"
        change = set.add if isinstance(effect, fx.Grant) else set.discard
        change(self._reading.topics, effect.topic)

    def _publish(self, effect: fx.Publish) -> None:
        for event in effect.events:
            self.published.append((effect.topic, event))
            for sub in self.subs:
                if effect.topic in sub.topics:
                    sub.heard.append((effect.topic, event))

    def _silence(self, connection: int) -> None:
        """A connection is shut down: what is published from now on does not arrive, whenever the monitor tells."""
        for sub in self.subs:
            if sub.connection == connection:
                sub.topics.clear()

    def _cut_sub(self, sub: Sub) -> None:
        sub.is_cut = True
        sub.topics.clear()
        self.core.lost_events(sub.connection)
