"""How the operator's commands print what a broker answers: tables for people, JSON for programs.

Nothing that somebody else wrote draws on the operator's screen: what cannot be printed is escaped.
"""

import json
from collections.abc import Iterable, Sequence

import click
import msgspec
from tabulate import tabulate

from hubbub.broker.phrases import moment

NOTHING = "-"


def shown(text: str) -> str:
    """Return a text that somebody wrote, with nothing in it that would move the cursor or turn the line around."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def when(milliseconds: int) -> str:
    """Return a time, or that there is none."""
    return moment(milliseconds) if milliseconds else NOTHING


def until(milliseconds: int) -> str:
    """Return when something ends, 0: when somebody ends it."""
    return f"until {moment(milliseconds)}" if milliseconds else "until lifted"


def yes(truth: bool) -> str:
    """Return a truth as a table has it."""
    return "yes" if truth else NOTHING


def table(heads: Sequence[str], rows: Sequence[Sequence[str | int]], empty: str) -> None:
    """Print rows below their heads, numbers to the right, wide characters as wide as they are; `empty` if there are none."""
    if not rows:
        click.echo(empty)
        return
    cells = [[f"{c:,}" if isinstance(c, int) else shown(c) for c in row] for row in rows]
    sides = ["right" if isinstance(c, int) else "left" for c in rows[0]]
    drawn = tabulate(cells, heads, tablefmt="plain", colalign=sides, disable_numparse=True)
    for line in drawn.splitlines():
        click.echo(line.rstrip())


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print one fact a line, each behind its name."""
    known = list(pairs)
    width = max(len(name) for name, _ in known)
    for name, value in known:
        click.echo(f"{name:<{width}}  {shown(value)}")


def as_json(value: object) -> None:
    """Print a struct, or a dict or list of such, as one line of JSON with all its fields. Bytes are hex, times milliseconds since 1970."""
    line = json.dumps(plain(value), ensure_ascii=False)
    click.echo("".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in line))


def fields(struct: msgspec.Struct) -> dict[str, object]:
    """Return a struct's fields, but for the id of the request."""
    return {name: getattr(struct, name) for name in struct.__struct_fields__ if name != "id"}


def plain(value: object) -> object:
    """Return a value as JSON can hold it."""
    match value:
        case msgspec.Struct():
            return plain(fields(value))
        case dict():
            return {name: plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case bytes():
            return value.hex()
    return value
