"""The arrows between rooms, as `pyproject.toml` states them, and proof that a breach would be noticed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINT_IMPORTS = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-cache'])"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LINT_IMPORTS], cwd=folder, capture_output=True, text=True, timeout=60
    )


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the three packages and their contracts, to break."""
    for package in ("gateway", "admin_tui", "bench"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_rooms_import_downwards_only() -> None:
    result = lint_imports(ROOT)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("gateway/domain/lanes.py", "import gateway.store.database"),
        ("gateway/domain/lanes.py", "import gateway.config"),
        ("gateway/errors.py", "import gateway.domain.lanes"),
        ("gateway/store/database.py", "import gateway.session"),
        ("admin_tui/__init__.py", "import gateway.errors"),
        ("gateway/errors.py", "import bench"),
    ],
)
def test_an_arrow_the_wrong_way_is_refused(house: Path, module: str, line: str) -> None:
    path = house / module
    path.write_text(f"{path.read_text()}\n{line}\n")
    assert lint_imports(house).returncode == 1


def test_a_room_without_a_level_is_refused(house: Path) -> None:
    (house / "gateway" / "attic.py").write_text('"""A room nobody placed."""\n')
    result = lint_imports(house)
    assert result.returncode == 1
    assert "attic" in result.stdout
