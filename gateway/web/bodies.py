"""Reading requests: bodies up to a limit, of the right type, in time; and query parameters.

Owns the bounds that protect the process. What a body means is for others to read.
"""

import asyncio
from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar

import msgspec
from aiohttp import web

from gateway.domain.phone import InvalidNumber, normalise_number
from gateway.domain.public_ids import InvalidPublicId, PublicPrefix, decode_public_id
from gateway.intake.refusals import Refusal
from gateway.intake.requests import decode_body
from gateway.web.problems import ProblemRaised

Wanted = TypeVar("Wanted", bound=msgspec.Struct)

SMALL_BODY_OCTETS = 262_144
"""40,000 characters of text with escapes of six octets each, and metadata."""
_BODY_SECONDS = 30.0
_PARAMETER_CHARACTERS = 200


async def read_json_octets(request: web.Request, *, limit_octets: int = SMALL_BODY_OCTETS) -> bytes:
    """The body of a JSON request. Raises `ProblemRaised` for another type, for too much and for too late."""
    headers = request.headers
    content_type = headers.get("Content-Type", "")
    if content_type != "application/json" and request.content_type != "application/json":
        raise ProblemRaised(
            "unsupported_media_type",
            f"The body is sent as {content_type[:60] or 'nothing in particular'}, not as JSON.",
            "Send the header Content-Type: application/json.",
        )
    if headers.get("Content-Encoding", "identity") != "identity":
        raise ProblemRaised(
            "unsupported_media_type", "Compressed bodies are not read.", "Send the body uncompressed."
        )
    length = request.content_length
    if length is not None and length > limit_octets:
        raise _too_large(limit_octets)
    if request.content.is_eof():
        body = await request.read()
    else:
        body = await _read_slowly(request)
    if len(body) > limit_octets:
        raise _too_large(limit_octets)
    return body


async def _read_slowly(request: web.Request) -> bytes:
    try:
        async with asyncio.timeout(_BODY_SECONDS):
            return await request.read()
    except TimeoutError as exc:
        raise ProblemRaised(
            "body_timeout", f"The body was not complete after {_BODY_SECONDS:.0f} s.", "Send it again."
        ) from exc


def _too_large(limit_octets: int) -> ProblemRaised:
    return ProblemRaised(
        "body_too_large",
        f"The body has more than {limit_octets} octets.",
        "Send less at a time; many messages belong in batches.",
    )


async def read_struct(
    request: web.Request, kind: type[Wanted], *, limit_octets: int = SMALL_BODY_OCTETS
) -> Wanted:
    """A small JSON body as the struct `kind`. Raises `ProblemRaised` with what is wrong in it."""
    body = await read_json_octets(request, limit_octets=limit_octets)
    decoded = decode_body(msgspec.json.Decoder(kind), body)
    if isinstance(decoded, Refusal):
        raise ProblemRaised(decoded.code.value, decoded.detail, decoded.action, path=decoded.path)
    return decoded


class Query:
    """The parameters of a request's query, each read once, unknown ones refused."""

    def __init__(self, request: web.Request, known: tuple[str, ...]) -> None:
        for name in request.query:
            if name not in known:
                shown = name[:40].encode("ascii", "backslashreplace").decode()
                raise ProblemRaised(
                    "invalid_parameter", f"There is no parameter {shown}.", f"Known: {', '.join(known)}."
                )
        self._values: Mapping[str, str] = request.query

    def text(self, name: str) -> str | None:
        """The value; None when absent or empty."""
        value = self._values.get(name)
        if not value:
            return None
        if len(value) > _PARAMETER_CHARACTERS or not value.isprintable() or not _is_encodable(value):
            raise _bad(name, f"takes at most {_PARAMETER_CHARACTERS} printable characters")
        return value

    def integer(self, name: str, *, default: int, low: int, high: int) -> int:
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.isdigit() and len(value) <= 9 and low <= int(value) <= high):
            raise _bad(name, f"is a whole number from {low} to {high}")
        return int(value)

    def public_id(self, name: str, prefix: PublicPrefix) -> int | None:
        """An id as the API shows it, such as `cmp_…`."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return decode_public_id(prefix, value)
        except InvalidPublicId as exc:
            raise _unreadable(name, exc) from exc

    def number(self, name: str, *, default_country: str | None) -> str | None:
        """A phone number in E.164; one without a country code is read in `default_country`."""
        value = self.text(name)
        if value is None:
            return None
        written = f"+{value[1:]}" if value[0] == " " else value  # a "+" that was not percent-encoded
        try:
            return normalise_number(written, default_country=default_country).address
        except InvalidNumber as exc:
            raise _unreadable(name, exc) from exc

    def moment(self, name: str) -> datetime | None:
        value = self.text(name)
        if value is None:
            return None
        # A "+" that was not percent-encoded arrives as a blank.
        try:
            moment = msgspec.convert(value.replace(" ", "+"), datetime)
        except msgspec.ValidationError:
            moment = None
        if moment is None or moment.tzinfo is None:
            raise _bad(name, 'is a time with a UTC offset, such as "2026-03-01T09:30:00Z"')
        return moment


def _is_encodable(value: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in value)


def read_field_id(prefix: PublicPrefix, text: str, path: str) -> int:
    """An id in a body, at the JSON path `path`. Raises `ProblemRaised` for text that is none."""
    try:
        return decode_public_id(prefix, text)
    except InvalidPublicId as exc:
        raise ProblemRaised("invalid_field", str(exc), "Copy the id that the API gave.", path=path) from exc


def _unreadable(name: str, fault: Exception) -> ProblemRaised:
    return ProblemRaised("invalid_parameter", f"The parameter {name}: {fault}", "Correct it.")


def _bad(name: str, rule: str) -> ProblemRaised:
    return ProblemRaised("invalid_parameter", f"The parameter {name} {rule}.", "Correct the parameter.")
