"""Good values of any struct, made from its type alone: a command that is new is fuzzed without a line here."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec
from msgspec import inspect as types

Pools = Mapping[str, Sequence[Any]]
"""By the name of a field: values that mean something to whoever is asked."""


class Maker:
    """Makes maps as they go on the wire."""

    def __init__(self, random: Random, structs: Sequence[type[msgspec.Struct]]) -> None:
        self._random = random
        self._types = [types.type_info(struct) for struct in structs]

    def make(self, pools: Pools) -> dict[str, Any]:
        """Return one of any of the structs. Where there is a pool for a field, what it gets is mostly from there."""
        made = self._make(self._random.choice(self._types), pools)
        assert isinstance(made, dict)
        return made

    def _make(self, kind: types.Type, pools: Pools) -> Any:  # noqa: PLR0911, PLR0912 - a table
        random = self._random
        match kind:
            case types.StructType():
                return self._struct(kind, pools)
            case types.UnionType(members):
                return self._make(random.choice(members), pools)
            case types.Metadata(inner):
                return self._make(inner, pools)
            case types.NoneType():
                return None
            case types.BoolType():
                return random.random() < 0.5
            case types.LiteralType(values):
                return random.choice(values)
            case types.IntType(ge=least, le=most):
                return random.choice((least or 0, random.randint(0, 9) + (least or 0), most or 9))
            case types.FloatType():
                return random.random()
            case types.BytesType(min_length=least):
                return random.randbytes(least or 0)
            case types.StrType(max_length=most):
                return "x" * random.choice((0, 1, min(most or 9, 64)))
            case types.ListType(item):
                return [self._make(item, pools) for _ in range(random.choice((1, 2)))]
            case types.TupleType(items):
                return [self._make(item, pools) for item in items]
            case types.DictType():
                return {"key": random.choice((1, "text", [1, {"deep": None}]))}
        raise NotImplementedError(kind)

    def _struct(self, kind: types.StructType, pools: Pools) -> dict[str, Any]:
        made: dict[str, Any] = {}
        if kind.tag_field is not None:
            made[kind.tag_field] = kind.tag
        for field in kind.fields:
            name = field.encode_name
            if not field.required and self._random.random() < 0.5:
                continue
            if pools.get(name) and self._random.random() < 0.9:
                made[name] = self._random.choice(pools[name])
            else:
                made[name] = self._make(field.type, pools)
        return made
