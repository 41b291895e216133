"""A person's own settings: language, remapped keys. Read from `~/.config/estafette/console.toml` once.

A fault in the file never keeps the console from starting: it is told as a sentence, and the rest holds.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from admin_tui.keys import KEYS_BY_ID

_KNOWN = ("language", "shop", "keys")


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """`keys` are keys by id as Textual names them; `faults` what could not be read, in English."""

    language: str = ""
    shop: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def settings_path(environment: Mapping[str, str]) -> Path:
    """Where the settings of this person are: the XDG folder, or its default."""
    folder = environment.get("XDG_CONFIG_HOME")
    base = Path(folder) if folder else Path(environment.get("HOME", "/")) / ".config"
    return base / "estafette" / "console.toml"


def read_settings(path: Path) -> ConsoleSettings:
    """The settings at `path`; without the file, none."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ConsoleSettings()
    except (OSError, UnicodeDecodeError) as exc:
        return ConsoleSettings(faults=(f"{path}: {exc}",))
    return parse_settings(text, str(path))


def parse_settings(text: str, source: str) -> ConsoleSettings:
    """The settings of a text; `source` is named in faults."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        return ConsoleSettings(faults=(f"{source}: {exc}",))
    faults = [_unknown(source, name, _KNOWN) for name in tree if name not in _KNOWN]
    keys: dict[str, str] = {}
    given = tree.get("keys", {})
    for name, value in given.items() if isinstance(given, dict) else ():
        if name not in KEYS_BY_ID:
            faults.append(_unknown(source, f"keys.{name}", [f"keys.{known}" for known in KEYS_BY_ID]))
        elif not isinstance(value, str) or not value:
            faults.append(f'{source}: keys.{name} is a key, such as "p" or "ctrl+p".')
        else:
            keys[name] = value
    faults.extend(_find_clashes(source, keys))
    return ConsoleSettings(
        language=str(tree.get("language", "")),
        shop=str(tree.get("shop", "")),
        keys=keys,
        faults=tuple(faults),
    )


def _unknown(source: str, name: str, known: tuple[str, ...] | list[str]) -> str:
    nearest = get_close_matches(name, known, n=1)
    hint = f"; did you mean {nearest[0]}?" if nearest else "."
    return f"{source}: there is no setting {name}{hint}"


def _find_clashes(source: str, remapped: Mapping[str, str]) -> list[str]:
    """A remapped key that another meaning has already: one letter, one meaning holds for people, too."""
    holders: dict[str, str] = {}
    faults = []
    for key_id, key in KEYS_BY_ID.items():
        for name in remapped.get(key_id, key.keys).split(","):
            other = holders.setdefault(name, key_id)
            if other != key_id and (key_id in remapped or other in remapped):
                faults.append(f"{source}: {name} stands for both {other} and {key_id}.")
    return faults
