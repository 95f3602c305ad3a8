"""The keys of the configuration, as they follow from its types: their names in file, variables and flags, what is allowed, and how a value is read."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct, ValidationError, convert, structs

from hubbub.broker.config import FIXED, Config
from hubbub.common.addresses import DEFAULT_PORT, Address, parse, shown
from hubbub.common.errors import InvalidAddress

PREFIX: Final = "HUBBUB_"
_SHOWN_BITS: Final = 256
_FLAGS: Final = frozenset(
    {
        "broker.bind",
        "broker.name",
        "broker.advertise",
        "broker.announce",
        "broker.durability",
        "broker.insecure",
        "broker.registration",
        "log.level",
        "log.format",
        "log.times",
    }
)
"""Keys that a flag sets too; it has the name of the variable, in small letters with dashes, but `--no-announce`."""


class NotAllowed(Exception):
    """A value that a key cannot have; the text says what it may be."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key of one table. `kind` is the type of its values without bounds, which are in `meta`."""

    section: str
    name: str
    kind: Any
    meta: Meta
    default: Any

    def __str__(self) -> str:
        return f"{self.section}.{self.name}"

    @property
    def argument(self) -> str:
        """Its name among the program's arguments. [broker] is what a broker is about, and goes without saying."""
        return self.name if self.section == "broker" else f"{self.section}_{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return PREFIX + self.argument.upper()

    @property
    def flag(self) -> str | None:
        """The flag that sets it, if there is one."""
        if str(self) not in _FLAGS:
            return None
        return f"--{'no-' if self.default is True else ''}{self.argument.replace('_', '-')}"

    @property
    def reason(self) -> str:
        """What it decides or bounds, and why its default is what it is."""
        assert self.meta.description is not None, "a test sees to it"
        return self.meta.description

    @property
    def is_live(self) -> bool:
        """Whether it can change while the broker runs."""
        return str(self) not in FIXED

    @property
    def allowed(self) -> str:
        """What its values may be."""
        meta = self.meta
        if get_origin(self.kind) is Literal:
            *most, last = (f'"{value}"' for value in get_args(self.kind))
            return f"{', '.join(most)} or {last}"
        words = {
            bool: "true or false",
            int: f"a whole number from {meta.ge:,} to {meta.le:,}" if meta.le else "",
            float: f"a number from {meta.ge:,} to {meta.le:,}" if meta.le else "",
            str: f"a text of {meta.min_length} to {meta.max_length} characters that can be printed",
            Address: 'an address: "HOST:PORT", "[IPv6]:PORT" or "HOST"',
        }
        return words[self.kind]

    def read(self, value: object, *, is_text: bool = False) -> Any:
        """Return a value as the configuration holds it; `is_text`: it was written where everything is text. Raises NotAllowed."""
        if self.kind is Address and isinstance(value, str):
            try:
                return parse(value, DEFAULT_PORT if self.name == "bind" else 0)
            except InvalidAddress as error:
                raise NotAllowed(str(error)) from None
        if self.kind is str and isinstance(value, str):
            value = value.strip()
        try:
            found = convert(value, Annotated[self.kind, self.meta], strict=not is_text)
        except ValidationError:
            found = None
        is_unfit = (isinstance(found, str) and not found.isprintable()) or (
            isinstance(found, float) and math.isnan(found)
        )
        if found is None or is_unfit or self.kind is Address:
            raise NotAllowed(f"{_quoted(value)} is not {self.allowed}")
        return found


def written(value: Any) -> str:
    """Return a value as TOML."""
    if isinstance(value, Address):
        value = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:_}"
    return json.dumps(value, ensure_ascii=False)


def _quoted(value: object) -> str:
    """Return what somebody wrote as an error repeats it."""
    match value:
        case dict():
            return "a table"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case int() if value.bit_length() > _SHOWN_BITS:
            return "so large a number"
        case str():
            return shown(value)
    return str(value)


def _keys() -> Iterator[Key]:
    for section in structs.fields(Config):
        table: type[Struct] = section.type
        hints = get_type_hints(table, include_extras=True)
        for field in structs.fields(table):
            kind, meta = get_args(hints[field.name])
            if get_origin(kind) in (Union, UnionType):
                [kind] = [each for each in get_args(kind) if each is not NoneType]
            yield Key(section.name, field.name, kind, meta, field.default)


KEYS: Final = {str(key): key for key in _keys()}
VARIABLES: Final = {key.variable: key for key in KEYS.values()}
SECTIONS: Final = tuple(field.name for field in structs.fields(Config))


def did_you_mean(word: str, known: Mapping[str, str]) -> str:
    """Return how an error goes on that a word is none of those known: with what may have been meant, as it is to be written."""
    for near in get_close_matches(word, known, n=1):
        return f"; did you mean {known[near]}?"
    return "; `hubbub-broker config --reference` lists all keys"
