"""What the bind and the refusals say: mode, version, validity, addresses, types of number, splitting.

A setting is proposed where a message was refused without it and taken with it. Quirks 15, 16, 77, 82-88.
Pure.
"""

from collections.abc import Sequence

from gateway.config.carriers import BindMode, Concatenation, ConnectorConfig, InterfaceVersion
from gateway.doctor.evidence import BindSeen, Evidence, SubmitSeen
from gateway.doctor.findings import Notebook, Value, count, join
from gateway.doctor.plan import Purpose
from gateway.smpp.constants import INTERFACE_VERSION_34
from gateway.smpp.statuses import CommandStatus, describe_status, write_status

_VERSIONS = {0x33: InterfaceVersion.V33, 0x34: InterfaceVersion.V34, 0x50: InterfaceVersion.V50}


def read_binds(evidence: Evidence, config: ConnectorConfig, notes: Notebook) -> None:
    """`bind_mode`, `interface_version`, `binds`, and whether the link answers."""
    bound = [bind for bind in evidence.binds if bind.is_bound]
    refused = [bind for bind in evidence.binds if bind.command_status]
    if not bound:
        return
    modes = {bind.mode for bind in bound}
    mode = BindMode.TRANSCEIVER if "transceiver" in modes else BindMode.TRANSMITTER_RECEIVER
    seconds = min(bind.seconds for bind in bound)
    evidence_of_mode = f"{' and '.join(sorted(modes))} bound in {max(1, round(1000 * seconds))} ms"
    others = [bind for bind in refused if bind.mode not in modes]
    if others:
        evidence_of_mode += "; " + _describe_refusals(others)
    notes.propose("bind_mode", mode, evidence_of_mode)
    if "system_type" in evidence.bind_changes:
        notes.propose(
            "system_type",
            _plain(evidence.bind_changes["system_type"]),
            f"with {config.system_type!r} the bind was refused with "
            f"{write_status(CommandStatus.ESME_RINVSYSTYP)}, with this it was taken",
        )
    _read_version(bound, refused, notes)
    _read_number_of_binds(bound, refused, config, notes)
    _read_link(evidence, notes)


def _describe_refusals(binds: Sequence[BindSeen]) -> str:
    refusals = {f"{bind.mode} was refused with {write_status(bind.command_status or 0)}" for bind in binds}
    return join(sorted(refusals))


def _read_version(bound: Sequence[BindSeen], refused: Sequence[BindSeen], notes: Notebook) -> None:
    stated = bound[0].stated_version
    answers = {bind.smsc_version for bind in bound}
    answered = next(iter(answers - {None}), None)
    version = _VERSIONS.get(stated, InterfaceVersion.V34)
    refused_newer = [bind for bind in refused if bind.stated_version > stated]
    if refused_newer:
        notes.propose(
            "interface_version",
            version,
            f"bound when 3.3 was stated; with 3.4 the {_describe_refusals(refused_newer)}",
        )
    elif answered is None and any(bind.command_status == CommandStatus.ESME_RINVCMDID for bind in refused):
        notes.propose(
            "interface_version",
            InterfaceVersion.V33,
            "bind_transceiver, which came with 3.4, is an unknown command here, and no version was stated",
            likely=True,
        )
    elif answered is None:
        notes.propose(
            "interface_version",
            version,
            "the answer to the bind states no version, as those of 3.3 and of many 3.4 SMSCs do",
        )
    elif answered < INTERFACE_VERSION_34:
        notes.propose(
            "interface_version",
            InterfaceVersion.V33,
            f"the SMSC states version 0x{answered:02x}: it wants no TLVs",
        )
    else:
        notes.propose("interface_version", version, f"the SMSC states version 0x{answered:02x}")


def _read_number_of_binds(
    bound: Sequence[BindSeen], refused: Sequence[BindSeen], config: ConnectorConfig, notes: Notebook
) -> None:
    if config.binds == 1:
        return
    full = [bind for bind in refused if bind.command_status == CommandStatus.ESME_RALYBND]
    if full:
        notes.propose(
            "binds", 1, f"a second bind was refused with {write_status(CommandStatus.ESME_RALYBND)}"
        )
    elif len(bound) >= 2:
        notes.remarks.append("Two binds at one time were taken.")


def _read_link(evidence: Evidence, notes: Notebook) -> None:
    asked, answered = evidence.links_asked, evidence.links_answered
    if asked:
        slowest = f", at the slowest after {evidence.slowest_link_seconds:.2f} s" if answered else ""
        notes.remarks.append(f"{answered} of {asked} enquire_links were answered{slowest}.")
    if evidence.ends:
        notes.remarks.append(
            f"The connection ended {count(len(evidence.ends), 'time')} meanwhile: "
            f"{join(sorted(set(evidence.ends)))}."
        )
    if evidence.strays:
        names = join(sorted(set(evidence.strays)))
        notes.remarks.append(f"{count(len(evidence.strays), 'PDU')} came that nobody asked for: {names}.")
    if evidence.bad_pdus:
        notes.remarks.append(
            f"{count(evidence.bad_pdus, 'PDU')} could not be read and was answered with an error."
        )


