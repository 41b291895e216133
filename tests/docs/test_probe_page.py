"""docs/probe.md against the command: its options, the carrier of its example, the fragment that it shows."""

import argparse
import re
from pathlib import Path

from gateway.commands.connector_probe import add_arguments
from gateway.config import check_config
from gateway.doctor.plan import THOROUGH_PARTS, USUAL_PARTS
from gateway.simulator.profile_reading import load_profile

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "probe.md").read_text(encoding="utf-8")


def test_every_option_is_described() -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    options = {word for action in parser._actions for word in action.option_strings if word.startswith("--")}
    described = set(re.findall(r"^\| `(--[a-z]+)` \|", PAGE, re.MULTILINE))
    assert described | {"--help", "--config"} == options


def test_the_parts_that_are_named_are_those_that_may_be_billed() -> None:
    assert f"{USUAL_PARTS} parts at most, and {THOROUGH_PARTS} with `--thorough`" in PAGE


def test_the_carrier_of_the_example_is_a_profile(tmp_path: Path) -> None:
    path = tmp_path / "carrier.yaml"
    path.write_text(PAGE.split("```yaml\n")[1].split("```")[0])
    assert load_profile(str(path)).submit.window == 5


def test_the_fragment_of_the_example_makes_a_good_configuration(tmp_path: Path) -> None:
    fragment = PAGE.split("in place of the same keys:\n")[1].split("```")[0]
    path = tmp_path / "config.yaml"
    path.touch(mode=0o600)
    path.write_text(
        "connectors:\n  - name: carrier-a\n    hosts: ['127.0.0.1:2775']\n    system_id: a\n    password: x\n"
        + fragment
    )
    assert check_config(path, {}) == []
