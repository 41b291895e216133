"""Named statements: reads `sql/queries/*.sql` once and hands out each statement by its name.

Knows the file format (`-- name:`, purpose, `-- $n name type` lines, statement) and nothing of what a
statement is for.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from gateway.store.errors import BadQueryFile

_NAME = re.compile(r"^-- name: *([a-z][a-z0-9_]*)[ \t]*$", re.MULTILINE)
_CHANGE = re.compile(r"\b(INSERT INTO|DELETE FROM|MERGE INTO|UPDATE [a-z])")
"""Keywords are in capitals in our files, so `FOR UPDATE OF` and `DO UPDATE SET` are none of it."""
_PARAMETER = re.compile(r"^-- \$(\d+) +(\w+) +(\S.*?)[ \t]*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Query:
    """One named statement; `parameters` are (name, Postgres type) in the order of `$1`, `$2`, …"""

    name: str
    source: str
    purpose: str
    parameters: tuple[tuple[str, str], ...]
    sql: str
    changes_rows: bool


def parse_queries(text: str, *, source: str) -> list[Query]:
    """The statements of one file. Raises `BadQueryFile` for a missing name, purpose or parameter line."""
    pieces = _NAME.split(text)
    if len(pieces) < 3:
        raise BadQueryFile(source, "no '-- name:' line")
    return [_parse_one(name, body, source) for name, body in zip(pieces[1::2], pieces[2::2], strict=True)]


def _parse_one(name: str, body: str, source: str) -> Query:
    comments = "\n".join(line for line in body.splitlines() if line.startswith("--"))
    sql = "\n".join(line for line in body.splitlines() if not line.startswith("--")).strip().rstrip(";")
    numbered = [(int(number), (word, kind)) for number, word, kind in _PARAMETER.findall(comments)]
    purpose = _PARAMETER.sub("", comments).replace("--", " ").strip()
    used = {int(number) for number in re.findall(r"\$(\d+)", sql)}
    if not sql or not purpose:
        raise BadQueryFile(source, f"{name} needs a purpose comment and a statement")
    if [number for number, _ in numbered] != list(range(1, len(numbered) + 1)) or used != {
        n for n, _ in numbered
    }:
        raise BadQueryFile(source, f"the parameter lines of {name} do not match the parameters it uses")
    return Query(
        name,
        source,
        " ".join(purpose.split()),
        tuple(pair for _, pair in numbered),
        sql,
        changes_rows=_CHANGE.search(sql) is not None,
    )


def load_queries(folder: Path) -> dict[str, Query]:
    """Every statement of the folder by name. Raises `BadQueryFile` when a name stands twice."""
    found: dict[str, Query] = {}
    for path in sorted(folder.glob("*.sql")):
        for query in parse_queries(path.read_text(encoding="utf-8"), source=path.name):
            if query.name in found:
                raise BadQueryFile(
                    path.name, f"{query.name} is already defined in {found[query.name].source}"
                )
            found[query.name] = query
    return found
