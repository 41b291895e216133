"""The API's document, parsed once for all tests.

With libyaml, which every wheel of PyYAML brings: 0.05 s in place of 0.28 s, and every worker parses it.
"""

from importlib.resources import files
from typing import Any

import yaml

DOCUMENT: dict[str, Any] = yaml.load(
    files("gateway.web").joinpath("openapi.yaml").read_text("utf-8"),
    yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader,
)
