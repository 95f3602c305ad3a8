"""The README's picture is what a session shows today."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.processes import ROOT, environment

SCRIPT = ROOT / "examples" / "picture.py"


def texts(picture: Path) -> list[str]:
    """Return what the picture says, line by line, without what differs each time."""
    rows: dict[str, str] = {}
    for row, text in re.findall(r'<text [^>]*y="([\d.]+)"[^>]*>([^<]*)<', picture.read_text()):
        rows[row] = rows.get(row, "") + html.unescape(text)
    said = [line.replace("\xa0", " ").strip() for line in rows.values()]
    return [re.sub(r"\d+\.\d+\.\d+\.\d+:\d+|\b\d\d:\d\d\b", "…", line) for line in said]


@pytest.mark.slow
def test_the_picture_shows_what_a_session_shows(tmp_path: Path) -> None:
    drawn = tmp_path / "picture.svg"
    command = [sys.executable, str(SCRIPT), "--bind", "127.0.0.1:0", "--output", str(drawn)]
    subprocess.run(command, check=True, timeout=50, env=environment(tmp_path))
    assert texts(drawn) == texts(SCRIPT.with_suffix(".svg"))
    assert "Registration successful. Welcome to the chat, Alice!" in texts(drawn)


def test_the_picture_needs_nothing_from_elsewhere() -> None:
    picture = SCRIPT.with_suffix(".svg").read_text()
    addresses = set(re.findall(r"https?://[^\s\"']+", picture))
    assert addresses == {"http://www.w3.org/2000/svg"}
