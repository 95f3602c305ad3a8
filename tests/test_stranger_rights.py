"""PROTOCOL.md is enough for who may come in and do what, too: passwords, codes, devices, orders, roles, and being put out."""

import re
from collections.abc import Callable

import pytest
from tests.stranger import Closed, Enter, Refused, digest_of

PASSWORD = "seven otters on a raft"


def test_stranger_uses_its_name_on_another_device_when_it_has_the_password(enter: Enter) -> None:
    alice = enter("Alice")
    assert alice.ask("set_password", password="alice1")["code"] == "weak_password"
    assert alice.ask("set_password", password=PASSWORD)["type"] == "done"
    with pytest.raises(Refused, match=r"^name_taken"):
        enter("Alice")
    with pytest.raises(Refused, match=r"^bad_credentials") as wrong:
        enter("Alice", password=f"{PASSWORD}!")
    with pytest.raises(Refused, match=r"^bad_credentials") as nobody:
        enter("Nobody", password=PASSWORD)
    assert str(wrong.value) == str(nobody.value)
    phone = enter("alice", password=PASSWORD, device="Phone")
    devices = alice.ask("devices")["devices"]
    assert [(d["device"], d.get("label", ""), d.get("current", False)) for d in devices] == [
        (1, "", True),
        (2, "Phone", False),
    ]
    phone.login(resuming=True)  # now its key is enough
    alice.write("tell", to="Alice", text="from one to the other")
    phone.until(lambda: phone.inbox.texts == ["from one to the other"])


def test_stranger_uses_its_name_on_another_device_when_it_has_a_code(enter: Enter) -> None:
    alice = enter("Alice")
    enter("Bob")
    old, made = alice.ask("link")["code"], alice.ask("link")
    assert re.fullmatch(r"([a-z2-7]{4}-){3}[a-z2-7]{4}", made["code"])
    assert made["seconds"] == 600
    for name, code in (("Bob", made["code"]), ("Alice", old), ("Alice", "k7qm-2vxa-ew5d-pz3t")):
        with pytest.raises(Refused, match=r"^bad_code"):
            enter(name, code=code)
    enter("Alice", code=f" {made['code'].replace('-', '').upper()} ")
    with pytest.raises(Refused, match=r"^bad_code"):
        enter("Alice", code=made["code"])


def test_stranger_is_out_when_its_device_is_removed(enter: Enter) -> None:
    alice = enter("Alice")
    alice.ask("set_password", password=PASSWORD)
    phone = enter("Alice", password=PASSWORD)
    assert alice.ask("remove_device", device=7)["code"] == "unknown_device"
    assert alice.ask("remove_device", device=2)["type"] == "done"
    with pytest.raises(Closed, match=r"^device_removed") as end:
        phone.ask("ping")
    assert not end.value.comes_back
    phone.reconnect()
    with pytest.raises(Refused, match=r"^name_taken"):
        phone.login()
    assert [device["device"] for device in alice.ask("devices")["devices"]] == [1]


def test_stranger_lets_newcomers_in_when_it_owns_the_chat(
    enter: Enter, appoint: Callable[[str], None]
) -> None:
    alice = enter("Alice")
    assert alice.ask("make_invite")["code"] == "forbidden"
    appoint("Alice")
    invite = alice.ask("make_invite", uses=1, seconds=60)
    assert (invite["type"], invite["uses"]) == ("invite_made", 1)
    enter("Bob", code=invite["code"])
    with pytest.raises(Refused, match=r"^bad_code"):
        enter("Carol", code=invite["code"])


