"""PROTOCOL.md says what the code does: its tables and examples are compared with the code, both ways."""

import re
from hashlib import blake2b

import msgspec
import pytest
from msgspec import inspect
from tests.protocol_fields import fields_of, number
from tests.protocol_tables import DOCUMENT, plain, read_tables, table

from hubbub.broker.core.changes import LogHead, RoomRow, Snapshot
from hubbub.broker.core.clock import Now
from hubbub.broker.core.context import Settings
from hubbub.broker.core.core import Core
from hubbub.broker.core.effects import Send
from hubbub.broker.core.rules import LEGAL, PRICES
from hubbub.broker.core.sessions import Peer, SessionState
from hubbub.common import addresses, codec, limits
from hubbub.common.commands import (
    COMMANDS,
    Command,
    Hello,
    Order,
    Write,
)
from hubbub.common.digest import EMPTY, extend
from hubbub.common.errors import TRANSIENT, Code, WireError
from hubbub.common.events import EVENTS, MessagePosted, RoomCreated
from hubbub.common.fields import snake_case
from hubbub.common.replies import (
    REPLIES,
    BanInfo,
    DeviceInfo,
    Error,
    Head,
    MemberInfo,
    Resend,
    RoomInfo,
    Stored,
)

TEXT = DOCUMENT.read_text(encoding="utf-8")
VALUES: dict[str, type[msgspec.Struct]] = {
    snake_case(struct.__name__): struct
    for struct in (Head, Stored, RoomInfo, MemberInfo, DeviceInfo, BanInfo, codec.DoorAnswer)
}
STRUCTS: dict[str, type[msgspec.Struct]] = {**COMMANDS, **REPLIES, **EVENTS, **VALUES}

ROOM = bytes(16)


