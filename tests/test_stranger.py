"""PROTOCOL.md is enough: a client that was written from it talks with the real broker."""

import ast
import sys
from importlib.metadata import version
from pathlib import Path
from types import ModuleType

import pytest
from tests import protocol_tables, stranger
from tests.stranger import Enter, Map, digest_of


def imports(module: ModuleType) -> set[str]:
    """Return the packages that a module imports, but for Python's own."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(Path(module.__file__ or "").read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return {name for name in names if name.partition(".")[0] not in sys.stdlib_module_names}


def test_stranger_needs_nothing_of_ours() -> None:
    assert imports(stranger) == {"zmq", "zmq.utils", "msgpack", "tests.protocol_tables"}
    assert imports(protocol_tables) == set()


def test_stranger_finds_the_lobby_when_the_door_is_asked(enter: Enter) -> None:
    alice = enter("Alice")
    assert alice.door["versions"] == [1]
    assert len(alice.door["key"]) == 32
    assert list(alice.rooms) == ["lobby"]
    roster = alice.ask("who")
    assert roster["names"] == ["Alice"]


def test_stranger_learns_the_brokers_version_when_it_says_hello(enter: Enter) -> None:
    greeted = enter("Alice").ask("hello", versions=[1])
    assert greeted["software"] == f"hubbub {version('hubbub')}"


def test_strangers_talk_in_a_room_when_both_are_members(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    made = alice.write("create", name="tea", description="Leaves only")
    tea = alice.enter(alice.wait_for("joined"))
    assert (made["room"], made["seq"]) == (tea.id, 1)
    (room,) = [room for room in bob.ask("rooms")["rooms"] if room["name"] == "tea"]
    assert (room["description"], room["members"]) == ("Leaves only", 1)
    assert bob.write("join", name="TEA")["seq"] == 2
    bobs = bob.enter(bob.wait_for("joined"))
    outcome = alice.write("post", room=tea.id, text="Hello, Bob!", data={"cups": [1, 2]})
    bob.until(lambda: bobs.seq == outcome["seq"])
    bob.write("post", room=tea.id, text="Hello, Alice!")
    alice.until(lambda: tea.texts == ["Hello, Bob!", "Hello, Alice!"])
    bob.until(lambda: bobs.seq == tea.seq)
    assert tea.digest == bobs.digest
    assert bobs.events[0]["data"] == {"cups": [1, 2]}
    names = {
        member["name"]: member["online"] for member in bob.ask("members", room=tea.id)["members"]
    }
    assert names == {"Alice": True, "Bob": True}


def test_strangers_tell_each_other_when_nobody_else_may_hear(enter: Enter) -> None:
    alice, bob, carol = enter("Alice"), enter("Bob"), enter("Carol")
    told = alice.write("tell", to="bob", text="Hi Bob!")
    assert (told["room"], told["seq"]) == (alice.inbox.id, 1)
    bob.until(lambda: bob.inbox.texts == ["Hi Bob!"])
    bob.write("tell", to="Alice", text="Hi Alice!")
    carol.write("tell", to="Alice", text="Me too")
    alice.until(lambda: alice.inbox.seq == 3)
    assert bob.inbox.events[0]["to"] == "Bob"
    assert carol.inbox.texts == ["Me too"]
    page = alice.ask("history", **{"with": "Bob"})
    assert [seq for seq, _ in page["events"]] == [1, 2]
    assert page["before"] == b""
    whole = alice.ask("history", room=alice.inbox.id)
    assert [event for _, event in whole["events"]][:2] == [event for _, event in page["events"]]


def test_stranger_computes_the_digest_of_the_heads_when_it_has_read_all(enter: Enter) -> None:
    alice = enter("Alice")
    lobby = alice.rooms["lobby"]
    alice.send(*(alice.next("post", room=lobby.id, text=str(n)) for n in range(1, 6)))
    assert alice.outcome(5)["n"] <= 5
    alice.write("tell", to="Alice", text="A note")
    alice.until(lambda: lobby.seq == 5 and alice.inbox.seq == 1)
    alice.ask("ping")
    assert alice.heads == {log.id: (log.seq, log.digest) for log in (lobby, alice.inbox)}
    digest = bytes(16)
    for _, event in alice.ask("history", room=lobby.id, after=0)["events"]:
        digest = digest_of(event, digest)
    assert digest == lobby.digest


def test_stranger_misses_nothing_when_it_comes_back(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    lobby = alice.rooms["lobby"]
    alice.write("post", room=lobby.id, text="before")
    alice.until(lambda: lobby.seq == 1)
    assert bob.ask("logout", close_producer=False)["type"] == "bye"
    for n in range(5):
        alice.write("post", room=lobby.id, text=f"meanwhile {n}")
    assert not bob.login(resuming=True).get("created", False)
    assert bob.rooms["lobby"].texts == ["before", *(f"meanwhile {n}" for n in range(5))]
    alice.until(lambda: lobby.seq == bob.rooms["lobby"].seq)
    assert bob.rooms["lobby"].digest == lobby.digest


def test_stranger_learns_how_far_it_has_read_when_it_comes_back(enter: Enter) -> None:
    alice = enter("Alice")
    lobby = alice.rooms["lobby"]
    for n in range(3):
        alice.write("post", room=lobby.id, text=str(n))
    alice.write("tell", to="Alice", text="A note")
    assert alice.write("mark", room=lobby.id, seq=2)["seq"] == 2
    assert alice.write("mark", room=alice.inbox.id, seq=9)["seq"] == 1
    moved = [alice.wait_for("marked") for _ in range(2)]
    assert [(m["room"], m["read"]) for m in moved] == [(lobby.id, 2), (alice.inbox.id, 1)]
    welcome = alice.login(resuming=True)
    (joined,) = welcome["rooms"]
    assert (joined["seq"], joined["read"], welcome["inbox_read"]) == (3, 2, 1)


def test_stranger_fills_a_gap_when_events_were_lost(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    bobs = bob.rooms["lobby"]
    bob.events_to_lose = 3
    for n in range(3):
        alice.write("post", room=bobs.id, text=f"unheard {n}")
    alice.write("post", room=bobs.id, text="heard")
    bob.until(lambda: bobs.waiting)
    assert bobs.texts == []
    bob.catch_up(bobs, max(bobs.waiting))
    assert bobs.texts == ["unheard 0", "unheard 1", "unheard 2", "heard"]


def test_stranger_goes_back_when_a_write_did_not_arrive(enter: Enter) -> None:
    alice = enter("Alice")
    lobby = alice.rooms["lobby"]
    alice.write("post", room=lobby.id, text="one")
    posts = [alice.next("post", room=lobby.id, text=text) for text in ("two", "three", "four")]
    alice.send(posts[2])
    going_back = alice.wait_for("resend")
    assert (going_back["n"], going_back["code"]) == (2, "out_of_order")
    alice.send(*posts)
    outcome = alice.outcome(4)
    assert (outcome["n"], outcome["count"], outcome["seq"]) == (2, 3, 2)
    alice.until(lambda: lobby.texts == ["one", "two", "three", "four"])


def test_write_happens_once_when_a_stranger_sends_it_again(enter: Enter) -> None:
    alice = enter("Alice")
    lobby = alice.rooms["lobby"]
    posts = [alice.next("post", room=lobby.id, text=text) for text in ("one", "two", "three")]
    alice.send(*posts)
    first = alice.outcome(3)
    alice.login(resuming=True)
    alice.send(*posts)
    assert alice.outcome(3) == first
    assert alice.write("post", room=lobby.id, text="four")["seq"] == 4
    alice.until(lambda: lobby.texts == ["one", "two", "three", "four"])


def test_stranger_begins_a_new_producer_when_the_broker_does_not_know_it(enter: Enter) -> None:
    alice = enter("Alice")
    lobby = alice.rooms["lobby"]
    alice.n = 1
    assert alice.write("post", room=lobby.id, text="?")["code"] == "producer_expired"
    alice.producer, alice.n = bytes(reversed(alice.producer)), 0
    alice.login(resuming=True)
    assert alice.write("post", room=lobby.id, text="!")["seq"] == 1


@pytest.mark.parametrize(
    ("kind", "fields", "code"),
    [
        ("post", {"room": bytes(16), "text": "hi"}, "not_member"),
        ("join", {"name": "nowhere"}, "unknown_room"),
        ("create", {"name": "Lobby"}, "room_exists"),
        ("create", {"name": "a b"}, "bad_name"),
        ("tell", {"to": "Nobody", "text": "hi"}, "unknown_user"),
    ],
)
def test_stranger_gets_a_code_and_goes_on_when_a_write_is_refused(
    enter: Enter, kind: str, fields: Map, code: str
) -> None:
    alice = enter("Alice")
    refusal = alice.write(kind, **fields)
    assert (refusal["type"], refusal["code"]) == ("error", code)
    assert alice.write("post", room=alice.rooms["lobby"].id, text="hi")["seq"] == 1


def test_stranger_listens_no_more_when_it_has_left_a_room(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.write("create", name="tea")
    tea = alice.enter(alice.wait_for("joined"))
    bob.write("join", name="tea")
    before = bob.enter(bob.wait_for("joined"))
    bob.write("leave", room=tea.id)
    bob.wait_for("left")
    assert list(bob.rooms) == ["lobby"]
    assert alice.write("post", room=tea.id, text="unheard")["seq"] == 4
    bob.write("join", name="tea")
    after = bob.enter(bob.wait_for("joined"))
    assert before.seq in (2, 3)  # its own leaving may be heard still
    assert after.seq == 5
    alice.until(lambda: tea.seq == 5)
    assert after.digest == tea.digest


@pytest.mark.slow  # presence comes at most every 250 ms
def test_strangers_see_who_is_away(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    assert bob.ask("away", text="at lunch")["type"] == "noted"
    alice.until(lambda: any(d.get("away") == {"Bob": "at lunch"} for d in alice.presence))
    assert alice.ask("who")["away"] == {"Bob": "at lunch"}
    assert bob.ask("away")["type"] == "noted"
    alice.until(lambda: any(d.get("back") == ["Bob"] for d in alice.presence))
    assert "away" not in alice.ask("who")
    assert bob.ask("away", text="?" * 257)["code"] == "too_large"


@pytest.mark.slow  # presence comes at most every 250 ms
def test_strangers_see_each_other_come_and_go(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.until(lambda: any("Bob" in delta.get("joined", []) for delta in alice.presence))
    bob.ask("logout")
    alice.until(lambda: any("Bob" in delta.get("left", []) for delta in alice.presence))
    versions = [delta["version"] for delta in alice.presence]
    assert versions == list(range(versions[0], versions[0] + len(versions)))
    assert alice.ask("who")["names"] == ["Alice"]
