"""Time zones from numbers, compared with the library's own look-up."""

from zoneinfo import ZoneInfo

import phonenumbers
import pytest
from phonenumbers import timezone
from phonenumbers.tzdata import TIMEZONE_DATA

from gateway.domain.countries import COUNTRIES
from gateway.domain.time_zones import is_time_zone, zone_of


@pytest.mark.parametrize(
    ("address", "country", "zone"),
    [
        ("33612345678", "FR", "Europe/Paris"),
        ("262692123456", "RE", "Indian/Reunion"),
        ("393331234567", "IT", "Europe/Rome"),
        ("40712345678", "RO", "Europe/Bucharest"),
        ("221771234567", "SN", "Africa/Dakar"),
        ("12125551234", "US", "America/New_York"),
        ("13105551234", "US", "America/Los_Angeles"),
        ("18085551234", "US", "Pacific/Honolulu"),
        ("16025551234", "US", "America/Phoenix"),
        ("14165551234", "CA", "America/Toronto"),
        ("16045551234", "CA", "America/Vancouver"),
        ("18765551234", "JM", "America/Jamaica"),
        ("34612345678", "ES", "Europe/Madrid"),
        ("61412345678", "AU", "Australia/Sydney"),
        ("447911123456", "GB", "Europe/London"),
        ("447781123456", "GG", "Europe/Guernsey"),
        ("5511961234567", "BR", "America/Sao_Paulo"),
        ("881612345678", "ZZ", "UTC"),
    ],
)
def test_a_number_tells_its_zone(address: str, country: str, zone: str) -> None:
    assert zone_of(address, country) == zone


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_the_zone_of_a_countrys_mobile_is_one_that_the_library_names(country: str) -> None:
    example = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    if example is None:
        pytest.skip("no mobile numbers of its own")
    address = phonenumbers.format_number(example, phonenumbers.PhoneNumberFormat.E164)[1:]
    zone = zone_of(address, country)
    assert zone in timezone.time_zones_for_number(example)
    assert is_time_zone(zone)


def test_every_zone_that_a_number_can_have_exists_on_this_machine() -> None:
    for zone in {zone for zones in TIMEZONE_DATA.values() for zone in zones}:
        ZoneInfo(zone)


@pytest.mark.parametrize(
    "name", ["", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "Europe", "posixrules"]
)
def test_what_is_no_zone_is_told_apart(name: str) -> None:
    assert not is_time_zone(name)
    assert is_time_zone("Europe/Paris")
