"""What several of the operator's commands take."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from hubbub.common.durations import parse_duration
from hubbub.common.errors import InvalidDuration

_Command = TypeVar("_Command", bound=Callable[..., Any])

HELP: Final = {"help_option_names": ["-h", "--help"]}
"""The context settings of every command."""


def _folder(context: click.Context, _option: click.Parameter, data: Path | None) -> Path:
    """Take it from before the command's name as well: `hubbub-broker --data DIR backup FILE`."""
    from hubbub.broker.folder import default_folder  # noqa: PLC0415 - nothing is loaded for --help

    before = context.parent.params.get("data") if context.parent else None
    return data or before or default_folder()


data = click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    callback=_folder,
    help="The broker's folder. Default: hubbub/broker among your data, on Linux ~/.local/share/hubbub/broker.",
)


as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
room = click.option("--room", metavar="ROOM", default="", help="Only there, not in the whole chat.")
reason = click.option(
    "--reason", metavar="TEXT", default="", help="Why, for people to read: one line."
)


class _Duration(click.ParamType[int]):
    """A length of time as people type it; its value is in seconds."""

    name = "duration"

    def convert(
        self, value: str | int, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        """Return the seconds."""
        if isinstance(value, int):
            return value
        try:
            return parse_duration(value)
        except InvalidDuration as error:
            self.fail(str(error), param, ctx)


def duration(help: str) -> Callable[[_Command], _Command]:
    """Return the option --for, whose value `seconds` is 0 if it is not given."""
    return click.option("--for", "seconds", metavar="TIME", type=_Duration(), default=0, help=help)
