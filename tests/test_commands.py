"""The commands of `hubbub` beside the chat, by real processes: what they print, and how they end."""

import json
import re
import shlex
import shutil

import pytest
from tests.processes import BROKER, CLIENT, OnTerminal, ThroughPipes, Town

from hubbub.broker.broker import Broker
from hubbub.client import door
from hubbub.client.home import Home
from hubbub.common.addresses import parse
from hubbub.common.fingerprint import fingerprint
from hubbub.common.links import JoinLink

pytestmark = pytest.mark.slow


def run(town: Town, *arguments: str, who: str = "Alice", code: int = 0) -> list[str]:
    """Run a command to its end; return its lines."""
    program = town.through_pipes(who, *arguments)
    assert program.ends() == code, program.transcript()
    return program.lines if program.transcript() else []


def key_of(town: Town) -> bytes:
    return door.ask(parse(town.address)).key


def visit(town: Town, name: str = "Alice") -> None:
    person = town.chats(OnTerminal, name)
    person.types("/exit")
    assert person.ends() == 0


def give_another_key(town: Town, broker: ThroughPipes) -> None:
    """Put a broker with another key in the place of this one."""
    broker.kill()
    town.data.rename(town.data.with_name("old"))
    town.broker(bind=town.address)


def test_ping_tells_how_a_broker_is_and_leaves_no_trace(town: Town) -> None:
    town.broker("--name", "Town hall")
    lines = run(town, "ping", town.address)
    facts = dict(line.split(maxsplit=1) for line in lines)
    assert [*facts] == [
        *("address", "broker", "software", "protocol", "key", "trust"),
        *("door", "connect", "hello"),
    ]
    assert facts["address"] == town.address
    assert facts["broker"] == "Town hall"
    assert facts["software"].startswith("hubbub ")
    assert facts["key"] == fingerprint(key_of(town))
    assert facts["trust"] == "not known here"
    for name in ("door", "connect", "hello"):
        assert re.match(r"\d+\.\d ms", facts[name])
    assert max(map(len, lines)) <= 40
    assert not [*town.home("Alice").iterdir()]


def test_ping_compares_the_key_with_the_one_known_here(town: Town) -> None:
    broker = town.broker()
    visit(town)
    assert "trust     the key is pinned here" in run(town, "ping", town.address)
    give_another_key(town, broker)
    [line] = run(town, "ping", town.address, code=1)
    assert "has another key than before" in line
    assert line.endswith(f"run: hubbub forget {town.address}")


def test_ping_is_read_by_programs(town: Town, unused_port: int) -> None:
    town.broker()
    link = str(JoinLink(parse(town.address), key_of(town)))
    told = json.loads(*run(town, "ping", link, "--json"))
    assert told["healthy"] is True
    assert (told["pinned"], told["fingerprint"]) == (False, fingerprint(key_of(town)))
    told = json.loads(*run(town, "ping", f"127.0.0.1:{unused_port}", "--json", code=1))
    assert told["healthy"] is False
    assert "is the broker started?" in told["error"]
    assert run(town, "ping", town.address, "--quiet") == []
    assert len(run(town, "ping", f"127.0.0.1:{unused_port}", "--quiet", code=1)) == 1


@pytest.mark.parametrize("seconds", ["0", "61", "-1", "nan", "soon"])
def test_ping_refuses_a_time_that_makes_no_sense(town: Town, seconds: str) -> None:
    assert "--timeout" in run(town, "ping", "127.0.0.1", "--timeout", seconds, code=2)[-1]


def test_known_brokers_are_listed_and_forgotten(town: Town) -> None:
    town.broker()
    assert run(town, "brokers") == ["No broker is known here."]
    visit(town)
    shown = fingerprint(key_of(town))
    head, row = run(town, "brokers")
    assert head == "Known here:"
    assert re.fullmatch(rf"  {town.address}  {shown}  since \d{{4}}-\d\d-\d\d, as Alice", row)
    told = json.loads(*run(town, "brokers", "--json"))
    [known] = told["known"]
    assert (known["address"], known["fingerprint"]) == (town.address, shown)
    assert told["found"] == []
    link = str(JoinLink(parse(town.address), key_of(town)))
    forgot = f"Forgot the broker at {town.address} with the fingerprint {shown}."
    assert run(town, "forget", link) == [forgot]
    assert run(town, "brokers") == ["No broker is known here."]


