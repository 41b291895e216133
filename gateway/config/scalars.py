"""The kinds of single values that keys have: their patterns, bounds and how an error calls them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Name = Annotated[
    str,
    Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,31}$", description="1 to 32 lower-case letters, digits and hyphens"),
]
Country = Annotated[
    str, Meta(pattern=r"^[A-Z]{2}$", description="a two-letter ISO 3166 code in capitals, such as FR")
]
CountryOrAny = Annotated[
    str, Meta(pattern=r"^([A-Z]{2}|\*)$", description='a two-letter ISO 3166 code, or "*" for any')
]
Currency = Annotated[
    str, Meta(pattern=r"^[A-Z]{3}$", description="a three-letter ISO 4217 code in capitals, such as EUR")
]
Prefix = Annotated[
    str, Meta(pattern=r"^[1-9][0-9]{0,14}$", description='digits in quotes, no "+", such as "33"')
]
PrefixOrAny = Annotated[
    str, Meta(pattern=r"^([1-9][0-9]{0,14})?$", description='digits in quotes, no "+", or ""')
]
Address = Annotated[
    str, Meta(min_length=1, max_length=20, description="an address of 1 to 20 characters, in quotes")
]
Url = Annotated[
    str,
    Meta(
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$", description="an http:// or https:// URL without a query"
    ),
]
Network = Annotated[
    str,
    Meta(
        pattern=r"^[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?$",
        description="an IP address or a network, such as 10.0.0.0/8",
    ),
]
Host = Annotated[str, Meta(min_length=1, max_length=253, description="a host name or an IP address")]
Path = Annotated[str, Meta(min_length=1, max_length=4096, description="a path")]
Port = Annotated[int, Meta(ge=1, le=65535)]
HoursOfDay = Annotated[
    str,
    Meta(
        pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
        description='local time as "08:00-20:00", in quotes',
    ),
]
DayOfYear = Annotated[
    str,
    Meta(
        pattern=r"^([0-9]{4}-)?(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
        description='a day as "2026-12-26", or "12-26" for every year, in quotes',
    ),
]
TypeOfNumber = Annotated[int, Meta(ge=0, le=6)]
NumberingPlan = Annotated[int, Meta(ge=0, le=18)]
