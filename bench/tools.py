"""Builds the C programs of this folder on first use, and says when there is no compiler.

A program is made of `NAME.c` and of all `NAME_*.c` beside it, with their headers. It is kept under a name
with the hash of all of these, so that an edited source is built again.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.errors import BenchError

_SOURCES = Path(__file__).resolve().parent
_OPTIONS = ("-O2", "-Wall", "-Wextra")
_LIBRARIES = ("-lm",)


def find_compiler() -> str | None:
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


def build_tool(name: str) -> Path | None:
    """The program `name`, or None on a machine without a C compiler. Raises `BenchError`."""
    compiler = find_compiler()
    if compiler is None:
        return None
    sources = [_SOURCES / f"{name}.c", *sorted(_SOURCES.glob(f"{name}_*.c"))]
    headers = sorted(_SOURCES.glob(f"{name}_*.h"))
    stamp = hashlib.sha256(b"".join(path.read_bytes() for path in (*sources, *headers))).hexdigest()[:12]
    program = _build_folder() / f"{name}-{stamp}"
    if program.exists():
        return program
    # Another bench may build the same program now, so it appears under its name only when it is whole.
    with tempfile.TemporaryDirectory(dir=program.parent) as folder:
        partial = Path(folder) / name
        command = [compiler, *_OPTIONS, "-o", str(partial), *map(str, sources), *_LIBRARIES]
        completed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if completed.returncode != 0:
            raise BenchError(f"{name} does not compile with {compiler}: {completed.stderr.strip()[:500]}")
        partial.replace(program)
    return program


def _build_folder() -> Path:
    """`bench/build` of the checkout, or the user's cache when the checkout is somebody else's."""
    folder = _SOURCES / "build"
    if not os.access(_SOURCES, os.W_OK):
        cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        folder = Path(cache) / "estafette-bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
