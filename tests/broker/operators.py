"""The operator's screen: commands run in this process, beside a broker that runs in it, too."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from hubbub.broker.broker import Broker
from hubbub.broker.cli import main
from hubbub.client import Client


class Operator:
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
