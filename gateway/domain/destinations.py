"""Where a campaign's link may lead, and how that address is spelled in a redirect.

Owns what is checked when a campaign is saved. Only stored addresses are ever redirected to, so what passes
here is what a visitor can be sent to.
"""

from collections.abc import Collection
from typing import Final
from urllib.parse import quote, urlsplit

from yarl import URL

LONGEST_URL: Final = 2_000
"""Characters. Some browsers of handsets and some proxies cut a Location that is longer."""

_ASCII: Final = "".join(map(chr, range(0x21, 0x7F)))


def find_destination_fault(text: str, *, own_hosts: Collection[str]) -> str | None:
    """What speaks against an address, as a sentence's end ("it …"); None when nothing does.

    `own_hosts` are the names under which short links are served: a link to a link would count twice, or lead
    in a circle.
    """
    if len(text) > LONGEST_URL:
        return f"it is longer than {LONGEST_URL} characters"
    if any(character <= " " or character == "\x7f" for character in text):
        return "it contains a space or a control character"
    try:
        url = URL(text)
        scheme, host, port = url.scheme, url.raw_host, url.port
        _spell(text)
    except (ValueError, TypeError):
        return "it is not a URL; copy the whole address from the browser"
    if scheme not in ("http", "https"):
        return "it must begin with https:// or http://"
    if not host or not host.strip("."):
        return "it names no host"
    if url.raw_user is not None or url.raw_password is not None:
        return "it carries a name or a password before the host; leave them out"
    if not port:
        return "its port must be 1–65535"
    host = host.rstrip(".").lower()
    if host in {own.rstrip(".").lower() for own in own_hosts}:
        return "it leads back to the short links' own address; give the page itself"
    if "." not in host and ":" not in host and host != "localhost":
        return "its host is no whole name; write it as www.shop.example"
    return None


def spell_location(text: str) -> str:
    """A checked address in ASCII for the Location header: the host by IDNA, other letters percent-encoded.

    What is ASCII already stays octet for octet: signatures in an address must survive.
    """
    return text if text.isascii() else _spell(text)


def _spell(text: str) -> str:
    parts = urlsplit(text)
    # urlsplit takes blanks out of its text; find_destination_fault has refused those.
    host = URL(text).raw_host or ""
    host = f"[{host}]" if ":" in host else host
    netloc = host if parts.port is None else f"{host}:{parts.port}"
    rest = text[text.index(parts.netloc) + len(parts.netloc) :]
    return f"{parts.scheme}://{netloc}{quote(rest, safe=_ASCII)}"
