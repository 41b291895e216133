"""Evidence as an examination would have noted it, made by hand: no socket, no clock."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from gateway.config import ConnectorConfig, HostPort, Secret
from gateway.doctor.diagnosis import Case, diagnose
from gateway.doctor.evidence import AnswerSeen, BindSeen, Evidence, ReceiptSeen, SubmitSeen, Vehicle
from gateway.doctor.findings import Diagnosis
from gateway.doctor.plan import ALPHABETS, Purpose, write_probe
from gateway.smpp.receipts import Receipt, ReceiptState

NOON = datetime(2026, 1, 15, 12, 0, tzinfo=UTC)
SENDER = "SHOP"


def connector(**changes: object) -> ConnectorConfig:
    values: dict[str, object] = {
        "name": "a",
        "hosts": (HostPort("127.0.0.1", 2775),),
        "system_id": "a",
        "password": Secret("x"),
        **changes,
    }
    return ConnectorConfig(**values)  # type: ignore[arg-type]  # any key of the connector, by name


def bind(mode: str = "transceiver", command_status: int | None = 0, **changes: object) -> BindSeen:
    values: dict[str, object] = {
        "mode": mode,
        "stated_version": 0x34,
        "command_status": command_status,
        "error": None if command_status == 0 else "refused",
        "seconds": 0.05,
        "smsc_version": 0x34 if command_status == 0 else None,
        **changes,
    }
    return BindSeen(**values)  # type: ignore[arg-type]  # fields by name


def submit(
    purpose: Purpose,
    number: int,
    *,
    message_id: str | None = None,
    status: int | None = 0,
    at: float | None = None,
    order: int | None = None,
    **changes: object,
) -> SubmitSeen:
    """One submit; `status` None for one that was never answered."""
    probe = write_probe(purpose, number, SENDER)
    sent_at = float(number) if at is None else at
    answer = None
    if status is not None:
        given = f"id{number}" if message_id is None else message_id
        answer = AnswerSeen(
            10 * number if order is None else order, sent_at + 0.1, status, "" if status else given
        )
    values: dict[str, object] = {
        "probe": probe,
        "part": 0,
        "parts": 1,
        "bind_no": 1,
        "at": sent_at,
        "wall_at": NOON + timedelta(seconds=sent_at),
        "body": probe.text.encode("ascii", "replace"),
        "changes": {},
        "answer": answer,
        **changes,
    }
    return SubmitSeen(**values)  # type: ignore[arg-type]  # fields by name


def long_text(
    number: int, ids: Sequence[str], way: object, statuses: Sequence[int] | None = None
) -> list[SubmitSeen]:
    """The parts of one long text."""
    return [
        submit(
            Purpose.LONG,
            number,
            message_id=message_id,
            status=statuses[part] if statuses else 0,
            part=part,
            parts=len(ids),
            changes={"concatenation": way},
        )
        for part, message_id in enumerate(ids)
    ]


def receipt(
    carrier_id: str,
    *,
    tlv_id: str = "",
    state: ReceiptState | None = ReceiptState.DELIVERED,
    stat: str = "DELIVRD",
    err: str = "000",
    submitted: str = "",
    is_intermediate: bool = False,
    order: int = 1_000,
    quoted: bytes | None = None,
    **changes: object,
) -> ReceiptSeen:
    """One receipt with `carrier_id` in its text, unless that is empty."""
    said = Receipt(
        carrier_id=tlv_id or carrier_id,
        text_carrier_id=carrier_id if tlv_id and tlv_id != carrier_id else "",
        state=state,
        stat=stat,
        err=err,
        submitted_text=submitted,
        done_text=submitted,
        network_error_type=None,
        network_error_code=None,
        is_intermediate=is_intermediate,
    )
    values: dict[str, object] = {
        "order": order,
        "at": 20.0,
        "wall_at": NOON,
        "bind_no": 1,
        "is_on_transmitter": False,
        "vehicle": Vehicle.DELIVER_SM,
        "esm_class": 4,
        "data_coding": 0,
        "tlv_id": tlv_id,
        "text_id": carrier_id,
        "has_state_tlv": bool(tlv_id),
        "has_text": bool(carrier_id),
        "quoted": quoted,
        "source": "33639981234",
        "destination": SENDER,
        "receipt": said,
        **changes,
    }
    return ReceiptSeen(**values)  # type: ignore[arg-type]  # fields by name


def evidence(
    submits: Sequence[SubmitSeen], receipts: Sequence[ReceiptSeen] = (), **changes: object
) -> Evidence:
    values: dict[str, object] = {
        "binds": (bind(),),
        "submits": tuple(submits),
        "receipts": tuple(receipts),
        "wait_seconds": 60.0,
        **changes,
    }
    return Evidence(**values)  # type: ignore[arg-type]  # fields by name


def read(
    submits: Sequence[SubmitSeen],
    receipts: Sequence[ReceiptSeen] = (),
    *,
    config: ConnectorConfig | None = None,
    home_zone: str = "Africa/Johannesburg",
    **changes: object,
) -> Diagnosis:
    """What is diagnosed from such evidence. Johannesburg is two hours ahead of UTC in every month."""
    return diagnose(evidence(submits, receipts, **changes), Case(config or connector(), home_zone))


def answered_ids(ids: Mapping[str, str]) -> tuple[list[SubmitSeen], list[ReceiptSeen]]:
    """Submits answered with the keys, each with a receipt that names the value."""
    submits = [submit(Purpose.BURST, number, message_id=each) for number, each in enumerate(ids, 1)]
    return submits, [receipt(each) for each in ids.values()]


def alphabet_submit(purpose: Purpose, number: int, octets: bytes) -> SubmitSeen:
    """A message about alphabets that left as `octets`."""
    changes = {"default_charset.send": ALPHABETS[purpose]} if purpose in ALPHABETS else {}
    return submit(purpose, number, body=octets, changes=changes)
