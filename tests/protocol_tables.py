"""PROTOCOL.md as data: its sections and tables, and how the document writes a struct's fields."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
from msgspec import inspect

from hubbub.common.fields import snake_case
from hubbub.common.limits import MAX_NUMBER

DOCUMENT = Path(__file__).parents[1] / "PROTOCOL.md"
_CELLS = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True)
class Table:
    """One table: the heading that it stands under, its head row, its other rows by head."""

    heading: str
    head: list[str]
    rows: list[dict[str, str]]

    def column(self, name: str) -> list[str]:
        return [plain(row[name]) for row in self.rows]

    def by(self, name: str) -> dict[str, dict[str, str]]:
        """Return the rows by the value of a column, which no two share."""
        rows = {plain(row[name]): row for row in self.rows}
        assert len(rows) == len(self.rows), f"{self.heading}: a {name} stands there twice"
        return rows


def plain(cell: str) -> str:
    """Return a cell without the marks of code."""
    return cell.strip("`")


def read_tables() -> list[Table]:
    """Return the document's tables in order."""
    tables: list[Table] = []
    heading = ""
    open_table = False
    for line in DOCUMENT.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("#").strip()
        is_row = line.startswith("|")
        cells = [cell.strip() for cell in _CELLS.split(line)[1:-1]] if is_row else []
        if is_row and not open_table:
            tables.append(Table(heading, cells, []))
        elif is_row and set("".join(cells)) - set("-: "):
            tables[-1].rows.append(dict(zip(tables[-1].head, cells, strict=True)))
        open_table = is_row
    return tables


def table(heading: str) -> Table:
    """Return the one table under a heading."""
    (found,) = [table for table in read_tables() if table.heading == heading]
    return found


def number(value: float | None) -> str:
    return "2^63-1" if value == MAX_NUMBER else str(value)


NAMES = {
    inspect.IntType: "integer",
    inspect.FloatType: "number",
    inspect.StrType: "text",
    inspect.BytesType: "bin",
    inspect.BoolType: "boolean",
    inspect.DictType: "map",
    inspect.LiteralType: "text",
}


def type_of(kind: inspect.Type) -> str:
    """Return the type of a field as the document writes it."""
    match kind:
        case inspect.UnionType(types=(other, inspect.NoneType())):
            return type_of(other)
        case inspect.ListType(item_type=item):
            return f"array of {type_of(item)}"
        case inspect.StructType(cls=struct):
            return f"`{snake_case(struct.__name__)}`"
    return NAMES[type(kind)]


def bounds_of(kind: inspect.Type) -> str:
    """Return the bounds of a field as the document writes them."""
    text = ""
    match kind:
        case inspect.UnionType(types=(other, inspect.NoneType())):
            text = bounds_of(other)
        case inspect.ListType(item_type=item, min_length=None):
            text = bounds_of(item)
        case inspect.ListType(item_type=item, min_length=least, max_length=most):
            text = f"{least} … {most} items, each {bounds_of(item)}"
        case inspect.IntType(ge=int(low), le=high):
            text = f"{number(low)} … {number(high)}"
        case inspect.FloatType(ge=low, le=high):
            text = f"{low} … {high}"
        case inspect.StrType(max_length=int(most)):
            text = f"at most {most} characters"
        case inspect.BytesType(min_length=int(least), max_length=most) if least == most:
            text = f"{least} bytes"
        case inspect.LiteralType(values=values):
            *others, last = (f"`{value}`" for value in values)
            text = f"{', '.join(others)} or {last}"
    return text


def default(field: inspect.Field) -> str:
    """Return a field's default in the notation of JSON, or that it has none."""
    value: Any = field.default
    if field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    return "required" if value is msgspec.NODEFAULT else f"`{msgspec.json.encode(value).decode()}`"


def fields_of(struct: type[msgspec.Struct]) -> list[dict[str, str]]:
    """Return the rows that the document must have for a struct, in the order of the wire."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    rows = []
    for field in info.fields:
        row = {
            "field": f"`{field.encode_name}`",
            "type": type_of(field.type),
            "bounds": bounds_of(field.type),
            "default": default(field),
        }
        rows.append(row)
    return rows