def read_opening(evidence: Evidence, config: ConnectorConfig, notes: Notebook) -> None:
    """What a plain text needed to be taken."""
    opening = evidence.of(Purpose.OPENING)
    taken = next((submit for submit in opening if submit.is_taken), None)
    plain = [submit for submit in opening if not submit.changes and submit.answer is not None]
    statuses = sorted(
        {submit.answer.command_status for submit in plain if submit.answer and submit.is_refused}
    )
    if taken is None:
        if statuses:
            notes.unseen.append(
                f"A form that this carrier takes: a plain text was refused with "
                f"{join([write_status(status) for status in statuses])} in every form that was tried. "
                + " ".join(describe_status(status) for status in statuses)
            )
        return
    if not taken.changes:
        if statuses:
            notes.remarks.append(
                f"A plain text was refused with {join([write_status(status) for status in statuses])} and "
                "taken when sent again: a passing fault."
            )
        notes.propose("validity", config.validity, "a text that states its validity so was taken")
        return
    for path, value in taken.changes.items():
        status = _refused_without(opening, taken, path)
        notes.propose(path, _plain(value), f"refused with {write_status(status)} without it, taken with it")
    if "validity" not in taken.changes:
        notes.propose("validity", config.validity, "a text that states its validity so was taken")


def _refused_without(opening: Sequence[SubmitSeen], taken: SubmitSeen, path: str) -> int:
    """The `command_status` of the last try that had everything so far but this."""
    statuses = [
        submit.answer.command_status
        for submit in opening
        if submit.answer is not None
        and submit.is_refused
        and path not in submit.changes
        and submit.changes.items() <= taken.changes.items()
    ]
    return statuses[-1] if statuses else 0


def _plain(value: object) -> Value:
    plain = getattr(value, "value", value)
    assert isinstance(plain, Value)
    return plain


def read_splitting(evidence: Evidence, notes: Notebook) -> None:
    """`concatenation` and `max_parts`, by the first way in which every part was taken."""
    attempts = last_tries(evidence.of(Purpose.LONG))
    if not attempts:
        notes.unseen.append("How long texts are split: none was sent.")
        return
    refused = []
    for attempt in attempts:
        way = attempt[0].changes.get("concatenation")
        assert isinstance(way, Concatenation)
        statuses = sorted(_refusals(attempt))
        if statuses:
            refused.append(f"{way.value} was refused with {join([write_status(each) for each in statuses])}")
        elif len(attempt) == attempt[0].parts and all(submit.is_taken for submit in attempt):
            seen = f"{count(attempt[0].parts, 'submit')} of one long text taken"
            if refused:
                seen = f"{join(list(dict.fromkeys(refused)))}; with {way.value} {seen}"
            notes.propose("concatenation", way, seen)
            _read_most_parts(evidence, notes)
            return
    notes.unseen.append(
        f"How long texts are split: {join(list(dict.fromkeys(refused))) or 'parts had no answer'}. If the "
        "carrier takes no long texts at all, set `max_parts: 1`."
    )


def last_tries(submits: Sequence[SubmitSeen]) -> list[list[SubmitSeen]]:
    """The last try of each part, message by message: those before were refused for the moment only."""
    messages: dict[int, dict[int, SubmitSeen]] = {}
    for submit in submits:
        messages.setdefault(submit.probe.number, {})[submit.part] = submit
    return [list(parts.values()) for parts in messages.values()]


def _refusals(submits: Sequence[SubmitSeen]) -> set[int]:
    return {submit.answer.command_status for submit in submits if submit.answer and submit.is_refused}


def _read_most_parts(evidence: Evidence, notes: Notebook) -> None:
    """`max_parts`, where ever shorter texts were sent until one was taken."""
    refused: list[tuple[int, int]] = []
    for attempt in last_tries(evidence.of(Purpose.LONGEST)):
        statuses = _refusals(attempt)
        if statuses:
            refused.append((attempt[0].parts, min(statuses)))
        elif all(submit.is_taken for submit in attempt):
            if refused:
                sizes = join([str(parts) for parts, _ in refused])
                status = write_status(refused[-1][1])
                seen = f"texts in {sizes} parts were refused with {status}, one in {attempt[0].parts} taken"
                notes.propose("max_parts", attempt[0].parts, seen, likely=True)
            else:
                notes.remarks.append(f"A text in {attempt[0].parts} parts was taken.")
            return


def read_senders(evidence: Evidence, notes: Notebook) -> None:
    """Which of the further senders were taken."""
    for submit in evidence.of(Purpose.SENDER):
        sender = submit.probe.sender
        if submit.is_taken:
            notes.remarks.append(f"Sender {sender} was taken; whether it arrives so, the phone shows.")
        elif submit.answer is not None:
            status = submit.answer.command_status
            notes.remarks.append(
                f"Sender {sender} was refused with {write_status(status)}: {describe_status(status)}"
            )
