"""How many submits a carrier lets wait, how many it takes a second, and how fast it answers. Quirks 36-43.

A burst shows the window: the first so many are taken and the rest refused. That also looks like a limit for
each second, so messages sent one by one afterwards tell the two apart. Pure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil
from statistics import quantiles

from gateway.doctor.evidence import SubmitSeen
from gateway.doctor.findings import Notebook, count
from gateway.doctor.plan import Purpose
from gateway.smpp.statuses import describe_status, write_status

_FEWEST_FOR_PERCENTILES = 5
_AT_ONCE = (Purpose.BURST, Purpose.ONE_BY_ONE, Purpose.RUN)
_TOO_MANY = frozenset((0x14, 0x58, 0x45, 0x08))
"""What SMSCs answer above their window or their limit of speed. Quirks 36, 37, 39, 41."""
_CARRIERS_OWN = 0x400
"""From here on a status means what the carrier says, which may be this."""


@dataclass(frozen=True, slots=True)
class BurstSeen:
    """Messages sent at once."""

    sent: int
    taken: int
    refused_with: int | None
    """The one `command_status` of those refused, when these are all behind those taken; else None."""
    is_plain: bool
    """Whether the taken ones are a beginning: a window and a limit look so, chance does not."""


def read_burst(submits: Sequence[SubmitSeen]) -> BurstSeen:
    """What became of one burst; submits without any answer count as sent only."""
    answered = [submit for submit in submits if submit.answer is not None]
    verdicts = [submit.is_taken for submit in answered]
    taken = sum(verdicts)
    statuses = {submit.answer.command_status for submit in answered if submit.answer and submit.is_refused}
    is_plain = all(verdicts[:taken]) and len(statuses) <= 1 and len(answered) == len(submits)
    return BurstSeen(len(submits), taken, statuses.pop() if is_plain and statuses else None, is_plain)


def read_limits(submits: Sequence[SubmitSeen], notes: Notebook, *, configured_window: int) -> None:
    """Window, speed and latency."""
    _read_latency(submits, notes)
    bursts = [read_burst(burst) for burst in _bursts(submits)]
    limited = next((burst for burst in bursts if _is_limited(burst)), None)
    if not bursts:
        notes.unseen.append(
            "How many submits may await their answer: no burst was sent, so keep `window` small."
        )
    elif limited is not None and _is_refused_alone(submits, limited):
        assert limited.refused_with is not None
        notes.unseen.append(
            f"How many submits may await their answer: {write_status(limited.refused_with)} came also where "
            "only one did, so the refusals among those sent at once say nothing of a window."
        )
    elif limited is not None:
        _read_full_window(limited, submits, notes)
    elif all(burst.is_plain for burst in bursts):
        _read_open_window(max(burst.taken for burst in bursts), notes, configured_window)
    else:
        notes.unseen.append(
            "How many submits may await their answer: the refusals among those sent at once follow no "
            "order, so they are chance and no limit."
        )
    _read_speed(submits, notes)


def _bursts(submits: Sequence[SubmitSeen]) -> list[list[SubmitSeen]]:
    """Those of one purpose in a row; bursts of growing size are told apart by the pause between them."""
    bursts: list[list[SubmitSeen]] = []
    for submit in submits:
        if submit.probe.purpose is not Purpose.BURST:
            continue
        if bursts and submit.at - bursts[-1][-1].at < 0.5:
            bursts[-1].append(submit)
        else:
            bursts.append([submit])
    return bursts


def _is_refused_alone(submits: Sequence[SubmitSeen], burst: BurstSeen) -> bool:
    """Whether the status of the burst was answered to a message that was alone on its way, before it."""
    alone = [submit for submit in submits if submit.probe.purpose not in _AT_ONCE]
    return any(submit.answer and submit.answer.command_status == burst.refused_with for submit in alone)


def _is_limited(burst: BurstSeen) -> bool:
    if burst.refused_with is None or not burst.taken or burst.sent - burst.taken < 2:
        return False
    return _says_too_many(burst.refused_with)


def _says_too_many(command_status: int) -> bool:
    return command_status in _TOO_MANY or command_status >= _CARRIERS_OWN


def _read_full_window(burst: BurstSeen, submits: Sequence[SubmitSeen], notes: Notebook) -> None:
    assert burst.refused_with is not None
    status = write_status(burst.refused_with)
    seen = f"{burst.sent} sent at once: {burst.taken} taken, {burst.sent - burst.taken} refused with {status}"
    one_by_one = [submit for submit in submits if submit.probe.purpose is Purpose.ONE_BY_ONE]
    taken = sum(submit.is_taken for submit in one_by_one)
    refused_at = next((submit for submit in one_by_one if submit.is_refused), None)
    seconds = one_by_one[-1].at - one_by_one[0].at if one_by_one else 0.0
    if taken > burst.taken and seconds < 1:  # more in a second than the burst had taken
        confirmed = f"{taken} one by one within {max(seconds, 0.1):.1f} s were all taken"
        notes.propose("window", burst.taken, f"{seen}; {confirmed}, so it is no limit of speed")
    elif refused_at is not None:
        notes.propose(
            "parts_per_second", burst.taken, f"{seen}; one by one, too, the next was refused", likely=True
        )
    elif taken > burst.taken:
        notes.propose("window", burst.taken, f"{seen}; one by one took too long to tell", likely=True)
    else:
        notes.propose("window", burst.taken, f"{seen}; it may be a limit of speed instead", likely=True)
        notes.unseen.append(
            f"Whether {burst.taken} is the window or the speed in a second: telling them apart needs more "
            "parts than were allowed (`--thorough`)."
        )
    if burst.refused_with not in (0x58, 0x14):
        notes.propose(f"retry.{status}", "throttle", f"it means slower: {seen}", likely=taken <= burst.taken)


def _read_open_window(most: int, notes: Notebook, configured: int) -> None:
    if most >= configured:
        notes.propose("window", configured, f"{most} sent at once were all taken")
    else:
        notes.propose(
            "window", configured, f"{most} sent at once were all taken; more were not tried", likely=True
        )
    notes.remarks.append(f"{most} submits at once were taken without a refusal.")


def _read_speed(submits: Sequence[SubmitSeen], notes: Notebook) -> None:
    run = [
        submit
        for submit in submits
        if submit.probe.purpose is Purpose.RUN
        and submit.answer is not None
        and (submit.is_taken or _says_too_many(submit.answer.command_status))
    ]
    if not run:
        notes.unseen.append(
            "The speed limit: a run at full speed bills many parts, so it is made with `--thorough` only. "
            "Your contract names the figure for `parts_per_second`."
        )
        return
    stretches = [(taken, list(group)) for taken, group in groupby(run, key=lambda submit: submit.is_taken)]
    # The stretch between two refusals began with the carrier's count at zero; the first may have begun late.
    whole = [
        group for number, (taken, group) in enumerate(stretches) if taken and 0 < number < len(stretches) - 1
    ]
    refusals = [submit for submit in run if submit.is_refused]
    if whole and len(refusals) >= 2:
        longest = max(whole, key=len)
        status = Counter(submit.answer.command_status for submit in refusals if submit.answer).most_common(1)[
            0
        ][0]
        notes.propose(
            "parts_per_second",
            len(longest),
            f"{len(longest)} were taken between a refusal with {write_status(status)} and the next",
        )
        return
    taken = sum(submit.is_taken for submit in run)
    seconds = max(run[-1].at - run[0].at, 0.001)
    if not refusals:
        notes.remarks.append(
            f"{taken} submits in {seconds:.1f} s ({taken / seconds:.0f}/s) were all taken: no speed limit "
            "was met."
        )
    else:
        notes.unseen.append(
            f"The speed limit: {count(len(refusals), 'refusal')} among {len(run)} submits at full speed, too "
            "few to tell a figure from."
        )


def _read_latency(submits: Sequence[SubmitSeen], notes: Notebook) -> None:
    waits = sorted(submit.answer.at - submit.at for submit in submits if submit.answer is not None)
    unanswered = len(submits) - len(waits)
    if len(waits) >= _FEWEST_FOR_PERCENTILES:
        cuts = quantiles(waits, n=20, method="inclusive")
        notes.remarks.append(
            f"Answers took {_milliseconds(cuts[9])} in the middle and {_milliseconds(cuts[18])} at the 95th "
            f"percentile of {len(waits)}."
        )
    if unanswered:
        notes.remarks.append(
            f"{count(unanswered, 'submit')} had no answer; `unanswered` says what a server does with such a "
            "message."
        )


def _milliseconds(seconds: float) -> str:
    return f"{max(1, ceil(1000 * seconds)):,} ms"


def describe_refusals(submits: Sequence[SubmitSeen]) -> list[str]:
    """Every `command_status` that was answered, how often, and its meaning."""
    statuses = Counter(
        submit.answer.command_status for submit in submits if submit.answer and submit.is_refused
    )
    return [
        f"{write_status(status)} was answered {times} of {len(submits)} times: {describe_status(status)}"
        for status, times in sorted(statuses.items())
    ]
