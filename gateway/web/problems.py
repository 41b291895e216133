"""Everything that an answer can say went wrong, in one JSON shape (RFC 9457, `application/problem+json`).

Owns the status and title of every stable `code`, and the middleware that turns whatever a handler raises
into such an answer. No traceback leaves the process.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import structlog
from aiohttp import web
from aiohttp.typedefs import Handler

from gateway.intake.refusals import Refusal, RefusalCode
from gateway.store.errors import OutcomeUnknown, RowRefused, StoreUnavailable

CONTENT_TYPE = "application/problem+json"
_TYPE_PREFIX = "urn:estafette:problem:"

log = structlog.get_logger("web")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of an answer that is no success. `path` is the place in the request's JSON."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    action: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class ProblemKind:
    """What the answers of one code share."""

    status: int
    title: str


_C = RefusalCode
KINDS: dict[str, ProblemKind] = {
    _C.INVALID_JSON.value: ProblemKind(400, "The body cannot be read"),
    _C.UNKNOWN_FIELD.value: ProblemKind(422, "Unknown field"),
    _C.MISSING_FIELD.value: ProblemKind(422, "Missing field"),
    _C.INVALID_FIELD.value: ProblemKind(422, "Invalid field"),
    _C.BATCH_TOO_LARGE.value: ProblemKind(413, "Batch too large"),
    _C.INVALID_NUMBER.value: ProblemKind(422, "Not a number that can be messaged"),
    _C.DESTINATION_NOT_ALLOWED.value: ProblemKind(422, "Destination not allowed"),
    _C.INVALID_SENDER.value: ProblemKind(422, "Invalid sender"),
    _C.SENDER_MISSING.value: ProblemKind(422, "No sender"),
    _C.TEXT_TOO_LONG.value: ProblemKind(422, "Text too long"),
    _C.TOO_MANY_PARTS.value: ProblemKind(422, "Too many parts"),
    _C.NO_ROUTE.value: ProblemKind(422, "No route"),
    _C.TEST_MODE_OFF.value: ProblemKind(422, "Test mode is off"),
    _C.PRICE_TOO_HIGH.value: ProblemKind(422, "Price above the limit"),
    _C.PRICE_UNKNOWN.value: ProblemKind(422, "Price unknown"),
    _C.INVALID_SEND_AT.value: ProblemKind(422, "Invalid time"),
    _C.INVALID_TTL.value: ProblemKind(422, "Invalid time to live"),
    _C.INVALID_WEBHOOK_URL.value: ProblemKind(422, "Invalid webhook URL"),
    _C.RECIPIENT_OPTED_OUT.value: ProblemKind(422, "Recipient opted out"),
    _C.CONSENT_MISSING.value: ProblemKind(422, "No recorded consent"),
    _C.OTP_CAP_RECIPIENT.value: ProblemKind(429, "Cap on one number reached"),
    _C.OTP_CAP_PREFIX.value: ProblemKind(429, "Cap on a block of numbers reached"),
    _C.SPEND_CAP_DAY.value: ProblemKind(429, "Daily spend cap reached"),
    _C.SPEND_CAP_MONTH.value: ProblemKind(429, "Monthly spend cap reached"),
    _C.SPEND_CAP_CURRENCY.value: ProblemKind(422, "Spend cap cannot be checked"),
    _C.INVALID_IDEMPOTENCY_KEY.value: ProblemKind(400, "Invalid idempotency key"),
    _C.IDEMPOTENCY_KEY_REUSED.value: ProblemKind(422, "Idempotency key reused"),
    _C.IDEMPOTENCY_KEY_IN_USE.value: ProblemKind(409, "Request in progress"),
    _C.NOT_FOUND.value: ProblemKind(404, "Not found"),
    _C.NOT_CANCELLABLE.value: ProblemKind(409, "Too late to cancel"),
    _C.NOT_RESENDABLE.value: ProblemKind(409, "Not at its end"),
    _C.CONTENT_ERASED.value: ProblemKind(409, "Content erased"),
    "invalid_parameter": ProblemKind(400, "Invalid query parameter"),
    "unauthorized": ProblemKind(401, "Unknown API key"),
    "forbidden": ProblemKind(403, "Not allowed"),
    "live_key_needed": ProblemKind(403, "A live key is needed"),
    "no_such_path": ProblemKind(404, "No such path"),
    "method_not_allowed": ProblemKind(405, "Method not allowed"),
    "body_timeout": ProblemKind(408, "Body did not arrive"),
    "verification_running": ProblemKind(409, "A verification is under way"),
    "connector_not_running": ProblemKind(409, "The connector has no binds"),
    "name_taken": ProblemKind(409, "Name taken"),
    "order_conflict": ProblemKind(409, "The order is known otherwise"),
    "list_in_use": ProblemKind(409, "List in use"),
    "campaign_not_draft": ProblemKind(409, "The campaign is no draft"),
    "campaign_state": ProblemKind(409, "Not in this state"),
    "version_conflict": ProblemKind(409, "Changed meanwhile"),
    "recipients_changed": ProblemKind(409, "The number of recipients changed"),
    "no_recipients": ProblemKind(422, "Nobody would get it"),
    "invalid_text": ProblemKind(422, "Text cannot be read"),
    "invalid_link": ProblemKind(422, "Invalid address of a link"),
    "value_missing": ProblemKind(422, "A value is missing"),
    "import_not_ready": ProblemKind(409, "Import not ready"),
    "file_refused": ProblemKind(422, "File cannot be imported"),
    "endpoint_limit": ProblemKind(409, "Too many endpoints"),
    "body_too_large": ProblemKind(413, "Body too large"),
    "unsupported_media_type": ProblemKind(415, "Wrong content type"),
    "too_many_traces": ProblemKind(429, "Too many traces"),
    "internal_error": ProblemKind(500, "Internal error"),
    "store_unavailable": ProblemKind(503, "Nothing can be stored just now"),
    "outcome_unknown": ProblemKind(503, "Outcome not known yet"),
}
"""Every code that an answer may carry."""

_SECONDS_TO_RETRY = {
    _C.IDEMPOTENCY_KEY_IN_USE.value: 1,
    _C.OTP_CAP_RECIPIENT.value: 600,
    _C.OTP_CAP_PREFIX.value: 600,
}


class ProblemRaised(Exception):
    """Leaves a handler early with an answer; only this room raises and catches it."""

    def __init__(
        self,
        code: str,
        detail: str,
        action: str,
        *,
        path: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = describe(code, detail, action, path=path)
        self.headers = dict(headers or {})


def describe(code: str, detail: str, action: str, *, path: str = "") -> Problem:
    """The problem of a code; its status and title come from `KINDS`."""
    kind = KINDS[code]
    return Problem(
        type=_TYPE_PREFIX + code,
        title=kind.title,
        status=kind.status,
        code=code,
        detail=detail,
        action=action,
        path=path,
    )


def describe_refusal(refusal: Refusal) -> Problem:
    return describe(refusal.code.value, refusal.detail, refusal.action, path=refusal.path)


def answer_problem(problem: Problem, headers: Mapping[str, str] | None = None) -> web.Response:
    sent = {"Content-Type": CONTENT_TYPE, **(headers or {})}
    seconds = _SECONDS_TO_RETRY.get(problem.code)
    if seconds is not None:
        sent["Retry-After"] = str(seconds)
    return web.Response(body=msgspec.json.encode(problem), status=problem.status, headers=sent)


def answer_refusal(refusal: Refusal) -> web.Response:
    return answer_problem(describe_refusal(refusal))


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn whatever a handler raises into a problem; what nobody foresaw is logged and answered 500."""
    try:
        return await handler(request)
    except ProblemRaised as raised:
        return answer_problem(raised.problem, raised.headers)
    except StoreUnavailable as exc:
        code, action = "store_unavailable", _REPEAT
        if isinstance(exc, OutcomeUnknown):
            code, action = "outcome_unknown", _ASK_AGAIN
        problem = describe(code, str(exc)[:1].upper() + str(exc)[1:] + ".", action)
        return answer_problem(problem, {"Retry-After": str(exc.retry_after_seconds)})
    except RowRefused as exc:
        return answer_problem(
            describe("invalid_field", f"The database refused a value: {exc.fault}.", "Correct the value.")
        )
    except web.HTTPException as exc:
        return _answer_http_exception(request, exc)
    except ConnectionError:
        if not _is_gone(request):
            raise
        return web.Response(status=_CALLER_GONE)  # raised, aiohttp would log it as a fault of ours
    except Exception:
        log.exception("request.failed", method=request.method, path=request.path)
        problem = describe(
            "internal_error", "The server made a mistake, which it has logged.", "Tell the operator the time."
        )
        return answer_problem(problem)


