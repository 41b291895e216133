"""The response to a submit, with the body that the profile gives it. Knows octets; decides nothing."""

from typing import Final, TypeAlias

from gateway.simulator.behaviour import Verdict
from gateway.simulator.profile import ResponseBody
from gateway.smpp import pdus
from gateway.smpp.constants import CommandId

SubmitResponse: TypeAlias = pdus.SubmitSmResp | pdus.DataSmResp | pdus.UnknownPdu

_EMPTY_ID: Final = b"\0"


def write_response(submit: pdus.SubmitSm | pdus.DataSm, verdict: Verdict, number: int) -> SubmitResponse:
    """What answers `submit`, which the client numbered `number`.

    A form that the codec refuses to write, such as an id after a refusal, goes out as raw octets.
    """
    is_submit = isinstance(submit, pdus.SubmitSm)
    carrier_id = verdict.response_id.encode()
    if verdict.body is ResponseBody.NORMAL:
        response_type = pdus.SubmitSmResp if is_submit else pdus.DataSmResp
        return response_type(carrier_id, (), verdict.command_status, number)
    command_id = CommandId.SUBMIT_SM_RESP if is_submit else CommandId.DATA_SM_RESP
    body = b""
    match verdict.body:
        case ResponseBody.EMPTY:
            body = _EMPTY_ID
        case ResponseBody.ID:
            body = carrier_id + b"\0"
        case ResponseBody.UNTERMINATED:
            body = carrier_id
    return pdus.UnknownPdu(command_id.value, body, verdict.command_status, number)
