"""A diagnosis for a person and for a script. Pure."""

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import Enum

from gateway.config.carriers import ConnectorConfig
from gateway.config.values import StatusCode
from gateway.doctor.findings import Diagnosis, Proposal, Value, count
from gateway.doctor.fragment import write_fragment

_WIDTH = 110


def describe_diagnosis(diagnosis: Diagnosis, config: ConnectorConfig, *, billed_parts: int) -> str:
    """What was found, in words, with the fragment to paste."""
    blocks = [f"Sent {count(billed_parts, 'part')}. What was seen:", _list(diagnosis.remarks)]
    if diagnosis.unseen:
        blocks += ["", "What could not be seen:", _list(diagnosis.unseen)]
    if diagnosis.on_the_phone:
        blocks += ["", "Look at the phone:", _list(diagnosis.on_the_phone)]
    blocks += ["", _describe_fragment(diagnosis, config)]
    return "\n".join(blocks)


def document_diagnosis(
    diagnosis: Diagnosis, config: ConnectorConfig, *, billed_parts: int
) -> dict[str, object]:
    """The same as one document, for `--json`."""
    return {
        "connector": config.name,
        "parts": billed_parts,
        "settings": [
            {
                "path": proposal.path,
                "value": proposal.value,
                "now": current_value(config, proposal.path),
                "confidence": proposal.confidence.value,
                "because": proposal.because,
            }
            for proposal in diagnosis.proposals
        ],
        "remarks": list(diagnosis.remarks),
        "unseen": list(diagnosis.unseen),
        "on_the_phone": list(diagnosis.on_the_phone),
        "fragment": write_fragment(diagnosis.proposals),
    }


def current_value(config: ConnectorConfig, path: str) -> Value | None:
    """What the configuration says for `path` now, defaults included."""
    outer, _, inner = path.partition(".")
    value: object = getattr(config, outer)
    if isinstance(value, Mapping):
        value = value.get(StatusCode(int(inner, 16)))
    elif inner:
        value = getattr(value, inner)
    plain = value.value if isinstance(value, Enum) else value
    return plain if isinstance(plain, Value) else None


def changes_of(diagnosis: Diagnosis, config: ConnectorConfig) -> dict[str, Value]:
    """The proposals that the configuration does not have already."""
    return {
        proposal.path: proposal.value
        for proposal in diagnosis.proposals
        if current_value(config, proposal.path) != proposal.value
    }


def _describe_fragment(diagnosis: Diagnosis, config: ConnectorConfig) -> str:
    if not diagnosis.proposals:
        return "Nothing can be proposed."
    changes = changes_of(diagnosis, config)
    if changes:
        heading = f"Different from the configuration: {', '.join(changes)}."
    else:
        heading = "The configuration already says all of this."
    marked = [_mark(proposal, config, is_change=proposal.path in changes) for proposal in diagnosis.proposals]
    heading = textwrap.fill(heading, _WIDTH, break_on_hyphens=False)
    return (
        f"{heading}\nTo paste under connector {config.name}, in place of the same "
        f"keys:\n\n{write_fragment(marked)}"
    )


def _mark(proposal: Proposal, config: ConnectorConfig, *, is_change: bool) -> Proposal:
    if not is_change:
        return proposal
    now = current_value(config, proposal.path)
    return replace(proposal, because=f"{proposal.because} [now: {'unset' if now in (None, '') else now}]")


def _list(sentences: Sequence[str]) -> str:
    return "\n".join(
        textwrap.fill(sentence, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
        for sentence in sentences
    )
