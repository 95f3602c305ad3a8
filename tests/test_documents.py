"""The documents say what is there: commands, options, links, snippets, transcripts, the tables of files and dependencies."""

import contextlib
import re
import shlex
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from tests.processes import Town
from tests.test_conversation import converse, without_ports

from hubbub.broker.broker import Broker
from hubbub.broker.cli import main as broker_cli
from hubbub.client.cli import main as client_cli

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONFIGURATION.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "PERFORMANCE.md",
    "PROTOCOL.md",
    "SECURITY.md",
)
FENCED = re.compile(r"^```(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:)(?P<file>[^)#]*)(?:#(?P<anchor>[^)]+))?\)")
PROGRAM = re.compile(r"(?:\S*/)?(hubbub|hubbub-broker)")
PLACEHOLDERS = {"ADDRESS": "127.0.0.1:5000"}


@dataclass(frozen=True)
class Block:
    """A fenced block: the language, the file that it is quoted from if it is, the text."""

    language: str
    file: str
    text: str


def read(document: str) -> str:
    return (ROOT / document).read_text(encoding="utf-8")


def blocks(document: str) -> list[Block]:
    found = []
    for match in FENCED.finditer(read(document)):
        language, _, file = match["info"].partition(" ")
        found.append(Block(language, file, match["text"]))
    return found


def block(document: str, language: str, start: str) -> list[str]:
    """Return the lines of the block that starts so."""
    texts = [b.text for b in blocks(document) if b.language == language]
    [text] = [text for text in texts if text.startswith(start)]
    return text.splitlines()


def code(document: str) -> Iterator[str]:
    """Yield what stands in code: inline spans, and the lines that a shell gets."""
    yield from INLINE.findall(FENCED.sub("", read(document)))
    for found in blocks(document):
        for line in found.text.splitlines():
            if found.language == "sh":
                yield line
            elif line.startswith("$ "):
                yield line.removeprefix("$ ")


def shell_commands(document: str) -> Iterator[list[str]]:
    for line in code(document):
        if re.search(r"\b(make|hubbub)", line):
            for part in line.split("|"):
                try:
                    words = shlex.split(part)
                except ValueError:  # no shell line
                    continue
                if words:
                    yield words


def program_calls() -> list[list[str]]:
    calls = [
        [match[1], *words[1:]]
        for document in DOCUMENTS
        for words in shell_commands(document)
        if (match := PROGRAM.fullmatch(words[0]))
    ]
    return sorted(map(list, {tuple(call) for call in calls}))


@pytest.mark.parametrize("call", program_calls(), ids=" ".join)
def test_program_understands_a_call_when_a_document_shows_it(call: list[str]) -> None:
    program, *arguments = (PLACEHOLDERS.get(word, word) for word in call)
    command: click.Command = broker_cli
    if arguments and arguments[0] in broker_cli.commands and program == "hubbub-broker":
        command = broker_cli.commands[arguments.pop(0)]
    if program == "hubbub":
        command = client_cli
        if arguments and not arguments[0].startswith("-"):
            is_place = bool(set(":.") & set(arguments[0]))  # `hubbub ADDRESS` is a chat
            command = client_cli.commands["chat" if is_place else arguments.pop(0)]
    with contextlib.suppress(click.MissingParameter, click.exceptions.Exit):  # a mere name; --help
        command.make_context(program, arguments)  # reads the options, runs nothing


def test_program_has_an_option_when_readme_names_it() -> None:
    programs = (broker_cli, client_cli)
    commands = [*programs, *(command for p in programs for command in p.commands.values())]
    known = {option for c in commands for p in c.params for option in p.opts} | {"--help"}
    ours = [text for text in code("README.md") if not text.startswith("docker")]
    named = {word for text in ours for word in re.findall(r"(?<!\S)--[a-z-]+", text)}
    assert named <= known


def test_make_has_a_verb_when_a_document_names_it() -> None:
    verbs = set(re.findall(r"^([a-z]+):.*## ", read("Makefile"), re.MULTILINE))
    calls = [words for document in DOCUMENTS for words in shell_commands(document)]
    named = {words[1] for words in calls if words[0] == "make" and len(words) > 1}
    assert {"demo", "test", "check", "bench", "clean"} <= named <= verbs


