"""The operator's commands beside a running broker: what they print for people and for programs, and what they refuse."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import get_args

import pytest
import segno
from click.testing import CliRunner
from tests.broker.operators import Operator

from hubbub.broker.broker import Broker
from hubbub.broker.cli import main
from hubbub.broker.commands.moderation import LEVELS
from hubbub.broker.commands.people import ROLES
from hubbub.broker.core.rules import DECREES, OPERATORS
from hubbub.broker.operator import requests as r
from hubbub.client import Client
from hubbub.common.codes import normalise
from hubbub.common.commands import Order
from hubbub.common.fields import LockdownLevel, RoleName
from hubbub.common.links import parse_link
from hubbub.common.replies import BanInfo

MOMENT = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
WITHOUT_ARGUMENTS = ("users", "rooms", "bans", "audit", "stats", "lockdown", "invite")
ORDERS: list[tuple[str, ...]] = [
    ("role", "Alice", "owner"),
    ("kick", "Alice"),
    ("mute", "Alice"),
    ("unmute", "Alice"),
    ("ban", "Alice"),
    ("unban", "Alice"),
    ("link", "Alice"),
    ("release", "Alice", "--yes"),
    ("bot", "Alice", "on"),
]


@pytest.fixture
def operator(tmp_path: Path) -> Iterator[Operator]:
    with ExitStack() as stack:
        yield Operator(tmp_path / "data", stack)


def cells(line: str) -> list[str]:
    """Return the columns of a table's line: between them are two blanks or more."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def keys(struct: type) -> set[str]:
    return set(struct.__struct_fields__) - {"id"}  # type: ignore[attr-defined] # a msgspec Struct


def test_the_operator_sees_everybody_by_name(operator: Operator) -> None:
    operator.enters("Bob")
    operator.enters("Alice").close()
    operator.says("role", "Alice", "owner")
    operator.says("mute", "bob", "--for", "1h")
    heads, alice, bob = operator.says("users").splitlines()
    assert heads.split() == [
        "name",
        "role",
        "online",
        "last",
        "login",
        "devices",
        "password",
        "notes",
    ]
    assert cells(alice)[:2] == ["Alice", "owner"]
    assert cells(bob)[:3] == ["Bob", "member", "yes"]
    assert bob.endswith("muted in lobby")


def test_columns_stand_below_each_other_when_names_are_wide(operator: Operator) -> None:
    for name in ("Al", "李小龙", "Jörg"):
        operator.enters(name)
    lines = operator.says("users").splitlines()
    ends = {
        line.index("member") + line.count("李") + line.count("小") + line.count("龙")
        for line in lines[1:]
    }
    assert ends == {lines[0].index("role")}


def test_the_operator_sees_all_there_is_to_say_of_somebody(operator: Operator) -> None:
    alice = operator.enters("Alice")
    alice.create("garden")
    shown = operator.says("users", "ALICE")
    assert "name        Alice\n" in shown
    assert "online      yes\n" in shown
    assert "rooms       lobby, garden\n" in shown
    told = operator.tells("users", "alice")
    assert set(told) == keys(r.User) | {"keys", "rooms"}
    [device] = told["keys"]
    assert set(device) == keys(r.UserDevice)
    assert device["fingerprint"] in shown
    assert len(device["key"]) == 64
    assert operator.refuses("users", "nobody") == "nobody here is called 'nobody'"


def test_the_operator_sees_private_rooms_and_their_settings(operator: Operator) -> None:
    operator.enters("Alice").create("garden", "flowers, mostly", private=True)
    heads, garden, _ = operator.says("rooms").splitlines()
    assert cells(heads) == ["name", "members", "events", "created", "settings", "description"]
    assert cells(garden)[0] == "garden"
    assert cells(garden)[-2:] == ["private", "flowers, mostly"]
    told = operator.tells("rooms")
    assert [set(room) for room in told] == [keys(r.Room)] * 2
    assert [(room["name"], room["private"]) for room in told] == [
        ("garden", True),
        ("lobby", False),
    ]


