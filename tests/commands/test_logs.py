from collections.abc import Iterator

import pytest
import structlog

from gateway.commands.logs import configure_logging
from gateway.config.tree import LogFormat, LoggingConfig


@pytest.fixture(autouse=True)
def settings_of_before() -> Iterator[None]:
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.mark.parametrize("form", list(LogFormat))
def test_a_fault_is_logged_with_its_place_and_without_what_its_variables_hold(
    form: LogFormat, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("rich")  # which shows them, if it is let
    configure_logging(LoggingConfig(format=form))
    text = "-".join(("your", "code", "is", "1234"))
    try:
        _fail(text)
    except ZeroDivisionError:
        structlog.get_logger("dispatch").exception("node.failed")
    logged = capsys.readouterr().err
    assert "_fail" in logged
    assert "ZeroDivisionError" in logged
    assert text not in logged


def _fail(text: str) -> float:
    return len(text) / 0
