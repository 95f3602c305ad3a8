"""What README shows of the operator's commands is what they print."""

import re
import shlex
from contextlib import ExitStack
from pathlib import Path

from tests.broker.operators import Operator
from tests.processes import ROOT

CHANGING = (
    (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "TIME"),
    (r"hubbub://\S+", "LINK"),
    (r"code \S{19}", "code CODE"),
)


def settled(lines: list[str]) -> list[str]:
    """Leave out of a transcript what is another each time."""
    text = "\n".join(lines)
    for pattern, name in CHANGING:
        text = re.sub(pattern, name, text)
    return text.split("\n")


def test_an_operator_sees_what_readme_shows(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    [shown] = re.findall(
        r"^```text\n(\$ hubbub-broker role.*?)^```", readme, re.MULTILINE | re.DOTALL
    )
    seen: list[str] = []
    with ExitStack() as stack:
        operator = Operator(tmp_path / "data", stack)
        for name in ("Alice", "Mallory"):
            operator.enters(name)
        for line in shown.splitlines():
            if line.startswith("$ hubbub-broker "):
                seen += [line, *operator.says(*shlex.split(line)[2:]).splitlines()]
    assert settled(seen) == settled(shown.splitlines())