def test_stranger_does_nothing_more_when_an_order_comes_twice(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.write("create", name="tea")
    tea = alice.enter(alice.wait_for("joined"))
    for kind, fields, event in (
        ("add", {"name": "bob"}, {"type": "member_joined", "name": "Bob"}),
        (
            "set_role",
            {"name": "Bob", "role": "moderator"},
            {"type": "role_changed", "name": "Bob", "role": "moderator", "by": "Alice"},
        ),
        ("mute", {"name": "Bob", "seconds": 600}, {"type": "member_muted", "name": "Bob"}),
        ("configure", {"slow": 5}, {"type": "room_changed", "by": "Alice", "slow": 5}),
    ):
        before = tea.seq
        assert alice.order(kind, room=tea.id, **fields)["type"] == "done"
        alice.until(lambda before=before: tea.seq > before)  # type: ignore[misc] # a default binds it
        assert event.items() <= tea.events[-1].items()
        assert alice.ask("ping")["type"] == "pong"
        assert tea.seq == before + 1
    bobs = bob.enter(bob.wait_for("joined"))
    bob.catch_up(bobs, 5)
    assert bobs.digest == tea.digest
    assert bob.write("post", room=tea.id, text="hi")["code"] == "muted"
    (me, other) = bob.ask("members", room=tea.id)["members"]
    assert (me["role"], other["role"]) == ("owner", "moderator")
    assert other["muted_until"] > 0


def test_stranger_reads_from_where_it_joined_when_a_room_shows_no_more(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    alice.write("create", name="tea", private=True, history="since_joined")
    tea = alice.enter(alice.wait_for("joined"))
    alice.write("post", room=tea.id, text="not for Bob")
    assert bob.write("join", name="tea")["code"] == "unknown_room"
    assert "tea" not in {room["name"] for room in bob.ask("rooms")["rooms"]}
    assert alice.order("invite", room=tea.id, name="Bob")["type"] == "done"
    bob.until(lambda: bob.inbox.seq == 1)
    invited = bob.inbox.events[0]
    assert (invited["type"], invited["sender"], invited["room"]) == (
        "room_invited",
        "Alice",
        tea.id,
    )
    bob.write("join", name=invited["name"])
    joined = bob.wait_for("joined")
    assert (joined["seq"], joined["history"], joined["private"]) == (3, "since_joined", True)
    bobs = bob.enter(joined)
    alice.write("post", room=tea.id, text="for Bob")
    bob.until(lambda: bobs.texts == ["for Bob"])
    page = bob.ask("history", room=tea.id, after=0)
    assert ([seq for seq, _ in page["events"]], page["first"], page["more"]) == ([3, 4], 3, False)
    assert digest_of(page["events"][1][1], digest_of(page["events"][0][1], page["before"])) == (
        bobs.digest
    )
    alice.until(lambda: tea.seq == 4)
    assert tea.digest == bobs.digest


def test_stranger_goes_on_in_other_rooms_when_it_is_put_out_of_one(enter: Enter) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    lobby = bob.rooms["lobby"]
    alice.write("create", name="tea")
    tea = alice.enter(alice.wait_for("joined"))
    bob.write("join", name="tea")
    bob.enter(bob.wait_for("joined"))
    kick = {"room": tea.id, "name": "Bob", "seconds": 600, "reason": "spilled it"}
    assert alice.order("kick", **kick)["type"] == "done"
    left = bob.wait_for("left")
    assert (left["by"], left["reason"]) == ("Alice", "spilled it")
    assert list(bob.rooms) == ["lobby"]
    said = alice.write("post", room=lobby.id, text="still here?")
    alice.write("post", room=tea.id, text="not for Bob")
    bob.wait_for("subscribed", lambda reply: reply["room"] == lobby.id)
    bob.catch_up(lobby, said["seq"])
    assert lobby.texts[-1] == "still here?"
    assert bob.ask("history", room=tea.id)["code"] == "not_member"
    assert bob.write("join", name="tea")["code"] == "barred"
    alice.until(lambda: tea.seq == 4)
    assert {"type": "member_left", "by": "Alice"}.items() <= tea.events[-2].items()


def test_stranger_stays_away_when_it_is_put_out_of_the_chat(
    enter: Enter, appoint: Callable[[str], None]
) -> None:
    alice, bob = enter("Alice"), enter("Bob")
    appoint("Alice")
    audit = alice.enter(alice.wait_for("joined"))
    kick = {"name": "Bob", "seconds": 600, "reason": "shouting"}
    assert alice.order("kick", **kick)["type"] == "done"
    with pytest.raises(Closed, match=r"^kicked: .*shouting") as end:
        bob.ask("ping")
    assert not end.value.comes_back
    bob.reconnect()
    with pytest.raises(Refused, match=r"^banned: .*shouting"):
        bob.login()
    alice.until(lambda: audit.events)
    assert [(e["action"], e["by"], e["subject"]) for e in audit.events] == [
        ("kick", "Alice", "Bob")
    ]
    assert alice.order("unban", kind="account", subject="bob")["code"] == "unknown_ban"
    assert bob.login()["name"] == "Bob"


def test_stranger_is_refused_when_an_order_is_not_its_to_give(enter: Enter) -> None:
    alice = enter("Alice")
    refusal = alice.order("lockdown", level="moderators_speak")
    assert (refusal["type"], refusal["code"]) == ("error", "forbidden")
    assert alice.write("post", room=alice.rooms["lobby"].id, text="hi")["seq"] == 1