def example(struct: type[Command]) -> Command:
    """Return a command of this type with the least that each required field may hold."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    return struct(**{field.name: least(field.type) for field in info.fields if field.required})


def least(kind: inspect.Type) -> object:
    match kind:
        case inspect.IntType():
            return 1
        case inspect.StrType():
            return "tea"
        case inspect.BytesType(min_length=length):
            return bytes(length or 0)
        case inspect.ListType():
            return [least(kind.item_type)]
        case inspect.LiteralType(values=(first, *_)):
            return first
    raise AssertionError(f"no example of {kind}")


EXAMPLES = [example(struct) for struct in COMMANDS.values()]


@pytest.mark.parametrize("kind", STRUCTS)
def test_document_lists_every_field_as_the_code_has_it(kind: str) -> None:
    written = table(f"`{kind}`")
    assert written.head == ["field", "type", "bounds", "default", "meaning"]
    assert all(row["meaning"] for row in written.rows)
    shown = [{**row, "bounds": row["bounds"].strip("–")} for row in written.rows]
    for row in shown:
        del row["meaning"]
    assert shown == fields_of(STRUCTS[kind])


def test_document_has_a_table_for_each_struct_and_for_no_other() -> None:
    headings = [plain(each.heading) for each in read_tables() if each.heading.startswith("`")]
    assert headings == list(STRUCTS)


def test_document_lists_every_command_with_its_answer() -> None:
    overview = table("Commands").by("command")
    assert list(overview) == list(COMMANDS)
    for kind, row in overview.items():
        is_write = issubclass(COMMANDS[kind], Write)
        is_order = issubclass(COMMANDS[kind], Order)
        assert row["kind"] == ("write" if is_write else "order" if is_order else "query")
        answers = re.findall(r"`(\w+)`", row["answered by"])
        assert answers[-1 if not is_write else 1] == "error"
        assert set(answers) <= set(REPLIES)
        assert row["what it does"]


def test_document_lists_every_code_and_whether_it_is_transient() -> None:
    codes = table("Error codes").by("code")
    assert list(codes) == list(Code)
    assert {code for code, row in codes.items() if row["transient"] == "yes"} == TRANSIENT
    assert {row["transient"] for row in codes.values()} == {"yes", "no"}
    ways = {"error", "error id", "error n", "resend", "closing"}
    for row in codes.values():
        assert set(map(plain, row["by"].split(", "))) <= ways
        assert row["when"]
        assert row["what to do"]


def test_document_lists_every_bound() -> None:
    bounds = {name: row["value"] for name, row in table("Bounds").by("bound").items()}
    units = {"KIB", "MIB"}
    assert bounds == {
        name: number(value)
        for name, value in vars(limits).items()
        if name.isupper() and name not in units
    }


def test_document_names_the_versions_and_the_fixed_values() -> None:
    assert [int(version) for version in table("Versions and growth").column("version")] == list(
        codec.VERSIONS
    )
    assert TEXT.startswith(f"# The hubbub protocol, version {max(codec.VERSIONS)}\n")
    assert f"`{codec.QUESTION.decode()}`" in TEXT
    assert f"PORT is {addresses.DEFAULT_PORT} unless told otherwise" in TEXT


def test_document_shows_the_bytes_of_a_frame() -> None:
    frame = codec.array([codec.encode(Hello(id=1, versions=[1]))])
    assert frame.hex(" ") in TEXT


def test_document_shows_the_digest_of_a_log() -> None:
    events = [
        codec.encode(RoomCreated(seq=1, time=1_760_000_000_000, name="tea", by="Alice")),
        codec.encode(MessagePosted(seq=2, time=1_760_000_001_000, sender="Alice", text="Hello!")),
    ]
    first, *rows = table("The digest").rows
    digest = EMPTY
    assert plain(first["h(k)"]) == digest.hex()
    for row, event in zip(rows, events, strict=True):
        digest = extend(digest, event)
        leaf = blake2b(event, digest_size=16)
        assert [*map(plain, row.values())][1:] == [event.hex(), leaf.hexdigest(), digest.hex()]


def test_document_lists_the_states_of_a_session() -> None:
    states = [state.name.lower() for state in SessionState]
    assert table("A session").column("state") == states
    assert [*map(plain, table("State and command").head)] == ["command", *states]


@pytest.mark.parametrize("command", EXAMPLES, ids=lambda command: type(command).__name__)
@pytest.mark.parametrize("state", SessionState)
def test_document_says_what_the_broker_does_with_a_command_in_a_state(
    state: SessionState, command: Command
) -> None:
    kind = snake_case(type(command).__name__)
    shown = plain(table("State and command").by("command")[kind][f"`{state.name.lower()}`"])
    assert (shown == "yes") == (type(command) in LEGAL[state])
    if shown != "yes":
        assert refusal_of(command, state) == shown


def test_document_lists_what_each_command_costs() -> None:
    costs = {
        snake_case(kind.__name__): (price.kind.name.lower(), str(price.amount))
        for kind, price in PRICES.items()
        if kind is not WireError
    }
    shown = table("Being told to slow down").by("command")
    assert {name: (row["budget"], row["cost"]) for name, row in shown.items()} == costs


def refusal_of(command: Command, state: SessionState) -> str:
    """Return the code with which a broker refuses a command in a state."""
    lobby = RoomRow(1, ROOM, "lobby", "lobby", "", 0)
    empty = Snapshot(ROOM, 0, [], [lobby], {1: LogHead(0, EMPTY)}, {}, [], {}, {}, 0)
    core = Core(Settings("hubbub", 5001), empty, Now(0.0, 0), bytes)
    peer = Peer(bytes(32), "ab" * 32, 1)
    core.context.sessions.open(peer, 0.0).state = state
    (effect,) = core.handle(peer, codec.array([codec.encode(command)]), Now(0.0, 0))
    assert isinstance(effect, Send)
    (reply,) = effect.replies
    assert isinstance(reply, Resend if isinstance(command, Write) else Error)
    return reply.code


def test_document_knows_every_command_when_it_lists_states() -> None:
    assert table("State and command").column("command") == list(COMMANDS)


def test_document_shows_a_session_in_words_that_the_tables_know() -> None:
    shown = re.findall(r'\{type: "(\w+)"([^{}]*)', TEXT)
    assert len(shown) > 20
    for kind, rest in shown:
        fields = {plain(row["field"]) for row in fields_of(STRUCTS[kind])}
        assert set(re.findall(r"(\w+):", re.sub(r'"[^"]*"', "", rest))) <= fields
