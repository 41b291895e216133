"""The draft that the server has not taken yet, kept in the person's own folder so that no text is lost.

One file a shop and campaign, readable by its owner only, written aside and renamed. It lives from the first
key that the server did not confirm until the server has confirmed everything.
"""

import contextlib
import json
import os
import re
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from admin_tui.screens.writer.draft import Draft, DraftLink

_FORMAT = 1
_UNSAFE = re.compile(r"[^A-Za-z0-9_-]")
MAX_OCTETS = 1 << 20


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """A draft found on disk, and when it was put there."""

    draft: Draft
    kept_at: datetime


class KeptDrafts:
    """Drafts of one server's shops in `folder`. A folder that cannot be written only loses the safety net."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, shop: str, draft: Draft, *, now: datetime) -> bool:
        """Put the draft on disk; False when the disk refuses."""
        path = self._path(shop, draft.id)
        body = json.dumps({"format": _FORMAT, "kept_at": now.isoformat(), "draft": asdict(draft)})
        aside = path.with_suffix(".new")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8", errors="surrogatepass") as file:
                file.write(body)
            os.replace(aside, path)
        except OSError:
            return False
        return True

    def find(self, shop: str, campaign_id: str | None) -> KeptDraft | None:
        """What is kept of this campaign, or of the one without an id; None for nothing or a broken file."""
        path = self._path(shop, campaign_id)
        try:
            if path.stat().st_size > MAX_OCTETS:
                return None
            kept = json.loads(path.read_text(encoding="utf-8", errors="surrogatepass"))
            if kept["format"] != _FORMAT:
                return None
            return KeptDraft(_draft(kept["draft"]), datetime.fromisoformat(kept["kept_at"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def drop(self, shop: str, campaign_id: str | None) -> None:
        """The server has it all, or the person threw it away."""
        with contextlib.suppress(OSError):
            self._path(shop, campaign_id).unlink(missing_ok=True)

    def _path(self, shop: str, campaign_id: str | None) -> Path:
        return self._folder / f"{_UNSAFE.sub('_', shop)}.{_UNSAFE.sub('_', campaign_id or 'new')}.json"


def default_folder(environ: dict[str, str]) -> Path:
    """`$XDG_STATE_HOME/estafette-console/drafts`, or the usual place below the home folder."""
    state = environ.get("XDG_STATE_HOME") or str(
        Path(environ.get("HOME", "/nonexistent")) / ".local" / "state"
    )
    return Path(state) / "estafette-console" / "drafts"


def _draft(fields: dict[str, Any]) -> Draft:
    known = {name: fields[name] for name in Draft.__slots__ if name in fields}
    known["links"] = tuple(DraftLink(link["name"], link["url"]) for link in known.get("links", ()))
    for name in ("lists", "exclude_lists"):
        known[name] = tuple(known.get(name, ()))
    return Draft(**known)
