"""What is published: a source archive that holds the whole project, and a wheel that works, typed, where nothing else of it is.

Nothing is downloaded: the dependencies are those of the environment that runs the tests.
"""

import re
import subprocess
import sys
import sysconfig
import tarfile
import textwrap
import zipfile
from pathlib import Path
from typing import Final

import pytest
from tests.processes import ROOT

pytestmark = pytest.mark.slow

SOURCES: Final = ("broker", "client", "common")
LEFT_OUT: Final = {".editorconfig"}
"""What only a checkout needs."""

QUIET: Final = {"PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"}

WHOLE_CHAT: Final = """
    from hubbub.broker.broker import Broker
    from hubbub.client import Client

    with (
        Broker.temporary() as broker,
        Client(broker.address, name="Alice", home="keys") as chat,
    ):
        print(chat.post("lobby", "hi"))
"""

TYPED: Final = """
    from hubbub.broker.broker import Broker
    from hubbub.client import Client, Message
    from hubbub.common.addresses import parse

    def last(chat: Client) -> str:
        for update in chat.events(timeout=1.0):
            if isinstance(update, Message):
                return update.text
        return ""

    with Broker.temporary(parse("127.0.0.1:0")) as broker, Client(broker.address, name="A") as chat:
        seq: int = chat.post("lobby", last(chat))
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Run a program as a user would, outside of the project; return what it says, once it has succeeded."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"HOME": str(cwd), "PATH": "/usr/bin:/bin"} | QUIET,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.fail(f"{command[0]} ended with {done.returncode}:\n{done.stdout}", pytrace=False)
    return done.stdout


def build(source: Path, kind: str, into: Path) -> Path:
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "--target",
        kind,
        "--directory",
        into,
        cwd=source,
    )
    [built] = into.iterdir()
    return built


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source archive, unpacked: the only folder in it."""
    archive = build(ROOT, "sdist", tmp_path_factory.mktemp("sdist"))
    into = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(archive) as opened:
        if hasattr(tarfile, "data_filter"):  # since 3.11.4; without it 3.12 warns
            opened.extraction_filter = tarfile.data_filter
        opened.extractall(into)
    [folder] = into.iterdir()
    return folder


@pytest.fixture(scope="module")
def wheel(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source archive."""
    return build(unpacked, "wheel", tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of a new environment that has the wheel, and the dependencies of ours."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
    python = folder / "bin" / "python"
    install = ("install", "--no-deps", "--no-index", wheel)
    run(sys.executable, "-m", "pip", "--python", python, *install, cwd=folder.parent)
    [site_packages] = folder.glob("lib/python*/site-packages")
    # A folder that a .pth file names is searched, but the .pth files in it, such as that of our editable install, are not read.
    borrowed = f"{sysconfig.get_path('purelib')}\n"
    (site_packages / "dependencies.pth").write_text(borrowed, encoding="utf-8")
    return folder / "bin"


def pins(lock: str) -> set[str]:
    text = (ROOT / lock).read_text(encoding="utf-8")
    return set(re.findall(r"^[\w.-]+==[^ ;]+", text, re.MULTILINE))


def test_the_image_is_built_by_what_the_wheel_is_tested_with() -> None:
    assert any(pin.startswith("hatchling==") for pin in pins("requirements-build.lock"))
    assert pins("requirements-build.lock") <= pins("requirements-dev.lock")


def test_source_archive_holds_the_whole_project(unpacked: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("no repository to compare with")
    tracked = {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}
    packed = {
        path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()
    }
    assert tracked - packed == LEFT_OUT
    assert not [name for name in packed if "__pycache__" in name or name.endswith(".pyc")]


def test_tests_can_be_run_from_the_source_archive(unpacked: Path) -> None:
    options = ("--collect-only", "--quiet", "-p", "no:cacheprovider")
    found = run(sys.executable, "-m", "pytest", *options, cwd=unpacked)
    assert "tests/test_packaging.py::" in found


def test_wheel_holds_the_three_parts_and_nothing_else(wheel: Path, unpacked: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        packed = {name for name in opened.namelist() if ".dist-info/" not in name}
    assert packed == {
        path.relative_to(unpacked / source).as_posix()
        for source in SOURCES
        for path in (unpacked / source).rglob("*")
        if path.is_file()
    }
    assert {f"hubbub/{part}/py.typed" for part in SOURCES} <= packed


@pytest.mark.parametrize("program", ["hubbub", "hubbub-broker"])
def test_wheel_brings_a_program_that_runs(programs: Path, tmp_path: Path, program: str) -> None:
    assert run(programs / program, "--version", cwd=tmp_path).startswith(f"{program}, version ")
    assert f"Usage: {program} " in run(programs / program, "--help", cwd=tmp_path)


def test_wheel_alone_carries_a_chat(programs: Path, tmp_path: Path) -> None:
    assert run(programs / "python", "-c", textwrap.dedent(WHOLE_CHAT), cwd=tmp_path) == "1\n"
    where = "import hubbub.client; print(hubbub.client.__file__)"
    found = Path(run(programs / "python", "-c", where, cwd=tmp_path).strip())
    assert found.is_relative_to(programs.parent)


def test_wheel_is_typed_for_its_users(programs: Path, tmp_path: Path) -> None:
    snippet = tmp_path / "bot.py"
    check = (sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir=/dev/null")
    command = (*check, "--python-executable", programs / "python", snippet)
    snippet.write_text(textwrap.dedent(TYPED), encoding="utf-8")
    assert "no issues found" in run(*command, cwd=tmp_path)
    snippet.write_text(textwrap.dedent(TYPED).replace("seq: int", "seq: str"), encoding="utf-8")
    with pytest.raises(pytest.fail.Exception, match=r'has type "int", variable has type "str"'):
        run(*command, cwd=tmp_path)
