"""Finds a profile by name or path, and turns its YAML into the tree of `profile.py` or into one clear fault.

Knows YAML and the rules between two keys; what the keys mean is said in `profile.py`.
"""

from __future__ import annotations

import difflib
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml
from msgspec import inspect

from gateway.simulator.errors import ProfileError
from gateway.simulator.profile import Answer, IdForm, IdRules, Outcome, Profile, Range

_PROFILE_SIZE_OCTETS: Final = 100_000
"""Largest file taken for a profile; the longest shipped one has under 2 kB."""


def shipped_profiles() -> list[str]:
    """The names of the profiles that come with the program, sorted."""
    folder = resources.files("gateway.simulator") / "profiles"
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load_profile(name_or_path: str | Path) -> Profile:
    """A shipped profile by its name, or one of your own by its path (anything with a slash or `.yaml`).

    Raises `ProfileError`.
    """
    name = str(name_or_path)
    if isinstance(name_or_path, Path) or "/" in name or name.endswith((".yaml", ".yml")):
        return parse_profile(_read_file(Path(name_or_path)), source=name)
    names = shipped_profiles()
    if name not in names:
        raise ProfileError(
            name, f"no profile has this name{_nearest_hint(name, names)}; shipped are {', '.join(names)}"
        )
    entry = resources.files("gateway.simulator") / "profiles" / f"{name}.yaml"
    return parse_profile(entry.read_text(encoding="utf-8"), source=name)


def parse_profile(text: str, *, source: str) -> Profile:
    """The profile in `text`; `source` names it in errors. Raises `ProfileError` at the first fault."""
    try:
        raw = yaml.load(text, _Loader)
    except yaml.YAMLError as exc:
        raise ProfileError(source, f"not valid YAML: {exc}") from exc
    raw = {} if raw is None else raw
    try:
        _refuse_unknown_keys(inspect.type_info(Profile), raw, "")
        profile = msgspec.convert(raw, Profile)
        _check_between_keys(profile)
    except msgspec.ValidationError as exc:
        raise ProfileError(source, str(exc).replace("`$.", "`")) from exc
    except _Fault as exc:
        raise ProfileError(source, str(exc)) from exc
    return profile


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_PROFILE_SIZE_OCTETS + 1)
        if len(content) > _PROFILE_SIZE_OCTETS:
            raise ProfileError(
                str(path), f"larger than {_PROFILE_SIZE_OCTETS:,} octets; is it the right file?"
            )
        return content.decode("utf-8-sig")
    except OSError as exc:
        raise ProfileError(str(path), f"it cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ProfileError(str(path), f"not UTF-8 text (octet {exc.start}); save it as UTF-8") from exc


class _Fault(Exception):
    """One fault in words; becomes a `ProfileError` once the source is known."""


class _Loader(yaml.SafeLoader):
    """YAML that refuses a key written twice, where YAML itself lets the second win without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {key_node.value!r} stands twice; keep one",
                    problem_mark=key_node.start_mark,
                )
            seen.add(key_node.value)
        return super().construct_mapping(node, deep)


def _refuse_unknown_keys(kind: inspect.Type, raw: object, path: str) -> None:
    match kind:
        case inspect.Metadata(type=inner):
            _refuse_unknown_keys(inner, raw, path)
        case inspect.UnionType(types=types):
            for each in types:
                if isinstance(each, inspect.StructType):
                    _refuse_unknown_keys(each, raw, path)
        case inspect.VarTupleType(item_type=item) if isinstance(raw, list):
            for index, each_raw in enumerate(raw):
                _refuse_unknown_keys(item, each_raw, f"{path}[{index}]")
        case inspect.StructType(fields=fields) if isinstance(raw, dict):
            names = [field.encode_name for field in fields]
            for key in raw:
                if key not in names:
                    at = f"{path}.{key}" if path else str(key)
                    raise _Fault(
                        f"unknown key {at}{_nearest_hint(str(key), names)}; known here: {', '.join(names)}"
                    )
            for field in fields:
                if field.encode_name in raw:
                    below = f"{path}.{field.encode_name}" if path else field.encode_name
                    _refuse_unknown_keys(field.type, raw[field.encode_name], below)


def _nearest_hint(word: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f", did you mean {nearest[0]!r}?" if nearest else ""


def _check_between_keys(profile: Profile) -> None:
    _check_ids(profile.ids)
    if profile.receipts.data_coding not in (0, 1, 3, 8):
        raise _Fault("receipts.data_coding is 0, 1, 3 or 8")
    _check_weights("submit.answers", profile.submit.answers)
    _check_weights("receipts.outcomes", profile.receipts.outcomes)
    faults = profile.faults
    ranges = {
        "submit.latency_ms": profile.submit.latency_ms,
        "receipts.delay_seconds": profile.receipts.delay_seconds,
        "faults.drop_every_seconds": faults.drop_every_seconds,
        "faults.unbind_every_seconds": faults.unbind_every_seconds,
        "faults.half_open_every_seconds": faults.half_open_every_seconds,
        "faults.forget_every_seconds": faults.forget_every_seconds,
        "faults.stall_every_seconds": faults.stall_every_seconds,
    }
    for path, span in ranges.items():
        if isinstance(span, Range) and span.least > span.most:
            raise _Fault(f"{path}: least {span.least:g} is above most {span.most:g}")


def _check_ids(ids: IdRules) -> None:
    forms = {
        "ids.response": ids.response,
        "ids.receipt": ids.receipt or ids.response,
        "ids.receipt_tlv": ids.receipt_tlv or ids.receipt or ids.response,
    }
    if IdForm.UUID in forms.values() and len(set(forms.values())) > 1:
        raise _Fault(f"{', '.join(forms)}: uuid cannot be converted, so use it for all or none")
    if IdForm.LONG in forms.values() and (ids.response_prefix or ids.receipt_prefix):
        raise _Fault("ids.response_prefix, ids.receipt_prefix: an id of form long has no room for a prefix")


def _check_weights(path: str, weighted: tuple[Answer, ...] | tuple[Outcome, ...]) -> None:
    if sum(each.weight for each in weighted) <= 0:
        raise _Fault(f"{path}: the weights add up to nothing; give one of them a weight above 0")
