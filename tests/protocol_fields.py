"""How PROTOCOL.md writes the fields of a struct of the code."""

from typing import Any

import msgspec
from msgspec import inspect

from hubbub.common.fields import snake_case
from hubbub.common.limits import MAX_NUMBER


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
