"""What a carrier's receipts are like: their form, their ids, when and where they come, what they leave out.

Quirks 44-63. What the server does by itself is a remark, what has a key is a proposal. Pure.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from gateway.config.carriers import ReceiptMode
from gateway.doctor.evidence import Evidence, ReceiptSeen, SubmitSeen, Vehicle
from gateway.doctor.findings import Notebook, count, join
from gateway.doctor.forms import last_tries
from gateway.doctor.ids import AS_IT_IS, IdRule, Matching
from gateway.doctor.plan import Purpose
from gateway.domain.addresses import read_address
from gateway.domain.carrier_ids import IdConversion
from gateway.smpp.receipts import FINAL_STATES

_NEARLY_ALL = 0.8
"""Share of single texts with a receipt above which a missing one means something."""
_ENOUGH_IDS = 3
"""Matches from which on chance is no explanation."""


def read_id_form(matching: Matching, taken: Sequence[SubmitSeen], notes: Notebook) -> None:
    """`id_form`, and ids that are missing or match nothing."""
    without_id = sum(1 for submit in taken if submit.answer is not None and not submit.answer.message_id)
    if without_id:
        notes.remarks.append(
            f"{without_id} of {len(taken)} submits were taken without an id: receipts of such messages "
            "cannot be matched, and they end as unknown."
        )
    if not matching.by_submit:
        if matching.receipts_with_id and matching.submits_with_id:
            notes.unseen.append(
                f"How ids are written: none of {count(matching.receipts_with_id, 'receipt')} matches an "
                f"answer under any rule; {_example(matching, taken)}. Ask the carrier how the two belong "
                "together."
            )
        return
    rule, matched, named = matching.rule, matching.matched, matching.receipts_with_id
    seen = f"{matched} of {count(named, 'receipt')} match so"
    if rule != AS_IT_IS:
        seen += f", {matching.matched_as_they_are} as they are: {_example(matching, taken)}"
    likely = matched < _ENOUGH_IDS
    _propose_rule(rule, seen, notes, likely=likely)
    _note_odd_ids(matching, notes)
    if matching.strangers:
        notes.remarks.append(
            f"{count(len(matching.strangers), 'receipt')} named an id that no answer of this examination "
            "gave, such as a late one for an earlier message; a server keeps such receipts for 72 h and "
            "lists them."
        )


def _propose_rule(rule: IdRule, seen: str, notes: Notebook, *, likely: bool) -> None:
    notes.propose("id_form.response", rule.response, seen, likely=likely)
    if rule.receipt is not IdConversion.AS_IS or rule == AS_IT_IS:
        notes.propose("id_form.receipt", rule.receipt, seen, likely=likely)
    if rule.strip_zeros:
        notes.propose("id_form.strip_zeros", True, seen, likely=likely)
    if rule.strip_prefix:
        notes.propose("id_form.strip_prefix", rule.strip_prefix, seen, likely=likely)


def _example(matching: Matching, taken: Sequence[SubmitSeen]) -> str:
    submit = next(iter(matching.by_submit), None) or next(
        (submit for submit in taken if submit.answer and submit.answer.message_id), None
    )
    receipts = matching.receipts_of(submit) if submit else ()
    receipt = receipts[0] if receipts else next(iter(matching.strangers), None)
    answered = submit.answer.message_id if submit and submit.answer else ""
    receipted = (receipt.text_id or receipt.tlv_id) if receipt else ""
    return f'answered "{answered}", in the receipt "{receipted}"'


def _note_odd_ids(matching: Matching, notes: Notebook) -> None:
    receipts = [receipt for found in matching.by_submit.values() for receipt in found]
    two = next(
        (each for each in receipts if each.tlv_id and each.text_id and each.tlv_id != each.text_id), None
    )
    if two is not None:
        notes.remarks.append(
            f'The id of a receipt\'s TLV differs from that of its text ("{two.tlv_id}", "{two.text_id}"); '
            "the "
            "TLV's is tried first, then the text's."
        )
    answered = [submit.answer.message_id for submit in matching.by_submit if submit.answer is not None]
    if any(len(each) > 20 for each in answered):
        notes.remarks.append(f"Ids have up to {max(map(len, answered))} characters; any length is kept.")
    if len(set(answered)) < len(answered):
        notes.remarks.append(
            "An id was given twice; a receipt goes to the newest message that is still open."
        )


def read_receipts(evidence: Evidence, matching: Matching, notes: Notebook) -> None:
    """Form, time and place of receipts, and how many a message gets."""
    taken, receipts = evidence.taken, evidence.receipts
    if not taken:
        return
    if not receipts:
        notes.unseen.append(
            f"Receipts: none came within {evidence.wait_seconds:g} s, so nothing can be said of ids, of the "
            "form of receipts, of the carrier's clock. Is the phone reachable, and does the account have "
            "receipts?"
        )
        return
    _read_form(receipts, notes)
    _read_announcement(receipts, matching, notes)
    _note_time_and_place(evidence, matching, notes)
    _note_states(receipts, matching, notes)
    _note_addresses(matching, notes)
    _read_receipts_per_message(evidence, matching, notes)


def _share(receipts: Sequence[ReceiptSeen], holds: Callable[[ReceiptSeen], bool]) -> tuple[int, str]:
    number = sum(1 for receipt in receipts if holds(receipt))
    return number, f"{number} of {count(len(receipts), 'receipt')}"


def _read_form(receipts: Sequence[ReceiptSeen], notes: Notebook) -> None:
    tlv, text = (sum(map(bool, [receipt.tlv_id for receipt in receipts])), sum(r.has_text for r in receipts))
    if tlv and text:
        form = "a text, and TLVs beside it"
    else:
        form = "TLVs alone, without any text" if tlv else "a text alone, without TLVs"
    vehicles = sorted({receipt.vehicle.value for receipt in receipts})
    notes.remarks.append(f"{count(len(receipts), 'receipt')} came, as {form}, in {join(vehicles)}.")
    if any(receipt.vehicle is Vehicle.DATA_SM for receipt in receipts):
        notes.remarks.append(
            "Receipts that come as data_sm are read like others and answered by data_sm_resp."
        )
    codings = sorted({receipt.data_coding for receipt in receipts} - {0})
    if codings:
        named = join([f"0x{coding:02x}" for coding in codings])
        notes.remarks.append(f"Their texts are in data_coding {named}; that is read by itself.")
    with_header, shown = _share(receipts, lambda receipt: bool(receipt.esm_class & 0x40))
    if with_header:
        notes.remarks.append(f"{shown} have a user data header in front of the text, which is taken off.")


def _read_announcement(receipts: Sequence[ReceiptSeen], matching: Matching, notes: Notebook) -> None:
    """Receipts that say nothing in `esm_class` (quirk 55)."""
    silent, shown = _share(receipts, lambda receipt: not receipt.is_announced)
    if not silent:
        notes.propose(
            "receipts_without_esm_class",
            False,
            f"all of {count(len(receipts), 'receipt')} say it in esm_class",
        )
        return
    own = {id(receipt) for found in matching.by_submit.values() for receipt in found}
    by_text = [
        receipt
        for receipt in receipts
        if not receipt.is_announced and not (receipt.tlv_id and receipt.has_state_tlv)
    ]
    known = sum(id(receipt) in own for receipt in by_text)
    if known:
        notes.propose(
            "receipts_without_esm_class",
            True,
            f"{shown} have esm_class 0 and only their text tells them, {known} with an id of ours",
        )
    elif not by_text:
        notes.remarks.append(f"{shown} have esm_class 0 and are known by their TLVs, which needs no setting.")


def _note_time_and_place(evidence: Evidence, matching: Matching, notes: Notebook) -> None:
    early = elsewhere = matched = 0
    for submit, receipts in matching.by_submit.items():
        assert submit.answer is not None
        for receipt in receipts:
            matched += 1
            early += receipt.order < submit.answer.order
            elsewhere += receipt.bind_no != submit.bind_no
    if early:
        notes.remarks.append(
            f"{early} of {matched} receipts overtook the answer to their submit; such wait for it."
        )
    if elsewhere:
        notes.remarks.append(
            f"{elsewhere} of {matched} came on another bind than their submit; ids are shared."
        )
    on_transmitter, shown = _share(evidence.receipts, lambda receipt: receipt.is_on_transmitter)
    if on_transmitter:
        notes.remarks.append(
            f"{shown} came on a transmitter bind, against the specification; they are taken."
        )
    delays = [
        receipt.at - submit.at
        for submit, receipts in matching.by_submit.items()
        for receipt in receipts
        if receipt.receipt.is_final
    ]
    if delays:
        notes.remarks.append(
            f"Final receipts came {min(delays):.1f} to {max(delays):.1f} s after their submits."
        )


def _note_addresses(matching: Matching, notes: Notebook) -> None:
    """Senders that the carrier replaced (quirk 85), and addresses the wrong way round (quirk 62)."""
    replaced: Counter[str] = Counter()
    swapped = 0
    for submit, receipts in matching.by_submit.items():
        sender = submit.probe.sender
        for receipt in receipts:
            ends = [
                read_address(end.encode("ascii", "replace")) for end in (receipt.source, receipt.destination)
            ]
            if ends[0] == sender:
                swapped += 1
            elif ends[1] and ends[1] != sender and not sender.endswith(ends[1].lstrip("0")):
                replaced[ends[1]] += 1
    if swapped:
        notes.remarks.append(
            f"{count(swapped, 'receipt')} named the sender where the handset belongs; ids alone are matched."
        )
    for address, times in replaced.items():
        notes.remarks.append(
            f"{count(times, 'receipt')} named {address} as the sender: the carrier may put it in place of "
            "yours."
        )


def _note_states(receipts: Sequence[ReceiptSeen], matching: Matching, notes: Notebook) -> None:
    intermediate, shown = _share(receipts, lambda receipt: not receipt.receipt.is_final)
    if intermediate:
        notes.remarks.append(f"{shown} were intermediate, such as ENROUTE; they end nothing.")
    words = Counter(receipt.receipt.stat for receipt in receipts if receipt.receipt.state is None)
    for word, times in words.items():
        notes.remarks.append(
            f'The state "{word}" came {times} times and has no meaning here: ask the carrier.'
        )
    duplicates = contradictions = 0
    for found in matching.by_submit.values():
        finals = [each.receipt.state for each in found if each.receipt.state in FINAL_STATES]
        duplicates += len(finals) - len(set(finals))
        contradictions += len(set(finals)) > 1
    if duplicates:
        notes.remarks.append(f"{count(duplicates, 'receipt')} came twice; a repeat changes nothing.")
    if contradictions:
        notes.remarks.append(
            f"{count(contradictions, 'message')} got two different final receipts; the first counts, both "
            "are kept."
        )
    errors = Counter(
        (receipt.receipt.stat, receipt.receipt.err)
        for receipt in receipts
        if receipt.receipt.is_final and receipt.receipt.stat[:6] != "DELIVR" and receipt.receipt.err
    )
    for (stat, err), times in sorted(errors.items()):
        notes.remarks.append(
            f"{stat} with err {err} came {times} times; once the carrier has said what {err} means, put it "
            "into `receipt_errors`."
        )


def _read_receipts_per_message(evidence: Evidence, matching: Matching, notes: Notebook) -> None:
    """Whether each part of a long text gets a receipt (quirk 59), judged by the way that was taken."""
    whole = [
        attempt
        for attempt in last_tries(evidence.of(Purpose.LONG))
        if 1 < attempt[0].parts == len(attempt) and all(submit.is_taken for submit in attempt)
    ]
    if not whole or not matching.by_submit:
        return
    receipted = [[bool(matching.receipts_of(submit)) for submit in attempt] for attempt in whole]
    singles = [
        submit
        for submit in evidence.taken
        if submit.parts == 1 and submit.answer and submit.answer.message_id
    ]
    singles_receipted = sum(bool(matching.receipts_of(submit)) for submit in singles)
    if all(map(all, receipted)):
        notes.propose("receipts", ReceiptMode.PER_PART, "each part of a text in two parts got its receipt")
    elif (
        all(sum(each) == 1 for each in receipted)
        and singles_receipted >= _NEARLY_ALL * len(singles)
        and not evidence.ends  # else a receipt may have been lost with its session
    ):
        which = "the first" if receipted[0][0] else "the last"
        notes.propose(
            "receipts",
            ReceiptMode.PER_MESSAGE,
            f"of a text in two parts only {which} got a receipt within {evidence.wait_seconds:g} s, while "
            f"{singles_receipted} of {len(singles)} single texts got theirs",
            likely=True,
        )
    else:
        notes.unseen.append(
            f"Whether each part of a long text gets a receipt: {sum(map(sum, receipted))} of "
            f"{sum(map(len, receipted))} parts and {singles_receipted} of {len(singles)} single texts got "
            f"one within {evidence.wait_seconds:g} s."
        )
