"""docs/connectors.md against the program: its configurations, and the keys that it says to turn."""

import re
from pathlib import Path

import pytest

from gateway.config import check_config
from gateway.config.findings import Severity
from tests.docs.configuration_keys import KEYS

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "connectors.md").read_text(encoding="utf-8")
ACCOUNT, *ROUTES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
OTHER_ACCOUNT = "  - {name: carrier-a, hosts: ['127.0.0.1:2775'], system_id: a, password: a}\n"
NO_KEYS = {"throttle", "fail", "sar", "payload", "none"}
"""Values of keys."""


@pytest.mark.parametrize("routes", ROUTES, ids=("on trial", "open"))
def test_the_configurations_of_the_steps_are_good(tmp_path: Path, routes: str) -> None:
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(ACCOUNT + OTHER_ACCOUNT + routes)
    (tmp_path / "carrier-b.password").write_text("secret\n")
    assert [each for each in check_config(path, {}) if each.severity is Severity.ERROR] == []


def test_every_key_that_is_to_be_turned_exists() -> None:
    known = {key.path.removeprefix("connectors[].") for key in KEYS}
    tables = PAGE.partition("## When something looks wrong")[2].partition("## Changing it")[0]
    remedies = " ".join(re.findall(r"^\| .* \| (.*) \|$", tables, re.MULTILINE))
    turned = set(re.findall(r"`([a-z][a-z0-9_.\[\]]*)(?:: [^`]*)?`", remedies))
    assert turned - known == NO_KEYS
    assert len(turned & known) > 25