def test_a_narrow_terminal_gets_a_broker_in_short_lines(town: Town) -> None:
    Home(town.home("Alice")).pin(parse("a-rather-long-name.chat.example.org:5000"), b"k" * 32)
    wide = town.on_terminal("Alice", "brokers")
    assert wide.ends() == 0
    assert len(wide.lines) == 2
    narrow = town.start(
        OnTerminal, "/bin/sh", "-c", 'COLUMNS=40 "$@"', "sh", *CLIENT, "brokers", who="Alice"
    )
    assert narrow.ends() == 0
    assert [line.strip() for line in narrow.lines[1:3]] == [
        "a-rather-long-name.chat.example.org:5000",
        fingerprint(b"k" * 32),
    ]


def test_a_list_for_nobody_is_no_fault(town: Town) -> None:
    Home(town.home("Alice")).pin(parse("127.0.0.1:5000"), b"k" * 32)
    closed = ("/bin/sh", "-c", 'exec "$@" >&-', "sh", *CLIENT, "brokers")
    program = town.start(ThroughPipes, *closed, who="Alice")
    assert (program.ends(), program.transcript()) == (0, "")


def test_a_broken_pin_is_named_and_can_be_forgotten(town: Town) -> None:
    Home(town.home("Alice")).pin(parse("127.0.0.1:5000"), b"k" * 32)
    [pin] = (town.home("Alice") / "brokers").iterdir()
    pin.write_text("nothing")
    assert run(town, "brokers", code=1)[0].endswith("run: hubbub forget 127.0.0.1:5000")
    assert run(town, "forget", "127.0.0.1") == ["Forgot the broker at 127.0.0.1:5000."]


def test_whoami_tells_key_and_names_and_makes_none(town: Town) -> None:
    home = town.home("Alice")
    assert run(town, "whoami") == [
        f"home   {home}",
        "key    none yet: your first chat makes it",
    ]
    assert not [*home.iterdir()]
    town.broker()
    visit(town)
    own = Home(home).own_key()
    assert own is not None
    assert run(town, "whoami") == [
        f"home   {home}",
        f"key    {fingerprint(own)}",
        f"name   Alice at {town.address}",
    ]


def test_what_others_say_is_shown_and_not_executed(town: Town) -> None:
    with Broker.temporary(name="\x1b[2Jlab") as broker:
        assert r"broker    \x1b[2Jlab" in run(town, "ping", str(broker.address))


def test_a_word_that_is_no_command_gets_a_suggestion(town: Town) -> None:
    assert run(town, "pnig", code=2)[-1] == "Error: No such command 'pnig'. Did you mean 'ping'?"
    suggestion = "No such command 'raspberry'. If it is a broker: hubbub chat raspberry"
    assert run(town, "raspberry", code=2)[-1].endswith(suggestion)
    assert "--nmae" in run(town, "--nmae", "Alice", code=2)[-1]


def completed(town: Town, line: str) -> list[str]:
    """What bash offers when Tab is pressed behind this line, by the scripts that `hubbub completion` prints."""
    programs = town.home("Alice") / "bin"
    programs.mkdir(exist_ok=True)
    for name, command in (("hubbub", CLIENT), ("hubbub-broker", BROKER)):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
        program.chmod(0o700)
    name = line.split(maxsplit=1)[0]
    script = (
        f'PATH={programs}:$PATH; eval "$(hubbub completion bash {name})"; complete -p {name}',
        f'COMP_LINE={shlex.quote(line)}; COMP_POINT={len(line)}; COMP_WORDBREAKS=" :"',
        f"_{name.replace('-', '_')}_completion_words {name} || true",
        """printf '%s\\n' "${COMPREPLY[@]}\"""",
    )
    bash = town.start(ThroughPipes, "bash", "--norc", "-c", "\n".join(script), who="Alice")
    assert bash.ends() == 0
    assert bash.lines[0].startswith(f"complete -o nosort -F _{name.replace('-', '_')}")
    return bash.lines[1:]


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes_commands_options_and_known_addresses(town: Town) -> None:
    home = Home(town.home("Alice"))
    for place in ("127.0.0.1:5000", "127.0.0.1:5003", "[::1]:5000"):
        home.pin(parse(place), b"k" * 32)
    assert completed(town, "hubbub wh") == ["whoami"]
    assert completed(town, "hubbub ping --t") == ["--timeout"]
    assert sorted(completed(town, "hubbub 12")) == ["127.0.0.1:5000", "127.0.0.1:5003"]
    assert sorted(completed(town, "hubbub forget 127.0.0.1:50")) == ["5000", "5003"], (
        "what stands behind the last colon"
    )
    assert completed(town, "hubbub ping [") == ["[::1]:5000"]
    assert "--data" in completed(town, "hubbub-broker --")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("program", ["hubbub", "hubbub-broker"])
def test_other_shells_get_their_script(town: Town, shell: str, program: str) -> None:
    script = "\n".join(run(town, "completion", shell, program))
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE={shell}_complete"
    assert variable in script