def anchors(document: str) -> set[str]:
    """Return the anchors that a host of repositories gives to the headings."""
    headings = re.findall(r"^#+ (.+)$", FENCED.sub("", read(document)), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_link_leads_somewhere(document: str) -> None:
    for link in LINK.finditer(FENCED.sub("", read(document))):
        target = link["file"] or document
        assert (ROOT / target).exists(), link[0]
        assert link["anchor"] is None or link["anchor"] in anchors(target), link[0]


def test_snippet_of_readme_prints_what_readme_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HUBBUB_HOME", str(tmp_path))
    [snippet] = [found.text for found in blocks("README.md") if found.language == "python"]
    with Broker.temporary() as broker:
        assert snippet.count("127.0.0.1:5000") == 1
        here = snippet.replace("127.0.0.1:5000", str(broker.address))
        exec(compile(here, "README.md", "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert printed == block("README.md", "text", "stored as")


@pytest.mark.slow
def test_people_see_what_readme_shows(town: Town) -> None:
    broker = town.broker()
    people = []
    for name in ("Alice", "Bob"):
        person = town.on_terminal(name, "chat", town.address)
        person.sees("Enter your name: ")
        person.types(name)
        person.sees("Registration successful.")
        people.append(person)
    alice, bob = people
    converse(alice, bob)
    broker.sees("Alice has left the chat.")
    for lines, start in (
        (alice.lines, "$ hubbub chat 127.0.0.1:5000\nEnter your name: Alice"),
        (bob.lines, "$ hubbub chat 127.0.0.1:5000\nEnter your name: Bob"),
        (broker.lines, "$ hubbub-broker --bind"),
    ):
        seen = [line.replace(town.address, "127.0.0.1:5000") for line in without_ports(lines)]
        assert seen == without_ports(block("README.md", "text", start)[1:])


def rows(document: str, head: str) -> Iterator[tuple[str, str]]:
    """Yield (head of the table, first cell) of the rows of all tables whose first heading matches."""
    current = ""
    for line in read(document).splitlines():
        cell = line.split("|")[1].strip() if line.startswith("|") else ""
        if not cell:
            current = ""
        elif not current:
            current = cell if re.fullmatch(head, cell) else "another"
        elif set(cell) - set("-:") and current != "another":
            yield current.strip("`"), cell.strip("`")


def test_architecture_lists_every_module_once() -> None:
    listed = [folder + file for folder, file in rows("ARCHITECTURE.md", r"`[\w/]+/`")]
    modules = {
        path.relative_to(ROOT).as_posix()
        for root in ("broker", "client", "common")
        for path in (ROOT / root).rglob("*.py")
        if path.name != "__init__.py"
    }
    assert sorted(listed) == sorted(modules)


def test_architecture_says_why_each_dependency_is_there() -> None:
    project = tomllib.loads(read("pyproject.toml"))["project"]
    extras = project["optional-dependencies"]
    needed = [*project["dependencies"], *extras["dev"], *extras["bench"]]
    names = [re.split(r"[<>=!~\[; ]", line)[0] for line in needed]
    listed = [name for _, name in rows("ARCHITECTURE.md", "dependency")]
    assert sorted(listed) == sorted(names)


def test_configuration_has_the_tables_that_the_types_give() -> None:
    tables = CliRunner().invoke(broker_cli, ["config", "--reference"]).stdout
    start = "### [broker]\n"
    head, found, _ = read("CONFIGURATION.md").partition(start)
    assert found
    assert read("CONFIGURATION.md") == head + tables, (
        "sed -i '/^### .broker/,$d' CONFIGURATION.md && hubbub-broker config --reference >> CONFIGURATION.md"
    )


def test_contributing_quotes_what_is_there() -> None:
    quoted = [found for found in blocks("CONTRIBUTING.md") if found.file]
    assert len(quoted) == 5
    for found in quoted:
        assert found.text in read(found.file), found.file


def test_contributing_names_files_that_exist() -> None:
    named = {text for text in code("CONTRIBUTING.md") if re.fullmatch(r"tests/[\w/]+\.py", text)}
    assert named
    assert all((ROOT / file).exists() for file in named)


def named_tests() -> list[tuple[str, str]]:
    """Return the tests that the table of threats names: file and function."""
    return re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", read("SECURITY.md"))


def test_security_names_a_test_for_each_threat_and_each_is_there() -> None:
    threats = read("SECURITY.md").partition("\n## Threats\n")[2]
    found = [line for line in threats.splitlines() if line.startswith("| ")][1:]
    assert found
    assert all(re.search(r"`tests/[\w/]+\.py::\w+`", line) for line in found)
    for file, name in named_tests():
        assert f"\ndef {name}(" in read(file), f"{file}::{name}"


def test_security_names_every_file_of_tests_against_threats() -> None:
    files = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/threats/test_*.py")}
    assert files
    assert files <= {file for file, _ in named_tests()}
