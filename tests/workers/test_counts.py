"""How many workers may be asked for, in the configuration and on the command line."""

from pathlib import Path

import pytest

from gateway.cli import main
from gateway.commands.errors import ExitStatus
from gateway.config import ConfigError, load_config


def write(folder: Path, workers: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(f"node:\n  workers: {workers}\n")
    return path


@pytest.mark.parametrize("count", ["0", "9", "-1", "two", "1.5"])
def test_a_count_out_of_bounds_is_refused_with_what_is_allowed(
    count: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--workers", count])
    assert ended.value.code == ExitStatus.USAGE
    assert f"{count} is not a number from 1 to 8" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"node\.workers.*1 to 8" if count.isdigit() else r"node\.workers"):
        load_config(write(tmp_path, count), {})


@pytest.mark.parametrize("count", ["1", "8"])
def test_both_bounds_are_allowed(count: str, tmp_path: Path) -> None:
    assert load_config(write(tmp_path, count), {}).node.workers == int(count)
