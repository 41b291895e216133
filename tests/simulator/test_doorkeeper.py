import pytest

from gateway.simulator.doorkeeper import Doorkeeper
from gateway.simulator.profile_reading import parse_profile
from gateway.smpp.pdus import BindTransceiver


def doorkeeper(yaml: str) -> Doorkeeper:
    return Doorkeeper(parse_profile(f"bind: {{{yaml}}}", source="test").bind)


def judge(keeper: Doorkeeper, *, sessions: int = 0, now: float = 0.0, **fields: bytes) -> int:
    bind = BindTransceiver(system_id=b"shop", password=b"secret", **fields)  # type: ignore[arg-type]
    return keeper.judge(bind, "shop", "transceiver", sessions=sessions, now=now)


def test_a_lost_session_takes_its_place_until_it_is_noticed() -> None:
    keeper = doorkeeper("sessions_per_account: 1, remembers_seconds: 5")
    assert judge(keeper) == 0
    keeper.note_lost("shop", now=10.0)
    assert judge(keeper, now=14.9) == 0x05
    assert judge(keeper, now=15.0) == 0


def test_ghosts_and_living_sessions_count_together() -> None:
    keeper = doorkeeper("sessions_per_account: 2, remembers_seconds: 5")
    keeper.note_lost("shop", now=0.0)
    assert judge(keeper, sessions=0, now=1.0) == 0
    assert judge(keeper, sessions=1, now=1.0) == 0x05
    keeper.note_lost("other", now=0.0)
    assert judge(keeper, sessions=1, now=6.0) == 0


@pytest.mark.parametrize(
    ("yaml", "fields", "status"),
    [
        ("system_type: SMPP", {}, 0x53),
        ("system_type: SMPP", {"system_type": b"SMPP"}, 0),
        ('address_range: "^36"', {}, 0x0D),
        ('address_range: "^36"', {"address_range": b"^36"}, 0),
        ("modes: [receiver]", {}, 0x0D),
        ("modes: [receiver], mode_refused_with: 0x03", {}, 0x03),
        ("refuse_with: 0x0d", {}, 0x0D),
    ],
)
def test_a_bind_must_say_what_the_carrier_wants_to_hear(
    yaml: str, fields: dict[str, bytes], status: int
) -> None:
    assert judge(doorkeeper(yaml), **fields) == status
