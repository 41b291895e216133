"""One examination on somebody's behalf: what it may do and costs, the examination itself, what came of it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from gateway.config import Config, ConnectorConfig
from gateway.doctor.diagnosis import Case, diagnose
from gateway.doctor.errors import DoctorError, NoBind
from gateway.doctor.examination import Examination
from gateway.doctor.findings import Diagnosis
from gateway.doctor.messenger import Terms
from gateway.domain.phone import normalise_any_number
from gateway.domain.pricing import Price, PriceRule, PriceTable
from gateway.domain.sender import check_sender
from gateway.domain.time_zones import zone_of
from gateway.smpp.statuses import CommandStatus

_LINK_SECONDS: Final = 5.0
_LEAST_LINK_SECONDS: Final = 0.5
_ANSWER_SECONDS: Final = 10.0
"""A server waits longer; a person who looks on should not."""


@dataclass(frozen=True, slots=True)
class Consultation:
    """What came of an examination."""

    diagnosis: Diagnosis
    billed_parts: int
    """Parts that were taken, or may have been."""
    is_taken: bool
    """Whether the carrier took any message."""


def agree_on_terms(
    config: Config,
    connector: ConnectorConfig,
    *,
    to: str,
    senders: Sequence[str],
    is_thorough: bool,
    wait_seconds: float,
) -> Terms:
    """The terms that words of a command line mean.

    Raises `InvalidNumber`, `InvalidSender`, and `DoctorError` when there is no sender.
    """
    written = senders or ([config.defaults.sender] if config.defaults.sender else [])
    if not written:
        raise DoctorError("the messages need a sender that the carrier knows; name it with --sender")
    return Terms(
        number=normalise_any_number(to, default_country=config.defaults.country),
        senders=tuple(check_sender(sender).address for sender in written),
        is_thorough=is_thorough,
        wait_seconds=wait_seconds,
        answer_seconds=min(connector.response_timeout_seconds, _ANSWER_SECONDS),
        link_seconds=max(_LEAST_LINK_SECONDS, min(_LINK_SECONDS, wait_seconds / 4)),
    )


def state_cost(config: Config, connector: ConnectorConfig, terms: Terms) -> str:
    """What will happen and what it costs at most, in a sentence."""
    rules = [PriceRule(rule.price.micros, rule.country, rule.prefix) for rule in connector.prices]
    table = PriceTable(connector.currency or config.defaults.currency, rules)
    price = table.price_per_part(terms.number.address, terms.number.country)
    cost = f" ({Price(price.micros * terms.most_parts, price.currency)} at most)" if price else ""
    return (
        f"This sends up to {terms.most_parts} real messages{cost} to +{terms.number.address} over "
        f"{connector.name} at {connector.hosts[0]}, from {terms.senders[0]}."
    )


def examine(
    connector: ConnectorConfig, terms: Terms, *, random: Random, tell: Callable[[str], None]
) -> Consultation:
    """Examine `connector`, on a loop of its own. Raises `NoBind` with advice."""
    try:
        evidence = asyncio.run(Examination(connector, terms, random=random, tell=tell).run())
    except NoBind as exc:
        message = f"{connector.name} could not be bound: {exc}{_advise(exc, connector)}"
        raise NoBind(message, exc.command_status) from exc
    home_zone = zone_of(terms.number.address, terms.number.country)
    return Consultation(
        diagnosis=diagnose(evidence, Case(connector, home_zone)),
        billed_parts=sum(submit.bills for submit in evidence.submits if not submit.is_refused),
        is_taken=bool(evidence.taken),
    )


def _advise(refusal: NoBind, connector: ConnectorConfig) -> str:
    if refusal.command_status == CommandStatus.ESME_RALYBND:
        return (
            " If a server of yours holds it: "
            f"`estafette connector down {connector.name}` there. Else wait until the old session has ended."
        )
    if refusal.command_status == CommandStatus.ESME_RINVSYSTYP:
        return " Ask the carrier for its system_type and put it into the configuration."
    return ""