def test_a_list_is_whole_when_it_takes_several_pages(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(r, "PAGE_ROWS", 2)
    names = ["Ann", "Ben", "Cid", "Dan", "Eve"]
    people = [operator.enters(name) for name in names]
    for person in people:
        person.create(f"{person.name}-room")
        operator.says("ban", person.name)
    assert [user["name"] for user in operator.tells("users")] == names
    rooms = sorted(["audit", "lobby", *(f"{name}-room" for name in names)], key=str.lower)
    assert [room["name"] for room in operator.tells("rooms")] == rooms
    assert [ban["subject"] for ban in operator.tells("bans")] == names


def test_an_owner_is_appointed_by_the_operator(operator: Operator) -> None:
    operator.enters("Alice")
    assert operator.says("role", "Alice", "owner") == "Alice is owner of the chat now.\n"
    assert operator.says("role", "Alice", "owner") == "Alice is owner of the chat now.\n"
    assert [user["role"] for user in operator.tells("users")] == ["owner"]
    assert operator.tells("role", "Alice", "member")["done"] is True
    assert [user["role"] for user in operator.tells("users")] == ["member"]
    assert operator.run("role", "Alice", "king").exit_code == 2


def test_a_role_is_given_in_a_room(operator: Operator) -> None:
    alice, bob = operator.enters("Alice"), operator.enters("Bob")
    alice.create("garden")
    bob.join("garden")
    said = operator.says("role", "Bob", "moderator", "--room", "garden")
    assert said == "Bob is moderator of garden now.\n"
    assert [user["role"] for user in operator.tells("users")] == ["member", "member"]
    assert operator.refuses("role", "Bob", "owner", "--room", "shed") == "there is no room 'shed'"


def test_bans_are_made_listed_and_lifted(operator: Operator) -> None:
    operator.enters("Mallory")
    assert operator.says("bans") == "Nobody is banned.\n"
    assert operator.tells("bans") == []
    assert operator.says("ban", "Mallory", "--for", "2d", "--reason", "spam") == (
        "The account Mallory is banned for 2 days.\n"
    )
    operator.says("ban", "203.0.113.7")
    operator.says("ban", "2001:db8:7::/48")
    operator.says("ban", "ab" * 32)
    told = operator.tells("bans")
    assert [set(ban) for ban in told] == [keys(BanInfo)] * 4
    assert [(ban["kind"], ban["subject"]) for ban in told] == [
        ("account", "Mallory"),
        ("address", "203.0.113.7"),
        ("network", "2001:db8:7::/48"),
        ("key", "ab" * 32),
    ]
    assert told[0]["reason"] == "spam"
    assert told[0]["until"] - told[0]["created"] == 2 * 24 * 3600 * 1000
    first = operator.says("bans").splitlines()[1]
    assert (cells(first)[0], cells(first)[-2:]) == ("account", ["the operator", "spam"])
    assert operator.says("unban", "Mallory") == "The account Mallory is banned no longer.\n"
    assert "no ban holds" in operator.refuses("unban", "Mallory")
    assert len(operator.tells("bans")) == 3


def test_whoever_is_banned_or_kicked_is_out_at_once(operator: Operator) -> None:
    for name in ("Mallory", "Trudy"):
        operator.enters(name)
    operator.says("ban", "Mallory")
    assert operator.says("kick", "Trudy") == "Trudy is out of the chat.\n"
    assert operator.tells("stats")["sessions"] == 0


def test_somebody_is_put_out_of_a_room(operator: Operator) -> None:
    operator.enters("Alice").create("garden")
    operator.enters("Bob").join("garden")
    assert operator.says("kick", "Bob", "--room", "garden", "--for", "30m") == (
        "Bob is out of garden, and stays out for 30 minutes.\n"
    )
    assert operator.tells("users", "Bob")["rooms"] == ["lobby"]


def test_somebody_is_muted_and_may_speak_again(operator: Operator) -> None:
    operator.enters("Bob")
    assert operator.says("mute", "Bob") == "Bob is muted in lobby until unmuted.\n"
    assert operator.tells("users", "Bob")["muted"] == ["lobby"]
    assert operator.says("unmute", "Bob") == "Bob may speak in lobby again.\n"
    assert operator.tells("users", "Bob")["muted"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_the_chat_is_locked_down_until_the_operator_says_otherwise(
    operator: Operator, level: str
) -> None:
    assert operator.says("lockdown") == "The lockdown is normal.\n"
    for spelt in (level, level.replace("_", "-")):
        assert operator.says("lockdown", spelt) == f"The lockdown is {level} now.\n"
    assert operator.tells("lockdown") == {"level": level}


def test_the_choices_are_those_of_the_protocol() -> None:
    assert get_args(LockdownLevel) == LEVELS
    assert set(get_args(RoleName)) == set(ROLES)


def test_the_audit_tells_what_was_done_why_and_until_when(operator: Operator) -> None:
    operator.enters("Mallory")
    assert operator.says("audit") == "No power was used yet.\n"
    operator.says("mute", "Mallory", "--for", "1h", "--reason", "shouting")
    operator.says("lockdown", "no_new_accounts")
    mute, lockdown = operator.says("audit").splitlines()
    assert "the operator: mute Mallory in lobby until 20" in mute
    assert mute.endswith("because 'shouting'")
    assert lockdown.endswith("the operator: lockdown no_new_accounts")
    assert operator.says("audit", "--last", "1").splitlines() == [lockdown]
    assert operator.says("audit", "--last", "0") == ""
    told = [json.loads(line) for line in operator.says("audit", "--json").splitlines()]
    assert [set(entry) for entry in told] == [keys(r.Entry)] * 2
    assert [entry["action"] for entry in told] == ["mute", "lockdown"]


def test_the_audit_is_read_in_pages(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r, "AUDIT_ROWS", 3)
    for level in (*LEVELS, *LEVELS)[1:]:
        operator.says("lockdown", level)
    for last in (1, 3, 6, 7, 8, 100):
        subjects = [
            line.split()[-1] for line in operator.says("audit", "--last", str(last)).splitlines()
        ]
        assert subjects == [*LEVELS, *LEVELS][1:][-last:]


def test_nothing_that_somebody_wrote_draws_on_the_operator_s_screen(operator: Operator) -> None:
    operator.enters("Alice").create("garden", "a\u202eb")
    assert r"a\u202eb" in operator.says("rooms")
    assert operator.tells("rooms")[0]["description"] == "a\u202eb"


def test_the_figures_are_those_of_the_broker(operator: Operator) -> None:
    alice = operator.enters("Alice")
    operator.enters("Bob")
    alice.post("lobby", "hello")
    told = operator.tells("stats")
    assert set(told) == keys(r.Stats) | {"address", "advertised"}
    assert told["address"] == str(operator.broker.address)
    figures = ("users", "online", "sessions", "rooms", "events", "lockdown", "registration")
    assert [told[name] for name in figures] == [2, 2, 2, 1, 1, "normal", "open"]
    assert told["memory"] > 1_000_000
    assert told["connections"] >= 4
    facts = dict(line.split("  ", 1) for line in operator.says("stats").splitlines())
    assert facts["people"].strip() == "2, 2 of them online"


def test_a_newcomer_comes_in_by_an_invite_of_the_operator_s(operator: Operator) -> None:
    operator.broker.reconfigure(registration="invite")
    code, what, link = operator.says("invite", "--uses", "2", "--days", "1").splitlines()
    match = re.fullmatch(rf"The code (\S+) lets 2 newcomers in until {MOMENT}\.", code)
    assert match is not None
    assert what == "It is in this join link:"
    typed = link.removeprefix("    hubbub chat ")
    assert parse_link(typed).code == normalise(match[1])
    home = operator.data.parent / "home"
    with Client(typed, name="Alice", home=home):
        assert operator.tells("users", "Alice")["invited"] is True
    [left] = operator.tells("invite", "--list")
    assert set(left) == keys(r.Invite)
    assert left["uses"] == 1
    assert operator.says("invite", "--list").splitlines()[1].split()[0] == "1"


def test_a_program_gets_the_code_and_the_links(operator: Operator) -> None:
    assert operator.says("invite", "--list") == "No invite is good still.\n"
    told = operator.tells("invite")
    assert set(told) == {"code", "uses", "expires", "links"}
    assert [parse_link(link).code for link in told["links"]] == [normalise(told["code"])]
    assert operator.run("invite", "--uses", "0").exit_code == 2
    assert operator.run("invite", "--days", "4000").exit_code == 2


def test_a_link_is_drawn_for_a_telephone(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    plain = operator.says("invite").splitlines()
    *_, link = plain
    drawn = operator.says("invite", "--qr").splitlines()[len(plain) :]
    sides = segno.make(link.removeprefix("    hubbub chat "), error="l").symbol_size(border=2)
    assert {len(line) for line in drawn} == {sides[0]}
    assert len(drawn) == (sides[1] + 1) // 2
    assert set("".join(drawn)) <= set(" █▀▄")
    monkeypatch.setenv("COLUMNS", str(sides[0] - 1))
    *_, told = operator.says("invite", "--qr").splitlines()
    assert told.startswith(f"The QR code needs {sides[0]} columns")


def test_a_role_in_the_lobby_is_told_as_one_in_the_whole_chat(operator: Operator) -> None:
    operator.enters("Alice")
    told = operator.says("role", "Alice", "moderator", "--room", "Lobby")
    assert told == "Alice is moderator of the chat now.\n"
    assert operator.tells("users", "Alice")["role"] == "moderator"


def test_somebody_who_lost_a_device_comes_in_by_the_operator_s_link(operator: Operator) -> None:
    operator.enters("Alice").close()
    code, _, link = operator.says("link", "alice").splitlines()
    assert code.endswith(" lets one more device in as alice, once, within 10 minutes.")
    with Client(link.split()[-1], name="Alice", home=operator.data.parent / "new"):
        assert operator.tells("users", "Alice")["devices"] == 2
    told = operator.tells("link", "Alice")
    assert set(told) == {"code", "seconds", "links"}


def test_a_name_that_was_released_is_anybody_s(operator: Operator) -> None:
    operator.enters("Alice")
    assert operator.says("release", "alice", "--yes") == "The name Alice is free.\n"
    assert operator.tells("users") == []
    with Client(str(operator.broker.address), name="Alice", home=operator.data.parent / "other"):
        assert [user["name"] for user in operator.tells("users")] == ["Alice"]


def test_an_account_is_marked_as_a_program_s(operator: Operator) -> None:
    operator.enters("Builder")
    assert operator.says("bot", "Builder", "on") == "Builder is a bot now.\n"
    assert operator.says("users").splitlines()[1].endswith("bot")
    assert operator.says("bot", "Builder", "off") == "Builder is a person now.\n"
    assert operator.tells("users", "Builder")["is_bot"] is False
    assert [entry.split()[-2] for entry in operator.says("audit").splitlines()] == ["bot", "no_bot"]


def test_every_order_that_the_operator_may_give_is_carried_out_by_the_core() -> None:
    orders = {request for request in get_args(r.AnyRequest) if issubclass(request, Order)}
    assert orders <= {*DECREES, *OPERATORS}


def test_a_release_asks_first(operator: Operator) -> None:
    operator.enters("Alice")
    result = operator.run("release", "Alice", typed="n\n")
    assert result.exit_code == 1
    assert "Alice loses 1 device and 1 room" in result.stderr
    assert [user["name"] for user in operator.tells("users")] == ["Alice"]
    assert operator.run("release", "Alice").exit_code == 1


@pytest.mark.parametrize("command", [*((name,) for name in WITHOUT_ARGUMENTS), *ORDERS])
def test_every_command_says_that_no_broker_runs_and_how_to_start_it(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    data = tmp_path / "data"
    with Broker.temporary(data=data):
        pass
    result = CliRunner().invoke(main, [*command, "--data", str(data)])
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == (
        f"hubbub-broker: no broker runs on {data}: start it by hubbub-broker --data {data}\n"
    )
    elsewhere = CliRunner().invoke(main, ["--data", str(tmp_path / "elsewhere"), *command])
    assert elsewhere.exit_code == 1
    assert elsewhere.stderr == (
        f"hubbub-broker: there is no broker's data in {tmp_path / 'elsewhere'}: name its folder by --data\n"
    )


@pytest.mark.parametrize("command", ORDERS)
def test_an_order_about_nobody_is_refused(operator: Operator, command: tuple[str, ...]) -> None:
    assert "Alice" in operator.refuses(*command)


@pytest.mark.parametrize("time", ["2x", "", "-1d", "0s", "99999w"])
def test_a_time_that_is_none_is_a_fault_of_usage(operator: Operator, time: str) -> None:
    result = operator.run("ban", "Alice", "--for", time)
    assert result.exit_code == 2
    assert "a duration" in result.stderr
