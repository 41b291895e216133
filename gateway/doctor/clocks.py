"""Which time zone a carrier's clock shows, from the dates in its receipts. Quirks 48, 49. Pure.

A date says only how far from UTC the clock stands today. A zone's name, which knows of summer time, is a
guess by the recipient's country, and is proposed as such.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from zoneinfo import ZoneInfo

from gateway.doctor.evidence import ReceiptSeen
from gateway.doctor.findings import Notebook, count
from gateway.doctor.ids import Matching
from gateway.smpp.times import decode_receipt_time

_STEP = timedelta(minutes=15)
"""Every zone's distance from UTC is a multiple of it."""
_FAR_OFF = timedelta(hours=15)
_SLOW = timedelta(minutes=3)
"""A carrier's clock, or a receipt's way, may be so much behind without remark."""


def read_clock(matching: Matching, receipts: Sequence[ReceiptSeen], home_zone: str, notes: Notebook) -> None:
    """`time_zone`, from the dates of submitting; `home_zone` is where people of the number's country live."""
    distances = []
    unreadable = 0
    for submit, found in matching.by_submit.items():
        for seen in found:
            digits = seen.receipt.submitted_text
            if not digits:
                continue
            local = decode_receipt_time(digits, near=submit.wall_at)
            distance = None if local is None else local - submit.wall_at.replace(tzinfo=None)
            if distance is None or abs(distance) > _FAR_OFF:
                unreadable += 1
            else:
                distances.append(distance)
    if unreadable:
        notes.remarks.append(
            f"{count(unreadable, 'date')} in receipts cannot be read; the time of receiving stands in for "
            "such."
        )
    if not distances:
        if receipts and not unreadable:
            notes.unseen.append("The carrier's clock: no receipt that matched has a date of submitting.")
        return
    _propose_zone(distances, home_zone, max(submit.wall_at for submit in matching.by_submit), notes)


def _propose_zone(distances: list[timedelta], home_zone: str, at: datetime, notes: Notebook) -> None:
    steps = Counter(round(distance / _STEP) for distance in distances)
    step, times = steps.most_common(1)[0]
    offset = step * _STEP
    shown = _show(offset)
    seen = f"the dates of submitting in {times} of {count(len(distances), 'receipt')} are {shown}"
    off_by = timedelta(seconds=median((each - offset).total_seconds() for each in distances))
    if abs(off_by) > _SLOW:
        notes.remarks.append(
            f"Beyond the zone the carrier's clock is off by {off_by.total_seconds() / 60:.0f} min."
        )
    if not offset:
        notes.propose("time_zone", "UTC", seen)
    elif ZoneInfo(home_zone).utcoffset(at) == offset:
        notes.propose(
            "time_zone", home_zone, f"{seen}, as clocks in {home_zone} are now; ask the carrier", likely=True
        )
    elif not offset % timedelta(hours=1):
        hours = offset // timedelta(hours=1)
        notes.propose(
            "time_zone",
            f"Etc/GMT{-hours:+d}",
            f"{seen}; no summer time in this name: ask the carrier for its zone",
            likely=True,
        )
    else:
        notes.unseen.append(
            f"The name of the carrier's time zone: {seen}. Set `time_zone` to one that is so."
        )


def _show(offset: timedelta) -> str:
    if not offset:
        return "in UTC"
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), 60)
    amount = f"{hours} h" + (f" {minutes} min" if minutes else "")
    return f"{amount} {'ahead of' if offset > timedelta(0) else 'behind'} UTC"
