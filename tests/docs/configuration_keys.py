"""Every key of the configuration as its documents should show it, read from the program's own tree."""

from __future__ import annotations

import ast
import inspect as source_inspect
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

import gateway.config.carriers
import gateway.config.tree
from gateway.config import Config
from gateway.config.values import UNSET_SECRET, Amount, HostPort, Secret, StatusCode

LEAF_WORDS: dict[type, str] = {
    Secret: "text or `${NAME}`",
    HostPort: "`host:port`",
    Amount: 'decimal in quotes, such as `"0.045"`',
    StatusCode: "`command_status`, such as `0x58`",
}


@dataclass(frozen=True)
class Key:
    """One key as a reader of the documents should find it."""

    path: str
    meaning: str
    default: str
    allowed: str
    is_section: bool

    @property
    def row(self) -> str:
        return f"| `{self.path}` | {self.default} | {self.allowed} | {self.meaning} |"


def read_meanings() -> dict[tuple[str, str], str]:
    """The text below each field of the tree, by class and field, from the source: the compiler drops it."""
    meanings: dict[tuple[str, str], str] = {}
    sources = (gateway.config.tree, gateway.config.carriers)
    bodies = [node for each in sources for node in ast.parse(source_inspect.getsource(each)).body]
    for cls in (node for node in bodies if isinstance(node, ast.ClassDef)):
        for statement, following in zip(cls.body, [*cls.body[1:], None], strict=True):
            if not isinstance(statement, ast.AnnAssign) or not isinstance(statement.target, ast.Name):
                continue
            text = ""
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                text = " ".join(str(following.value.value).split())
            meanings[cls.name, statement.target.id] = text
    return meanings


MEANINGS = read_meanings()


def walk_keys(kind: inspect.StructType, prefix: str = "") -> Iterator[Key]:
    for field in kind.fields:
        path = prefix + field.encode_name
        inner = unwrap(field.type)
        item = unwrap(inner.item_type) if isinstance(inner, inspect.VarTupleType) else None
        meaning = MEANINGS[kind.cls.__name__, field.name]
        nested = item if isinstance(item, inspect.StructType) else inner
        is_section = isinstance(nested, inspect.StructType)
        yield Key(path, meaning, show_default(field), show_allowed(field.type), is_section)
        if isinstance(nested, inspect.StructType):
            yield from walk_keys(nested, f"{path}[]." if item is not None else f"{path}.")


def unwrap(kind: inspect.Type) -> inspect.Type:
    """The type below bounds and `| None`."""
    if isinstance(kind, inspect.Metadata):
        return unwrap(kind.type)
    if isinstance(kind, inspect.UnionType):
        return unwrap(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
    return kind


def show_default(field: inspect.Field) -> str:
    if field.required:
        return "required"
    value: Any = field.default
    if value is msgspec.NODEFAULT:
        value = field.default_factory()
    if value is None or value is UNSET_SECRET:
        return "none"
    if isinstance(value, Enum):
        return f"`{value.value}`"
    if isinstance(value, (msgspec.Struct, tuple, dict)):
        return "empty" if not isinstance(value, msgspec.Struct) else "as below"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, str):
        return f"`{value}`" if value else '`""`'
    return f"`{value}`"


def show_allowed(kind: inspect.Type) -> str:
    if isinstance(kind, inspect.Metadata):
        described = (kind.extra_json_schema or {}).get("description")
        return described or show_allowed(kind.type)
    match kind:
        case inspect.UnionType():
            return show_allowed(next(each for each in kind.types if not isinstance(each, inspect.NoneType)))
        case inspect.VarTupleType(item_type=item):
            return f"list of: {show_allowed(item)}"
        case inspect.DictType(key_type=key, value_type=value):
            return f"{show_allowed(key)}: {show_allowed(value)}"
        case inspect.EnumType(cls=cls):
            return ", ".join(f"`{member.value}`" for member in cls)
        case inspect.BoolType():
            return "`true`, `false`"
        case inspect.StructType():
            return "keys below"
        case inspect.DataclassType(cls=cls):
            return LEAF_WORDS[cls]
        case inspect.IntType(ge=least, le=most) | inspect.FloatType(ge=least, le=most):
            return f"{least:,} to {most:,}"
        case inspect.StrType(max_length=longest):
            return f"at most {longest} characters"
    raise AssertionError(f"no words for {kind}")


TREE = inspect.type_info(Config)
assert isinstance(TREE, inspect.StructType)
KEYS = list(walk_keys(TREE))
