"""`Dockerfile` and `docker-compose.yml`: what they promise, and each of their commands run here, without an engine.

A command runs as it stands in the file; only what a container would give it is replaced: the programs' names, the volume's folder, the names of
hosts, and the ports.
"""

import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
import yaml
from tests.processes import BROKER, CLIENT, ROOT, ThroughPipes, Town, environment

from hubbub.broker.cli import main as broker_cli
from hubbub.client.cli import main as client_cli

VOLUME: Final = "/data"
PORTS: Final = ("5000", "5001", "5002")
PUBLISHED: Final = "127.0.0.1:5000-5002:5000-5002"
PARTICIPANTS: Final = ("alice", "bob")
PROGRAMS: Final = {
    "hubbub": CLIENT,
    "hubbub-broker": BROKER,
    "python": (sys.executable, "-u"),  # as PYTHONUNBUFFERED in the image
}


@dataclass(frozen=True)
class Instruction:
    """One of a Dockerfile: its word, and what follows with its lines joined."""

    word: str
    rest: str


def instructions() -> list[Instruction]:
    """Return those of the last stage, that of the image, from its FROM on."""
    lines = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()
    text = "\n".join(line for line in lines if not line.lstrip().startswith("#"))
    found = [
        Instruction(*line.split(maxsplit=1))
        for line in text.replace("\\\n", " ").splitlines()
        if line
    ]
    last = max(number for number, one in enumerate(found) if one.word == "FROM")
    return found[last:]


def the(word: str) -> str:
    """Return what follows the image's only instruction of this word."""
    [rest] = [one.rest for one in instructions() if one.word == word]
    return rest


def healthcheck() -> list[str]:
    command: list[str] = json.loads(the("HEALTHCHECK").partition(" CMD ")[2])
    return command


def in_image() -> dict[str, str]:
    """Return where the image has files of this repository."""
    copies = [shlex.split(one.rest) for one in instructions() if one.word == "COPY"]
    return {target: source for source, target in (c for c in copies if c[0][:2] != "--")}


def copied() -> list[str]:
    """Return what both stages take from this repository."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    lines = re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
    return [source for line in lines for source in line.split()[:-1]]


def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def services() -> dict[str, Any]:
    found: dict[str, Any] = compose()["services"]
    return found


def here(command: list[str], town: Town) -> list[str]:
    """Return a container's command as it runs in this town: with its programs, folders, host and ports."""
    broker = town.address or "127.0.0.1:0"
    replaced = {f"{VOLUME}/broker": str(town.data), "0.0.0.0:5000": broker}
    replaced |= {target: str(ROOT / source) for target, source in in_image().items()}
    replaced |= {"--broker=broker:5000": f"--broker={broker}", "127.0.0.1:5000": broker}
    program, *arguments = command
    return [*PROGRAMS[program], *(replaced.get(argument, argument) for argument in arguments)]


def serve(command: list[str], town: Town) -> ThroughPipes:
    """Start a broker by a container's command; a second one has the address of the first."""
    broker = town.start(ThroughPipes, *here(command, town), who="broker")
    town.address = broker.sees_match(r"Server running on (\S+)\n")[1]
    return broker


def health(command: list[str], town: Town) -> int:
    """Run a health check as an engine does; return its exit code."""
    env = environment(town.home("nobody"))
    return subprocess.run(here(command, town), env=env, check=False, capture_output=True).returncode


def test_image_has_the_version_that_the_project_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found = re.fullmatch(r"python:(3\.\d+)-slim", the("FROM"))
    assert found
    assert f"Programming Language :: Python :: {found[1]}" in project["classifiers"]


def test_image_runs_nothing_as_root_and_nothing_in_a_shell() -> None:
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", the("USER"))
    assert isinstance(json.loads(the("CMD")), list)
    assert healthcheck() == ["hubbub", "ping", "127.0.0.1:5000"]
    assert not [one for one in instructions() if one.word in {"ENTRYPOINT", "STOPSIGNAL"}]


def test_image_keeps_all_that_is_written_in_its_volume() -> None:
    command = json.loads(the("CMD"))
    assert the("VOLUME") == VOLUME
    assert Path(command[command.index("--data") + 1]).is_relative_to(VOLUME)
    [home] = re.findall(r"HUBBUB_HOME=(\S+)", the("ENV"))
    assert Path(home).is_relative_to(VOLUME)


def test_image_exposes_the_ports_of_its_command() -> None:
    command = json.loads(the("CMD"))
    assert command[command.index("--bind") + 1] == f"0.0.0.0:{PORTS[0]}"
    assert the("EXPOSE") == f"{PORTS[0]}-{PORTS[-1]}"


