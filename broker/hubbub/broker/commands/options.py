"""What several of the operator's commands take, and how they say what a log holds."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click

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


def counted(number: int, one: str, many: str) -> str:
    """Return "1 room", "1,234 rooms"."""
    return f"{number:,} {one if number == 1 else many}"


def holding(messages: int, rooms: int, people: int) -> str:
    """Say what a log holds."""
    said = counted(messages, "message", "messages")
    return f"{said}, {counted(rooms, 'room', 'rooms')}, {counted(people, 'name', 'names')}"


def moment(milliseconds: int) -> str:
    """Return a time as people read it, in UTC."""
    return f"{datetime.fromtimestamp(milliseconds / 1000, UTC):%Y-%m-%d %H:%M:%S} UTC"
