"""Reads a YAML file without YAML's traps, into plain dicts, lists, words and numbers.

Refuses what a configuration never means: duplicate keys, aliases, deep nesting. Reads `NO` as a word and 0033
too. Knows nothing of what the keys are.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import yaml

from gateway.errors import EstafetteError

_NESTING_LEVELS: Final = 16
"""Deepest nesting of the file; the tree needs 6. Bounds the recursion of the parser and of the walk."""


class UnreadableFile(EstafetteError):
    """A file that could not be read as text or as YAML; the message is the reason and the place."""


def read_text(path: Path, size_octets: int) -> str:
    """The UTF-8 text of `path`, at most `size_octets` long. Raises `UnreadableFile`."""
    try:
        with path.open("rb") as file:
            content = file.read(size_octets + 1)
    except OSError as exc:
        raise UnreadableFile(f"{path} cannot be read: {exc.strerror}") from exc
    if len(content) > size_octets:
        raise UnreadableFile(f"{path} is larger than {size_octets:,} octets; is it the right file?")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableFile(f"{path} is not UTF-8 text (octet {exc.start}); save it as UTF-8") from exc


def _refusal(problem: str, mark: yaml.Mark) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


def _plain_types() -> dict[str, list[tuple[str, re.Pattern[str]]]]:
    """YAML 1.1's unquoted types, narrowed: Norway's code NO stays a word, so do 0033, 12:30 and
    2026-01-01."""
    types = (
        ("bool", r"true|True|TRUE|false|False|FALSE", ["t", "T", "f", "F"]),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
        ("int", r"[-+]?(?:0|[1-9][0-9_]*)|0x[0-9a-fA-F]+", list("-+0123456789")),
        ("float", r"[-+]?[0-9][0-9_]*\.[0-9]+(?:[eE][-+]?[0-9]+)?", list("-+0123456789")),
    )
    by_first_character: dict[str, list[tuple[str, re.Pattern[str]]]] = {}
    for name, pattern, first_characters in types:
        for character in first_characters:
            entry = (f"tag:yaml.org,2002:{name}", re.compile(f"^(?:{pattern})$"))
            by_first_character.setdefault(character, []).append(entry)
    return by_first_character


class _Loader(yaml.SafeLoader):
    """YAML without its traps: no duplicate keys, no aliases, no deep nesting, few unquoted types."""

    yaml_implicit_resolvers = _plain_types()

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]  # its stub lacks a return type
            raise _refusal("anchors and aliases are not taken; write the value out", event.start_mark)
        self._depth += 1
        if self._depth > _NESTING_LEVELS:
            raise _refusal(f"nested deeper than {_NESTING_LEVELS} levels", self.peek_event().start_mark)  # type: ignore[no-untyped-call]
        try:
            return super().compose_node(parent, index)
        finally:
            self._depth -= 1

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, (str, int)):
                raise _refusal("a key must be a word", key_node.start_mark)
            line = key_node.start_mark.line + 1
            if key in seen:
                raise _refusal(
                    f"the key {key!r} stands twice, first on line {seen[key]}; keep one",
                    key_node.start_mark,
                )
            seen[key] = line
        return super().construct_mapping(node, deep)


def parse_yaml(text: str) -> object:
    """The plain values of the only document in `text`. Raises `UnreadableFile` with line and column."""
    try:
        return yaml.load(text, _Loader)  # a SafeLoader, narrowed
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise UnreadableFile(f"{place}{exc.problem}") from exc
    except (yaml.YAMLError, ValueError, AttributeError) as exc:  # explicit tags, as in `!!int abc`
        raise UnreadableFile(str(exc)) from exc
