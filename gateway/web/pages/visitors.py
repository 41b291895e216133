"""Who visits: the address behind trusted proxies, what of it is kept, and the group that limits go by.

Owns addresses only; what a visitor is (a person, a machine) is judged in `domain.clicks`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp import hdrs, web

Network = IPv4Network | IPv6Network

_FORWARDED_OCTETS: Final = 512
_V6_BITS: Final = 48
_V4 = re.compile(r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}")


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request came from. `group` is what is kept and limited as one: the first of the 256 addresses
    (of IPv6, of the 2⁸⁰) around it, for a provider's customers share about this much. Both are empty where
    the address is not known."""

    address: str
    group: str


class Visitors:
    """Reads visitors' addresses; believes no proxy until it is told of some."""

    def __init__(self) -> None:
        self._trusted: tuple[Network, ...] = ()
        self._keep_whole = False
        self._is_trusted = lru_cache(maxsize=1_024)(self._look_up_trust)

    def configure(self, trusted_proxies: Sequence[Network], *, keep_whole: bool) -> None:
        """`trusted_proxies` are those whose X-Forwarded-For is believed."""
        self._trusted = tuple(trusted_proxies)
        self._keep_whole = keep_whole
        self._is_trusted.cache_clear()

    def look_at(self, request: web.Request) -> Visitor:
        """The last address that no proxy of ours stands at: what is left of it, anyone may have written."""
        address = _parse(request.remote or "")
        if self._trusted:
            forwarded = request.headers.get(hdrs.X_FORWARDED_FOR, "")[-_FORWARDED_OCTETS:]
            for hop in reversed(forwarded.split(",")):
                if not self._is_trusted(address):
                    break
                told = _parse(hop.strip())
                if not told:
                    break
                address = told
        return Visitor(address, _group_of(address))

    def keep(self, visitor: Visitor) -> str | None:
        """What is stored of the address: the first of its group, unless the whole is to be kept."""
        return (visitor.address if self._keep_whole else visitor.group) or None

    def _look_up_trust(self, address: str) -> bool:
        return bool(address) and any(ip_address(address) in network for network in self._trusted)


def _parse(text: str) -> str:
    """An address in its shortest spelling, with or without a port or brackets before, an IPv4 one inside IPv6
    as itself; empty if it is none. IPv4 is read by a pattern: 1 µs where `ipaddress` takes 5."""
    if _V4.fullmatch(text):
        return text
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _group_of(address: str) -> str:
    if ":" in address:
        return str(ip_network((address, _V6_BITS), strict=False).network_address)
    return address and address.rpartition(".")[0] + ".0"
