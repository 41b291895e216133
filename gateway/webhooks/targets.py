"""Where the gateway may post: which URLs are well formed, and which addresses are public.

Shops choose these URLs, so each is an attempt to reach the operator's own network until shown otherwise.
The resolver hands aiohttp only addresses that it has checked, and aiohttp connects to exactly those, so a
name that changes its address between check and connection gains nothing.
"""

import asyncio
import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from gateway.webhooks.errors import TargetRefused

MAX_URL_CHARACTERS = 2048
_LOCAL_NAMES = ("localhost", "local", "internal", "localdomain", "home.arpa")
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
"""RFC 6052 and RFC 8215: the last four octets are an IPv4 address."""
_SITE_LOCAL = IPv6Network("fec0::/10")
_RESOLVER_THREADS = 16
"""A lookup may block for the system's resolver time-out, often 10 s or more; these are not the loop's own
threads, so that names which do not answer hold up nothing but other webhooks' first lookups."""

Address = IPv4Address | IPv6Address


def parse_target(text: str, *, allow_private: bool) -> URL:
    """The URL to post to, checked as far as that goes without asking DNS. Raises `TargetRefused`.

    International names are turned into their ASCII form (IDNA), before anything is checked.
    """
    if len(text) > MAX_URL_CHARACTERS:
        raise TargetRefused(text[:64] + "…", f"it is longer than {MAX_URL_CHARACTERS} characters")
    if any(character <= " " or character == "\x7f" for character in text):
        raise TargetRefused(text, "it contains a space or a control character")
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except (ValueError, TypeError) as exc:
        raise TargetRefused(text, "it is not a URL") from exc
    if url.scheme not in ("http", "https"):
        raise TargetRefused(text, "it must begin with https:// or http://")
    if not host or not host.strip("."):
        raise TargetRefused(text, "it names no host")
    if url.raw_user is not None or url.raw_password is not None:
        raise TargetRefused(url.with_user(None).human_repr(), "leave name and password out of it")
    if not port:
        raise TargetRefused(text, "its port must be 1–65535")
    _check_host(text, host.rstrip(".").lower(), allow_private=allow_private)
    return url


def find_url_fault(text: str, *, allow_private: bool) -> str | None:
    """What `parse_target` has against a URL; None when it has nothing. For a `webhook_url` at acceptance."""
    try:
        parse_target(text, allow_private=allow_private)
    except TargetRefused as exc:
        return exc.fault
    return None


def _check_host(text: str, host: str, *, allow_private: bool) -> None:
    try:
        address = ip_address(host)
    except ValueError:
        last_label = host.rpartition(".")[2]
        if last_label.isdigit() or last_label.startswith("0x"):
            # 127.1, 2130706433 and 0x7f000001 are the loopback address to many a resolver.
            raise TargetRefused(text, "write an IP address as four decimal numbers") from None
        if not allow_private and any(host == name or host.endswith("." + name) for name in _LOCAL_NAMES):
            raise TargetRefused(text, f"{host} is a name of the local network; {_HOW_TO_ALLOW}") from None
        return
    fault = find_fault(address, allow_private=allow_private)
    if fault:
        raise TargetRefused(text, fault)


_HOW_TO_ALLOW = "only an operator who sets webhooks.allow_private allows that"


def find_fault(address: Address, *, allow_private: bool) -> str | None:
    """Why this address may not be posted to; None when it may."""
    real = _unwrap(address)
    if real.is_unspecified or real.is_multicast or real == IPv4Address("255.255.255.255"):
        return f"{address} is not the address of one host"
    if allow_private:
        return None
    if not real.is_global or real.is_reserved or (isinstance(real, IPv6Address) and real in _SITE_LOCAL):
        return f"{address} is a private, loopback, link-local or reserved address; {_HOW_TO_ALLOW}"
    return None


def _unwrap(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for (mapped, compatible, 6to4, NAT64, Teredo), else itself."""
    if isinstance(address, IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if any(address in network for network in _NAT64) or (int(address) >> 32 == 0 and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


class GuardedResolver(AbstractResolver):
    """DNS for aiohttp that answers only with addresses a webhook may go to.

    One bad address among several refuses the name: a shop whose name is half private has made a mistake that
    it should hear of, and no retry order should decide where its events go.
    """

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._threads = ThreadPoolExecutor(_RESOLVER_THREADS, thread_name_prefix="webhook-dns")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises `TargetRefused` for a private address, `OSError` when the name has none."""
        infos = await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)
        )
        checked: list[ResolveResult] = []
        for found_family, _, proto, _, sockaddr in infos:
            literal = str(sockaddr[0])
            fault = find_fault(ip_address(literal), allow_private=self._allow_private)
            if fault:
                raise TargetRefused(host, fault)
            checked.append(
                ResolveResult(
                    hostname=host,
                    host=literal,
                    port=port,
                    family=found_family,
                    proto=proto,
                    flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
                )
            )
        return checked

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
