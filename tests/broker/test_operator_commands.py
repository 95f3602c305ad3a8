"""The operator's commands beside a running broker: what they print for people and for programs, and what they refuse."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, get_args

import pytest
from click.testing import CliRunner, Result

from hubbub.broker.broker import Broker
from hubbub.broker.cli import main
from hubbub.broker.commands.moderation import LEVELS
from hubbub.broker.commands.people import ROLES
from hubbub.broker.operator import requests as r
from hubbub.client import Client
from hubbub.common.fields import LockdownLevel, RoleName
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


class Desk:
    """A broker, people, and the operator's screen."""

    def __init__(self, data: Path, stack: ExitStack) -> None:
        self.data = data
        self.broker = stack.enter_context(Broker.temporary(data=data))
        self._stack = stack

    def enters(self, name: str) -> Client:
        """Somebody comes in, and stays."""
        home = self.data.parent / f"home-{name}"
        return self._stack.enter_context(Client(str(self.broker.address), name=name, home=home))

    def run(self, *arguments: str, typed: str = "") -> Result:
        return CliRunner().invoke(main, [*arguments, "--data", str(self.data)], input=typed)

    def says(self, *arguments: str) -> str:
        """Return what a command prints that does its work."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stderr) == (0, "")
        return result.stdout

    def tells(self, *arguments: str) -> Any:
        """Return what a command tells a program."""
        return json.loads(self.says(*arguments, "--json"))

    def refuses(self, *arguments: str) -> str:
        """Return the one line of a command that is refused."""
        result = self.run(*arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith("hubbub-broker: ")
        assert result.stderr.count("\n") == 1
        return result.stderr.removeprefix("hubbub-broker: ").rstrip("\n")


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with ExitStack() as stack:
        yield Desk(tmp_path / "data", stack)


def cells(line: str) -> list[str]:
    """Return the columns of a table's line: between them are two blanks or more."""
    return [cell.strip() for cell in line.split("  ") if cell.strip()]


def keys(struct: type) -> set[str]:
    return set(struct.__struct_fields__) - {"id"}  # type: ignore[attr-defined] # a msgspec Struct


def test_the_operator_sees_everybody_by_name(desk: Desk) -> None:
    desk.enters("Bob")
    desk.enters("Alice").close()
    desk.says("role", "Alice", "owner")
    desk.says("mute", "bob", "--for", "1h")
    heads, alice, bob = desk.says("users").splitlines()
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


def test_columns_stand_below_each_other_when_names_are_wide(desk: Desk) -> None:
    for name in ("Al", "李小龙", "Jörg"):
        desk.enters(name)
    lines = desk.says("users").splitlines()
    ends = {
        line.index("member") + line.count("李") + line.count("小") + line.count("龙")
        for line in lines[1:]
    }
    assert ends == {lines[0].index("role")}


def test_the_operator_sees_all_there_is_to_say_of_somebody(desk: Desk) -> None:
    alice = desk.enters("Alice")
    alice.create("garden")
    shown = desk.says("users", "ALICE")
    assert "name        Alice\n" in shown
    assert "online      yes\n" in shown
    assert "rooms       lobby, garden\n" in shown
    told = desk.tells("users", "alice")
    assert set(told) == keys(r.User) | {"keys", "rooms"}
    [device] = told["keys"]
    assert set(device) == keys(r.UserDevice)
    assert device["fingerprint"] in shown
    assert len(device["key"]) == 64
    assert desk.refuses("users", "nobody") == "nobody here is called 'nobody'"


def test_the_operator_sees_private_rooms_and_their_settings(desk: Desk) -> None:
    desk.enters("Alice").create("garden", "flowers, mostly", private=True)
    heads, garden, _ = desk.says("rooms").splitlines()
    assert cells(heads) == ["name", "members", "events", "created", "settings", "description"]
    assert cells(garden)[0] == "garden"
    assert cells(garden)[-2:] == ["private", "flowers, mostly"]
    told = desk.tells("rooms")
    assert [set(room) for room in told] == [keys(r.Room)] * 2
    assert [(room["name"], room["private"]) for room in told] == [
        ("garden", True),
        ("lobby", False),
    ]


