"""Turns a YAML file into the tree of `tree.py`, or into a list of all its faults with their paths.

Knows YAML, the shapes of types and where secrets come from. Knows no single key and no rule between two keys.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import inspect

from gateway.config.carriers import ConnectorConfig, TlsConfig
from gateway.config.findings import Finding, Severity, name_nearest
from gateway.config.tree import CONFIG_SIZE_OCTETS, Config, DatabaseConfig
from gateway.config.values import UNSET_SECRET, Secret
from gateway.config.yaml_text import UnreadableFile, parse_yaml, read_text

SECRET_FILE_SIZE_OCTETS: Final = 4096
"""Largest file taken for a password or a database address."""

_FOUND_CHARACTERS: Final = 60
"""Characters of a faulty value that a message repeats."""


def read_config(path: Path, environ: Mapping[str, str]) -> tuple[Config | None, list[Finding]]:
    """The tree that `path` describes, secrets resolved, or None beside the errors that forbid it."""
    try:
        raw = parse_yaml(read_text(path, CONFIG_SIZE_OCTETS))
    except UnreadableFile as exc:
        return None, [Finding(Severity.ERROR, "", str(exc))]
    walk = _Walk(environ)
    config = walk.build(inspect.type_info(Config), raw, "")
    if not isinstance(config, Config):
        return None, walk.findings
    config, faults = _read_secret_files(config, path.parent)
    return (None if faults else config), faults + _warn_of_open_file(path, walk.literal_secrets)


class _Fault(Enum):
    """Stands for a value whose fault has been recorded."""

    FAULT = "fault"


_FAULT: Final = _Fault.FAULT


class _Walk:
    """Builds the tree from `msgspec`'s descriptions of its types, and records every fault on the way.

    `msgspec.convert` stops at the first, and an operator with five faults should not have to start five
    times.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.findings: list[Finding] = []
        self.literal_secrets: list[str] = []
        """Paths of the secrets that stand in the file itself."""
        self._environ = environ

    def build(self, kind: inspect.Type, raw: object, path: str, allowed: str | None = None) -> Any:
        match kind:
            case inspect.Metadata(type=inner, extra_json_schema=schema):
                return self.build(inner, raw, path, (schema or {}).get("description", allowed))
            case inspect.UnionType(types=types):
                if raw is None:
                    return None
                inner = next(each for each in types if not isinstance(each, inspect.NoneType))
                return self.build(inner, raw, path, allowed)
            case inspect.StructType():
                return self._build_struct(kind, raw, path)
            case inspect.VarTupleType(item_type=item):
                return self._build_tuple(kind, item, raw, path)
            case inspect.DictType(key_type=key, value_type=value):
                return self._build_dict(key, value, raw, path)
            case inspect.DataclassType(cls=cls) if cls is Secret:
                return self._build_secret(raw, path)
            case inspect.DataclassType(cls=cls):
                return self._parse(cls, raw, path)
            case _:
                return self._build_scalar(kind, raw, path, allowed)

    def _refuse(self, path: str, message: str) -> _Fault:
        self.findings.append(Finding(Severity.ERROR, path, message))
        return _FAULT

    def _build_struct(self, kind: inspect.StructType, raw: object, path: str) -> Any:
        if raw is None:
            raw = {}
        if not isinstance(raw, dict):
            return self._refuse(path, f"found {_show(raw)}; allowed: keys with values below it")
        names = [each.encode_name for each in kind.fields]
        values: dict[str, object] = {}
        faults = 0
        for key in raw:
            if key not in names:
                self._refuse(_join(path, str(key)), f"unknown key{name_nearest(str(key), names)}")
                faults += 1
        for each in kind.fields:
            if each.encode_name in raw:
                values[each.name] = self.build(
                    each.type, raw[each.encode_name], _join(path, each.encode_name)
                )
            elif each.required:
                values[each.name] = self._refuse(_join(path, each.encode_name), "this key is required")
        if faults or _FAULT in values.values():
            return _FAULT
        return kind.cls(**values)

    def _build_tuple(self, kind: inspect.VarTupleType, item: inspect.Type, raw: object, path: str) -> Any:
        if raw is None:
            raw = []
        if not isinstance(raw, list):
            return self._refuse(path, f"found {_show(raw)}; allowed: a list, even of one: [{_show(raw)}]")
        least, most = kind.min_length or 0, kind.max_length
        if len(raw) < least or (most is not None and len(raw) > most):
            return self._refuse(path, f"found {len(raw)} entries; allowed: {_describe_bounds(least, most)}")
        values = [self.build(item, each, f"{path}[{index}]") for index, each in enumerate(raw)]
        return _FAULT if _FAULT in values else tuple(values)

    def _build_dict(self, key: inspect.Type, value: inspect.Type, raw: object, path: str) -> Any:
        if raw is None:
            raw = {}
        if not isinstance(raw, dict):
            return self._refuse(path, f"found {_show(raw)}; allowed: keys with values below it")
        built: dict[object, object] = {}
        for raw_key, raw_value in raw.items():
            at = _join(path, str(raw_key))
            built_key = self.build(key, raw_key, at)
            if built_key in built and built_key is not _FAULT:
                self._refuse(at, f"stands twice, in two spellings of {built_key}; keep one")
                built_key = _FAULT
            built[built_key] = self.build(value, raw_value, at)
        return _FAULT if _FAULT in built or _FAULT in built.values() else built

    def _build_secret(self, raw: object, path: str) -> Any:
        try:
            secret = Secret.parse(raw)
        except ValueError as exc:
            # The value stays unshown even here: a password of digits only is the usual case of this fault.
            return self._refuse(path, f"found {type(raw).__name__}; allowed: {exc}")
        name = secret.environment_name
        if name is None:
            self.literal_secrets.append(path)
            return secret
        if name not in self._environ:
            return self._refuse(path, f"the environment variable {name} is not set; set it or name another")
        return Secret(self._environ[name])

    def _parse(self, cls: type, raw: object, path: str) -> Any:
        try:
            return cls.parse(raw)  # type: ignore[attr-defined]  # every class of `values` has it
        except ValueError as exc:
            return self._refuse(path, f"found {_show(raw)}; allowed: {exc}")

    def _build_scalar(self, kind: inspect.Type, raw: object, path: str, allowed: str | None) -> Any:
        fits, value, described = _read_scalar(kind, raw)
        if fits:
            return value
        hint = (
            "; write it in quotes"
            if isinstance(kind, inspect.StrType) and isinstance(raw, (bool, int, float))
            else ""
        )
        return self._refuse(path, f"found {_show(raw)}; allowed: {allowed or described}{hint}")


