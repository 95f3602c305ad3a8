"""A chat in which roles matter: a garden that Olga owns and Mona moderates, where Bob and Carl are members; Dora is outside."""

from tests.broker.core.desk import SETTINGS, Desk, Person
from tests.broker.core.wire import without_text

from hubbub.broker.core.context import Settings
from hubbub.common.codec import decode_event
from hubbub.common.commands import Create, Invite, Join, Order, SetRole
from hubbub.common.events import Audited, Event
from hubbub.common.replies import Done, Reply


def room_id(desk: Desk, name: str) -> bytes:
    """Find a room by its name."""
    room = desk.core.context.state.room_named(name)
    assert room is not None, f"there is no room called {name}"
    return room.log.id


class Garden:
    """The people are its fields; the room is `id`."""

    def __init__(self, settings: Settings = SETTINGS, **of_the_room: object) -> None:
        """`of_the_room`: how it is made, as `create` takes it."""
        self.desk = Desk(settings)
        names = ("Olga", "Mona", "Bob", "Carl", "Dora")
        self.olga, self.mona, self.bob, self.carl, self.dora = map(self.desk.meets, names)
        self.olga.sends(Create(1, "garden", **of_the_room))  # type: ignore[arg-type]
        self.id = room_id(self.desk, "garden")
        for name, person in zip(names[1:4], (self.mona, self.bob, self.carl), strict=True):
            self.desk.decrees(Invite(1, self.id, name))
            person.sends(Join(1, "garden"))
        self.olga.sends(SetRole(1, "Mona", "moderator", self.id))
        for person in (self.olga, self.mona, self.bob, self.carl):
            person.subscribes(self.id)
        self.desk.answered.clear()
        self.forgets()

    def forgets(self) -> None:
        """Leave aside what everybody was told so far."""
        for person in self.desk.people:
            person.forgets()

    def owns_the_chat(self, name: str) -> Person:
        """The operator makes somebody who is not here yet an owner of the chat."""
        person = self.desk.meets(name)
        assert self.decreed(SetRole(1, name, "owner")) == Done(1)
        person.subscribes(room_id(self.desk, "audit"))
        self.forgets()
        return person

    def decreed(self, order: Order) -> Reply:
        """The operator gives an order, and is answered."""
        [answer] = self.desk.decrees(order).answered
        self.desk.answered.clear()
        assert isinstance(answer, Reply)
        return without_text(answer)

    def audited(self) -> list[Audited]:
        """Return what the audit room says that was done, oldest first."""
        audit = self.desk.core.context.state.audit
        log = self.desk.store.events.get(audit.number, []) if audit else []
        events: list[Event] = [decode_event(entry.event) for entry in log]
        return [event for event in events if isinstance(event, Audited)]
