"""docs/api.md is complete: every path, field and code of openapi.yaml, and every admin path."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields as struct_fields

from gateway.intake.keys import SCOPES
from gateway.web.admin_api import make_admin_app
from gateway.web.admin_shops import ShopChange, ShopRequest
from gateway.web.problems import KINDS
from tests.web.openapi_document import DOCUMENT as OPENAPI

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "api.md").read_text(encoding="utf-8")


def list_operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in OPENAPI["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method.upper(), path, operation


def list_fields(schema: Any) -> Iterator[str]:
    """The names of all properties, however deep."""
    if isinstance(schema, dict):
        for name, inner in schema.get("properties", {}).items():
            yield name
            yield from list_fields(inner)
        for key, inner in schema.items():
            if key != "properties":
                yield from list_fields(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from list_fields(inner)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path, _ in list_operations()])
def test_every_operation_is_described(method: str, path: str) -> None:
    assert f"`{method} {path}`" in TEXT


@pytest.mark.parametrize("name", sorted(set(list_fields(OPENAPI)) - {"type", "title", "status", "detail"}))
def test_every_field_is_described(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_query_parameter_is_described() -> None:
    shared = OPENAPI["components"]["parameters"]
    for _, _, operation in list_operations():
        for parameter in operation.get("parameters", ()):
            reference = parameter.get("$ref", "").rpartition("/")[2]
            assert f"`{shared[reference]['name'] if reference else parameter['name']}`" in TEXT


@pytest.mark.parametrize("code", sorted(KINDS))
def test_every_code_is_described_with_its_status(code: str) -> None:
    assert f"| `{code}` | {KINDS[code].status} |" in TEXT


@pytest.mark.parametrize("schema", ["State", "DeliveryState"])
def test_every_state_is_described(schema: str) -> None:
    for word in OPENAPI["components"]["schemas"][schema]["enum"]:
        assert f"`{word}`" in TEXT


def test_every_scope_is_described() -> None:
    for scope in SCOPES:
        assert f"| `{scope}` |" in TEXT


def test_every_admin_path_and_shop_field_is_described() -> None:
    source = Path(make_admin_app.__code__.co_filename).read_text(encoding="utf-8")
    lines = [line for line in source.splitlines() if '"/admin/' in line]
    assert lines
    for line in lines:
        _, method, _, path, *_ = line.split('"')
        assert f"`{method} {path}" in TEXT, (method, path)
    for struct in (ShopRequest, ShopChange):
        for field in struct_fields(struct):
            assert f"`{field.encode_name}`" in TEXT, field.encode_name


def test_every_snippet_is_linked_and_every_link_leads_somewhere() -> None:
    for snippet in (DOCS / "snippets").iterdir():
        assert f"(snippets/{snippet.name})" in TEXT
    for target in ("webhooks.md",):
        assert (DOCS / target).exists()