def _read_scalar(kind: inspect.Type, raw: object) -> tuple[bool, object, str]:
    """Whether `raw` is of `kind`, its value, and what `kind` allows in words."""
    match kind:
        case inspect.BoolType():
            return isinstance(raw, bool), raw, "true or false"
        case inspect.EnumType(cls=cls):
            words = [member.value for member in cls]
            known = isinstance(raw, str) and raw in words
            return (
                known,
                cls(raw) if known else None,
                f"one of {', '.join(words)}{name_nearest(str(raw), words, otherwise=False)}",
            )
        case inspect.IntType(ge=least, le=most):
            fits = isinstance(raw, int) and not isinstance(raw, bool) and _is_within(raw, least, most)
            return fits, raw, f"a whole number, {_describe_bounds(least, most)}"
        case inspect.FloatType(ge=least, le=most):
            is_number = isinstance(raw, (int, float)) and not isinstance(raw, bool)
            fits = is_number and math.isfinite(raw) and _is_within(raw, least, most)  # type: ignore[arg-type]
            return fits, float(raw) if fits else None, f"a number, {_describe_bounds(least, most)}"  # type: ignore[arg-type]
        case inspect.StrType(min_length=shortest, max_length=longest, pattern=pattern):
            fits = isinstance(raw, str) and _is_within(len(raw), shortest, longest) and _is_printable(raw)
            fits = fits and (pattern is None or re.search(pattern, str(raw)) is not None)
            return fits, raw, f"text, {_describe_bounds(shortest, longest)} characters"
    raise TypeError(f"the tree uses a type that cannot be read: {kind}")


