"""What a message says, text or octets: its plan for the wire, or why it has none.

Owns the refusals of contents. Knows no recipient.
"""

from gateway.intake.refusals import Refusal, RefusalCode
from gateway.intake.requests import SendRequest
from gateway.smpp.carrier_text import AS_USUAL, CarrierText, plan_carrier_text
from gateway.smpp.errors import TextTooLong
from gateway.smpp.split import TextPlan, plan_binary

CONTENT_MISSING = Refusal(
    RefusalCode.MISSING_FIELD, "$.text", "There is neither text nor binary.", "Add one of the two."
)
CONTENT_TWICE = Refusal(
    RefusalCode.INVALID_FIELD, "$.binary", "There are both text and binary.", "Leave one of the two out."
)


class LastContent:
    """Plans contents, and remembers the text that came last: a batch mostly has one for many people."""

    def __init__(self) -> None:
        self._text: str | None = None
        self._smart = False
        self._wants = AS_USUAL
        self._planned: TextPlan | Refusal = CONTENT_MISSING

    def plan(self, request: SendRequest, wants: CarrierText) -> TextPlan | Refusal:
        text = request.text
        if text is None:
            return _plan_content(request, wants)
        if text == self._text and request.smart_encoding is self._smart and wants is self._wants:
            return self._planned
        planned = _plan_content(request, wants)
        self._text, self._smart, self._wants, self._planned = text, request.smart_encoding, wants, planned
        return planned


def _plan_content(request: SendRequest, wants: CarrierText) -> TextPlan | Refusal:
    try:
        if request.text is not None:
            return plan_carrier_text(request.text, wants, smart=request.smart_encoding)
        assert request.binary is not None  # one of the two is there
        return plan_binary(request.binary, concat=wants.concat)
    except TextTooLong as exc:
        path = "$.text" if request.text is not None else "$.binary"
        return Refusal(
            RefusalCode.TEXT_TOO_LONG,
            path,
            f"It needs {exc.parts} parts and a message has at most {exc.most}.",
            "Shorten it.",
        )
