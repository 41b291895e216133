"""How an import is spelled in answers, and its faults as a file that a spreadsheet can safely open."""

import csv
import io
from collections.abc import Sequence
from datetime import datetime

import msgspec

from gateway.audience.importing.settings import ImportSettings
from gateway.audience.importing.sniffing import Look
from gateway.domain.public_ids import encode_public_id
from gateway.store.imports import FaultRow, ImportJob, ImportProgress, ImportState

_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula (CWE-1236)."""
_READ_PHASES = frozenset(("reading", "counting"))


def show_import(job: ImportJob, now: datetime, *, waits_for: str | None) -> dict[str, object]:
    """The import as JSON. While a dry run is at work its state is still that of the file: uploaded.
    `waits_for` says why it does not go on."""
    look = msgspec.json.decode(job.detected, type=Look)
    settings = None if job.settings == "{}" else msgspec.json.decode(job.settings, type=ImportSettings)
    is_checking = job.state is ImportState.RUNNING and job.progress.is_dry_run
    return {
        "id": encode_public_id("imp", job.id),
        "file_name": job.file_name,
        "state": (ImportState.UPLOADED if is_checking else job.state).word,
        "size_octets": job.size_octets,
        "list": None if job.list_id is None else encode_public_id("lst", job.list_id),
        "settings": settings,
        "detected": look.detected,
        "preview": look.preview,
        "counts": job.counts,
        "progress": _show_progress(job.progress, now),
        "fault": job.fault,
        "waits_for": waits_for,
        "created_at": job.created_at,
        "created_by": job.created_by,
        "finished_at": job.finished_at,
    }


def _show_progress(progress: ImportProgress, now: datetime) -> dict[str, object]:
    """Rate and time left are those of the phase; merging is told in people, reading in rows of the file."""
    rate, eta = 0.0, None
    if progress.phase_started_at is not None and progress.phase not in ("done", "idle", "waiting"):
        seconds = (now - progress.phase_started_at).total_seconds()
        rate = progress.rows_done / seconds if seconds > 0 else 0.0
        if rate > 0 and progress.rows_total is not None:
            eta = round(max(0, progress.rows_total - progress.rows_done) / rate)
    phase = "reading" if progress.phase in _READ_PHASES else progress.phase
    return {
        "phase": "merging" if phase == "settling" else phase,
        "rows_done": progress.rows_done,
        "rows_total": progress.rows_total,
        "rows_per_second": round(rate, 1),
        "eta_seconds": eta,
    }


def show_fault(fault: FaultRow) -> dict[str, object]:
    return {"row": fault.row_no, "reason": fault.reason, "detail": fault.detail}


def write_faults(faults: Sequence[FaultRow]) -> bytes:
    """The faults as CSV in UTF-8 with a byte order mark, without which Excel breaks accents."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("row", "reason", "detail"))
    writer.writerows((fault.row_no, fault.reason, neutralise(fault.detail)) for fault in faults)
    return text.getvalue().encode("utf-8-sig")


def neutralise(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(_FORMULA_SIGNS) else cell
