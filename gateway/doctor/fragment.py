"""Proposals as lines of YAML to paste under a connector, each below its evidence. Pure."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from typing import Final

from gateway.doctor.findings import Confidence, Proposal, Value

INDENTATION = 4
"""Spaces in front of a key of `connectors[]` in the example configuration."""
_WIDTH = 110


def write_fragment(proposals: Sequence[Proposal], *, indentation: int = INDENTATION) -> str:
    """The keys in the order of `proposals`, those of one group together."""
    groups: dict[str, list[Proposal]] = {}
    for proposal in proposals:
        groups.setdefault(proposal.path.partition(".")[0], []).append(proposal)
    lines: list[str] = []
    for name, members in groups.items():
        if "." not in members[0].path:
            lines += _lines(name, members[0], indentation)
            continue
        lines.append(f"{' ' * indentation}{name}:")
        said = ""
        for member in members:
            lines += _lines(
                member.path.partition(".")[2], member, indentation + 2, is_said=member.because == said
            )
            said = member.because
    return "\n".join(lines) + "\n" if lines else ""


def _lines(key: str, proposal: Proposal, indentation: int, *, is_said: bool = False) -> Iterable[str]:
    margin = " " * indentation
    comment = proposal.because + (" (likely)" if proposal.confidence is Confidence.LIKELY else "")
    if not is_said:
        yield from textwrap.wrap(
            comment,
            _WIDTH,
            initial_indent=f"{margin}# ",
            subsequent_indent=f"{margin}# ",
            break_on_hyphens=False,
        )
    yield f"{margin}{key}: {_write(proposal.value)}"


_is_plain_word: Final = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)$)[A-Za-z][\w/+-]*", re.IGNORECASE | re.ASCII
).fullmatch


def _write(value: Value) -> str:
    """A value as YAML; a word that could be read as a number stands in quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and not _is_plain_word(value):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return f"{value}"
