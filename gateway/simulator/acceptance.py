"""Refuses submits for their form: TLVs, headers, too many parts, times, addresses as no carrier can take.

Pure: time is passed in. What else becomes of a submit is decided in `behaviour.py`.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from gateway.simulator.addresses import NumberForm
from gateway.simulator.profile import AcceptanceRules, AddressRules, Profile, ValidityForm
from gateway.smpp.constants import EsmClass
from gateway.smpp.pdus import DataSm, SubmitSm
from gateway.smpp.statuses import CommandStatus
from gateway.smpp.udh import Concatenation

_Submit: TypeAlias = SubmitSm | DataSm

_RELATIVE_SIGN = b"R"
_PERIOD_OCTETS = 16
"""`YYMMDDhhmmsstnnp`. SMPP 3.4 §7.1.1."""


class Acceptance:
    """Judges the form of submits by one profile; `wall_clock` tells seconds since 1970."""

    def __init__(self, profile: Profile, *, wall_clock: Callable[[], float]) -> None:
        self._rules = profile.accepts
        self._numbers = NumberForm(profile.addresses)
        self._sources = frozenset(each.encode() for each in profile.accepts.sources)
        self._wall_clock = wall_clock
        self._takes_all = profile.accepts == AcceptanceRules() and profile.addresses == AddressRules()

    def refuse(self, submit: _Submit, part: Concatenation | None) -> int:
        """The `command_status` that refuses `submit`, or 0. `part` says which of a long text it is."""
        if self._takes_all:
            return self._refuse_past_validity(submit)
        rules = self._rules
        if submit.tlvs and not rules.tlvs:
            return rules.tlvs_refused_with
        if submit.esm_class & EsmClass.UDHI and not rules.udh:
            return rules.udh_refused_with
        if part is not None and rules.parts_most is not None and part.total > rules.parts_most:
            return rules.parts_refused_with
        if rules.service_type is not None and submit.service_type != rules.service_type.encode():
            return CommandStatus.ESME_RINVSERTYP.value
        if self._sources and submit.source_addr not in self._sources:
            return CommandStatus.ESME_RINVSRCADR.value
        if not self._numbers.accepts(submit.source_addr):
            return CommandStatus.ESME_RINVSRCADR.value
        if not self._numbers.accepts(submit.destination_addr):
            return CommandStatus.ESME_RINVDSTADR.value
        return self._refuse_validity(submit)

    def _refuse_validity(self, submit: _Submit) -> int:
        period = submit.validity_period if isinstance(submit, SubmitSm) else b""
        wanted = self._rules.validity
        if not period or wanted is ValidityForm.ANY:
            return self._refuse_past_validity(submit)
        form = ValidityForm.RELATIVE if period.endswith(_RELATIVE_SIGN) else ValidityForm.ABSOLUTE
        if form is not wanted:
            return CommandStatus.ESME_RINVEXPIRY.value
        return self._refuse_past_validity(submit)

    def _refuse_past_validity(self, submit: _Submit) -> int:
        """0x62 for an absolute time that is past or cannot be read (quirks 86, 87)."""
        period = submit.validity_period if isinstance(submit, SubmitSm) else b""
        if not period or period.endswith(_RELATIVE_SIGN):
            return 0
        ends_at = read_absolute_time(period)
        is_past = ends_at is None or ends_at <= self._wall_clock()
        return CommandStatus.ESME_RINVEXPIRY.value if is_past else 0


def read_absolute_time(period: bytes) -> float | None:
    """Seconds since 1970 of `YYMMDDhhmmsstnn+`, or None for what is not one. SMPP 3.4 §7.1.1."""
    if len(period) != _PERIOD_OCTETS or not period[:15].isdigit() or period[15:] not in (b"+", b"-"):
        return None
    try:
        local = datetime.strptime(period[:12].decode(), "%y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    offset = timedelta(minutes=15 * int(period[13:15]))
    return (local - offset if period.endswith(b"+") else local + offset).timestamp()