_REPEAT = "Repeat the request with the same Idempotency-Key."
_ASK_AGAIN = (
    "Repeat the request with the same Idempotency-Key: it is then carried out once. Without a key, look "
    "first whether it was done."
)
_CALLER_GONE = 499
"""What some proxies log for a caller who hung up; nobody receives it."""


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _answer_http_exception(request: web.Request, exc: web.HTTPException) -> web.Response:
    """What aiohttp itself refuses, in our words."""
    if isinstance(exc, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(exc.allowed_methods))
        problem = describe(
            "method_not_allowed", f"{request.method} is not possible here.", f"Use one of: {allowed}."
        )
        return answer_problem(problem, {"Allow": allowed})
    if isinstance(exc, web.HTTPRequestEntityTooLarge):
        return answer_problem(describe("body_too_large", "The body is too large.", "Send a smaller one."))
    if exc.status == 404:
        return answer_problem(
            describe("no_such_path", "There is nothing at this path.", "See /v1/openapi.yaml for the paths.")
        )
    if exc.status >= 500:
        log.error("request.failed", method=request.method, path=request.path, status=exc.status)
        return answer_problem(describe("internal_error", "The server made a mistake.", "Tell the operator."))
    return answer_problem(describe("invalid_json", f"{exc.reason}.", "Correct the request."))
