"""From evidence to proposals: every reader in turn, and what is said where they are silent. Pure."""

from dataclasses import dataclass

from gateway.config.carriers import ConnectorConfig, OctetOrder
from gateway.doctor.alphabets import AlphabetsSeen, read_alphabets
from gateway.doctor.clocks import read_clock
from gateway.doctor.evidence import Evidence
from gateway.doctor.findings import Diagnosis, Notebook, join
from gateway.doctor.forms import read_binds, read_opening, read_senders, read_splitting
from gateway.doctor.ids import Matching, match_ids
from gateway.doctor.limits import describe_refusals, read_limits
from gateway.doctor.plan import ALPHABETS, PROBING, Purpose
from gateway.doctor.receipt_habits import read_id_form, read_receipts


@dataclass(frozen=True, slots=True)
class Case:
    """Whose examination it is."""

    config: ConnectorConfig
    home_zone: str
    """Time zone in which people of the number's country live."""


def diagnose(evidence: Evidence, case: Case) -> Diagnosis:
    """Everything that `evidence` lets one say of the connector of `case`."""
    notes = Notebook()
    matching = match_ids(evidence.taken, evidence.receipts)
    read_binds(evidence, case.config, notes)
    read_opening(evidence, case.config, notes)
    if evidence.taken:
        read_id_form(matching, evidence.taken, notes)
        read_receipts(evidence, matching, notes)
        read_clock(matching, evidence.receipts, case.home_zone, notes)
        _read_alphabets(evidence, matching, notes)
        read_splitting(evidence, notes)
        read_limits(evidence.submits, notes, configured_window=case.config.window)
        read_senders(evidence, notes)
    notes.remarks.extend(describe_refusals(evidence.submits))
    notes.unseen.extend(evidence.notes)
    _say_what_stays_unseen(evidence, notes)
    return notes.finish()


def needs_other_alphabets(evidence: Evidence) -> tuple[Purpose, ...]:
    """Which further alphabets to send in, so that data_coding 0 can be told; none when it can be already."""
    seen = read_alphabets(evidence.submits, match_ids(evidence.taken, evidence.receipts))
    if seen.send_charset is not None and len(seen.send) == 1:
        return ()
    if seen.quotations and not seen.may_copy:
        return (Purpose.UTF8,)
    return (Purpose.LATIN1, Purpose.UTF8)


def _read_alphabets(evidence: Evidence, matching: Matching, notes: Notebook) -> None:
    if not evidence.of(*ALPHABETS):
        notes.unseen.append("The alphabet of data_coding 0: nothing was sent for it.")
        return
    seen = read_alphabets(evidence.submits, matching)
    charset = seen.send_charset
    if charset is not None:
        single = len(seen.send) == 1
        because = _show_quotation(seen)
        if not single:
            because += (
                f"; {join(sorted(each.value for each in seen.send))} all fit, and this is what they share"
            )
        notes.propose("default_charset.send", charset, because, likely=not single)
    else:
        notes.unseen.append(
            f"The alphabet of data_coding 0: {_why_unknown(seen, matching)} Look at the phone."
        )
        _ask_the_phone(evidence, notes)
    if len(seen.receive) == 1 and not seen.may_copy:
        notes.propose(
            "default_charset.receive",
            next(iter(seen.receive)),
            "receipts are written so; texts from handsets mostly are, too",
            likely=True,
        )
    _read_octet_order(seen, notes)


def _read_octet_order(seen: AlphabetsSeen, notes: Notebook) -> None:
    if len(seen.order) == 1 and not seen.may_copy:
        order = next(iter(seen.order))
        read = "plain letters in UCS-2 were quoted as they are"
        if order is OctetOrder.LITTLE:
            read = "plain letters in UCS-2 were quoted as other signs: their octets were read turned round"
        notes.propose("ucs2.send", order, read)


def _show_quotation(seen: AlphabetsSeen) -> str:
    quotation = next(each for each in seen.quotations if each.purpose in ALPHABETS)
    size = 6
    return (
        f"{len(seen.quotations)} receipts quote their texts so; the octets {quotation.sent[:size].hex(' ')} "
        f"came back as {quotation.quoted[:size].hex(' ')}"
    )


def _why_unknown(seen: AlphabetsSeen, matching: Matching) -> str:
    if not matching.by_submit:
        return "no receipt can be matched with its text."
    if not seen.quotations:
        return "the receipts quote no text."
    if seen.may_copy:
        return "the receipts quote each text octet by octet, so they do not show how it was read."
    if not seen.send:
        quotation = seen.quotations[-1]
        return (
            f"no alphabet explains the quotations, such as {quotation.quoted[:12].hex(' ')} for "
            f"{quotation.sent[:12].hex(' ')}."
        )
    return f"{join(sorted(each.value for each in seen.send))} all explain what came back."


def _ask_the_phone(evidence: Evidence, notes: Notebook) -> None:
    for submit in evidence.taken:
        charset = ALPHABETS.get(submit.probe.purpose)
        if charset is not None:
            notes.on_the_phone.append(
                f"Does the text with number {submit.probe.number} begin with {PROBING} ? Then "
                f"`default_charset.send` is {charset.value}."
            )


def _say_what_stays_unseen(evidence: Evidence, notes: Notebook) -> None:
    if not evidence.taken:
        return
    if not evidence.handset_texts:
        notes.unseen.append(
            "How texts from handsets are written: write one to your number while a server runs, and look at "
            "it with `estafette connector trace`."
        )
    for submit in evidence.taken:
        if submit.probe.purpose is Purpose.LONG:
            notes.on_the_phone.append(
                f"Did the text with number {submit.probe.number} arrive as one message that ends with END?"
            )
            return
