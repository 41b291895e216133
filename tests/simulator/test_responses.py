import pytest

from gateway.simulator.behaviour import Verdict
from gateway.simulator.profile import ResponseBody
from gateway.simulator.responses import write_response
from gateway.smpp.codec import encode
from gateway.smpp.pdus import DataSm, SubmitSm


@pytest.mark.parametrize(
    ("status", "body", "octets"),
    [
        (0, ResponseBody.NORMAL, b"77\0"),
        (0x58, ResponseBody.NORMAL, b""),
        (0, ResponseBody.NONE, b""),
        (0, ResponseBody.EMPTY, b"\0"),
        (0x0B, ResponseBody.ID, b"77\0"),
        (0, ResponseBody.UNTERMINATED, b"77"),
    ],
)
def test_a_response_has_the_body_of_the_profile(status: int, body: ResponseBody, octets: bytes) -> None:
    verdict = Verdict(status, True, response_id="77", body=body)
    written = encode(write_response(SubmitSm(), verdict, 5))
    assert written[4:8] == b"\x80\0\0\4"
    assert (int.from_bytes(written[8:12], "big"), written[15], written[16:]) == (status, 5, octets)
    assert encode(write_response(DataSm(), verdict, 5))[4:8] == b"\x80\0\1\3"
