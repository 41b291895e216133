"""The doctor at every simulated carrier: what makes each one special is found, and no more than that."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import msgspec
import pytest

from gateway.config import ConnectorConfig, HostPort, check_config
from gateway.doctor.diagnosis import Case, diagnose
from gateway.doctor.examination import Examination
from gateway.doctor.findings import Diagnosis, Value
from gateway.doctor.fragment import write_fragment
from gateway.doctor.messenger import Terms
from gateway.doctor.report import changes_of
from gateway.domain.phone import normalise_any_number
from gateway.simulator.profile_reading import load_profile, shipped_profiles
from gateway.simulator.smsc import Simulator
from tests.doctor.evidence_values import connector

pytestmark = pytest.mark.integration

PAIR = "transmitter_receiver"
HOME = "Africa/Johannesburg"
"""Two hours ahead of UTC in every month, as two of the profiles are."""


@dataclass(frozen=True)
class Expected:
    """What is to be found: settings that differ from the defaults, and words among what is said."""

    changes: dict[str, Value] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    is_thorough: bool = False
    config: dict[str, object] = field(default_factory=dict)
    number: str = "+33639981234"
    wait_seconds: float = 2.5
    hastened: dict[str, float] = field(default_factory=dict)
    """Faults that come too seldom for a short examination, with seconds between them."""


EXPECTED = {
    "already-bound": Expected({"binds": 1}, config={"binds": 2}),
    "broken-tlvs": Expected(said=("TLVs alone",)),
    "data-sm": Expected(said=("in data_sm", "data_coding 0x08", "user data header")),
    "decimal-ids": Expected({"id_form.receipt": "hex_to_dec"}, said=("a receipt's TLV differs",)),
    "default": Expected(said=("13 receipts came, as a text, and TLVs beside it, in deliver_sm",)),
    "early-receipts": Expected(
        said=("overtook the answer", "on another bind", "came twice"), config={"binds": 2}
    ),
    "errors": Expected(said=("was answered", "err ")),
    "flaky": Expected(said=("The connection ended",), hastened={"drop_every_seconds": 1.5}),
    "half-open": Expected(said=("not even enquire_link",), hastened={"half_open_every_seconds": 1.3}),
    "hex-ids": Expected({"id_form.response": "hex_to_dec"}),
    "latin1": Expected({"default_charset.send": "latin1", "default_charset.receive": "latin1"}),
    "national": Expected(
        {
            "service_type": "CMT",
            "address_form.recipient": "national",
            "address_form.country": "FR",
            "validity": "absolute",
            "time_zone": HOME,
        }
    ),
    "no-esm-class": Expected({"receipts_without_esm_class": True}),
    "no-ids": Expected(said=("taken without an id",)),
    "octets": Expected(said=("13 receipts came",)),
    "odd-ids": Expected({"id_form.strip_zeros": True, "id_form.strip_prefix": "smsc1-"}),
    "odd-responses": Expected(said=("Ids have up to 64 characters",)),
    "odd-texts": Expected(said=("a text alone", "cannot be read")),
    "packed": Expected({"default_charset.send": "gsm_packed"}),
    "per-message": Expected({"receipts": "per_message", "time_zone": HOME}),
    "plus-addresses": Expected({"address_form.recipient": "plus"}, said=("named 36180 as the sender",)),
    "queue-full": Expected(said=("0x14", "of this subscriber, is full"), number="+33639981277"),
    "realistic": Expected(said=("Final receipts came",), wait_seconds=1.5),
    "repeated-ids": Expected(said=("13 receipts came",)),
    "rough": Expected(said=("0x58", "say nothing of a window")),
    "sar-only": Expected({"concatenation": "sar", "max_parts": 4}, is_thorough=True),
    "slow": Expected(said=("Answers took",)),
    "strays": Expected(said=("that nobody asked for",)),
    "strict-window": Expected({"window": 1, "retry.0x45": "throttle"}),
    "throttled": Expected(
        {"window": 10, "parts_per_second": 50},
        is_thorough=True,
        config={"window": 40, "parts_per_second": 200.0},
    ),
    "tlv-only": Expected(said=("TLVs alone", "were intermediate", "quote no text")),
    "transmitter-receiver": Expected(
        {"bind_mode": PAIR, "system_type": "SMPP"}, said=("on a transmitter bind",)
    ),
    "unanswered": Expected(said=("receipts came",)),
    "unbinding": Expected(said=("the peer unbound",), hastened={"unbind_every_seconds": 1.5}),
    "utf8": Expected(
        {"default_charset.send": "utf8", "default_charset.receive": "utf8", "ucs2.send": "little"}
    ),
    "version-33": Expected({"bind_mode": PAIR, "interface_version": "3.3"}),
    "wavering": Expected(said=("were intermediate", "two different final", "where the handset belongs")),
}


async def examine(name: str, expected: Expected) -> tuple[ConnectorConfig, Diagnosis]:
    profile = load_profile(name)
    faults = msgspec.structs.replace(profile.faults, **expected.hastened)
    profile = msgspec.structs.replace(profile, faults=faults)
    async with Simulator(profile, random=Random(7)) as simulator:
        config = connector(hosts=(HostPort("127.0.0.1", simulator.port),), **expected.config)
        terms = Terms(
            number=normalise_any_number(expected.number),
            senders=("SHOP",),
            is_thorough=expected.is_thorough,
            wait_seconds=expected.wait_seconds,
            answer_seconds=1.5,
            link_seconds=0.5,
        )
        evidence = await Examination(config, terms, random=Random(1)).run()
        assert simulator.stats.taken <= terms.most_parts, "no more is billed than was said"
    return config, diagnose(evidence, Case(config, HOME))


async def test_every_shipped_profile_is_recognised_and_its_fragment_makes_a_good_configuration(
    tmp_path: Path,
) -> None:
    """All at once: they wait more than they work, and together take 10 s."""
    assert sorted(EXPECTED) == sorted(shipped_profiles()), "each shipped profile says what is to be found"
    results = await asyncio.gather(*(examine(name, expected) for name, expected in EXPECTED.items()))
    found = {}
    missing = {}
    faults = {}
    for (name, expected), (config, diagnosis) in zip(EXPECTED.items(), results, strict=True):
        found[name] = changes_of(diagnosis, config)
        sentences = " ".join((*diagnosis.remarks, *diagnosis.unseen))
        missing[name] = [words for words in expected.said if words not in sentences]
        path = tmp_path / f"{name}.yaml"
        path.touch(mode=0o600)  # it has a password
        path.write_text(
            "connectors:\n  - name: a\n    hosts: ['127.0.0.1:2775']\n    system_id: a\n    password: x\n"
            + write_fragment(diagnosis.proposals)
        )
        faults[name] = [str(finding) for finding in check_config(path, {})]
    assert found == {name: expected.changes for name, expected in EXPECTED.items()}
    assert not {name: words for name, words in missing.items() if words}
    assert not {name: findings for name, findings in faults.items() if findings}