def test_builder_gets_what_it_copies_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    assert sorted(rule[1:] for rule in rules if rule.startswith("!")) == sorted(copied())
    assert all((ROOT / source).exists() for source in copied())
    assert rules[-1] == "**/__pycache__"


def test_hadolint_has_no_complaint() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("hadolint has no wheel for this machine")
    found = subprocess.run(
        [program, "Dockerfile"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (found.returncode, found.stdout) == (0, "")


def test_demo_can_be_reached_from_this_machine_alone() -> None:
    assert services()["broker"]["ports"] == [PUBLISHED]
    assert not [name for name in PARTICIPANTS if "ports" in services()[name]]
    assert not [one for one in services().values() if "network_mode" in one]


def test_demo_is_open_to_those_who_can_reach_it() -> None:
    command = services()["broker"]["command"]
    assert command[command.index("--registration") + 1] == "open"
    assert "--registration" not in json.loads(the("CMD")), "the image alone does as any broker"


def test_demo_gives_no_service_more_than_it_needs() -> None:
    for service in services().values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not {"cap_add", "privileged", "user", "devices"} & set(service)
        assert {"mem_limit", "pids_limit", "cpus", "restart", "stop_grace_period"} <= set(service)


def test_demo_builds_one_image_for_all() -> None:
    assert [name for name, service in services().items() if "build" in service] == ["broker"]
    assert {service["image"] for service in services().values()} == {"hubbub"}


def test_participants_wait_until_the_broker_is_healthy() -> None:
    assert services()["broker"]["healthcheck"]["test"] == ["CMD", *healthcheck()]
    for name in PARTICIPANTS:
        assert services()[name]["depends_on"] == {"broker": {"condition": "service_healthy"}}
        assert services()[name]["healthcheck"] == {"disable": True}


def test_each_service_has_a_volume_of_its_own() -> None:
    mounted = {name: service["volumes"] for name, service in services().items()}
    assert mounted == {name: [f"{name}:{VOLUME}"] for name in mounted}
    assert set(compose()["volumes"]) == set(mounted)


def test_the_lines_that_tell_how_to_join_are_commands_of_ours() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8") + (ROOT / "Dockerfile").read_text(
        "utf-8"
    )
    told = re.findall(
        r"(?:^#  .*| )(hubbub (?:chat|forget) 127\.0\.0\.1\S*?)[\"\s]", text, re.MULTILINE
    )
    assert {
        "hubbub chat 127.0.0.1:5000",
        "hubbub chat 127.0.0.1",
        "hubbub forget 127.0.0.1:5000",
    } == set(told)
    for line in told:
        _, command, *arguments = line.split()
        client_cli.commands[command].make_context(command, arguments)


@pytest.mark.parametrize("command", [json.loads(the("CMD")), services()["broker"]["command"]])
def test_broker_takes_the_options_it_is_given(command: list[str]) -> None:
    broker_cli.make_context(command[0], command[1:])


@pytest.mark.slow
def test_image_by_itself_is_a_broker_that_is_healthy_until_it_is_stopped(town: Town) -> None:
    for _ in ("first", "again"):
        broker = serve(json.loads(the("CMD")), town)
        assert health(healthcheck(), town) == 0
        broker.signal(signal.SIGTERM)
        assert broker.ends() == 0
        assert health(healthcheck(), town) == 1
    assert not any(town.home("nobody").iterdir())  # nothing to write: the root is read-only


@pytest.mark.slow
def test_demo_comes_up_talks_and_goes_down_twice(town: Town) -> None:
    for _ in ("first", "again"):
        broker = serve(services()["broker"]["command"], town)
        assert health(services()["broker"]["healthcheck"]["test"][1:], town) == 0
        alice, bob = (
            town.start(ThroughPipes, *here(services()[name]["command"], town), who=name)
            for name in PARTICIPANTS
        )
        alice.sees("Alice is in the chat.", "Join from this machine: hubbub chat 127.0.0.1:5000")
        alice.sees("> Hello, everyone!", "> @Bob: Hi Bob!", "Private message from Bob: 'Hi Alice!")
        for participant in (bob, alice):
            participant.signal(signal.SIGTERM)
            assert participant.ends() == 0
        assert "Alice: 'Hello, everyone!'" in bob.lines
        assert "Private message from Alice: 'Hi Bob!'" in bob.lines
        broker.sees("Bob has left the chat.", "Alice has left the chat.")
        broker.signal(signal.SIGTERM)
        assert broker.ends() == 0
