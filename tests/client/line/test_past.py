"""How far a person has read, as a chat tells it to the broker."""

from tests.client.watching import Enter

from hubbub.client.client import Client
from hubbub.client.line.dating import Dating
from hubbub.client.line.past import Past
from hubbub.client.updates import MarkerMoved, Message


def past_of(client: Client) -> Past:
    return Past(client, Dating(times=False, days=False), lambda: 0, recalls=True)


def said(client: Client, text: str) -> Message:
    """Post, and return it as it is shown."""
    return Message("lobby", client.name, text, None, time=0, seq=client.post("lobby", text))


def test_what_was_shown_is_marked_but_not_what_another_session_has_marked(enter: Enter) -> None:
    alice = enter("Alice")
    past = past_of(alice)
    assert past.arrival() == []
    for moved in (MarkerMoved("lobby", 2), MarkerMoved(None, 9)):
        past.happens(said(alice, "one"))
        past.happens(moved)
    past.happens(said(alice, "three"))
    past.happens(MarkerMoved("lobby", 3))
    past.mark()
    assert [marker.read for marker in alice.markers()] == [0, 0]
    past.happens(said(alice, "four"))
    past.happens(MarkerMoved("lobby", 3))
    past.mark()
    alice.flush()
    assert [marker.read for marker in alice.markers()] == [4, 0]