def _is_within(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _is_printable(text: str) -> bool:
    """False for control characters, which a bind or a log line would carry on."""
    return not any(character < " " or character == "\x7f" for character in text)


def _describe_bounds(least: float | None, most: float | None) -> str:
    if most is None:
        return f"{least:,} or more" if least else "any"
    return f"{least or 0:,} to {most:,}"


def _show(raw: object) -> str:
    if isinstance(raw, dict):
        return "keys with values"
    if isinstance(raw, list):
        return f"a list of {len(raw)}"
    if raw is None:
        return "nothing"
    shown = str(raw).lower() if isinstance(raw, bool) else f'"{raw}"' if isinstance(raw, str) else str(raw)
    return shown if len(shown) <= _FOUND_CHARACTERS else shown[:_FOUND_CHARACTERS] + "…"


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _warn_of_open_file(path: Path, secrets: list[str]) -> list[Finding]:
    """A warning when `path` holds secrets and every user of the machine may read it."""
    if not secrets or not path.stat().st_mode & stat.S_IROTH:
        return []
    remedy = f"run `chmod o-r {path}`, or keep secrets in files of their own"
    return [
        Finding(Severity.WARNING, each, f"every user of this machine can read it; {remedy}")
        for each in secrets
    ]


def _place_files(tls: TlsConfig, folder: Path) -> TlsConfig:
    """The same with paths that hold wherever the program runs: relative ones count from the file's folder."""
    files = {
        key: str(folder / path)
        for key in ("ca_file", "certificate_file", "key_file")
        if (path := getattr(tls, key)) is not None
    }
    return msgspec.structs.replace(tls, **files) if files else tls


def _read_secret_files(config: Config, folder: Path) -> tuple[Config, list[Finding]]:
    """`config` with the contents of its secret files in place of their paths' emptiness."""
    findings: list[Finding] = []

    def read(file: str, path: str) -> Secret:
        try:
            return Secret(read_text(folder / file, SECRET_FILE_SIZE_OCTETS).rstrip("\r\n"))
        except UnreadableFile as exc:
            findings.append(Finding(Severity.ERROR, path, str(exc)))
            return UNSET_SECRET

    def refuse(path: str, message: str) -> None:
        findings.append(Finding(Severity.ERROR, path, message))

    database: DatabaseConfig = config.database
    if database.dsn_file is not None:
        if database.dsn is not None:
            refuse("database.dsn_file", "stands beside database.dsn; keep one of them")
        database = msgspec.structs.replace(database, dsn=read(database.dsn_file, "database.dsn_file"))
    alerts = config.alerts
    if alerts.webhook_secret_file is not None:
        if alerts.webhook_secret is not None:
            refuse("alerts.webhook_secret_file", "stands beside alerts.webhook_secret; keep one of them")
        secret = read(alerts.webhook_secret_file, "alerts.webhook_secret_file")
        alerts = msgspec.structs.replace(alerts, webhook_secret=secret)
    connectors: list[ConnectorConfig] = []
    for index, connector in enumerate(config.connectors):
        at = f"connectors[{index}]"
        if connector.password_file is not None:
            if connector.password is not UNSET_SECRET:
                refuse(f"{at}.password_file", f"stands beside {at}.password; keep one of them")
            secret = read(connector.password_file, f"{at}.password_file")
            connector = msgspec.structs.replace(connector, password=secret)
        elif connector.password is UNSET_SECRET:
            refuse(f"{at}.password", "this key, or password_file, is required")
        connectors.append(msgspec.structs.replace(connector, tls=_place_files(connector.tls, folder)))
    filled = msgspec.structs.replace(config, database=database, alerts=alerts, connectors=tuple(connectors))
    return filled, findings
