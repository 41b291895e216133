"""What every file of the project keeps to: its length, no loose ends, and nothing of the machine it was
written on."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parents[2]
LINE_LIMIT = 600
LOOSE_END = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME")) + r")\b")
PUBLIC_REGISTRIES = {"pypi.org", "files.pythonhosted.org", "registry.npmjs.org"}


def tracked_files() -> list[Path]:
    """Files that git knows or would take, so that a file is held to the rules before its first commit."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listed.stdout.split("\0") if name and (path := ROOT / name).is_file()]


def texts() -> Iterator[tuple[Path, str]]:
    for path in tracked_files():
        try:
            yield path.relative_to(ROOT), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue


def test_no_module_is_longer_than_a_reader_can_hold() -> None:
    long = {
        str(path): length
        for path, text in texts()
        if path.suffix in {".py", ".c"}
        and path.parts[0] != "tests"
        and (length := text.count("\n")) > LINE_LIMIT
    }
    assert not long, f"more than {LINE_LIMIT} lines; look for the second idea: {long}"


def test_every_module_says_what_it_owns() -> None:
    silent = [
        str(path)
        for path, text in texts()
        if path.suffix == ".py"
        and path.parts[0] != "tests"
        and not text.lstrip().startswith(('"""', 'r"""', "#!"))
    ]
    assert not silent


def test_no_loose_ends() -> None:
    found = [f"{path}: {match.group()}" for path, text in texts() if (match := LOOSE_END.search(text))]
    assert not found


def test_no_file_names_the_folder_it_was_written_in() -> None:
    found = [str(path) for path, text in texts() if f"{ROOT}/" in text]
    assert not found


def test_lock_files_name_public_registries_only() -> None:
    hosts = {
        urlsplit(url).hostname
        for path, text in texts()
        if path.name in {"package-lock.json", "constraints.txt", "requirements.txt", ".npmrc", "pip.conf"}
        for url in re.findall(r"https?://[^\s'\",]+\.(?:tgz|whl|tar\.gz)", text)
    }
    assert hosts <= PUBLIC_REGISTRIES


def test_no_room_has_a_name_that_says_nothing() -> None:
    empty_words = {"utils", "helpers", "common", "misc", "manager", "http", "platform"}
    found = [
        str(path.relative_to(ROOT))
        for path in tracked_files()
        if path.suffix == ".py" and empty_words & {path.stem, *path.relative_to(ROOT).parent.parts}
    ]
    assert not found
