"""`docs/configuration.md` and `config.example.yaml` name every key that the program reads, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest
import yaml
from configuration_keys import KEYS, MEANINGS, Key

import gateway.config.tree
from gateway.config import Config, check_config, load_config

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "configuration.md"
EXAMPLE = ROOT / "config.example.yaml"
ENVIRONMENT = {"SMSC_A_PASSWORD": "example"}


def test_every_key_says_what_it_means() -> None:
    assert [key.path for key in KEYS if len(key.meaning) < 10] == []


@pytest.mark.parametrize("key", [key for key in KEYS if not key.is_section], ids=lambda key: key.path)
def test_every_key_has_its_row_with_default_and_bounds(key: Key) -> None:
    assert key.row in DOCUMENT.read_text(encoding="utf-8").splitlines(), f"put this row in:\n{key.row}"


def test_every_section_is_explained() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert [key.path for key in KEYS if key.is_section and key.meaning not in document] == []


def test_no_row_describes_a_key_that_is_gone() -> None:
    rows = re.findall(r"^\| `([a-z_.\[\]]+)` \|", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
    assert set(rows) - {key.path for key in KEYS} == set()


def test_the_example_is_good_as_it_stands() -> None:
    findings = [str(finding) for finding in check_config(EXAMPLE, ENVIRONMENT)]
    assert findings == []


def test_the_example_shows_every_key_with_a_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    missing = []
    for key in KEYS:
        name = key.path.rpartition(".")[2]
        shown = [number for number, line in enumerate(lines) if re.match(rf"\s*(# +)?(- )?{name}:", line)]
        is_explained = any("#" in lines[number] or "#" in lines[number - 1] for number in shown)
        if not is_explained:
            missing.append(key.path)
    assert missing == []


def test_the_example_shows_the_defaults() -> None:
    """Whoever copies it whole changes nothing, carriers and routes apart."""
    example = load_config(EXAMPLE, ENVIRONMENT)
    plain = Config()
    for field in msgspec.structs.fields(Config):
        if field.name not in ("connectors", "routes", "database"):
            assert getattr(example, field.name) == getattr(plain, field.name), field.name
    assert example.database.dsn is None
    assert example.database.embedded == gateway.config.tree.EmbeddedPostgresConfig()
    connector = example.connectors[0]
    shown_by_example = {"retry", "inbound_addresses", "prices"}
    for spec in msgspec.structs.fields(type(connector)):
        if spec.required or spec.name in shown_by_example or spec.name in ("password", "password_file"):
            continue
        default = spec.default if spec.default is not msgspec.NODEFAULT else spec.default_factory()
        assert getattr(connector, spec.name) == default, spec.name


def test_the_example_names_every_key_of_a_connector_and_a_route() -> None:
    raw = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for section, cls in (("connectors", "ConnectorConfig"), ("routes", "RouteConfig")):
        names = {name for owner, name in MEANINGS if owner == cls}
        assert set(raw[section][0]) == names
