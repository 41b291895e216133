"""Holds `docs/simulator.md` to account: every key, number, command and field is described."""

import argparse
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

import msgspec
import pytest
from msgspec import inspect

from gateway.simulator.command import add_arguments
from gateway.simulator.commands import BODIES, HELP
from gateway.simulator.log import LINE_TYPES
from gateway.simulator.magic import MAGIC_NUMBERS
from gateway.simulator.mo import MoRequest
from gateway.simulator.profile import Profile, Range, ReceiptText
from gateway.simulator.profile_reading import load_profile, shipped_profiles

PAGE = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text(encoding="utf-8")


def walk(kind: inspect.Type, path: str) -> Iterator[tuple[str, inspect.Field]]:
    """Every key below `kind` with its path as the page writes it; a list's entries are `name[]`."""
    match kind:
        case inspect.Metadata(type=inner):
            yield from walk(inner, path)
        case inspect.VarTupleType(item_type=item):
            yield from walk(item, f"{path}[]")
        case inspect.StructType(cls=cls, fields=fields) if cls is not Range:
            for field in fields:
                below = f"{path}.{field.encode_name}" if path else field.encode_name
                yield below, field
                yield from walk(field.type, below)


KEYS = dict(walk(inspect.type_info(Profile), ""))


def write_default(field: inspect.Field) -> str | None:
    """The default as the table shows it; None where the table says it in words."""
    default = field.default
    if field.required:
        return "required"
    if default is None:
        return "absent"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, Enum):
        return f"`{default.value}`"
    if isinstance(default, str) and default:
        return f"`{default}`"
    if isinstance(default, (int, float)):
        is_octet = field.name.endswith("_with") or field.name == "version"
        return f"`0x{default:02x}`" if is_octet and default else f"`{default}`"
    return None


def test_the_tree_has_keys() -> None:
    assert {"bind.accounts[].password", "receipts.outcomes[].stat", "magic_numbers"} <= set(KEYS)


@pytest.mark.parametrize("path", KEYS)
def test_every_profile_key_is_described_with_its_default(path: str) -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith(f"| `{path}` |")]
    assert len(rows) == 1
    _, _, _, default, meaning, *_ = _cells(rows[0])
    assert len(meaning) > 10
    expected = write_default(KEYS[path])
    if expected is not None:
        assert default == expected


def _cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.split("|")]


def test_no_key_is_described_that_does_not_exist() -> None:
    described = {
        _cells(line)[1].strip("`")
        for line in PAGE.splitlines()
        if line.startswith("| `") and "." in _cells(line)[1]
    }
    assert {key for key in described if key.split(".")[0] in KEYS} <= set(KEYS)


def test_every_magic_number_is_described() -> None:
    for number in MAGIC_NUMBERS.values():
        assert f"| +33 6 39 98 00 {number.suffix} | {number.meaning} |" in PAGE


def test_every_shipped_profile_is_described_in_its_own_words() -> None:
    for name in shipped_profiles():
        assert f"| `{name}` | {load_profile(name).description} |" in PAGE


def test_every_command_is_described() -> None:
    assert HELP in PAGE
    for name in BODIES:
        assert f"| `POST /{name}` |" in PAGE
    for field in msgspec.structs.fields(MoRequest):
        assert f"| `{field.encode_name}` |" in PAGE


def test_every_option_is_described() -> None:
    parser = argparse.ArgumentParser(add_help=False)
    add_arguments(parser)
    for action in parser._actions:
        assert f"| `{action.option_strings[0]}` |" in PAGE


def test_every_receipt_text_is_shown() -> None:
    for variant in ReceiptText:
        assert f"| `{variant.value}` |" in PAGE


@pytest.mark.parametrize("line_type", LINE_TYPES)
def test_every_field_of_the_log_is_described(line_type: type[msgspec.Struct]) -> None:
    tag = line_type.__struct_config__.tag
    section = PAGE.split(f"**`{tag}`**")[1].split("**`")[0]
    for field in msgspec.structs.fields(line_type):
        if field.name not in ("n", "at"):
            assert f"| `{field.encode_name}` |" in section


def test_the_example_profile_of_the_page_is_valid(tmp_path: Path) -> None:
    example = PAGE.split("```yaml\n")[1].split("```")[0]
    (tmp_path / "example.yaml").write_text(example, encoding="utf-8")
    assert load_profile(tmp_path / "example.yaml").submit.parts_per_second == 20