def test_a_list_is_whole_when_it_takes_several_pages(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(r, "PAGE_ROWS", 2)
    names = ["Ann", "Ben", "Cid", "Dan", "Eve"]
    people = [desk.enters(name) for name in names]
    for person in people:
        person.create(f"{person.name}-room")
        desk.says("ban", person.name)
    assert [user["name"] for user in desk.tells("users")] == names
    rooms = sorted(["audit", "lobby", *(f"{name}-room" for name in names)], key=str.lower)
    assert [room["name"] for room in desk.tells("rooms")] == rooms
    assert [ban["subject"] for ban in desk.tells("bans")] == names


def test_an_owner_is_appointed_by_the_operator(desk: Desk) -> None:
    desk.enters("Alice")
    assert desk.says("role", "Alice", "owner") == "Alice is owner of the chat now.\n"
    assert desk.says("role", "Alice", "owner") == "Alice is owner of the chat now.\n"
    assert [user["role"] for user in desk.tells("users")] == ["owner"]
    assert desk.tells("role", "Alice", "member")["done"] is True
    assert [user["role"] for user in desk.tells("users")] == ["member"]
    assert desk.run("role", "Alice", "king").exit_code == 2


def test_a_role_is_given_in_a_room(desk: Desk) -> None:
    alice, bob = desk.enters("Alice"), desk.enters("Bob")
    alice.create("garden")
    bob.join("garden")
    said = desk.says("role", "Bob", "moderator", "--room", "garden")
    assert said == "Bob is moderator of garden now.\n"
    assert [user["role"] for user in desk.tells("users")] == ["member", "member"]
    assert desk.refuses("role", "Bob", "owner", "--room", "shed") == "there is no room 'shed'"


def test_bans_are_made_listed_and_lifted(desk: Desk) -> None:
    desk.enters("Mallory")
    assert desk.says("bans") == "Nobody is banned.\n"
    assert desk.tells("bans") == []
    assert desk.says("ban", "Mallory", "--for", "2d", "--reason", "spam") == (
        "The account Mallory is banned for 2 days.\n"
    )
    desk.says("ban", "203.0.113.7")
    desk.says("ban", "2001:db8:7::/48")
    desk.says("ban", "ab" * 32)
    told = desk.tells("bans")
    assert [set(ban) for ban in told] == [keys(BanInfo)] * 4
    assert [(ban["kind"], ban["subject"]) for ban in told] == [
        ("account", "Mallory"),
        ("address", "203.0.113.7"),
        ("network", "2001:db8:7::/48"),
        ("key", "ab" * 32),
    ]
    assert told[0]["reason"] == "spam"
    assert told[0]["until"] - told[0]["created"] == 2 * 24 * 3600 * 1000
    first = desk.says("bans").splitlines()[1]
    assert (cells(first)[0], cells(first)[-2:]) == ("account", ["the operator", "spam"])
    assert desk.says("unban", "Mallory") == "The account Mallory is banned no longer.\n"
    assert "no ban holds" in desk.refuses("unban", "Mallory")
    assert len(desk.tells("bans")) == 3


def test_whoever_is_banned_or_kicked_is_out_at_once(desk: Desk) -> None:
    for name in ("Mallory", "Trudy"):
        desk.enters(name)
    desk.says("ban", "Mallory")
    assert desk.says("kick", "Trudy") == "Trudy is out of the chat.\n"
    assert desk.tells("stats")["sessions"] == 0


def test_somebody_is_put_out_of_a_room(desk: Desk) -> None:
    desk.enters("Alice").create("garden")
    desk.enters("Bob").join("garden")
    assert desk.says("kick", "Bob", "--room", "garden", "--for", "30m") == (
        "Bob is out of garden, and stays out for 30 minutes.\n"
    )
    assert desk.tells("users", "Bob")["rooms"] == ["lobby"]


def test_somebody_is_muted_and_may_speak_again(desk: Desk) -> None:
    desk.enters("Bob")
    assert desk.says("mute", "Bob") == "Bob is muted in lobby until unmuted.\n"
    assert desk.tells("users", "Bob")["muted"] == ["lobby"]
    assert desk.says("unmute", "Bob") == "Bob may speak in lobby again.\n"
    assert desk.tells("users", "Bob")["muted"] == []


@pytest.mark.parametrize("level", LEVELS)
def test_the_chat_is_locked_down_until_the_operator_says_otherwise(desk: Desk, level: str) -> None:
    assert desk.says("lockdown") == "The lockdown is normal.\n"
    assert desk.says("lockdown", level) == f"The lockdown is {level} now.\n"
    assert desk.tells("lockdown") == {"level": level}


def test_the_choices_are_those_of_the_protocol() -> None:
    assert get_args(LockdownLevel) == LEVELS
    assert set(get_args(RoleName)) == set(ROLES)


def test_the_audit_tells_what_was_done_why_and_until_when(desk: Desk) -> None:
    desk.enters("Mallory")
    assert desk.says("audit") == "No power was used yet.\n"
    desk.says("mute", "Mallory", "--for", "1h", "--reason", "shouting")
    desk.says("lockdown", "no_new_accounts")
    mute, lockdown = desk.says("audit").splitlines()
    assert "the operator: mute Mallory in lobby until 20" in mute
    assert mute.endswith("because 'shouting'")
    assert lockdown.endswith("the operator: lockdown no_new_accounts")
    assert desk.says("audit", "--last", "1").splitlines() == [lockdown]
    assert desk.says("audit", "--last", "0") == ""
    told = [json.loads(line) for line in desk.says("audit", "--json").splitlines()]
    assert [set(entry) for entry in told] == [keys(r.Entry)] * 2
    assert [entry["action"] for entry in told] == ["mute", "lockdown"]


def test_the_audit_is_read_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(r, "AUDIT_ROWS", 3)
    for level in (*LEVELS, *LEVELS)[1:]:
        desk.says("lockdown", level)
    for last in (1, 3, 6, 7, 8, 100):
        subjects = [
            line.split()[-1] for line in desk.says("audit", "--last", str(last)).splitlines()
        ]
        assert subjects == [*LEVELS, *LEVELS][1:][-last:]


def test_nothing_that_somebody_wrote_draws_on_the_operator_s_screen(desk: Desk) -> None:
    desk.enters("Alice").create("garden", "a\u202eb")
    assert r"a\u202eb" in desk.says("rooms")
    assert desk.tells("rooms")[0]["description"] == "a\u202eb"


def test_the_figures_are_those_of_the_broker(desk: Desk) -> None:
    alice = desk.enters("Alice")
    desk.enters("Bob")
    alice.post("lobby", "hello")
    told = desk.tells("stats")
    assert set(told) == keys(r.Stats) | {"address", "advertised"}
    assert told["address"] == str(desk.broker.address)
    figures = ("users", "online", "sessions", "rooms", "events", "lockdown", "registration")
    assert [told[name] for name in figures] == [2, 2, 2, 1, 1, "normal", "open"]
    assert told["memory"] > 1_000_000
    assert told["connections"] >= 4
    facts = dict(line.split("  ", 1) for line in desk.says("stats").splitlines())
    assert facts["people"].strip() == "2, 2 of them online"


def test_a_release_asks_first(desk: Desk) -> None:
    desk.enters("Alice")
    result = desk.run("release", "Alice", typed="n\n")
    assert result.exit_code == 1
    assert "Alice loses 1 device and 1 room" in result.stderr
    assert [user["name"] for user in desk.tells("users")] == ["Alice"]
    assert desk.run("release", "Alice").exit_code == 1


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


@pytest.mark.parametrize("command", [order for order in ORDERS if order[0] not in ("link", "bot")])
def test_an_order_about_nobody_is_refused(desk: Desk, command: tuple[str, ...]) -> None:
    assert "Alice" in desk.refuses(*command)


@pytest.mark.parametrize("time", ["2x", "", "-1d", "0s", "99999w"])
def test_a_time_that_is_none_is_a_fault_of_usage(desk: Desk, time: str) -> None:
    result = desk.run("ban", "Alice", "--for", time)
    assert result.exit_code == 2
    assert "a duration" in result.stderr
