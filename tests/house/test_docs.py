"""Documents held to account: links lead somewhere, named files exist, commands are those that are tested."""

import re
from pathlib import Path

import pytest

from gateway.cli import COMMANDS
from gateway.commands.errors import ExitStatus

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
TOP_FOLDERS = ("gateway", "admin_tui", "sql", "systemd", "tests", "bench", "docs", ".ci")


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{page.name} links to {target}"
        if anchor and path.suffix == ".md":
            assert anchor in anchors(path), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_named_in_words_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    pattern = rf"`((?:{'|'.join(map(re.escape, TOP_FOLDERS))})/[\w./-]*)`"
    missing = [name for name in re.findall(pattern, text) if not (ROOT / name).exists()]
    assert not missing


def test_every_page_is_listed() -> None:
    listing = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = [page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md"]
    assert not [page for page in pages if f"({page})" not in listing]


def test_the_readme_commands_are_those_that_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e . && .venv/bin/estafette demo\n" in readme
    assert "python3 -m venv .venv && .venv/bin/pip install -q -e . && run_demo .venv/bin/estafette" in script
    assert ".venv/bin/pip install -q -e '.[test]' && .venv/bin/python -m pytest\n" in readme
    assert ".venv/bin/pip install -q -e '.[test]'" in script


def test_every_command_and_exit_status_is_described() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    assert not [command.word for command in COMMANDS if f"estafette {command.word}" not in page]
    assert not [status for status in ExitStatus if f"| {status.value} |" not in page]
