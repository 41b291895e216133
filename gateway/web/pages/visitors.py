"""Who visits: the address behind trusted proxies, what of it is kept, and the group that limits go by.

Owns addresses only; what a visitor is (a person, a machine) is judged in `domain.clicks`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from aiohttp import web

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_GROUP_BITS: Final = {4: 24, 6: 48}
"""What of an address is kept and limited as one: a provider's customers share about this much."""
_FORWARDED_OCTETS: Final = 512
_UNKNOWN: Final = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Where a request came from; `group` is the network of 256 addresses (2⁸⁰ of IPv6) around it."""

    address: Address
    group: str


class Visitors:
    """Reads visitors' addresses; believes no proxy until it is told of some."""

    def __init__(self) -> None:
        self._trusted: tuple[Network, ...] = ()
        self._keep_whole = False
        self._read = lru_cache(maxsize=4_096)(self._read_visitor)

    def configure(self, trusted_proxies: Sequence[Network], *, keep_whole: bool) -> None:
        """`trusted_proxies` are those whose X-Forwarded-For is believed."""
        self._trusted = tuple(trusted_proxies)
        self._keep_whole = keep_whole
        self._read.cache_clear()

    def look_at(self, request: web.Request) -> Visitor:
        forwarded = request.headers.get("X-Forwarded-For", "") if self._trusted else ""
        return self._read(request.remote or "", forwarded[-_FORWARDED_OCTETS:])

    def keep(self, visitor: Visitor) -> str | None:
        """What is stored of the address: the first of its group, unless the whole is to be kept."""
        if visitor.address == _UNKNOWN:
            return None
        return str(visitor.address) if self._keep_whole else visitor.group.partition("/")[0]

    def _read_visitor(self, remote: str, forwarded: str) -> Visitor:
        """The last address that no proxy of ours stands at: what is left of it, anyone may have written."""
        address = _parse(remote)
        for hop in reversed(forwarded.split(",")):
            if not self._is_trusted(address):
                break
            told = _parse(hop.strip())
            if told == _UNKNOWN:
                break
            address = told
        return Visitor(address, _group_of(address))

    def _is_trusted(self, address: Address) -> bool:
        return any(address in network for network in self._trusted)


def _parse(text: str) -> Address:
    """An address, with or without a port or brackets, an IPv4 one inside IPv6 as itself; 0.0.0.0 if none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return _UNKNOWN
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _group_of(address: Address) -> str:
    return str(ip_network((address, _GROUP_BITS[address.version]), strict=False))
